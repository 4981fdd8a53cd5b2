//! Which discretisation a problem gets: the one with the smaller estimated error.
//!
//! Where the cell Péclet number is moderate on nearly all probability the edge generator is accurate, sparse and keeps detailed
//! balance: it is taken without a trial. Elsewhere both are tried, each with the coarser ones that tell its error, for the stationary
//! density and a few output times. A bar on the Péclet number alone would be wrong both ways: a reversible problem
//! with high numbers in its flanks can do better on edges, a linear one with moderate numbers on the chain.

use std::time::Duration;

use super::accuracy::coarse_levels::CoarseLevels;
use super::budget::Budget;
use super::chain::discretisation::{CHAIN, ChainDiscretisation, expected, suitable_long_step};
use super::chain::long_steps::{lengths, snapped};
use super::chain::transition::{MOST_ENTRIES_UNASKED, applies};
use super::discretisation::{Discretisation, DiscretisationKind, PECLET};
use super::edges::discretisation::{EDGES, EdgeDiscretisation};
use super::options::FokkerPlanckOptions;
use super::start::StartLaw;
use super::transient::Transient;
use crate::engine::Interrupt;
use crate::error::{Error, Setting};
use crate::problem::Problem;

/// The table of discretisations.
pub static DISCRETISATIONS: &[&DiscretisationKind] = &[&EDGES, &CHAIN];

/// The word for a choice by estimated errors, and a line on it.
pub const AUTO: (&str, &str) = ("auto", "the one of the two with the smaller estimated error");

/// The discretisation of this word in a scenario; None for [`AUTO`]. Errors: an unknown word.
pub fn from_word(word: &str) -> Result<Option<&'static DiscretisationKind>, Error> {
    if word == AUTO.0 {
        return Ok(None);
    }
    DISCRETISATIONS.iter().find(|kind| kind.word == word).map(|kind| Some(*kind)).ok_or_else(|| {
        let words: Vec<&str> = [AUTO.0].into_iter().chain(DISCRETISATIONS.iter().map(|kind| kind.word)).collect();
        Error::invalid(format!("there is no discretisation \"{word}\""), format!("write one of: {}", words.join(", ")))
    })
}

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
/// An evaluation from a table, in units of a sample of the data.
const TABLE: f64 = 3.0;
/// Seconds that setting up a chain may take unasked where there is no budget.
const MOST_SECONDS: u64 = 30;
/// Output times of a trial.
const TIMES: usize = 3;

/// A discretisation with what tells its error.
pub(super) struct Candidate {
    pub discretisation: Box<dyn Discretisation>,
    /// None where no estimate is wanted, or none can be had.
    pub coarse: Option<CoarseLevels>,
}

/// What was chosen, and why, as a sentence.
pub(super) struct Choice {
    pub candidate: Candidate,
    pub reason: String,
}

impl Candidate {
    fn because(self, reason: &str) -> Choice {
        Choice { reason: format!("{}: {reason}", self.discretisation.kind().name), candidate: self }
    }
}

/// What a choice is made of.
struct Chooser<'a> {
    problem: &'a Problem,
    options: &'a FokkerPlanckOptions,
    start: StartLaw<'a>,
    interrupt: Interrupt<'a>,
}

/// Chooses for a problem. Errors: coefficients that are not finite, a discretisation asked for where it does not apply or together
/// with an integrator that it cannot use, a trial that fails on edges; [`Error::Interrupted`].
pub(super) fn choose(
    problem: &Problem,
    options: &FokkerPlanckOptions,
    start: StartLaw,
    interrupt: Interrupt,
) -> Result<Choice, Error> {
    let chooser = Chooser { problem, options, start, interrupt };
    match options.discretisation {
        Some(kind) if kind.own_steps && options.method != "auto" => Err(Error::invalid(
            format!("the integrator \"{}\" needs a generator, and the {} has none", options.method, kind.name),
            "leave the integrator to the program, or take the discretisation \"edges\"",
        )
        .set_by(&[Setting::Integrator, Setting::Discretisation])),
        Some(kind) => Ok(chooser.candidate((kind.build)(problem, start, interrupt)?)?.because("asked for")),
        None => {
            let fine = EdgeDiscretisation::unsolved(problem, &problem.grid)?;
            match chooser.plainly_chain(&fine)? {
                Some(found) => Ok(found),
                None => chooser.choose(fine.solved(interrupt)?),
            }
        }
    }
}

impl Chooser<'_> {
    fn candidate(&self, discretisation: Box<dyn Discretisation>) -> Result<Candidate, Error> {
        let wanted = self.options.error_estimate;
        let coarse =
            if wanted { CoarseLevels::new(discretisation.as_ref(), self.start.law, self.interrupt)? } else { None };
        Ok(Candidate { discretisation, coarse })
    }

    /// The chain without a trial of the edge generator, where that is of first order on most of the initial law and the chain is accurate.
    fn plainly_chain(&self, fine: &EdgeDiscretisation) -> Result<Option<Choice>, Error> {
        if high_share(fine, self.start.law) <= MOSTLY {
            return Ok(None);
        }
        let Ok((long_step, why)) = self.chain(fine) else { return Ok(None) };
        let tried = self.briefly(|brief| {
            let chain = brief.build_chain(fine, long_step)?;
            let covers = chain.covers_at_rest();
            brief.tried(Box::new(chain)).map(|(candidate, error)| (candidate, error.filter(|_| covers)))
        });
        Ok(match tried {
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Ok((candidate, Some(error))) if error <= ACCURATE => {
                let why = format!("estimated error {error:.1e}; {why}: the edge generator is of first order there");
                Some(candidate.because(&why))
            }
            _ => None,
        })
    }

    /// The better one of two.
    fn choose(&self, fine: EdgeDiscretisation) -> Result<Choice, Error> {
        match self.chain(&fine) {
            Ok((long_step, why)) => self.compare(fine, long_step, &why),
            Err(why) => Ok(self.candidate(Box::new(fine))?.because(&why)),
        }
    }

    /// The long step of a chain that is worth a trial, and what speaks for it. Errors: why there is none.
    fn chain(&self, fine: &EdgeDiscretisation) -> Result<(f64, String), String> {
        if self.options.method != "auto" {
            return Err(format!("the integrator \"{}\" needs a generator", self.options.method));
        }
        if fine.edges.hides {
            return Err("the loss has jumps or detail between cell centres, which the drift does not show".into());
        }
        let share = high_share(fine, self.start.law);
        if share <= SHARE && fine.edges.widening <= WIDENING {
            let percent = 100.0 * share;
            let percent = if percent < 0.01 { "less than 0.01".into() } else { format!("{percent:.2}") };
            return Err(format!("the cell Péclet number exceeds {PECLET} on {percent} % of the probability only"));
        }
        let percent = format!("the cell Péclet number exceeds {PECLET} on {:.0} % of the probability", 100.0 * share);
        applies(&fine.grid).map_err(|error| format!("{error}, though {percent}"))?;
        let duration = self.problem.times.last().map_or(0.0, |end| end - self.start.time);
        let longest = if duration > 0.0 { duration } else { f64::INFINITY };
        let long_step = suitable_long_step(fine, self.start.law, longest).ok_or_else(|| {
            format!("{percent}, but no steps of the long-step chain resolve the noise on this grid and are at most half the run")
        })?;
        let long_step = snapped(long_step, self.start.time, &self.problem.times);
        let expected =
            expected(fine, long_step).map_err(|error| format!("{percent}, but the long-step chain fails: {error}"))?;
        if expected.entries > MOST_ENTRIES_UNASKED {
            return Err(format!("{percent}, but the long-step chain would have {:.0e} entries", expected.entries));
        }
        let lengths = lengths(long_step, self.start.time, &self.problem.times) as f64;
        let seconds = EVALUATION * self.samples() * expected.evaluations * lengths;
        if seconds > self.allowed().as_secs_f64() {
            return Err(format!(
                "{percent}, but the long-step chain would take about {seconds:.0} s to set up; it is made when asked for"
            ));
        }
        Ok((long_step, percent))
    }

    /// Samples that an evaluation goes through on the average: where drift and D are tabulated, all of them in part of the box.
    fn samples(&self) -> f64 {
        let all = self.problem.model.sample_count().max(1) as f64;
        self.problem.dynamics.interpolation().map_or(all, |found| TABLE + found.exact_share * all)
    }

    /// Time that a chain may take unasked.
    fn allowed(&self) -> Duration {
        self.options.budget.map_or(Duration::from_secs(MOST_SECONDS), |budget| budget / 2)
    }

    /// A trial that may take half of the budget. Errors: those of the trial; more time would be needed.
    fn briefly<T>(&self, trial: impl FnOnce(&Chooser) -> Result<T, Error>) -> Result<T, Error> {
        let mut allowed = Budget::new(self.options.budget.map(|_| self.allowed()));
        allowed.within(self.start.time, self.interrupt, |interrupt| trial(&Chooser { interrupt, ..*self }))
    }

    fn build_chain(&self, fine: &EdgeDiscretisation, long_step: f64) -> Result<ChainDiscretisation, Error> {
        ChainDiscretisation::new(fine, long_step, self.start.law, self.interrupt)
    }

    /// Tries both.
    fn compare(&self, fine: EdgeDiscretisation, long_step: f64, why: &str) -> Result<Choice, Error> {
        let share = high_share(&fine, self.start.law);
        let tried = self.briefly(|brief| brief.tried(Box::new(brief.build_chain(&fine, long_step)?)));
        let (chained, chain_error) = match tried {
            Ok(tried) => tried,
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(error) => {
                let why = format!("{why}, but the long-step chain fails: {error}");
                return Ok(self.candidate(Box::new(fine))?.because(&why));
            }
        };
        let (by_edges, edge_error) = self.tried(Box::new(fine))?;
        let figures = |own: f64, other: f64, name: &str| {
            format!("estimated error {own:.1e} against {other:.1e} of the {name}; {why}")
        };
        let no_trial = format!("{why}; no trial, because the errors cannot be estimated");
        Ok(match (chain_error, edge_error) {
            (Some(own), Some(other)) if own < other => chained.because(&figures(own, other, EDGES.name)),
            (Some(other), Some(own)) => by_edges.because(&figures(own, other, CHAIN.name)),
            _ if share > MOSTLY => chained.because(&no_trial),
            _ => by_edges.because(&no_trial),
        })
    }

    /// A candidate with the largest estimated error of the stationary density and at a few output times; no error where it cannot be told.
    fn tried(&self, discretisation: Box<dyn Discretisation>) -> Result<(Candidate, Option<f64>), Error> {
        let fine = discretisation.as_ref();
        let Some(mut coarse) = CoarseLevels::new(fine, self.start.law, self.interrupt)? else {
            return Ok((Candidate { discretisation, coarse: None }, None));
        };
        let start = self.start;
        let mut worst = coarse.stationary(fine);
        let times = self.few_times();
        let mut transient = Transient::new(fine, start, &times, self.options)?;
        coarse.start(fine.grid(), start, &times, self.options)?;
        for &time in &times {
            transient.advance(time, self.interrupt)?;
            let error = coarse.advance(time, fine, &transient, self.interrupt)?;
            worst = worst.into_iter().chain(error).reduce(f64::max);
        }
        let coarse = Some(coarse).filter(|_| self.options.error_estimate);
        Ok((Candidate { discretisation, coarse }, worst))
    }

    /// Output times of a trial.
    fn few_times(&self) -> Vec<f64> {
        let later: Vec<f64> = self.problem.times.iter().copied().filter(|&t| t > self.start.time).collect();
        let mut times: Vec<f64> = (1..=TIMES)
            .filter_map(|k| later.get((k * later.len()).div_ceil(TIMES).saturating_sub(1)))
            .copied()
            .collect();
        times.dedup();
        times
    }
}

/// The largest share of the initial and the stationary law at high Péclet numbers.
fn high_share(edges: &EdgeDiscretisation, start: &[f64]) -> f64 {
    let high = |law: &[f64]| -> f64 {
        law.iter().zip(&edges.edges.peclet).filter(|(_, peclet)| **peclet > PECLET).map(|(p, _)| p).sum()
    };
    let stationary = edges.law.as_ref().map_or(0.0, |law| high(&law.probability));
    high(start).max(stationary).max(0.0) // an empty sum is −0
}
