//! `tolerance`: the grid on which a run's own estimate of its L1 error is below what was asked for.
//!
//! Trial solutions, each with the coarser companions that tell its error, on more and more cells of one box: the number for the next trial follows
//! from the error of the last one and the order that the last two showed. A single trial is never believed: two in a row have to
//! make sense of each other.

use std::time::Instant;

use super::engine::FokkerPlanck;
use super::grading::with_cells;
use super::options::FokkerPlanckOptions;
use crate::engine::{Engine, Interrupt};
use crate::error::{Error, Setting};
use crate::problem::Problem;
use crate::problem::grid::Grid;
use crate::problem::scale::Scale;

/// Cells per axis of the first trial in 1, 2, 3 dimensions, on the axis that wants most.
pub const FIRST: [usize; 3] = [64, 32, 16];
/// Fewest cells of an axis.
const FEWEST: usize = 16;
/// Share of the tolerance that the next trial aims at.
const AIM: f64 = 0.7;
/// Least and largest growth of the cells of an axis from trial to trial.
const GROWTH: [f64; 2] = [1.3, 2.5];
/// The orders that are believed.
const ORDERS: [f64; 2] = [0.7, 2.5];
/// Most trials.
const TRIALS: usize = 12;
/// How the seconds of a trial grow with the number of cells, at least.
const COST: f64 = 1.4;
/// Smallest and largest tolerance.
pub const TOLERANCES: [f64; 2] = [1e-6, 0.5];

/// What a search may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowed {
    /// Most cells of the grid.
    pub cells: f64,
    /// Most cells of an axis.
    pub per_axis: usize,
    /// Most seconds of one trial.
    pub seconds: f64,
}

/// One trial solution.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Cells per axis.
    pub cells: Vec<usize>,
    /// Its own estimate of the L1 error of grid and time steps, the worst over output times and the stationary density.
    pub error: f64,
    /// What the walls cut off.
    pub truncation: f64,
    /// Wall seconds.
    pub seconds: f64,
}

/// A grid that is fine enough, and what it took.
#[derive(Debug, Clone)]
pub struct Refinement {
    /// The grid.
    pub grid: Grid,
    /// The tolerance asked for.
    pub tolerance: f64,
    /// The trials in their order; the last one met the tolerance.
    pub trials: Vec<Trial>,
}

impl Refinement {
    /// What it took, in a sentence.
    pub fn reason(&self) -> String {
        let words = |trial: &Trial| format!("{:.1e} on {}", trial.error + trial.truncation, product(&trial.cells));
        let trials: Vec<String> = self.trials.iter().map(words).collect();
        format!("tolerance {}: estimated error {}", self.tolerance, trials.join(", "))
    }

    /// The estimate on the grid that was taken.
    pub fn error(&self) -> f64 {
        self.trials.last().map_or(f64::NAN, |trial| trial.error + trial.truncation)
    }
}

fn product(cells: &[usize]) -> String {
    let cells: Vec<String> = cells.iter().map(usize::to_string).collect();
    format!("{} cells", cells.join(" x "))
}

/// The grid in cells that are equal in `scales`. Errors: cells that make none.
pub fn on_cells(grid: &Grid, scales: &[Scale], cells: &[usize]) -> Result<Grid, Error> {
    let axes = grid.axes().iter().zip(scales).zip(cells);
    Grid::new(axes.map(|((axis, scale), &n)| with_cells(axis, scale, n)).collect::<Result<_, _>>()?)
}

/// Finds the number of cells on the box of `grid` with these coordinates; `share` of the cells goes to each axis, relative to the one with
/// most. `at` puts the problem on a grid.
///
/// Errors: memory or time would not do, no estimate below the tolerance in twelve trials, walls that cut off more than the
/// tolerance, those of a trial solution.
pub fn refine(
    (grid, scales, share): (&Grid, &[Scale], &[f64]),
    tolerance: f64,
    (options, allowed): (&FokkerPlanckOptions, Allowed),
    at: &dyn Fn(Grid) -> Result<Problem, Error>,
    interrupt: Interrupt,
) -> Result<Refinement, Error> {
    let options = FokkerPlanckOptions { error_estimate: true, ..options.clone() };
    let mut size = FIRST[grid.dimension() - 1] as f64;
    let mut trials: Vec<Trial> = Vec::new();
    loop {
        let cells: Vec<usize> = share.iter().map(|share| whole(size * share)).collect();
        let fine = on_cells(grid, scales, &cells)?;
        let begun = Instant::now();
        let [error, truncation] = solved(&at(fine.clone())?, &options, interrupt)?;
        trials.push(Trial { cells, error, truncation, seconds: begun.elapsed().as_secs_f64() });
        if truncation > tolerance {
            return Err(walls(tolerance, truncation));
        }
        if met(&trials, tolerance) {
            return Ok(Refinement { grid: fine, tolerance, trials });
        }
        if trials.len() == TRIALS {
            let (what, help) = unreached(tolerance, &trials, "and more cells help no further", "");
            return Err(Error::invalid(what, help));
        }
        size *= growth(&trials, tolerance);
        let wanted: Vec<usize> = share.iter().map(|share| whole(size * share)).collect();
        affordable(tolerance, &trials, &wanted, allowed)?;
    }
}

/// A multiple of four, so that there are coarser grids.
fn whole(cells: f64) -> usize {
    (cells / 4.0).ceil().max((FEWEST / 4) as f64) as usize * 4
}

/// The estimate and what the walls cut off, at the end of a run. Errors: those of the run.
fn solved(problem: &Problem, options: &FokkerPlanckOptions, interrupt: Interrupt) -> Result<[f64; 2], Error> {
    let mut engine = FokkerPlanck::new_until(problem, options.clone(), interrupt)?;
    for &time in &problem.times {
        engine.advance(time, interrupt)?;
    }
    Ok(engine.estimated_parts())
}

/// Whether the last estimate is below the tolerance and the one before does not say that it is chance.
fn met(trials: &[Trial], tolerance: f64) -> bool {
    match trials {
        [.., before, last] => last.error + last.truncation <= tolerance && last.error <= 1.5 * before.error,
        _ => false,
    }
}

/// By which factor the cells of an axis grow: to the error aimed at, by the order that the last two trials showed.
fn growth(trials: &[Trial], tolerance: f64) -> f64 {
    let order = match trials {
        [.., before, last] => {
            let ratio = last.cells[0] as f64 / before.cells[0] as f64;
            ((before.error / last.error).ln() / ratio.ln()).clamp(ORDERS[0], ORDERS[1])
        }
        _ => 2.0,
    };
    let error = trials.last().map_or(f64::INFINITY, |trial| trial.error);
    let factor = (error / (AIM * tolerance)).powf(1.0 / order);
    if factor.is_nan() { GROWTH[1] } else { factor.clamp(GROWTH[0], GROWTH[1]) }
}

/// Errors: the next trial would need more cells or more time than is allowed.
fn affordable(tolerance: f64, trials: &[Trial], wanted: &[usize], allowed: Allowed) -> Result<(), Error> {
    let count = |cells: &[usize]| cells.iter().map(|&n| n as f64).product::<f64>();
    let next = product(wanted);
    if count(wanted) > allowed.cells || wanted.iter().any(|&n| n > allowed.per_axis) {
        let why = format!("and the {next} of the next trial are more than the memory allows");
        let (what, help) = unreached(tolerance, trials, &why, "");
        return Err(Error::too_large(what, help));
    }
    let Some(last) = trials.last() else { return Ok(()) };
    let seconds = last.seconds * (count(wanted) / count(&last.cells)).powf(COST);
    if seconds > allowed.seconds {
        let why = format!(
            "and the next trial on {next} would take about {seconds:.0} s, more than the {:.0} s allowed",
            allowed.seconds
        );
        let (what, help) = unreached(tolerance, trials, &why, ", or a larger budget");
        return Err(Error::too_large(what, help).set_by(&[Setting::Budget]));
    }
    Ok(())
}

/// What is said of a tolerance that is not reached, and the advice.
fn unreached(tolerance: f64, trials: &[Trial], why: &str, or: &str) -> (String, String) {
    let best = trials.iter().min_by(|a, b| a.error.total_cmp(&b.error));
    let reached = best.map_or(String::new(), |trial| {
        format!("{} have an estimated error of {:.1e}, ", product(&trial.cells), trial.error + trial.truncation)
    });
    let larger = best.map_or(0.5, |trial| 1.2 * trial.error).min(TOLERANCES[1]);
    (
        format!("the tolerance {tolerance} is not reached: {reached}{why}"),
        format!("ask for less, for example {larger:.1e}, or give the number of cells{or}"),
    )
}

fn walls(tolerance: f64, truncation: f64) -> Error {
    Error::invalid(
        format!(
            "the tolerance {tolerance} cannot be reached on this box: its walls cut off about {truncation:.1e} of the probability"
        ),
        "give a wider box or none, or say that the walls belong to the problem",
    )
}
