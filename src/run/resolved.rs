//! Whether the grid resolves the density that was computed on it.
//!
//! A grid does not where an axis has fewer than `FEWEST` cells, where the L1 error that the run itself estimates reaches `LARGEST` (half
//! of the greatest possible distance 2, from where on estimates say nothing), where the loss has detail too narrow to be seen between the
//! cell centres, where the stationary law lies in one cell by more than
//! `ONE_CELL`, or where two standard deviations along an axis are less than two cells at more than `SHARE` of the output times after the
//! first. A point start is narrow for a while, which is no fault of the grid: therefore a share.

use fpsolve_solvers::fokker_planck::Stationary;
use fpsolve_solvers::numerics::symmetric::packed_index;
use fpsolve_solvers::problem::grid::{Axis, Grid};
use fpsolve_validation::verdict::Verdict;

use super::engine_run::EngineRun;
use super::seen::Seen;
use crate::text::{beside, short};

/// Fewest cells of an axis from which anything can be said.
const FEWEST: usize = 5;
/// Estimated L1 error from which on the density counts as unresolved.
const LARGEST: f64 = 1.0;
/// Stationary probability of a single cell beyond which the law counts as one cell.
const ONE_CELL: f64 = 0.9;
/// Share of the output times that may be narrow.
const SHARE: f64 = 0.5;
/// L1 error that the advice aims at.
const AIM: f64 = 0.05;

/// Why the grid does not resolve the density, with the worst L1 error that was estimated.
pub struct Unresolved {
    /// One line.
    pub why: String,
    error: f64,
}

impl Unresolved {
    /// The failed verdict.
    pub fn verdict(&self) -> Verdict {
        Verdict { name: "resolved".into(), value: self.error, bound: LARGEST, passed: false, why: self.why.clone() }
    }
}

/// What the grid does not resolve of a run that holds the law on it; None where it resolves it.
pub fn unresolved(grid: &Grid, run: &EngineRun, stationary: Option<&Stationary>) -> Option<Unresolved> {
    let seen = run.seen();
    let error = seen.grid_errors.iter().copied().fold(f64::NAN, f64::max);
    let at_rest = stationary.and_then(|law| law.error_grid).filter(|error| *error >= LARGEST);
    let why = too_few(grid)
        .or_else(|| run.engine.on_grid()?.unseen().map(|what| format!("{what}; finer cells are needed there")))
        .or_else(|| narrow(grid, &seen))
        .or_else(|| stationary.and_then(|law| one_cell(grid, law)))
        .or_else(|| {
            let at = seen.grid_errors.iter().position(|error| *error >= LARGEST)?;
            Some(large(grid, seen.grid_errors[at], &format!("at t = {}", short(seen.snapshots[at].time))))
        })
        .or_else(|| Some(large(grid, at_rest?, "of the stationary density")))?;
    Some(Unresolved { why: format!("not resolved: {why}"), error })
}

fn too_few(grid: &Grid) -> Option<String> {
    let axis = grid.axes().iter().find(|axis| axis.cells() < FEWEST)?;
    Some(format!("{} has {} cells; {FEWEST} are the least, about 50 are needed", axis.variable(), axis.cells()))
}

/// Two standard deviations of less than two cells, at a noticeable share of the times.
fn narrow(grid: &Grid, run: &Seen) -> Option<String> {
    let after = &run.snapshots[run.snapshots.len().min(1)..];
    for (k, axis) in grid.axes().iter().enumerate().filter(|(_, axis)| !axis.is_periodic()) {
        let width = |snapshot: &&fpsolve_solvers::engine::Snapshot| {
            let variance = snapshot.covariance[packed_index(grid.dimension(), k, k)].max(0.0);
            variance.sqrt() / cell_at(axis, snapshot.mean[k])
        };
        let narrow: Vec<_> = after.iter().filter(|s| s.outside < 1.0 && width(s) < 1.0).collect();
        if narrow.len() as f64 > SHARE * after.len() as f64 {
            let (last, cells) = (narrow[narrow.len() - 1], axis.cells() as f64);
            let needed = round_up(3.0 * cells / width(&last).max(0.05));
            let (name, time) = (axis.variable(), short(last.time));
            return Some(format!(
                "the density is {} cells wide on {name} at t = {time}; {needed} cells or more on {name} are needed",
                short(2.0 * width(&last))
            ));
        }
    }
    None
}

/// The width of the cell where x is.
fn cell_at(axis: &Axis, x: f64) -> f64 {
    let edges = axis.edges();
    let at = edges.partition_point(|edge| *edge <= x).clamp(1, edges.len() - 1);
    edges[at] - edges[at - 1]
}

fn one_cell(grid: &Grid, law: &Stationary) -> Option<String> {
    let (cell, share) = law.probability.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let center = grid.center(cell);
    let at: Vec<String> = grid.axes().iter().zip(center).map(|(axis, x)| beside(x, axis.length())).collect();
    let needed: Vec<String> = grid.axes().iter().map(|axis| (10 * axis.cells()).to_string()).collect();
    (*share > ONE_CELL).then(|| {
        let percent = short(100.0 * share);
        format!(
            "{percent} % of the stationary law lies in the cell at ({}); {} cells or more are needed",
            at.join(", "),
            needed.join(" × ")
        )
    })
}

/// The number of cells for the error aimed at, by second order.
fn large(grid: &Grid, error: f64, when: &str) -> String {
    let factor = (error / AIM).sqrt();
    let needed = |axis: &Axis| format!("about {} cells on {}", round_up(factor * axis.cells() as f64), axis.variable());
    let needed: Vec<String> = grid.axes().iter().map(needed).collect();
    format!("L1 error {} % {when}; {} are needed", short(100.0 * error), needed.join(", "))
}

/// Rounded up to two leading digits.
fn round_up(x: f64) -> String {
    let unit = 10f64.powi(x.log10().floor() as i32 - 1).max(1.0);
    format!("{}", (x / unit).ceil() * unit)
}
