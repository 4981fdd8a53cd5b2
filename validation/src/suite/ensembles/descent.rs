//! Every optimizer and every sampling after a few steps, against the mean over all batches that could have been drawn.
//!
//! Four samples of a linear regression in one variable: the batches of some steps can be listed, and each list followed by the formulas
//! of the optimizer, written down here once more.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::model::{ImportanceSampled, LossScale, Model, Sampling, Scheme};
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_solvers::problem::{Minibatch, Problem, Replacement};
use fpsolve_solvers::sgd::optimizer::OPTIMIZERS;
use fpsolve_solvers::sgd::{Sgd, SgdOptions};

use super::super::solve::line;
use super::super::{RATE, Rows, Setting};
use super::walkers;
use crate::reference::descent::LinearRegression;
use crate::statistics::{Estimate, draws_for_variance};

const INPUTS: [f64; 4] = [1.0, 0.5, 1.5, 1.0];
const TARGETS: [f64; 4] = [-1.0, 0.5, -0.7, 1.2];
const START: f64 = 0.4;
const RATE_OF_DESCENT: f64 = 0.2;
/// Relative difference of a variance that must be seen.
const SEEN: f64 = 0.05;

/// Position and what is remembered besides.
#[derive(Clone, Copy)]
struct State {
    x: f64,
    memory: [f64; 2],
}

/// An optimizer, parameters that are not its defaults, and its step number k (from 0) with the gradient g.
type Formula = (&'static str, &'static [(&'static str, f64)], fn(&mut State, u32, f64));

/// The formulas of the table of optimizers, η = 0.2.
const FORMULAS: [Formula; 8] = [
    ("sgd", &[], |s, _, g| s.x -= RATE_OF_DESCENT * g),
    ("momentum", &[("mu", 0.7)], |s, _, g| {
        s.memory[0] = 0.7 * s.memory[0] - RATE_OF_DESCENT * g;
        s.x += s.memory[0];
    }),
    ("nesterov", &[("mu", 0.7)], |s, _, g| {
        s.memory[0] = 0.7 * s.memory[0] - RATE_OF_DESCENT * g;
        s.x += 0.7 * s.memory[0] - RATE_OF_DESCENT * g;
    }),
    ("ema", &[("mu", 0.7)], |s, _, g| {
        s.memory[0] = 0.7 * s.memory[0] + 0.3 * g;
        s.x -= RATE_OF_DESCENT * s.memory[0];
    }),
    ("rmsprop", &[("rho", 0.8), ("epsilon", 0.1)], |s, _, g| {
        s.memory[0] = 0.8 * s.memory[0] + 0.2 * g * g;
        s.x -= RATE_OF_DESCENT * g / (s.memory[0].sqrt() + 0.1);
    }),
    ("adam", &[("beta1", 0.7), ("beta2", 0.9), ("epsilon", 0.1)], |s, k, g| {
        let k = k as i32 + 1;
        s.memory = [0.7 * s.memory[0] + 0.3 * g, 0.9 * s.memory[1] + 0.1 * g * g];
        let [v, w] = [s.memory[0] / (1.0 - 0.7f64.powi(k)), s.memory[1] / (1.0 - 0.9f64.powi(k))];
        s.x -= RATE_OF_DESCENT * v / (w.sqrt() + 0.1);
    }),
    ("svag", &[("l", 3.0)], |s, _, g| s.x -= RATE_OF_DESCENT / 3.0 * g),
    ("gd", &[], |s, _, g| s.x -= RATE_OF_DESCENT * g),
];

/// What can happen in one step from a state: gradients with their probabilities.
type Outcomes<'a> = &'a dyn Fn(f64) -> Vec<(f64, f64)>;

fn gradient(sample: usize, x: f64) -> f64 {
    INPUTS[sample] * (INPUTS[sample] * x - TARGETS[sample])
}

/// Mean gradient of a batch.
fn of_batch(batch: &[usize], x: f64) -> f64 {
    batch.iter().map(|&s| gradient(s, x)).sum::<f64>() / batch.len() as f64
}

/// Adds probability, mean and mean square of the positions after the steps that are left.
fn follow(
    state: State,
    k: u32,
    steps: u32,
    weight: f64,
    step: fn(&mut State, u32, f64),
    of: Outcomes,
    sums: &mut [f64; 3],
) {
    if k == steps {
        let terms = [1.0, state.x, state.x * state.x];
        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += weight * term);
        return;
    }
    for (gradient, share) in of(state.x) {
        let mut next = state;
        step(&mut next, k, gradient);
        follow(next, k + 1, steps, weight * share, step, of, sums);
    }
}

/// Mean and variance after some steps.
fn law(steps: u32, step: fn(&mut State, u32, f64), of: Outcomes) -> [f64; 2] {
    let mut sums = [0.0; 3];
    follow(State { x: START, memory: [0.0; 2] }, 0, steps, 1.0, step, of, &mut sums);
    [sums[1] / sums[0], sums[2] / sums[0] - (sums[1] / sums[0]).powi(2)]
}

/// One sample, each as likely.
fn one(x: f64) -> Vec<(f64, f64)> {
    (0..4).map(|s| (gradient(s, x), 0.25)).collect()
}

/// Every optimizer of the table, then every sampling. Errors: those of the engine.
pub(super) fn descent(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let plain = law(5, FORMULAS[0].2, &one);
    for entry in OPTIMIZERS {
        let Some((name, parameters, step)) = FORMULAS.iter().find(|formula| formula.0 == entry.name) else {
            rows.below(format!("{}: formulas written down for the suite", entry.name), f64::NAN, 0.0, "add them");
            continue;
        };
        let full = |x: f64| vec![(of_batch(&[0, 1, 2, 3], x), 1.0)];
        let root = 5f64.sqrt(); // √(2l − 1) for l = 3
        let pair = |x: f64| -> Vec<(f64, f64)> {
            let both = (0..16).map(|ab| [gradient(ab % 4, x), gradient(ab / 4, x)]);
            both.map(|[a, b]| (0.5 * (1.0 + root) * a + 0.5 * (1.0 - root) * b, 1.0 / 16.0)).collect()
        };
        let of: Outcomes = match *name {
            "gd" => &full,
            "svag" => &pair,
            _ => &one,
        };
        let (exact, steps) = (law(5, *step, of), 5);
        let problem = problem(setting, Arc::new(regression()), 1, Replacement::With)?;
        let parameters = parameters.iter().map(|(key, value)| (key.to_string(), *value)).collect();
        let options = SgdOptions { optimizer: name.to_string(), parameters, ..options() };
        let estimates = run(setting, &problem, steps, options)?;
        if exact[1] < 1e-20 {
            rows.near(format!("{name}, 5 steps: mean"), estimates[0].value, exact[0], 1e-13, "(1 − ηλ)^k, no noise");
            continue;
        }
        hold(rows, &format!("{name}, 5 steps"), estimates, exact, "all batches listed, its formulas followed");
        if *name != "sgd" {
            rows.is_not(&format!("{name}: variance of plain descent"), estimates[1], plain[1], "the optimizer is seen");
        }
    }
    samplings(setting, rows)
}

fn samplings(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let plain = FORMULAS[0].2;
    let pairs = || (0..16usize).map(|ab| [ab % 4, ab / 4]);
    let with = |x: f64| pairs().map(|batch| (of_batch(&batch, x), 1.0)).collect::<Vec<_>>();
    let distinct = |x: f64| pairs().filter(|[a, b]| a != b).map(|batch| (of_batch(&batch, x), 1.0)).collect::<Vec<_>>();
    let one_of = |replacement: Replacement| -> Result<[Estimate; 2], Error> {
        run(setting, &problem(setting, Arc::new(regression()), 2, replacement)?, 4, options())
    };
    let [exact_with, exact_without, exact_epoch] = [law(4, plain, &with), law(4, plain, &distinct), epochs()];
    let why = "all batches listed";
    let found = one_of(Replacement::With)?;
    hold(rows, "with replacement, 4 steps", found, exact_with, why);
    rows.is_not("with replacement: variance without", found[1], exact_without[1], "the two are told apart");
    let found = one_of(Replacement::Without)?;
    hold(rows, "without replacement, 4 steps", found, exact_without, why);
    rows.is_not("without replacement: variance with", found[1], exact_with[1], "the two are told apart");
    let found = one_of(Replacement::Epoch)?;
    hold(rows, "reshuffled epochs, 4 steps", found, exact_epoch, "all orders of two epochs listed");
    rows.is_not("epochs: variance without replacement", found[1], exact_without[1], "the two are told apart");
    // samples that fit are drawn more often: p ∝ e^{−l/τ}
    let tau = 0.5;
    let by_fit = move |x: f64| -> Vec<(f64, f64)> {
        let loss = |s: usize| 0.5 * (INPUTS[s] * x - TARGETS[s]).powi(2);
        let total: f64 = (0..4).map(|s| (-loss(s) / tau).exp()).sum();
        (0..4).map(|s| (gradient(s, x), (-loss(s) / tau).exp() / total)).collect()
    };
    let scheme = Scheme::SoftMin { scale: LossScale::Constant(1.0), smoothing: tau };
    let model = ImportanceSampled::by(Arc::new(regression()), Sampling::of(scheme, false))?;
    let found = run(setting, &problem(setting, Arc::new(model), 1, Replacement::With)?, 4, options())?;
    hold(rows, "by importance, 4 steps", found, law(4, plain, &by_fit), "all batches with their probabilities");
    rows.is_not("by importance: mean of uniform draws", found[0], law(4, plain, &one)[0], "the two are told apart");
    Ok(())
}

/// Mean and variance after two epochs of two batches of two, over all pairs of orders.
fn epochs() -> [f64; 2] {
    let orders: Vec<[usize; 4]> = (0..256usize)
        .map(|code| [code % 4, code / 4 % 4, code / 16 % 4, code / 64])
        .filter(|order| (0..4).all(|s| order.contains(&s)))
        .collect();
    let after =
        |x: f64, order: &[usize; 4]| order.chunks(2).fold(x, |x, batch| x - RATE_OF_DESCENT * of_batch(batch, x));
    let ends: Vec<f64> = orders.iter().flat_map(|a| orders.iter().map(move |b| after(after(START, a), b))).collect();
    let mean = ends.iter().sum::<f64>() / ends.len() as f64;
    [mean, ends.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / ends.len() as f64]
}

fn regression() -> LinearRegression {
    LinearRegression::new(&INPUTS, &TARGETS)
}

fn options() -> SgdOptions {
    SgdOptions { walkers: draws_for_variance(SEEN, RATE), ..SgdOptions::default() }
}

fn problem(
    setting: &Setting,
    model: Arc<dyn Model>,
    batch_size: usize,
    replacement: Replacement,
) -> Result<Problem, Error> {
    let dynamics = super::minibatch_dynamics(&model)?;
    let minibatch = Minibatch { learning_rate: RATE_OF_DESCENT, batch_size, replacement };
    let initial = Initial::Point { at: vec![START] };
    let temperature = minibatch.temperature(4);
    let problem = setting.problem(dynamics, temperature, &line(-3.0, 3.0, 16)?, initial, vec![0.0, 100.0]);
    Ok(Problem { model, minibatch: Some(minibatch), ..problem })
}

/// Mean and variance of the walkers after some steps.
fn run(setting: &Setting, problem: &Problem, steps: u64, options: SgdOptions) -> Result<[Estimate; 2], Error> {
    let step = options.build()?.step_time(RATE_OF_DESCENT);
    let mut sgd = Sgd::new(problem, options)?;
    sgd.advance(steps as f64 * step, setting.interrupt)?;
    let (points, n) = walkers(sgd.ensemble());
    Ok([Estimate::mean(&points, n, 0), Estimate::covariance(&points, n, 0, 0)])
}

fn hold(rows: &mut Rows, what: &str, found: [Estimate; 2], exact: [f64; 2], why: &str) {
    rows.is(&format!("{what}: mean"), found[0], exact[0], why);
    rows.is(&format!("{what}: variance"), found[1], exact[1], why);
}
