//! What is known of a pair of chains before it is built: its step, and what it will take.

use std::sync::Arc;

use super::effort::Effort;
use super::lattice_law::Uncovered;
use super::long_steps::{pairs, snapped};
use super::step_choice::{covers, relaxing_step, suitable_step};
use super::transition::{Chain, Expected};
use crate::engine::Interrupt;
use crate::error::Error;
use crate::fokker_planck::edges::discretisation::EdgeDiscretisation;
use crate::fokker_planck::linear::solver::proceed;
use crate::problem::grid::Grid;

/// Operations that the search for a step may take.
const MOST_OF_A_SEARCH: f64 = 3e9;
/// Steps τ longer than so many times the run are not looked for.
const LONGEST: f64 = 2.0;

/// A long step 2τ, and the laws of those cells that its noise does not cover.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LongStep {
    /// 2τ.
    pub length: f64,
    /// The laws of cells that the noise of a step does not cover.
    pub uncovered: Uncovered,
}

impl LongStep {
    /// Of a length that divides the intervals between the times, where there is one near.
    pub fn snapped(self, from: f64, times: &[f64]) -> Self {
        Self { length: snapped(self.length, from, times), ..self }
    }
}

/// The long step that suits a chain on the grid of an edge generator, on its laws: the noise of τ covers a cell nearly everywhere, or else 2τ is what
/// the drift takes to contract; None where it does neither, or the search takes too much. Errors: [`Error::Interrupted`].
pub fn suitable_long_step(
    edges: &EdgeDiscretisation,
    start: &[f64],
    (from, times): (f64, &[f64]),
    effort: &Effort,
    interrupt: Interrupt,
) -> Result<Option<LongStep>, Error> {
    let (dynamics, temperature, grid) = (edges.dynamics.as_ref(), edges.temperature, &edges.grid);
    let laws = edges.laws(start);
    let stop = |evaluations: f64| {
        effort.add(effort.of_evaluations(evaluations));
        effort.operations() > MOST_OF_A_SEARCH || interrupt()
    };
    let run = times.last().map(|end| end - from).filter(|run| *run > 0.0);
    let longest = run.map_or(f64::INFINITY, |run| LONGEST * run);
    let covering = suitable_step(dynamics, temperature, grid, &laws, longest, &stop);
    proceed(interrupt)?;
    if let Some(tau) = covering {
        return Ok(Some(LongStep { length: 2.0 * tau, uncovered: Uncovered::Arms }));
    }
    if effort.operations() > MOST_OF_A_SEARCH {
        return Ok(None);
    }
    let length = relaxing_step(dynamics, temperature, grid, &laws).filter(|length| *length <= 2.0 * longest);
    Ok(length.map(|length| LongStep { length, uncovered: Uncovered::Contracted }))
}

/// What a pair of chains with its companion takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Entries of the pair.
    pub entries: f64,
    /// Operations.
    pub operations: f64,
    /// Bytes: entries that are stored, and those of the largest chain while it is put together.
    pub bytes: f64,
}

/// Bytes of an entry that is stored, and of one in a row that is put together, with the room that a growing array has to spare.
const BYTES: [f64; 2] = [12.0, 32.0];

/// Operations of a second.
pub const A_SECOND: f64 = 1e9;
/// Products that a stationary law takes.
const AT_REST: f64 = 100.0;

/// What a pair of chains of this long step would take, to advance through the output times of one run after another and to rest in each, with the companion that
/// tells its error. `start` is the initial law, at the time `from`. Errors: a flow that does not stay finite.
pub fn expected(
    edges: &EdgeDiscretisation,
    step: LongStep,
    start: &[f64],
    (from, runs): (f64, &[&[f64]]),
    effort: &Arc<Effort>,
) -> Result<Cost, Error> {
    let (dynamics, temperature, grid) = (edges.dynamics.as_ref(), edges.temperature, &edges.grid);
    let of = |length: f64| Chain::expected((dynamics, temperature), grid, length, step.uncovered, effort);
    let pairs: f64 = runs.iter().map(|times| pairs(step.length, from, times)).sum();
    let products = |short: &Expected, long: &Expected, length: f64| {
        let steps = |times: &&[f64]| (times.last().map_or(0.0, |end| end - from) / length).ceil();
        let (steps, rests) = (runs.iter().map(steps).sum::<f64>(), AT_REST * runs.len() as f64);
        steps * (2.0 * short.entries + long.entries) + rests * (short.entries + long.entries)
    };
    let (short, long) = (of(0.5 * step.length)?, of(step.length)?);
    let pair = pairs * (short.operations + long.operations) + products(&short, &long, step.length);
    let coarse_covers = |coarse: &Grid| {
        let laws: Vec<Vec<f64>> = edges.laws(start).iter().map(|law| grid.coarsen_probability(law)).collect();
        let laws: Vec<&[f64]> = laws.iter().map(Vec::as_slice).collect();
        covers(dynamics, temperature, coarse, &laws, 2.0 * step.length)
    };
    let (entries, fewer) = (short.entries + long.entries, 2f64.powf(grid.dimension() as f64));
    let (companion, more, largest) = match grid.coarsened() {
        _ if step.uncovered == Uncovered::Contracted => (products(&short, &long, step.length), 0.0, long.entries),
        Some(coarse) if coarse_covers(&coarse) => (pair / fewer, entries / fewer, long.entries),
        _ => {
            let longer = of(2.0 * step.length)?;
            let operations = pairs * longer.operations + products(&long, &longer, 2.0 * step.length);
            (operations, longer.entries, longer.entries.max(long.entries))
        }
    };
    let bytes = BYTES[0] * (entries + more) + BYTES[1] * largest;
    Ok(Cost { entries, operations: pair + companion, bytes })
}
