//! The engines against each other: they agree where the mathematics says so, the tool sees where they do not, and the
//! temperature is T = η/(2B), not η/B.
#![allow(clippy::unwrap_used)]

mod common;

use fpsolve_solvers::engine::OnGrid;
use std::sync::Arc;

use common::{Kept, covariance, line};
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
use fpsolve_validation::verdict::{Limit, judge_limits};

/// Eight targets around 0 on one constant input: curvature 1, gradient variance s = 1.5.
fn quadratic(learning_rate: f64, factor: f64, grid: Grid, times: &[f64]) -> Problem {
    let targets = [-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.0, 1.5];
    let mean = targets.iter().sum::<f64>() / 8.0;
    let centred: Vec<f64> = targets.iter().map(|t| t - mean).collect();
    let variance = centred.iter().map(|t| t * t).sum::<f64>() / 8.0;
    let scale = (1.5 / variance).sqrt();
    let targets: Vec<f64> = centred.iter().map(|t| t * scale).collect();
    let model = Arc::new(LinearRegression::new(&[1.0; 8], &targets));
    let dynamics = GradientDynamics::new(model.clone(), Arc::new(MinibatchNoise::new(&*model).unwrap()));
    let minibatch = Minibatch { learning_rate, batch_size: 2, replacement: Replacement::With };
    let initial = Initial::Gaussian { mean: vec![0.3], covariance: vec![0.02] };
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
