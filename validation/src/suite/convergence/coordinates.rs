//! Every coordinate of an axis, by both discretisations, on one law that is known: x = e^y of an Ornstein–Uhlenbeck process y.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::dynamics::FromFunctions;
use fpsolve_solvers::fokker_planck::{DISCRETISATIONS, FokkerPlanckOptions};
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_solvers::problem::scale::Scale;

use super::super::{Rows, Setting};
use super::{CHAIN_ORDER, SECOND, check};
use crate::reference::pushed_forward::normal_between;

const ENDS: [f64; 2] = [0.08, 8.0];
const TEMPERATURE: f64 = 0.1;

/// An axis: its name, its coordinate, and for the edges and the chain the finest grid and the level there as it was measured.
type Case = (&'static str, Scale, [(usize, f64); 2]);

/// Order and level on every kind of axis.
///
/// In ln x the step of the chain is Gaussian to rounding: from 64 cells on the error left, 2e-6 and less, is of second order.
pub(super) fn coordinates(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let cases: [Case; 5] = [
        ("linear", Scale::Linear, [(256, 2.1699e-4), (256, 1.0596e-4)]),
        ("log", Scale::log(ENDS[0], ENDS[1])?, [(256, 1.2862e-4), (64, 1.3719e-5)]),
        ("sinh", Scale::sinh(ENDS, 1.0, 0.5)?, [(256, 3.5977e-5), (256, 2.2053e-5)]),
        ("power", Scale::power(ENDS[0], 2.0)?, [(256, 1.2346e-4), (256, 2.1936e-6)]),
        ("drawn", Scale::drawn(ENDS, 4096, |x| x)?, [(256, 1.2862e-4), (64, 1.3716e-5)]),
    ];
    for (name, scale, finest) in cases {
        for (kind, (finest, level)) in DISCRETISATIONS.iter().zip(finest) {
            let error = |cells: usize| {
                let walls = [Boundary::Reflecting; 2];
                let grid = Grid::new(vec![Axis::scaled("x", ENDS, cells, scale.clone(), walls)?])?;
                let options = FokkerPlanckOptions {
                    discretisation: Some(*kind),
                    tolerance: 1e-8,
                    ..FokkerPlanckOptions::default()
                };
                log_normal(setting, options, &grid)
            };
            let orders = if kind.order == 2 { SECOND } else { CHAIN_ORDER };
            check(rows, &format!("{name} axis, {}", kind.word), &[error(finest / 2)?, error(finest)?], orders, level);
        }
    }
    Ok(())
}

/// dx = x (T − ln x) dt + √(2T) x dW from ln x ~ N(0.4, 0.05), after the time ½.
fn log_normal(setting: &Setting, options: FokkerPlanckOptions, grid: &Grid) -> Result<f64, Error> {
    let drift = |x: &[f64], b: &mut [f64]| b[0] = x[0] * (TEMPERATURE - x[0].ln());
    let dynamics = FromFunctions::new(1, drift, |x: &[f64], a: &mut [f64]| a[0] = x[0] * x[0]);
    let cells = |m: f64, v: f64| -> Vec<f64> {
        let z = |x: f64| (x.ln() - m) / v.sqrt();
        grid.axes()[0].edges().windows(2).map(|w| normal_between(z(w[0]), z(w[1]))).collect()
    };
    let decay = (-0.5f64).exp();
    let exact = cells(0.4 * decay, 0.05 * decay * decay + TEMPERATURE * (1.0 - decay * decay));
    let start = Initial::Cells { probability: cells(0.4, 0.05) };
    Ok(setting.transient(options, (Arc::new(dynamics), TEMPERATURE), grid, start, &[0.5], &exact)?.error)
}
