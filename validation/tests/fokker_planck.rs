//! The yardsticks of the Fokker–Planck engine that take too long for the quick suites, or that only a developer asks for: curved
//! problems in two and three variables, strong anisotropy, the automatic choice.
//!
//! Orders are taken from the two finest of three grids; each level is pinned, because a mistake of the scheme's own order
//! passes an order test.
#![allow(clippy::unwrap_used)]

mod common;

use fpsolve_solvers::engine::OnGrid;
use std::sync::Arc;

use common::{cube, line, order, rectangle, square};
use fpsolve_solvers::engine::{Attribute, Engine};
use fpsolve_solvers::fokker_planck::integrator::table::INTEGRATORS;
use fpsolve_solvers::fokker_planck::{CHAIN, EDGES, FokkerPlanck, FokkerPlanckOptions, Stationary};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::density::l1;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_validation::reference::line::Line;
use fpsolve_validation::reference::linear::{Law, OrnsteinUhlenbeck};
use fpsolve_validation::reference::manufactured::Equilibrium;
use fpsolve_validation::reference::pushed_forward::{Helix, Wave};

/// True error over the run's own estimate, and its inverse, stay below this.
const HONEST: f64 = 3.0;

fn number(engine: &dyn Engine, name: &str) -> f64 {
    match engine.attributes().into_iter().find(|(n, _)| *n == name) {
        Some((_, Attribute::Float(value))) => value,
        other => panic!("{name}: {other:?}"),
    }
}

fn text(engine: &dyn Engine, name: &str) -> String {
    match engine.attributes().into_iter().find(|(n, _)| *n == name) {
        Some((_, Attribute::Text(value))) => value,
        other => panic!("{name}: {other:?}"),
    }
}

/// The long-step chain.
fn chain() -> FokkerPlanckOptions {
    FokkerPlanckOptions { discretisation: Some(&CHAIN), ..FokkerPlanckOptions::default() }
}

/// The edge generator, whose orders and levels are tested here whatever the automatic choice would take.
fn edges() -> FokkerPlanckOptions {
    FokkerPlanckOptions { discretisation: Some(&EDGES), ..FokkerPlanckOptions::default() }
}

struct Run {
    error: f64,
    reported: f64,
}

/// Runs over `times` from `initial`, holds the last law to `exact` and holds the result to what every run promises.
fn transient(dynamics: Arc<dyn Dynamics>, t: f64, grid: &Grid, initial: Initial, time: f64, exact: &[f64]) -> Run {
    transient_by(edges(), dynamics, t, grid, initial, &[0.5 * time, time], exact)
}

fn transient_by(
    options: FokkerPlanckOptions,
    dynamics: Arc<dyn Dynamics>,
    t: f64,
    grid: &Grid,
    initial: Initial,
    times: &[f64],
    exact: &[f64],
) -> Run {
    let problem = Problem::of_dynamics(dynamics, t, grid.clone(), initial, [&[0.0], times].concat());
    let options = FokkerPlanckOptions { stationary: false, tolerance: 1e-7, ..options };
    let mut engine = FokkerPlanck::new(&problem, options).unwrap();
    for &to in times {
        engine.advance(to, &|| false).unwrap();
    }
    let probability = engine.snapshot().probability;
    assert!((probability.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    // methods that claim positivity keep it; the others may fall below 0 by rounding
    let positive = INTEGRATORS.iter().any(|m| m.positive && text(&engine, "method") == m.name);
    let largest = probability.iter().zip(grid.volumes()).map(|(p, v)| p / v).fold(0.0, f64::max);
    let least = if positive { 0.0 } else { -1e-15 * largest };
    assert!(
        number(&engine, "mass_error") < 1e-12 && number(&engine, "min_density") >= least,
        "{:?}",
        engine.attributes()
    );
    let mass: f64 = exact.iter().sum();
    let exact: Vec<f64> = exact.iter().map(|p| p / mass).collect();
    let reported = number(&engine, "error_grid") + number(&engine, "error_time");
    Run { error: l1(&probability, &exact), reported }
}

fn stationary(dynamics: Arc<dyn Dynamics>, t: f64, grid: &Grid, exact: &[f64]) -> (Stationary, f64) {
    stationary_by(edges(), dynamics, t, grid, exact)
}

fn stationary_by(
    options: FokkerPlanckOptions,
    dynamics: Arc<dyn Dynamics>,
    t: f64,
    grid: &Grid,
    exact: &[f64],
) -> (Stationary, f64) {
    let problem = Problem::of_dynamics(dynamics, t, grid.clone(), Initial::Uniform, vec![0.0, 1.0]);
    let engine = FokkerPlanck::new(&problem, options).unwrap();
    let found = engine.stationary().unwrap().clone();
    assert!((found.probability.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(found.probability.iter().all(|&p| p >= 0.0));
    let error = l1(&found.probability, exact);
    (found, error)
}

/// Errors on grids refined by 2: the order of the last step, the level of the finest, the run's own estimate.
fn check(name: &str, errors: &[(f64, f64)], orders: std::ops::Range<f64>, level: f64) {
    let n = errors.len();
    let observed = order(errors[n - 2].0, errors[n - 1].0);
    let finest = errors[n - 1].0;
    println!("{name}: order {observed:.2}, level {finest:.4e}, {errors:?}");
    assert!(orders.contains(&observed), "{name}: order {observed} of {errors:?}");
    assert!((finest / level - 1.0).abs() < 0.05, "{name}: error {finest:.4e} on the finest grid, was {level:.4e}");
    for (error, reported) in &errors[1..] {
        assert!(
            *error < HONEST * reported && *reported < HONEST * error,
            "{name}: reported {reported:.2e}, true {error:.2e}"
        );
    }
}

/// Order of the edge generator, and of stationary densities that detailed balance gives.
const SECOND: std::ops::Range<f64> = 1.85..2.6;
const FOURTH: std::ops::Range<f64> = 3.8..4.6;

#[test]
fn full_tensor_equilibria() {
    for (name, rotation, level) in [("with a current", 1.0, 8.89e-3), ("reversible", 0.0, 6.39e-7)] {
        let equilibrium = Equilibrium::turning(rotation);
        let errors: Vec<(f64, f64)> = [32, 64, 128]
            .iter()
            .map(|&n| {
                let grid = square(5.5, n);
                let (found, error) = stationary(Arc::new(equilibrium), 1.0, &grid, &equilibrium.stationary(&grid));
                (error, found.error_grid.unwrap())
            })
            .collect();
        check(name, &errors, if rotation == 0.0 { FOURTH } else { SECOND }, level);
    }
}

#[test]
fn b10_current_that_is_no_loss_gradient() {
    for rotation in [0.0, 1.5] {
        let equilibrium = Equilibrium::b10(rotation);
        let grid = square(4.5, 96);
        let exact = equilibrium.stationary(&grid);
        let (found, error) = stationary(Arc::new(equilibrium), 1.0, &grid, &exact);
        let said = found.error_grid.unwrap();
        assert!(error < 0.02 && error < HONEST * said && said < HONEST * error, "{error} {said}");
    }
}

/// The same in the plane.
fn wave_error(options: FokkerPlanckOptions, cells: usize, times: &[f64]) -> (f64, f64) {
    let wave = Wave { rates: [1.0, 0.5], amplitude: 0.8, temperature: 0.3 };
    let start = [(0.6, 0.1), (-0.3, 0.2)];
    let grid = square(4.5, cells);
    let initial = Initial::Cells { probability: wave.cell_probability(&grid, start, 0.0) };
    let exact = wave.cell_probability(&grid, start, times[times.len() - 1]);
    let run = transient_by(options, Arc::new(wave), 0.3, &grid, initial, times, &exact);
    (run.error, run.reported)
}

/// The same in space.
fn helix_error(options: FokkerPlanckOptions, cells: usize, times: &[f64]) -> (f64, f64) {
    let helix = Helix { rates: [1.0, 0.8, 0.6], amplitude: 0.5, temperature: 0.3 };
    let start = [(0.4, 0.2), (-0.3, 0.25), (0.2, 0.3)];
    let grid = cube(3.6, cells);
    let initial = Initial::Cells { probability: helix.cell_probability(&grid, start, 0.0) };
    let exact = helix.cell_probability(&grid, start, times[times.len() - 1]);
    let run = transient_by(options, Arc::new(helix), 0.3, &grid, initial, times, &exact);
    (run.error, run.reported)
}

#[test]
fn a_full_tensor_in_three_dimensions() {
    check("helix", &[16, 32].map(|n| helix_error(edges(), n, &[0.25, 0.5])), SECOND, 5.051e-3);
}

/// The peers' problem P5: rotated constant D of the given condition number, a drift that does not commute with it.
fn p5(condition: f64) -> OrnsteinUhlenbeck {
    let (s, c) = (std::f64::consts::PI / 6.0).sin_cos();
    let r = 1.0 / condition;
    let cross = (1.0 - r) * c * s;
    OrnsteinUhlenbeck::new(&[1.0, 0.5, 0.5, 2.0], &[c * c + r * s * s, cross, cross, s * s + r * c * c], 0.1)
}

/// Orders of the chain: transients and stationary densities of curved problems.
const CHAIN_ORDER: std::ops::Range<f64> = 3.4..4.7;

#[test]
fn the_chain_is_fourth_order_on_curved_transients() {
    check("wave, chain", &[32, 64, 128].map(|n| wave_error(chain(), n, &[0.8])), CHAIN_ORDER, 2.37e-5);
    // 16³ cells are not yet in the range of the fourth order
    check("helix, chain", &[16, 32].map(|n| helix_error(chain(), n, &[0.5])), 2.9..4.7, 1.111e-3);
}

#[test]
fn the_chain_is_fourth_order_on_curved_equilibria() {
    for (name, equilibrium, half, level) in
        [("turning, chain", Equilibrium::turning(1.0), 5.5, 2.95e-3), ("B10, chain", Equilibrium::b10(1.5), 4.5, 5e-5)]
    {
        let errors: Vec<(f64, f64)> = [32, 64, 128]
            .iter()
            .map(|&n| {
                let grid = square(half, n);
                let exact = equilibrium.stationary(&grid);
                let (found, error) = stationary_by(chain(), Arc::new(equilibrium), 1.0, &grid, &exact);
                (error, found.error_grid.unwrap())
            })
            .collect();
        check(name, &errors[1..], 3.0..4.9, level);
    }
}

#[test]
fn the_chain_is_honest_on_linear_and_reversible_problems() {
    let process = OrnsteinUhlenbeck::b08();
    let grid = rectangle([2.0, 1.7], 64);
    let exact = process.stationary().cell_probability(&grid).unwrap();
    let (found, error) = stationary_by(chain(), Arc::new(process), 0.1, &grid, &exact);
    honest("B08", error, found.error_grid.unwrap(), 5e-5);
    for (name, well, half) in [("B02", Line::b02(0.1), 2.5), ("B05", Line::b05(0.1), 3.0), ("B06", Line::b06(), 4.0)] {
        let grid = line(-half, half, 128);
        let exact = well.stationary(&grid);
        let (found, error) = stationary_by(chain(), Arc::new(well), well.temperature, &grid, &exact);
        honest(name, error, found.error_grid.unwrap(), 1e-3);
    }
}

/// True error and the run's own estimate, and a bar for the error.
fn honest(name: &str, error: f64, said: f64, bar: f64) {
    println!("{name}: error {error:.3e}, reported {said:.3e}");
    assert!(error < HONEST * said && said < HONEST * error, "{name}: reported {said:.2e}, true {error:.2e}");
    assert!(error < bar, "{name}: {error:.2e}");
}

#[test]
fn p5_by_automatic_choice_beats_the_peers_and_stays_positive() {
    // L1 of the transient at t = 1 and of the stationary density, 128²: the goals are .003 .004 / .005 .008 / .007 .010
    for (condition, moving_bar, resting_bar) in [(10.0, 6e-5, 7e-5), (100.0, 1.8e-4, 3.4e-4), (1000.0, 2e-4, 4.2e-4)] {
        let process = p5(condition);
        let start = Law { mean: vec![0.8, -0.4], covariance: vec![0.05, 0.0, 0.0, 0.05] };
        let grid = square(2.0, 128);
        let problem =
            Problem::of_dynamics(Arc::new(process.clone()), 0.1, grid.clone(), start.initial(), vec![0.0, 0.5, 1.0]);
        let mut engine = FokkerPlanck::new(&problem, FokkerPlanckOptions::default()).unwrap();
        let found = engine.stationary().unwrap().clone();
        let exact = process.stationary().cell_probability(&grid).unwrap();
        let at_rest = l1(&found.probability, &exact);
        engine.advance(0.5, &|| false).unwrap();
        engine.advance(1.0, &|| false).unwrap();
        let exact = process.law(&start, 1.0).cell_probability(&grid).unwrap();
        let moving = l1(&engine.snapshot().probability, &exact);
        assert_eq!(text(&engine, "discretisation"), "chain", "{}", text(&engine, "discretisation_reason"));
        let reported = number(&engine, "error_grid") + number(&engine, "error_time");
        honest(&format!("P5 {condition}, moving"), moving, reported, moving_bar);
        honest(&format!("P5 {condition}, at rest"), at_rest, found.error_grid.unwrap(), resting_bar);
        assert!(number(&engine, "min_density") >= 0.0 && found.probability.iter().all(|&p| p >= 0.0));
    }
}

/// Levels as measured on 64², pinned to 5 % like those of [`check`]: the largest distance of two laws is 2, so that a bar with
/// room to spare would hold for any law. At condition 1000 the transient is off by two thirds of that, which is why the chain
/// exists; what is asked of the edges there is that they say so.
#[test]
fn the_edge_generator_is_honest_about_strong_anisotropy() {
    let cases = [(10.0, 4.674e-2, 5.058e-3), (100.0, 3.655e-1, 1.307e-1), (1000.0, 1.274, 5.283e-1)];
    for (condition, moving_level, resting_level) in cases {
        let process = p5(condition);
        let start = Law { mean: vec![0.8, -0.4], covariance: vec![0.05, 0.0, 0.0, 0.05] };
        let grid = square(2.0, 64);
        let exact = process.stationary().cell_probability(&grid).unwrap();
        let (found, error) = stationary(Arc::new(process.clone()), 0.1, &grid, &exact);
        honest(&format!("edges {condition}, at rest"), error, found.error_grid.unwrap(), 1.05 * resting_level);
        assert!(error > 0.95 * resting_level, "edges {condition}, at rest: {error:.4e}, was {resting_level:.4e}");
        let exact = process.law(&start, 1.0).cell_probability(&grid).unwrap();
        let run = transient(Arc::new(process), 0.1, &grid, start.initial(), 1.0, &exact);
        honest(&format!("edges {condition}, moving"), run.error, run.reported, 1.05 * moving_level);
        assert!(
            run.error > 0.95 * moving_level,
            "edges {condition}, moving: {:.4e}, was {moving_level:.4e}",
            run.error
        );
    }
}
