//! The yardsticks of the Langevin engine: the stationary laws of B05, B06 and B08, the covariance of the discrete chain of B08.
//!
//! Every test has a fixed seed. Histograms are held against the exact cell probabilities by every metric of the comparison, each
//! with a false-alarm rate of 1e-3; Euler–Maruyama with a long step, whose law is another, must be told apart by the same
//! comparison.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{Kept, covariance, line, rectangle};
use fpsolve_solvers::engine::Engine;
use fpsolve_solvers::langevin::{Langevin, LangevinOptions};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_validation::compare::{Settings, compare};
use fpsolve_validation::reference::line::Line;
use fpsolve_validation::reference::linear::OrnsteinUhlenbeck;

fn run(problem: &Problem, scheme: &str, walkers: usize, step: f64, end: f64) -> Langevin {
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
        let good = told_apart(&grid, &mut run(&problem, "weak2", 40_000, 0.025, end), exact.clone());
        assert!(good.is_empty(), "{name}: {good:?}");
        let bad = told_apart(&grid, &mut run(&problem, "euler-maruyama", 40_000, 0.25, end), exact);
        assert!(bad.contains(&"total_variation".to_string()), "{name}: only {bad:?}");
    }
}

/// B08, the rotating process: the stationary covariance of the chain C = (1 − hA) C (1 − hA)ᵀ + 2ThD, by iteration, within 4
/// standard errors for each of three entries (false alarm 2e-4 in all); that of the equation, C = [[.1, .04], [.04, 1/15]], is
/// more than 9 standard errors away in the second variance. The scheme of weak order 2 has the covariance of the equation.
#[test]
fn b08_has_the_covariance_of_its_chain() {
    let process = OrnsteinUhlenbeck::b08();
    let (h, rates, t2) = (0.05, [1.0, 3.0], 2.0 * process.temperature());
    let noise = [1.0, 0.8, 2.0];
    let continuous = process.stationary_covariance();
    let keep = rates.map(|rate| 1.0 - h * rate);
    let factors = [keep[0] * keep[0], keep[0] * keep[1], keep[1] * keep[1]];
    // diagonal rates: each entry has its own geometric series
    let discrete: Vec<f64> = noise.iter().zip(factors).map(|(d, q)| t2 * h * d / (1.0 - q)).collect();
    let initial = Initial::Point { at: vec![0.0, 0.0] };
    let grid = rectangle([3.0, 3.0], 8);
    let problem = Problem::of_dynamics(Arc::new(process.clone()), process.temperature(), grid, initial, vec![0.0, 8.0]);
    let chain = run(&problem, "euler-maruyama", 200_000, h, 8.0);
    let second_order = run(&problem, "weak2", 60_000, 0.04, 8.0);
    for (at, (i, j)) in [(0, 0), (0, 1), (1, 1)].into_iter().enumerate() {
        let (own, exact) = (covariance(chain.ensemble(), i, j), continuous[2 * i + j]);
        assert!(own.off(discrete[at]) < 4.0, "chain, entry {i}{j}: {own:?} {}", discrete[at]);
        let better = covariance(second_order.ensemble(), i, j);
        assert!(better.off(exact) < 4.0, "weak2, entry {i}{j}: {better:?} {exact}");
    }
    assert!(covariance(chain.ensemble(), 1, 1).off(continuous[3]) > 9.0);
}
