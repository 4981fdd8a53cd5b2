//! Order and level: errors on refined grids, the same error by every integrator.

mod coordinates;
mod integrators;
mod schemes;

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::fokker_planck::FokkerPlanckOptions;
use fpsolve_solvers::fokker_planck::integrator::table::INTEGRATORS;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;

pub(super) use integrators::walk;

use super::solve::{boxed, chain, edges, line};
use super::{Rows, Setting, Suite};
use crate::reference::grids;
use crate::reference::line::Line;
use crate::reference::linear::{Law, OrnsteinUhlenbeck};
use crate::reference::manufactured::Equilibrium;
use crate::reference::pushed_forward::{Helix, Sinh, Wave};

/// The suite.
pub(super) static SUITE: Suite = Suite {
    name: "convergence",
    about: "order and level of every scheme, integrator, discretisation and coordinate",
    run,
};

/// Order of the edge generator, and of densities at rest that detailed balance gives; of the chain.
const SECOND: [f64; 2] = [1.85, 2.6];
const FOURTH: [f64; 2] = [3.8, 4.6];
const CHAIN_ORDER: [f64; 2] = [3.4, 4.7];

/// The last of the errors is held to its level within 5 %: a mistake of the scheme's own order passes an order test.
fn check(rows: &mut Rows, name: &str, errors: &[f64], orders: [f64; 2], level: f64) {
    let n = errors.len();
    rows.within(format!("{name}: order"), (errors[n - 2] / errors[n - 1]).log2(), orders, "of the two finest grids");
    rows.near(
        format!("{name}: error over its level"),
        errors[n - 1] / level,
        1.0,
        0.05,
        format!("pinned at {level:.3e}"),
    );
}

fn run(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    on_one_grid(setting, rows)?;
    integrators::integrators(setting, rows)?;
    schemes::schemes(setting, rows)?;
    coordinates::coordinates(setting, rows)?;
    let all = |cells: &[usize], error: &dyn Fn(usize) -> Result<f64, Error>| -> Result<Vec<f64>, Error> {
        cells.iter().map(|&n| error(n)).collect()
    };
    check(rows, "B01, edges", &all(&[64, 128, 256], &|n| b01(setting, n))?, SECOND, 4.192e-4);
    check(rows, "sinh, edges", &all(&[64, 128, 256], &|n| sinh(setting, edges(), n, &[0.4, 0.8]))?, SECOND, 2.804e-4);
    check(rows, "sinh, chain", &all(&[128, 256, 512], &|n| sinh(setting, chain(), n, &[0.8]))?, CHAIN_ORDER, 5.45e-7);
    check(rows, "sinh, graded axis", &all(&[32, 64, 128], &|n| graded(setting, n))?, SECOND, 4.899e-4);
    for (name, well, half, level) in [
        ("B02 at rest, T = 1", Line::b02(1.0), 4.0, 1.2308e-7),
        ("B02 at rest, T = 0.1", Line::b02(0.1), 2.5, 6.1027e-7),
        ("B05 at rest, β = 1", Line::b05(0.5), 6.0, 1.8038e-7),
        ("B05 at rest, β = 0.2", Line::b05(0.1), 3.0, 2.1089e-7),
        ("B06 at rest", Line::b06(), 4.0, 2.8217e-6),
    ] {
        let error = |n: usize| {
            let grid = line(-half, half, n)?;
            Ok(setting.at_rest(edges(), (Arc::new(well), well.temperature), &grid, &well.stationary(&grid))?.1)
        };
        check(rows, name, &all(&[64, 128, 256], &error)?, FOURTH, level);
    }
    let rotating = |n: usize| {
        let process = OrnsteinUhlenbeck::b08();
        let grid = grids::uniform(&[(-2.0, 2.0, n), (-1.7, 1.7, n)], Boundary::Reflecting)?;
        let exact = process.stationary().cell_probability(&grid)?;
        Ok(setting.at_rest(edges(), (Arc::new(process), 0.1), &grid, &exact)?.1)
    };
    check(rows, "B08 at rest, a current", &all(&[32, 64, 128], &rotating)?, SECOND, 8.426e-5);
    check(rows, "wave, edges", &all(&[32, 64, 128], &|n| wave(setting, edges(), n, &[0.4, 0.8]))?, SECOND, 7.543e-4);
    if setting.full {
        check(rows, "wave, chain", &all(&[32, 64, 128], &|n| wave(setting, chain(), n, &[0.8]))?, CHAIN_ORDER, 2.37e-5);
        check(rows, "helix, edges", &all(&[16, 32], &|n| helix(setting, edges(), n, &[0.25, 0.5]))?, SECOND, 5.051e-3);
        // 16³ cells are not yet in the range of the fourth order
        check(rows, "helix, chain", &all(&[16, 32], &|n| helix(setting, chain(), n, &[0.5]))?, [2.9, 4.7], 1.111e-3);
        for (name, rotation, orders, level) in
            [("turning at rest", 1.0, SECOND, 8.89e-3), ("reversible at rest", 0.0, FOURTH, 6.39e-7)]
        {
            let equilibrium = Equilibrium::turning(rotation);
            let error = |n: usize| {
                let grid = boxed(&[5.5, 5.5], n)?;
                Ok(setting.at_rest(edges(), (Arc::new(equilibrium), 1.0), &grid, &equilibrium.stationary(&grid))?.1)
            };
            check(rows, name, &all(&[32, 64, 128], &error)?, orders, level);
        }
    }
    Ok(())
}

/// Each method in time on one grid: the error of the grid, and no more.
fn on_one_grid(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let process = OrnsteinUhlenbeck::b01();
    let start = Law { mean: vec![1.0], covariance: vec![0.01] };
    let grid = line(-1.5, 2.5, 128)?;
    let exact = process.law(&start, 0.7).cell_probability(&grid)?;
    for method in INTEGRATORS {
        let tolerance = if method.order == Some(1) { 1e-4 } else { 1e-7 };
        let options = FokkerPlanckOptions { method: method.name.into(), tolerance, ..edges() };
        let run =
            setting.transient(options, (Arc::new(process.clone()), 0.1), &grid, start.initial(), &[0.7], &exact)?;
        rows.near(
            format!("B01 by {}: L1 error", run.method),
            run.error,
            1.6702e-3,
            2.0 * tolerance + 1e-5,
            "that of the grid of 128 cells",
        );
    }
    Ok(())
}

fn b01(setting: &Setting, cells: usize) -> Result<f64, Error> {
    let process = OrnsteinUhlenbeck::b01();
    let start = Law { mean: vec![1.0], covariance: vec![0.01] };
    let grid = line(-1.5, 2.5, cells)?;
    let exact = process.law(&start, 0.7).cell_probability(&grid)?;
    let options = FokkerPlanckOptions { tolerance: 1e-7, ..edges() };
    Ok(setting.transient(options, (Arc::new(process), 0.1), &grid, start.initial(), &[0.35, 0.7], &exact)?.error)
}

fn sinh(setting: &Setting, options: FokkerPlanckOptions, cells: usize, times: &[f64]) -> Result<f64, Error> {
    sinh_on(setting, options, &line(-6.0, 6.0, cells)?, times)
}

/// Cells ten times wider at the ends than in the middle.
fn graded(setting: &Setting, cells: usize) -> Result<f64, Error> {
    let place = |i: usize| 8.0 * (3.0 * (2.0 * i as f64 / cells as f64 - 1.0)).sinh() / 3f64.sinh();
    let axis = Axis::graded("x", (0..=cells).map(place).collect(), [Boundary::Reflecting; 2])?;
    sinh_on(setting, edges(), &Grid::new(vec![axis])?, &[0.4, 0.8])
}

fn sinh_on(setting: &Setting, options: FokkerPlanckOptions, grid: &Grid, times: &[f64]) -> Result<f64, Error> {
    let (sinh, start) = (Sinh { rate: 1.0, temperature: 0.2 }, (0.5, 0.1));
    let initial = Initial::Cells { probability: sinh.cell_probability(grid, start, 0.0) };
    let exact = sinh.cell_probability(grid, start, times[times.len() - 1]);
    let options = FokkerPlanckOptions { tolerance: 1e-7, ..options };
    Ok(setting.transient(options, (Arc::new(sinh), 0.2), grid, initial, times, &exact)?.error)
}

fn wave(setting: &Setting, options: FokkerPlanckOptions, cells: usize, times: &[f64]) -> Result<f64, Error> {
    let wave = Wave { rates: [1.0, 0.5], amplitude: 0.8, temperature: 0.3 };
    let start = [(0.6, 0.1), (-0.3, 0.2)];
    let grid = boxed(&[4.5, 4.5], cells)?;
    let initial = Initial::Cells { probability: wave.cell_probability(&grid, start, 0.0) };
    let exact = wave.cell_probability(&grid, start, times[times.len() - 1]);
    let options = FokkerPlanckOptions { tolerance: 1e-7, ..options };
    Ok(setting.transient(options, (Arc::new(wave), 0.3), &grid, initial, times, &exact)?.error)
}

fn helix(setting: &Setting, options: FokkerPlanckOptions, cells: usize, times: &[f64]) -> Result<f64, Error> {
    let helix = Helix { rates: [1.0, 0.8, 0.6], amplitude: 0.5, temperature: 0.3 };
    let start = [(0.4, 0.2), (-0.3, 0.25), (0.2, 0.3)];
    let grid = boxed(&[3.6; 3], cells)?;
    let initial = Initial::Cells { probability: helix.cell_probability(&grid, start, 0.0) };
    let exact = helix.cell_probability(&grid, start, times[times.len() - 1]);
    let options = FokkerPlanckOptions { tolerance: 1e-7, ..options };
    Ok(setting.transient(options, (Arc::new(helix), 0.3), &grid, initial, times, &exact)?.error)
}
