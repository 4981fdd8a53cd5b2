//! The yardsticks of the ensembles: the exact variances of the discrete chain (B12, B13), the exact law of Euler–Maruyama
//! steps on the Ornstein–Uhlenbeck process (B01).
//!
//! Every test has a fixed seed. "Within 4 standard errors" has the false-alarm rate 6e-5 for each number; what must be told
//! apart is at least 9 standard errors away (false-pass rate below 1e-6).
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{Estimate, Kept, covariance, line, rectangle};
use fpsolve_solvers::diffusion::Minibatch as MinibatchNoise;
use fpsolve_solvers::dynamics::GradientDynamics;
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::langevin::{Langevin, LangevinOptions};
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_solvers::problem::{Minibatch, Problem, Replacement};
use fpsolve_solvers::sgd::{Sgd, SgdOptions};
use fpsolve_validation::compare::{Settings, compare};
use fpsolve_validation::reference::descent::{LinearRegression, Quadratic};
use fpsolve_validation::reference::linear::{Law, OrnsteinUhlenbeck};

const FOUR: f64 = 4.0;

fn regression(model: LinearRegression, start: &[f64], learning_rate: f64, batch_size: usize, grid: Grid) -> Problem {
    let model = Arc::new(model);
    let dynamics = GradientDynamics::new(model.clone(), Arc::new(MinibatchNoise::new(&*model).unwrap()));
    let minibatch = Minibatch { learning_rate, batch_size, replacement: Replacement::With };
    let temperature = learning_rate / (2.0 * batch_size as f64);
    let initial = Initial::Point { at: start.to_vec() };
    let problem = Problem::of_dynamics(Arc::new(dynamics), temperature, grid, initial, vec![0.0, 100.0]);
    Problem { model, minibatch: Some(minibatch), seed: 11, ..problem }
}

fn sgd(problem: &Problem, steps: u64, options: SgdOptions) -> Sgd {
    let step = options.build().unwrap().step_time(problem.minibatch.unwrap().learning_rate);
    let mut sgd = Sgd::new(problem, options).unwrap();
    sgd.advance(steps as f64 * step, &|| false).unwrap();
    sgd
}

fn is(what: &str, estimate: Estimate, exact: f64) {
    assert!(estimate.off(exact) < FOUR, "{what}: {estimate:?} is {:.1} s.e. from {exact}", estimate.off(exact));
}

fn is_not(what: &str, estimate: Estimate, wrong: f64) {
    assert!(estimate.off(wrong) > 9.0, "{what}: {estimate:?} cannot be told from {wrong}");
}

#[test]
fn b12_sgd_has_the_discrete_variance_and_not_the_sdes() {
    for (learning_rate, apart) in [(0.1, true), (0.3, true), (1.0, true), (0.02, false)] {
        let q = Quadratic { curvature: 1.0, variance: 1.0, learning_rate, batch_size: 1.0 };
        let problem = regression(LinearRegression::b12(&q), &[0.0], learning_rate, 1, line(-1.2, 1.2, 16));
        let steps = (9.0 / learning_rate) as u64; // e^{−18} of the start is left
        let sgd = sgd(&problem, steps, SgdOptions { walkers: 100_000, ..SgdOptions::default() });
        let variance = covariance(sgd.ensemble(), 0, 0);
        is("SGD", variance, q.sgd());
        if apart {
            is_not("SGD against the SDE", variance, q.sde());
        }
    }
}

/// B15 in the chain: batches of 2 out of 4 without replacement have a third of the covariance, not a half.
#[test]
fn b15_batches_without_replacement_have_their_own_variance() {
    let model = LinearRegression::new(&[1.0; 4], &[-1.0, 0.5, -0.7, 1.2]); // mean 0
    let (learning_rate, s) = (0.2, model.gradient_covariance_at(&[0.0])[0]);
    let q = |batch_size| Quadratic { curvature: 1.0, variance: s, learning_rate, batch_size };
    let mut problem = regression(model, &[0.0], learning_rate, 2, line(-1.2, 1.2, 16));
    let measured = |problem: &Problem| {
        let options = SgdOptions { walkers: 100_000, ..SgdOptions::default() };
        covariance(sgd(problem, 50, options).ensemble(), 0, 0)
    };
    is("with replacement", measured(&problem), q(2.0).sgd());
    problem.minibatch = problem.minibatch.map(|m| Minibatch { replacement: Replacement::Without, ..m });
    let without = measured(&problem);
    is("without replacement", without, q(3.0).sgd());
    is_not("without replacement", without, q(2.0).sgd());
    assert!((problem.minibatch.unwrap().temperature(4) - learning_rate / 6.0).abs() < 1e-15);
}

#[test]
fn b12_heavy_ball() {
    let q = Quadratic { curvature: 1.0, variance: 1.0, learning_rate: 0.1, batch_size: 1.0 };
    let problem = regression(LinearRegression::b12(&q), &[0.0], 0.1, 1, line(-4.0, 4.0, 16));
    let parameters = vec![("mu".into(), 0.9)];
    let options = SgdOptions { walkers: 50_000, optimizer: "momentum".into(), parameters, ..SgdOptions::default() };
    let variance = covariance(sgd(&problem, 250, options).ensemble(), 0, 0);
    is("heavy ball", variance, q.heavy_ball(0.9).0);
    is_not("heavy ball against plain SGD", variance, q.sgd());
}

#[test]
fn b13_sgd_has_the_discrete_covariance_and_not_the_sdes() {
    for (learning_rate, batch) in [(0.1, 1usize), (0.3, 2)] {
        let model = LinearRegression::b13();
        let (exact, sde) =
            (model.sgd_covariance(learning_rate, batch as f64), model.sde_covariance(learning_rate, batch as f64));
        let start = model.minimum();
        let problem = regression(model, &start, learning_rate, batch, rectangle([3.0, 3.0], 8));
        // the slowest rate is 0.547: (1 − 0.547 η)^{2k} < 1e-6
        let steps = (13.0 / learning_rate) as u64;
        let sgd = sgd(&problem, steps, SgdOptions { walkers: 200_000, ..SgdOptions::default() });
        for (i, j, at) in [(0, 0, 0), (0, 1, 1), (1, 1, 3)] {
            let estimate = covariance(sgd.ensemble(), i, j);
            is(&format!("covariance {i}{j}"), estimate, exact[at]);
            is_not(&format!("covariance {i}{j} against the SDE"), estimate, sde[at]);
        }
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
    let problem = regression(model, &start, learning_rate, batch, rectangle([4.0, 4.0], 8));
    let run = |step, walkers| {
        let options = LangevinOptions { walkers, step: Some(step), ..LangevinOptions::default() };
        let mut langevin = Langevin::new(&problem, options).unwrap();
        langevin.advance(13.2, &|| false).unwrap();
        langevin
    };
    let (long, short) = (run(learning_rate, 100_000), run(0.005, 20_000));
    for (i, j, at) in [(0, 0, 0), (0, 1, 1), (1, 1, 3)] {
        is("steps of η", covariance(long.ensemble(), i, j), discrete[at]);
        // bias of a step h: h/η of the difference between the two, here a sixtieth of it
        let estimate = covariance(short.ensemble(), i, j);
        let bias = (discrete[at] - sde[at]) * 0.005 / learning_rate;
        is("short steps", estimate, sde[at] + bias);
    }
    is_not("short steps", covariance(short.ensemble(), 1, 1), discrete[3]);
}

#[test]
fn b01_langevin_has_the_law_of_its_own_steps() {
    let process = OrnsteinUhlenbeck::b01();
    let (h, times) = (0.05, [0.1, 0.35, 0.7]);
    let grid = line(-1.0, 1.8, 56);
    let initial = Initial::Point { at: vec![1.0] };
    let problem = Problem::of_dynamics(Arc::new(process.clone()), process.temperature(), grid, initial, vec![0.0, 0.7]);
    let options = LangevinOptions { walkers: 200_000, step: Some(h), ..LangevinOptions::default() };
    let mut langevin = Langevin::new(&problem, options).unwrap();
    let seen = Kept::run(&mut langevin, &times);
    // one step: m' = (1 − λh) m, v' = (1 − λh)² v + 2Th
    let chain = |t: f64| {
        let (keep, noise) = (1.0 - 1.5 * h, 0.2 * h);
        let steps = (t / h).round() as i32;
        (0..steps).fold((1.0, 0.0), |(m, v), _| (keep * m, keep * keep * v + noise))
    };
    let cells = |law: Law| law.cell_probability(&problem.grid).unwrap();
    let law = |t| {
        let (m, v) = chain(t);
        cells(Law { mean: vec![m], covariance: vec![v] })
    };
    let own = Kept::exact(times.iter().map(|&t| law(t)).collect(), &times);
    let settings = Settings::default();
    let compared = compare(&problem.grid, &[seen.series(), own.series()], None, &settings);
    for metric in &compared[0].metrics {
        assert!((0..3).all(|i| !metric.differs(i)), "{metric:?}");
    }
    // and it is told from the continuous process: the mean at t = 0.7 is 0.3500 there and 0.3359 after 14 steps
    let start = Law::point(&[1.0]);
    let continuous = Kept::exact(times.iter().map(|&t| cells(process.law(&start, t))).collect(), &times);
    let compared = compare(&problem.grid, &[seen.series(), continuous.series()], None, &settings);
    for name in ["total_variation", "kullback_leibler", "hellinger", "wasserstein_1", "mean_difference"] {
        let metric = compared[0].metric(name).unwrap();
        assert!(metric.differs(2), "{metric:?}");
    }
}
