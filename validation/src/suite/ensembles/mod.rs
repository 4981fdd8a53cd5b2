//! Walkers against the exact laws of their own steps: no bias of a step to argue about.

mod descent;

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::diffusion::Minibatch as MinibatchNoise;
use fpsolve_solvers::dynamics::GradientDynamics;
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::ensemble::{BLOCK, Ensemble};
use fpsolve_solvers::langevin::{Langevin, LangevinOptions};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_solvers::problem::{Minibatch, Problem, Replacement};
use fpsolve_solvers::sgd::{Sgd, SgdOptions};

use super::solve::{boxed, line};
use super::{RATE, Rows, Setting, Suite};
use crate::reference::descent::{LinearRegression, Quadratic};
use crate::reference::line::Line;
use crate::reference::linear::{Law, OrnsteinUhlenbeck};
use crate::statistics::{Estimate, apart, draws_for_variance, normal_quantile, standard_errors};

/// The suite.
pub(super) static SUITE: Suite = Suite {
    name: "ensembles",
    about: "Langevin and SGD walkers, every optimizer and sampling, against the exact laws of their own discrete steps",
    run,
};

impl Rows<'_> {
    /// An estimate is within the standard errors of the false-alarm rate from a number.
    fn is(&mut self, what: &str, estimate: Estimate, exact: f64, why: &str) {
        let sigmas = standard_errors(RATE);
        let seen = apart(RATE) * estimate.error;
        let why = format!("{why}; false alarms 1e-6, a difference of {seen:.1e} is missed with 1e-6");
        self.near(what, estimate.value, exact, sigmas * estimate.error, why);
    }

    /// An estimate is too far from a wrong number to be taken for it.
    fn is_not(&mut self, what: &str, estimate: Estimate, wrong: f64, why: &str) {
        let why = format!("{why}; so far apart one is taken for the other with 1e-6");
        self.above(format!("{what}, standard errors away"), estimate.off(wrong), apart(RATE), why);
    }
}

/// The walkers of an ensemble, coordinate-major.
fn walkers(ensemble: &Ensemble) -> (Vec<f64>, usize) {
    let n = ensemble.walkers();
    (ensemble.first_points(n), n)
}

/// Descent of a model's loss with the noise of its batches. Errors: a model without samples.
fn minibatch_dynamics(model: &Arc<dyn Model>) -> Result<Arc<dyn Dynamics>, Error> {
    Ok(Arc::new(GradientDynamics::new(Arc::clone(model), Arc::new(MinibatchNoise::new(&**model)?))))
}

fn run(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    euler_maruyama(setting, rows)?;
    at_rest(setting, rows)?;
    quadratic(setting, rows)?;
    without_replacement(setting, rows)?;
    heavy_ball(setting, rows)?;
    regression_in_the_plane(setting, rows)?;
    descent::descent(setting, rows)?;
    rotating(setting, rows)
}

/// B01: m' = (1 − λh) m, v' = (1 − λh)² v + 2Th in each step; and blocks of walkers are independent of each other.
fn euler_maruyama(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let (process, h, steps) = (OrnsteinUhlenbeck::b01(), 0.05, 14);
    let grid = line(-1.0, 1.8, 56)?;
    let initial = Initial::Point { at: vec![1.0] };
    let problem = setting.problem(Arc::new(process.clone()), 0.1, &grid, initial, vec![0.0, 0.7]);
    // noise 1 % too strong is a variance 2.01 % too large
    let options =
        LangevinOptions { walkers: draws_for_variance(0.0201, RATE), step: Some(h), ..LangevinOptions::default() };
    let mut langevin = Langevin::new_until(&problem, options, setting.interrupt)?;
    langevin.advance(0.7, setting.interrupt)?;
    let (points, n) = walkers(langevin.ensemble());
    let (keep, noise) = (1.0 - 1.5 * h, 0.2 * h);
    let (m, v) = (0..steps).fold((1.0, 0.0), |(m, v), _| (keep * m, keep * keep * v + noise));
    let (mean, variance) = (Estimate::mean(&points, n, 0), Estimate::covariance(&points, n, 0, 0));
    rows.is("B01, 14 steps of Euler–Maruyama: mean", mean, m, "its own recursion");
    rows.is("B01, 14 steps of Euler–Maruyama: variance", variance, v, "its own recursion");
    rows.is_not("B01: mean from 13 or 15 steps", mean, m * keep, "one step more or less");
    let law = process.law(&Law::point(&[1.0]), 0.7);
    rows.is_not("B01: mean from the continuous process", mean, law.mean[0], "the step is seen");
    let (distance, bound) = (gaussian_distance(&points[..n], m, v), ((2.0 / RATE).ln() / (2.0 * n as f64)).sqrt());
    let why = format!(
        "each step is Gaussian; Dvoretzky, Kiefer, Wolfowitz & Massart: false alarms 1e-6, a distance of {:.1e} is missed with 1e-6",
        2.0 * bound
    );
    rows.below("B01, 14 steps of Euler–Maruyama: Kolmogorov's distance from their law", distance, bound, why);
    independent_blocks(&points[..n], m, v, rows);
    Ok(())
}

/// The largest distance between the distribution functions of points and of a normal law.
fn gaussian_distance(points: &[f64], mean: f64, variance: f64) -> f64 {
    let mut sorted = points.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let below = |x: f64| 0.5 * libm::erfc((mean - x) / (2.0 * variance).sqrt());
    sorted.iter().enumerate().map(|(i, &x)| (below(x) - (i as f64 + 0.5) / n).abs() + 0.5 / n).fold(0.0, f64::max)
}

/// Walkers at the same place of neighbouring blocks: given one block, Σ xy/|y| is a standard normal number.
fn independent_blocks(points: &[f64], mean: f64, variance: f64, rows: &mut Rows) {
    let blocks: Vec<&[f64]> = points.chunks_exact(BLOCK).collect();
    let standard = |x: &f64| (x - mean) / variance.sqrt();
    let z = |pair: &[&[f64]]| {
        let products: f64 = pair[0].iter().zip(pair[1]).map(|(x, y)| standard(x) * standard(y)).sum();
        products / pair[1].iter().map(|y| standard(y).powi(2)).sum::<f64>().sqrt()
    };
    let largest = blocks.windows(2).map(|pair| z(pair).abs()).fold(0.0, f64::max);
    let one = RATE / (blocks.len() - 1) as f64;
    rows.below(
        "correlation of neighbouring blocks of walkers, largest, standard errors",
        largest,
        normal_quantile(1.0 - 0.5 * one),
        "each block has its own stream; false alarms 1e-6 over all pairs; one pair that shares its numbers, 16, is missed with less than 1e-6",
    );
}

/// B05: the scheme of weak order 2 has the variance at rest; Euler–Maruyama at ten times the step has not.
fn at_rest(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let (well, end) = (Line::b05(0.1), 12.0);
    let grid = line(-2.6, 2.6, 48)?;
    let initial = Initial::Gaussian { mean: vec![0.0], covariance: vec![0.8] };
    let problem = setting.problem(Arc::new(well), 0.1, &grid, initial, vec![0.0, end]);
    let run = |scheme: &str, step| -> Result<Estimate, Error> {
        let options = LangevinOptions {
            walkers: draws_for_variance(0.07, RATE),
            step: Some(step),
            scheme: scheme.into(),
            ..LangevinOptions::default()
        };
        let mut langevin = Langevin::new_until(&problem, options, setting.interrupt)?;
        langevin.advance(end, setting.interrupt)?;
        let (points, n) = walkers(langevin.ensemble());
        Ok(Estimate::covariance(&points, n, 0, 0))
    };
    rows.is(
        "B05 at rest by weak2: variance",
        run("weak2", 0.025)?,
        0.784_242_335,
        "noise of θ²; the bias of the step is beneath the noise",
    );
    rows.is_not(
        "B05 by Euler–Maruyama with ten times the step",
        run("euler-maruyama", 0.25)?,
        0.784_242_335,
        "the step is seen",
    );
    Ok(())
}

fn descent(
    setting: &Setting,
    model: LinearRegression,
    start: &[f64],
    (learning_rate, batch_size, replacement): (f64, usize, Replacement),
    grid: Grid,
) -> Result<Problem, Error> {
    let model: Arc<dyn Model> = Arc::new(model);
    let dynamics = minibatch_dynamics(&model)?;
    let minibatch = Minibatch { learning_rate, batch_size, replacement };
    let temperature = learning_rate / (2.0 * batch_size as f64);
    let initial = Initial::Point { at: start.to_vec() };
    let problem = setting.problem(dynamics, temperature, &grid, initial, vec![0.0, 100.0]);
    Ok(Problem { model, minibatch: Some(minibatch), ..problem })
}

fn sgd(setting: &Setting, problem: &Problem, steps: u64, options: SgdOptions) -> Result<(Vec<f64>, usize), Error> {
    let rate = problem.minibatch.map_or(1.0, |minibatch| minibatch.learning_rate);
    let step = options.build()?.step_time(rate);
    let mut sgd = Sgd::new(problem, options)?;
    sgd.advance(steps as f64 * step, setting.interrupt)?;
    Ok(walkers(sgd.ensemble()))
}

/// B12: the variance of descent on a quadratic loss, and not that of its equation.
fn quadratic(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    for (learning_rate, told_apart) in [(0.02, false), (0.1, true), (0.3, true), (1.0, true)] {
        let q = Quadratic { curvature: 1.0, variance: 1.0, learning_rate, batch_size: 1.0 };
        let drawn = (learning_rate, 1, Replacement::With);
        let problem = descent(setting, LinearRegression::b12(&q), &[0.0], drawn, line(-1.2, 1.2, 16)?)?;
        let steps = (9.0 / learning_rate) as u64; // e^{−18} of the start is left
        let (points, n) = sgd(
            setting,
            &problem,
            steps,
            SgdOptions { walkers: draws_for_variance(0.05, RATE), ..SgdOptions::default() },
        )?;
        let variance = Estimate::covariance(&points, n, 0, 0);
        rows.is(&format!("B12, η = {learning_rate}: variance of SGD"), variance, q.sgd(), "η σ²/(B(2 − η))");
        if told_apart {
            let what = format!("B12, η = {learning_rate}: variance of the equation");
            rows.is_not(&what, variance, q.sde(), "η σ²/(2B)");
        }
    }
    Ok(())
}

/// B15: batches of 2 out of 4 without replacement have a third of the covariance, not a half.
fn without_replacement(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let model = || LinearRegression::new(&[1.0; 4], &[-1.0, 0.5, -0.7, 1.2]); // mean 0
    let (learning_rate, s) = (0.2, model().gradient_covariance_at(&[0.0])[0]);
    let q = |batch_size| Quadratic { curvature: 1.0, variance: s, learning_rate, batch_size };
    let options = || SgdOptions { walkers: draws_for_variance(0.05, RATE), ..SgdOptions::default() };
    let t = Minibatch { learning_rate, batch_size: 2, replacement: Replacement::Without }.temperature(4);
    rows.near(
        "B15: temperature of batches without replacement",
        t,
        learning_rate / 6.0,
        1e-15,
        "η/(2B) times (N − B)/(N − 1)",
    );
    for (replacement, word, size) in [(Replacement::With, "with", 2.0), (Replacement::Without, "without", 3.0)] {
        let problem = descent(setting, model(), &[0.0], (learning_rate, 2, replacement), line(-1.2, 1.2, 16)?)?;
        let (points, n) = sgd(setting, &problem, 50, options())?;
        let variance = Estimate::covariance(&points, n, 0, 0);
        rows.is(&format!("B15, {word} replacement: variance"), variance, q(size).sgd(), "the factor (N − B)/(N − 1)");
        if replacement == Replacement::Without {
            rows.is_not("B15: variance with replacement", variance, q(2.0).sgd(), "the two are told apart");
        }
    }
    Ok(())
}

/// B12 with momentum.
fn heavy_ball(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let q = Quadratic { curvature: 1.0, variance: 1.0, learning_rate: 0.1, batch_size: 1.0 };
    let problem =
        descent(setting, LinearRegression::b12(&q), &[0.0], (0.1, 1, Replacement::With), line(-4.0, 4.0, 16)?)?;
    let options = SgdOptions {
        walkers: draws_for_variance(0.06, RATE),
        optimizer: "momentum".into(),
        parameters: vec![("mu".into(), 0.9)],
        ..SgdOptions::default()
    };
    let (points, n) = sgd(setting, &problem, 250, options)?;
    let variance = Estimate::covariance(&points, n, 0, 0);
    rows.is("B12, heavy ball: variance", variance, q.heavy_ball(0.9).0, "the recursion of position and velocity");
    rows.is_not("B12, heavy ball: variance of plain SGD", variance, q.sgd(), "momentum is seen");
    Ok(())
}

/// B13: linear regression in two variables, noise that depends on the place.
fn regression_in_the_plane(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    for (learning_rate, batch) in [(0.1, 1usize), (0.3, 2)] {
        let model = LinearRegression::b13();
        let (exact, sde) =
            (model.sgd_covariance(learning_rate, batch as f64), model.sde_covariance(learning_rate, batch as f64));
        let start = model.minimum();
        let problem =
            descent(setting, model, &start, (learning_rate, batch, Replacement::With), boxed(&[3.0, 3.0], 8)?)?;
        // the slowest rate is 0.547: (1 − 0.547 η)^{2k} < 1e-6
        let (points, n) = sgd(
            setting,
            &problem,
            (13.0 / learning_rate) as u64,
            SgdOptions { walkers: draws_for_variance(0.03, RATE), ..SgdOptions::default() },
        )?;
        for (i, j, at) in [(0, 0, 0), (0, 1, 1), (1, 1, 3)] {
            let estimate = Estimate::covariance(&points, n, i, j);
            rows.is(
                &format!("B13, η = {learning_rate}: covariance {}{}", i + 1, j + 1),
                estimate,
                exact[at],
                "discrete Lyapunov equation with multiplicative noise",
            );
            rows.is_not(
                &format!("B13, η = {learning_rate}: covariance {}{} of the equation", i + 1, j + 1),
                estimate,
                sde[at],
                "continuous Lyapunov equation",
            );
        }
    }
    Ok(())
}

/// B08: the covariance of the chain C = (1 − hA) C (1 − hA)ᵀ + 2ThD, not that of the equation.
fn rotating(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let process = OrnsteinUhlenbeck::b08();
    let (h, rates, t2) = (0.05, [1.0, 3.0], 2.0 * process.temperature());
    let keep = rates.map(|rate| 1.0 - h * rate);
    let factors = [keep[0] * keep[0], keep[0] * keep[1], keep[1] * keep[1]];
    // diagonal rates: each entry has its own geometric series
    let discrete: Vec<f64> = [1.0, 0.8, 2.0].iter().zip(factors).map(|(d, q)| t2 * h * d / (1.0 - q)).collect();
    let initial = Initial::Point { at: vec![0.0, 0.0] };
    let problem = setting.problem(
        Arc::new(process.clone()),
        process.temperature(),
        &boxed(&[3.0, 3.0], 8)?,
        initial,
        vec![0.0, 8.0],
    );
    let run = |scheme: &str, seen: f64, step: f64| -> Result<(Vec<f64>, usize), Error> {
        let options = LangevinOptions {
            walkers: draws_for_variance(seen, RATE),
            step: Some(step),
            scheme: scheme.into(),
            ..LangevinOptions::default()
        };
        let mut langevin = Langevin::new_until(&problem, options, setting.interrupt)?;
        langevin.advance(8.0, setting.interrupt)?;
        Ok(walkers(langevin.ensemble()))
    };
    let (points, n) = run("euler-maruyama", 0.03, h)?;
    let (second_order, m) = run("weak2", 0.06, 0.04)?;
    let exact = process.stationary_covariance();
    for (at, (i, j)) in [(0, 0), (0, 1), (1, 1)].into_iter().enumerate() {
        let entry = format!("{}{}", i + 1, j + 1);
        let found = Estimate::covariance(&points, n, i, j);
        rows.is(&format!("B08: covariance {entry} of Euler–Maruyama"), found, discrete[at], "its own recursion");
        let found = Estimate::covariance(&second_order, m, i, j);
        rows.is(&format!("B08: covariance {entry} of weak2"), found, exact[2 * i + j], "Lyapunov's equation");
    }
    let found = Estimate::covariance(&points, n, 1, 1);
    rows.is_not("B08: covariance 22 of the equation", found, exact[3], "the step is seen");
    Ok(())
}
