//! Which discretisation a problem gets: the one with the smaller estimated error.
//!
//! Where the cell Péclet number is moderate on nearly all probability the edge generator is accurate, sparse and keeps detailed
//! balance: it is taken without a trial. Elsewhere both are tried, each with the companions that tell its error, for the stationary
//! density and a few output times. A bar on the Péclet number alone would be wrong both ways: a reversible problem
//! with high numbers in its flanks can do better on edges, a linear one with moderate numbers on the chain.

use super::accuracy::coarse_levels::Companion;
use super::chain::long_steps::{lengths, snapped};
use super::chain::{MOST_ENTRIES_UNASKED, applies};
use super::discretisation::{Discrete, Transient};
use super::options::{FokkerPlanckOptions, SpaceMethod};
use crate::Error;
use crate::engine::Interrupt;
use crate::problem::Problem;

/// Cell Péclet number above which exponential fitting is a diffusive first-order scheme.
pub const PECLET: f64 = 2.0;
/// Share of the probability at higher Péclet numbers up to which no trial is made.
const SHARE: f64 = 0.01;
/// Share above which the edge generator counts as of first order, and the chain wins where no trial can be made.
const MOSTLY: f64 = 0.5;
/// Estimated error of the chain up to which it is taken without a trial of the edge generator where most of the initial law is at high
/// Péclet numbers.
const ACCURATE: f64 = 2e-3;
/// Widening of the diffusion by the bound on the stencil, relative to its trace, up to which no trial is made.
const WIDENING: f64 = 1e-3;
/// Seconds of an evaluation of drift and D, for each sample of the data.
const EVALUATION: f64 = 2e-8;
/// Seconds that setting up a chain may take unasked.
const MOST_SECONDS: f64 = 30.0;
/// Output times of a trial.
const TIMES: usize = 3;

/// The law that a run starts from, and its time.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    pub law: &'a [f64],
    pub time: f64,
}

/// A discretisation with what tells its error.
pub(super) struct Candidate {
    pub discrete: Discrete,
    /// None where no estimate is wanted, or none can be had.
    pub companion: Option<Companion>,
}

/// What was chosen, and why.
pub(super) struct Choice {
    /// [`SpaceMethod::Edges`] or [`SpaceMethod::Chain`].
    pub method: SpaceMethod,
    /// The reason, as a sentence.
    pub reason: String,
}

fn edges(reason: String) -> Choice {
    Choice { method: SpaceMethod::Edges, reason: format!("edge generator: {reason}") }
}

fn chain(reason: String) -> Choice {
    Choice { method: SpaceMethod::Chain, reason: format!("long-step chain: {reason}") }
}

/// What a choice is made of.
struct Chooser<'a> {
    problem: &'a Problem,
    options: &'a FokkerPlanckOptions,
    start: Start<'a>,
    interrupt: Interrupt<'a>,
}

/// Chooses for a problem whose edge generator is already made, but not solved. Errors: the chain asked for where it does not apply or together with
/// an integrator of a generator, a trial that fails on edges; [`Error::Interrupted`].
pub(super) fn choose(
    problem: &Problem,
    options: &FokkerPlanckOptions,
    fine: Discrete,
    start: Start,
    interrupt: Interrupt,
) -> Result<(Candidate, Choice), Error> {
    let chooser = Chooser { problem, options, start, interrupt };
    match options.discretisation {
        SpaceMethod::Edges => Ok((chooser.candidate(fine.solved(problem, interrupt)?)?, edges("asked for".into()))),
        SpaceMethod::Chain if options.method != "auto" => Err(Error::invalid(
            format!("method = \"{}\" integrates a generator, and the long-step chain has none", options.method),
            "write method = \"auto\", or discretisation = \"edges\"",
        )),
        SpaceMethod::Chain => {
            applies(&fine.grid)?;
            let fine = fine.solved(problem, interrupt)?;
            let block = fine.suitable_block(start.law, f64::INFINITY).map(|b| snapped(b, start.time, &problem.times));
            let discrete = fine.with_chain(start.law, block, interrupt)?;
            Ok((chooser.candidate(discrete)?, chain("asked for".into())))
        }
        SpaceMethod::Auto => match chooser.plainly_chain(&fine)? {
            Some(found) => Ok(found),
            None => chooser.choose(fine.solved(problem, interrupt)?),
        },
    }
}

impl Chooser<'_> {
    fn candidate(&self, discrete: Discrete) -> Result<Candidate, Error> {
        let wanted = self.options.error_estimate;
        let companion =
            if wanted { Companion::new(self.problem, &discrete, self.start.law, self.interrupt)? } else { None };
        Ok(Candidate { discrete, companion })
    }

    /// The chain without a trial of the edge generator, where that is of first order on most of the initial law and the chain is accurate.
    fn plainly_chain(&self, fine: &Discrete) -> Result<Option<(Candidate, Choice)>, Error> {
        if high_share(fine, self.start.law) <= MOSTLY {
            return Ok(None);
        }
        let Ok((block, why)) = self.chain(fine) else { return Ok(None) };
        Ok(match self.tried_chain(fine, block) {
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Ok((candidate, Some(error))) if error <= ACCURATE && candidate.discrete.covers_at_rest() => {
                let why = format!("estimated error {error:.1e}; {why}: the edge generator is of first order there");
                Some((candidate, chain(why)))
            }
            _ => None,
        })
    }

    /// The better one of two.
    fn choose(&self, fine: Discrete) -> Result<(Candidate, Choice), Error> {
        match self.chain(&fine) {
            Ok((block, why)) => self.compare(fine, block, &why),
            Err(why) => Ok((self.candidate(fine)?, edges(why))),
        }
    }

    /// The block of a chain that is worth a trial, and what speaks for it. Errors: why there is none.
    fn chain(&self, fine: &Discrete) -> Result<(f64, String), String> {
        if self.options.method != "auto" {
            return Err(format!("method = \"{}\" integrates a generator", self.options.method));
        }
        let share = high_share(fine, self.start.law);
        if share <= SHARE && fine.discretization.widening <= WIDENING {
            let percent = 100.0 * share;
            return Err(format!("the cell Péclet number exceeds {PECLET} on {percent:.2} % of the probability only"));
        }
        let percent = format!("the cell Péclet number exceeds {PECLET} on {:.0} % of the probability", 100.0 * share);
        applies(&fine.grid).map_err(|error| format!("{error}, though {percent}"))?;
        let duration = self.problem.times.last().map_or(0.0, |end| end - self.start.time);
        let longest = if duration > 0.0 { duration } else { f64::INFINITY };
        let block = fine.suitable_block(self.start.law, longest).ok_or_else(|| {
            format!("{percent}, but no steps of the long-step chain resolve the noise on this grid and are at most half the run")
        })?;
        let block = snapped(block, self.start.time, &self.problem.times);
        let expected =
            fine.expected_chain(block).map_err(|error| format!("{percent}, but the long-step chain fails: {error}"))?;
        if expected.entries > MOST_ENTRIES_UNASKED {
            return Err(format!("{percent}, but the long-step chain would have {:.0e} entries", expected.entries));
        }
        let lengths = lengths(block, self.start.time, &self.problem.times) as f64;
        let seconds = EVALUATION * self.problem.model.sample_count().max(1) as f64 * expected.evaluations * lengths;
        if seconds > MOST_SECONDS {
            return Err(format!(
                "{percent}, but the long-step chain would take about {seconds:.0} s to set up (discretisation = \"chain\" does it)"
            ));
        }
        Ok((block, percent))
    }

    /// Tries both.
    fn compare(&self, fine: Discrete, block: f64, why: &str) -> Result<(Candidate, Choice), Error> {
        let share = high_share(&fine, self.start.law);
        let (chained, chain_error) = match self.tried_chain(&fine, block) {
            Ok(tried) => tried,
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(error) => {
                return Ok((self.candidate(fine)?, edges(format!("{why}, but the long-step chain fails: {error}"))));
            }
        };
        let (by_edges, edge_error) = self.tried(fine)?;
        let figures = |own: f64, other: f64, name: &str| {
            format!("estimated error {own:.1e} against {other:.1e} of the {name}; {why}")
        };
        Ok(match (chain_error, edge_error) {
            (Some(own), Some(other)) if own < other => (chained, chain(figures(own, other, "edge generator"))),
            (Some(other), Some(own)) => (by_edges, edges(figures(own, other, "long-step chain"))),
            _ if share > MOSTLY => (chained, chain(format!("{why}; no trial, because the errors cannot be estimated"))),
            _ => (by_edges, edges(format!("{why}; no trial, because the errors cannot be estimated"))),
        })
    }

    /// [`Chooser::tried`] for the chain of this block.
    fn tried_chain(&self, fine: &Discrete, block: f64) -> Result<(Candidate, Option<f64>), Error> {
        self.tried(fine.clone().with_chain(self.start.law, Some(block), self.interrupt)?)
    }

    /// A candidate with the largest estimated error of the stationary density and at a few output times; no error where it cannot be told.
    fn tried(&self, discrete: Discrete) -> Result<(Candidate, Option<f64>), Error> {
        let Some(mut companion) = Companion::new(self.problem, &discrete, self.start.law, self.interrupt)? else {
            return Ok((Candidate { discrete, companion: None }, None));
        };
        let (grid, start) = (&discrete.grid, self.start);
        let mut worst = companion.stationary(&discrete);
        let times = self.few_times();
        let mut transient = Transient::new(&discrete, start.law.to_vec(), start.time, &times, self.options)?;
        companion.start(grid, start.law, start.time, &times, self.options)?;
        for &time in &times {
            transient.advance(time, self.interrupt)?;
            let error = companion.advance(time, &discrete, &transient, self.interrupt)?;
            worst = worst.into_iter().chain(error).reduce(f64::max);
        }
        let companion = Some(companion).filter(|_| self.options.error_estimate);
        Ok((Candidate { discrete, companion }, worst))
    }

    /// Output times of a trial.
    fn few_times(&self) -> Vec<f64> {
        let later: Vec<f64> = self.problem.times.iter().copied().filter(|&t| t > self.start.time).collect();
        let mut times: Vec<f64> =
            (1..=TIMES).filter_map(|k| later.get((k * later.len()).div_ceil(TIMES) - 1)).copied().collect();
        times.dedup();
        times
    }
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
