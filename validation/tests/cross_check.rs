//! The engines against each other and against laws at rest: they agree where the mathematics says so, the tool sees where they do not,
//! and the temperature is T = η/(2B), not η/B.
#![allow(clippy::unwrap_used)]

mod common;

use fpsolve_solvers::engine::OnGrid;
use std::sync::Arc;

use common::{Estimate, Kept, covariance, line, rectangle};
use fpsolve_solvers::diffusion::Minibatch as MinibatchNoise;
use fpsolve_solvers::dynamics::GradientDynamics;
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::fokker_planck::{FokkerPlanck, FokkerPlanckOptions};
use fpsolve_solvers::langevin::{Langevin, LangevinOptions};
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_solvers::problem::{Minibatch, Problem, Replacement};
use fpsolve_solvers::sgd::{Sgd, SgdOptions};
use fpsolve_validation::compare::{Comparison, STATIONARY, Settings, compare};
use fpsolve_validation::reference::descent::LinearRegression;
use fpsolve_validation::reference::line::Line;
use fpsolve_validation::verdict::{Limit, judge_limits};

/// Eight targets around 0 on one constant input: curvature 1, gradient variance s = 1.5.
fn quadratic(learning_rate: f64, factor: f64, grid: Grid, times: &[f64]) -> Problem {
    let targets = [-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.0, 1.5];
    let mean = targets.iter().sum::<f64>() / 8.0;
    let centred: Vec<f64> = targets.iter().map(|t| t - mean).collect();
    let variance = centred.iter().map(|t| t * t).sum::<f64>() / 8.0;
    let scale = (1.5 / variance).sqrt();
    let targets: Vec<f64> = centred.iter().map(|t| t * scale).collect();
    let initial = Initial::Gaussian { mean: vec![0.3], covariance: vec![0.02] };
    descent(LinearRegression::new(&[1.0; 8], &targets), (learning_rate, 2), factor, grid, initial, times)
}

/// Descent with batches and its equation, at the temperature times a factor.
fn descent(
    model: LinearRegression,
    (learning_rate, batch_size): (f64, usize),
    factor: f64,
    grid: Grid,
    initial: Initial,
    times: &[f64],
) -> Problem {
    let model = Arc::new(model);
    let dynamics = GradientDynamics::new(model.clone(), Arc::new(MinibatchNoise::new(&*model).unwrap()));
    let minibatch = Minibatch { learning_rate, batch_size, replacement: Replacement::With };
    let temperature = factor * minibatch.temperature(8);
    let problem = Problem::of_dynamics(Arc::new(dynamics), temperature, grid, initial, times.to_vec());
    Problem { model, minibatch: Some(minibatch), seed: 5, ..problem }
}

fn all_engines(problem: &Problem, step: f64, walkers: usize) -> Vec<Comparison> {
    let mut fokker_planck = FokkerPlanck::new(problem, FokkerPlanckOptions::default()).unwrap();
    let options = LangevinOptions { walkers, step: Some(step), ..LangevinOptions::default() };
    let mut langevin = Langevin::new(problem, options).unwrap();
    let mut sgd = Sgd::new(problem, SgdOptions { walkers, ..SgdOptions::default() }).unwrap();
    let kept = [
        Kept::run(&mut fokker_planck, &problem.times),
        Kept::run(&mut langevin, &problem.times),
        Kept::run(&mut sgd, &problem.times),
    ];
    let stationary = fokker_planck.stationary().unwrap().probability.clone();
    let series: Vec<_> = kept.iter().map(Kept::series).collect();
    compare(&problem.grid, &series, Some(&stationary), &Settings::default())
}

/// η = 0.01: SGD's variance is 0.5 % above the SDE's, a fifth of what 30 000 walkers could show; 150 cells, because with 50
/// the grid error of the density (0.02 in total variation) is seen through the noise. False alarms expected among
/// the 3 pairs × 7 metrics × 4 times at 1e-3: 0.08.
#[test]
fn engines_that_agree_show_no_difference() {
    let problem = quadratic(0.01, 1.0, line(-0.6, 0.9, 150), &[0.0, 0.2, 1.0, 4.0]);
    let all = all_engines(&problem, 0.01, 30_000);
    for comparison in all.iter().filter(|c| c.b != STATIONARY) {
        for metric in &comparison.metrics {
            for (i, time) in comparison.times.iter().enumerate() {
                assert!(!metric.differs(i), "{} {} at t = {time}: {metric:?}", comparison.name(), metric.name);
            }
        }
    }
    // far from the stationary density at first, and seen to be
    let stationary = all.iter().find(|c| c.name() == "sgd_vs_stationary").unwrap();
    assert!(stationary.metric("total_variation").unwrap().differs(0));
    let limit = |bound| [Limit::from_key("max_total_variation", bound).unwrap()];
    let passed = judge_limits(&all, &limit(0.06));
    assert!(passed.len() == 3 && passed.iter().all(|v| v.passed), "{passed:?}");
    // what 30 000 walkers cannot show is not passed
    let asked = judge_limits(&all, &limit(0.01));
    assert!(asked.iter().all(|v| !v.passed && v.why.starts_with("inconclusive")), "{asked:?}");
}

/// η = 0.3: SGD's variance is 18 % above the SDE's.
#[test]
fn engines_that_differ_are_told_apart() {
    let problem = quadratic(0.3, 1.0, line(-2.2, 2.2, 60), &[0.0, 1.5, 9.0]);
    let all = all_engines(&problem, 0.01, 30_000);
    let pair = |name: &str| all.iter().find(|c| c.name() == name).unwrap();
    for metric in ["total_variation", "kullback_leibler", "hellinger", "wasserstein_1", "variance_difference"] {
        let differs = |name: &str| pair(name).metric(metric).unwrap().differs(2);
        assert!(differs("fokker_planck_vs_sgd") && differs("langevin_vs_sgd"), "{metric}");
        assert!(!differs("fokker_planck_vs_langevin"), "{metric}");
    }
    let found = judge_limits(&all, &[Limit::from_key("max_total_variation", 0.035).unwrap()]);
    let sgd: Vec<_> = found.iter().filter(|v| v.name.ends_with("_sgd")).collect();
    assert!(sgd.len() == 2 && sgd.iter().all(|v| !v.passed && v.why.starts_with("differ")), "{sgd:?}");
}

/// The slides write η/B where T = η/(2B) stands: twice the variance on a quadratic loss. Real SGD decides.
#[test]
fn the_temperature_is_half_of_eta_over_b() {
    let grid = || line(-1.2, 1.2, 96);
    let stationary_variance = |factor: f64| {
        let problem = quadratic(0.05, factor, grid(), &[0.0, 1.0]);
        let engine = FokkerPlanck::new(&problem, FokkerPlanckOptions::default()).unwrap();
        let h = grid().axes()[0].spacing();
        engine.stationary().unwrap().covariance[0] - h * h / 12.0
    };
    let problem = quadratic(0.05, 1.0, grid(), &[0.0, 10.0]);
    let mut sgd = Sgd::new(&problem, SgdOptions { walkers: 50_000, ..SgdOptions::default() }).unwrap();
    sgd.advance(10.0, &|| false).unwrap();
    let measured = covariance(sgd.ensemble(), 0, 0);
    let (right, slides) = (stationary_variance(1.0), stationary_variance(2.0));
    // the SDE's own error is ηλ/2 = 2.5 %
    assert!(
        (right / measured.value - 1.0).abs() < 0.025 + 4.0 * measured.error / measured.value,
        "{right} {measured:?}"
    );
    assert!(measured.off(slides) > 50.0 && (slides / measured.value - 1.95).abs() < 0.05, "{slides} {measured:?}");

    // the whole comparison says so too: every metric sees the slides' temperature
    let hot = quadratic(0.05, 2.0, grid(), &[0.0, 10.0]);
    let all = all_engines(&hot, 0.05, 10_000);
    let pair = all.iter().find(|c| c.name() == "fokker_planck_vs_sgd").unwrap();
    for metric in ["total_variation", "kullback_leibler", "hellinger", "wasserstein_1", "variance_difference"] {
        let series = pair.metric(metric).unwrap();
        assert!(series.value[1] > 3.0 * series.noise_upper[1], "{series:?}");
    }
}

/// The Itô equation with D(θ) has its own covariance; Euler–Maruyama with steps of η would have that of SGD.
#[test]
fn b13_langevin_has_the_sdes_covariance_at_short_steps_and_sgds_at_steps_of_eta() {
    let (learning_rate, batch) = (0.3, 2usize);
    let model = LinearRegression::b13();
    let (discrete, sde) =
        (model.sgd_covariance(learning_rate, batch as f64), model.sde_covariance(learning_rate, batch as f64));
    let start = model.minimum();
    let (grid, start) = (rectangle([4.0, 4.0], 8), Initial::Point { at: start });
    let problem = Problem { seed: 11, ..descent(model, (learning_rate, batch), 1.0, grid, start, &[0.0, 13.2]) };
    let run = |step, walkers| walked(&problem, "euler-maruyama", walkers, step, 13.2);
    let (long, short) = (run(learning_rate, 100_000), run(0.005, 20_000));
    // false alarms 1e-6 each
    let is = |what: &str, found: Estimate, exact: f64| assert!(found.off(exact) < 4.9, "{what}: {found:?} {exact}");
    for (i, j, at) in [(0, 0, 0), (0, 1, 1), (1, 1, 3)] {
        is("steps of η", covariance(long.ensemble(), i, j), discrete[at]);
        // bias of a step h: h/η of the difference between the two, here a sixtieth of it
        let estimate = covariance(short.ensemble(), i, j);
        let bias = (discrete[at] - sde[at]) * 0.005 / learning_rate;
        is("short steps", estimate, sde[at] + bias);
    }
    assert!(covariance(short.ensemble(), 1, 1).off(discrete[3]) > 9.6);
}

fn walked(problem: &Problem, scheme: &str, walkers: usize, step: f64, end: f64) -> Langevin {
    let options = LangevinOptions { walkers, step: Some(step), scheme: scheme.into(), ..LangevinOptions::default() };
    let mut langevin = Langevin::new(problem, options).unwrap();
    langevin.advance(end, &|| false).unwrap();
    langevin
}

/// Names of the metrics that tell the histogram of an engine from the exact cell probabilities.
fn told_apart(grid: &Grid, langevin: &mut Langevin, exact: Vec<f64>) -> Vec<String> {
    let times = [langevin.time()];
    let seen = Kept::run(langevin, &times);
    let exact = Kept::exact(vec![exact], &times);
    let compared = compare(grid, &[seen.series(), exact.series()], None, &Settings::default());
    let differ = compared[0].metrics.iter().filter(|metric| metric.differs(0));
    differ.map(|metric| metric.name.to_string()).collect()
}

/// B05 at β = 1 and 0.2, B06: the scheme of weak order 2 has the stationary law, Euler–Maruyama at a step ten times as long
/// has not. The starts are symmetric, so that the slowest (odd) mode is absent; the next one has decayed to e^{−12}.
#[test]
fn b05_and_b06_have_their_stationary_laws() {
    let cases = [
        ("B05, β = 1", Line::b05(0.5), 4.0, 0.8, 4.0),
        ("B05, β = 0.2", Line::b05(0.1), 2.6, 0.8, 12.0),
        ("B06", Line::b06(), 3.0, 0.07, 8.0),
    ];
    for (name, reference, half, variance, end) in cases {
        let grid = line(-half, half, 48);
        let initial = Initial::Gaussian { mean: vec![0.0], covariance: vec![variance] };
        let exact = reference.stationary(&grid);
        let temperature = reference.temperature;
        let problem = Problem::of_dynamics(Arc::new(reference), temperature, grid.clone(), initial, vec![0.0, end]);
        let good = told_apart(&grid, &mut walked(&problem, "weak2", 40_000, 0.025, end), exact.clone());
        assert!(good.is_empty(), "{name}: {good:?}");
        let bad = told_apart(&grid, &mut walked(&problem, "euler-maruyama", 40_000, 0.25, end), exact);
        assert!(bad.contains(&"total_variation".to_string()), "{name}: only {bad:?}");
    }
}
