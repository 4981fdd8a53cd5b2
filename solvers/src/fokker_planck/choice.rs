//! Which discretisation a problem gets: the one with the smaller estimated error.
//!
//! Where the cell Péclet number is moderate on nearly all probability the edge generator is accurate, sparse and keeps detailed
//! balance: it is taken without a trial. Elsewhere both are tried on a coarsened grid, for the stationary density and a few output times:
//! the edge generator's error by comparison with a grid coarser by 2 and the order that its stationary density shows, the chain's by comparison with steps twice as long. A bar on the Péclet number alone would be wrong both ways: a curved problem
//! with high numbers in its flanks can do better on edges, a linear one with moderate numbers on the chain.

use super::chain::applies;
use super::error_estimate::change;
use super::options::{FokkerPlanckOptions, SpaceMethod};
use super::run::{Discrete, Transient};
use crate::Error;
use crate::engine::Interrupt;
use crate::grid::Grid;
use crate::problem::Problem;

/// Cell Péclet number above which exponential fitting is a diffusive first-order scheme.
pub const PECLET: f64 = 2.0;
/// Share of the probability at higher Péclet numbers up to which no trial is made.
const SHARE: f64 = 0.01;
/// Share above which the edge generator counts as a method of first order where its order cannot be seen, and loses where no trial
/// can be made.
const MOSTLY: f64 = 0.5;
/// Growth of the edge generator's error from grid to grid: of order ¾ to 2.
const GROWTH: (f64, f64) = (1.68, 4.0);
/// Widening of the diffusion by the bound on the stencil, relative to its trace, up to which no trial is made.
const WIDENING: f64 = 1e-3;
/// Share of the run that a step of the chain may take.
const HALF: f64 = 0.5;
/// Entries of a chain that is chosen unasked (12 bytes each).
const MOST_ENTRIES: f64 = 6e7;
/// Output times of a trial.
const TIMES: usize = 3;

/// The law that a run starts from, and its time.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    pub law: &'a [f64],
    pub time: f64,
}

/// What was chosen, and why.
pub(super) struct Choice {
    /// [`SpaceMethod::Edges`] or [`SpaceMethod::Chain`].
    pub method: SpaceMethod,
    /// The reason, as a sentence.
    pub reason: String,
    /// The chains of a trial with their suitable and with twice as long steps, which the companion of the run can use.
    pub coarse: Option<(Discrete, Discrete)>,
}

impl Choice {
    /// The edge generator after all, because the chain that was chosen could not be built.
    pub fn fallen_back(error: &Error) -> Self {
        edges(format!("the long-step chain failed: {error}"))
    }
}

fn edges(reason: String) -> Choice {
    Choice { method: SpaceMethod::Edges, reason: format!("edge generator: {reason}"), coarse: None }
}

fn chain(reason: String) -> Choice {
    Choice { method: SpaceMethod::Chain, reason: format!("long-step chain: {reason}"), coarse: None }
}

/// Chooses for a problem whose edge generator is already made. Errors: the chain asked for where it does not apply or together with
/// an integrator of a generator, a trial that fails on edges.
pub(super) fn choose(
    problem: &Problem,
    options: &FokkerPlanckOptions,
    fine: &Discrete,
    start: Start,
    interrupt: Interrupt,
) -> Result<Choice, Error> {
    match options.discretisation {
        SpaceMethod::Edges => return Ok(edges("asked for".into())),
        SpaceMethod::Chain if options.method != "auto" => {
            return Err(Error::invalid(
                format!("method = \"{}\" integrates a generator, and the long-step chain has none", options.method),
                "write method = \"auto\", or discretisation = \"edges\"",
            ));
        }
        SpaceMethod::Chain => {
            applies(&fine.grid)?;
            return Ok(chain("asked for".into()));
        }
        SpaceMethod::Auto => {}
    }
    if options.method != "auto" {
        return Ok(edges(format!("method = \"{}\" integrates a generator", options.method)));
    }
    let share = high_share(fine, start.law);
    let widening = fine.discretization.widening;
    if share <= SHARE && widening <= WIDENING {
        return Ok(edges(format!(
            "the cell Péclet number exceeds {PECLET} on {:.2} % of the probability only",
            100.0 * share
        )));
    }
    let percent = format!("the cell Péclet number exceeds {PECLET} on {:.0} % of the probability", 100.0 * share);
    if let Err(error) = applies(&fine.grid) {
        return Ok(edges(format!("{error}, though {percent}")));
    }
    let duration = problem.times.last().map_or(0.0, |end| end - start.time);
    let longest = if duration > 0.0 { HALF * duration } else { f64::INFINITY };
    let Some(step) = fine.suitable_step(start.law, longest) else {
        return Ok(edges(format!(
            "{percent}, but no step of the long-step chain resolves the noise on this grid and is at most half the run"
        )));
    };
    match fine.chain_entries(step) {
        Ok(entries) if entries <= MOST_ENTRIES => {}
        Ok(entries) => {
            return Ok(edges(format!("{percent}, but the long-step chain would have {entries:.0e} entries")));
        }
        Err(error) => return Ok(edges(format!("{percent}, but the long-step chain fails: {error}"))),
    }
    let Some((grid, law)) = trial_grid(&fine.grid, start.law) else {
        let why = format!("{percent}; no trial, because the grid cannot be coarsened by 2");
        return Ok(if share > MOSTLY { chain(why) } else { edges(why) });
    };
    compare(problem, options, fine, &grid, Start { law: &law, time: start.time }, share, &percent, interrupt)
}

/// The largest share of the initial and the stationary law at high Péclet numbers.
fn high_share(discrete: &Discrete, start: &[f64]) -> f64 {
    let high = |law: &[f64]| -> f64 {
        let peclet = &discrete.discretization.peclet;
        law.iter().zip(peclet).filter(|(_, peclet)| **peclet > PECLET).map(|(p, _)| p).sum()
    };
    let stationary = discrete.law.as_ref().map_or(0.0, |law| high(&law.probability));
    high(start).max(stationary).max(0.0) // an empty sum is −0
}

/// The coarsest of the grid and its coarsening that can itself be coarsened, with the start on it.
fn trial_grid(grid: &Grid, start: &[f64]) -> Option<(Grid, Vec<f64>)> {
    let coarse = grid.coarsened()?;
    match coarse.coarsened() {
        Some(_) => Some((coarse, grid.coarsen_probability(start))),
        None => Some((grid.clone(), start.to_vec())),
    }
}

/// Runs both on the trial grid.
fn compare(
    problem: &Problem,
    options: &FokkerPlanckOptions,
    fine: &Discrete,
    grid: &Grid,
    start: Start,
    share: f64,
    percent: &str,
    interrupt: Interrupt,
) -> Result<Choice, Error> {
    let cells = grid.shape().iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    let with_chain = |step| Discrete::edges(problem, grid, interrupt)?.with_chain(start.law, step);
    let short = match with_chain(None) {
        Ok(discrete) => discrete,
        Err(error) => return Ok(edges(format!("{percent}, but the long-step chain fails on {cells} cells: {error}"))),
    };
    let step = short.step().map(|step| 2.0 * step);
    let seen = |discrete: &Discrete, start: Start| trial(problem, options, discrete, start, interrupt);
    let tried = with_chain(step).and_then(|long| Ok((distance(&seen(&short, start)?, &seen(&long, start)?), long)));
    let (by_chain, long) = match tried {
        Ok((change, long)) => (2.0 * change, long),
        Err(error) => return Ok(edges(format!("{percent}, but the long-step chain fails on {cells} cells: {error}"))),
    };
    let Some(coarse) = grid.coarsened() else {
        return Ok(edges(format!("{percent}; no trial")));
    };
    let law = grid.coarsen_probability(start.law);
    let rough = seen(&Discrete::edges(problem, &coarse, interrupt)?, Start { law: &law, time: start.time })?;
    let on = seen(&Discrete::edges(problem, grid, interrupt)?, start)?;
    let merged: Vec<Option<Vec<f64>>> = on.iter().map(|p| p.as_ref().map(|p| grid.coarsen_probability(p))).collect();
    // the order shows in the stationary density, whose fine version is there already
    let before = distance(&merged[..1], &rough[..1]);
    let last = match (fine.at_rest(), &on[0]) {
        (Some(law), Some(on)) if fine.grid.len() > grid.len() && before > 0.0 => Some(change(&fine.grid, &law, on)),
        _ => None,
    };
    let growth = match last {
        Some(last) => (before / last).clamp(GROWTH.0, GROWTH.1),
        None if share > MOSTLY => 2.0,
        None => 4.0,
    };
    let by_edges = distance(&merged, &rough) / (growth - 1.0);
    let figures = |own: f64, other: f64, name: &str| {
        format!("estimated error {own:.1e} against {other:.1e} of the {name} in a trial on {cells} cells; {percent}")
    };
    Ok(if by_chain < by_edges {
        Choice { coarse: Some((short, long)), ..chain(figures(by_chain, by_edges, "edge generator")) }
    } else {
        edges(figures(by_edges, by_chain, "long-step chain"))
    })
}

/// The stationary density, where there is one, and the densities at a few output times.
fn trial(
    problem: &Problem,
    options: &FokkerPlanckOptions,
    discrete: &Discrete,
    start: Start,
    interrupt: Interrupt,
) -> Result<Vec<Option<Vec<f64>>>, Error> {
    let mut out = vec![discrete.at_rest()];
    let later: Vec<f64> = problem.times.iter().copied().filter(|&t| t > start.time).collect();
    let mut times: Vec<f64> =
        (1..=TIMES).filter_map(|k| later.get((k * later.len()).div_ceil(TIMES) - 1)).copied().collect();
    times.dedup();
    let mut transient = Transient::new(discrete, start.law.to_vec(), start.time, &times, options)?;
    for &time in &times {
        transient.advance(time, interrupt)?;
        out.push(Some(transient.probability.clone()));
    }
    Ok(out)
}

/// The largest L1 distance of what both have.
fn distance(a: &[Option<Vec<f64>>], b: &[Option<Vec<f64>>]) -> f64 {
    let l1 = |(a, b): (&Option<Vec<f64>>, &Option<Vec<f64>>)| -> f64 {
        match (a, b) {
            (Some(a), Some(b)) => a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum(),
            _ => 0.0,
        }
    };
    a.iter().zip(b).map(l1).fold(0.0, f64::max)
}
