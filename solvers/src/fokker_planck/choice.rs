//! Which discretisation a problem gets: the one with the smaller estimated error.
//!
//! Where the cell Péclet number is moderate on nearly all probability the edge generator is accurate, sparse and keeps detailed
//! balance: it is taken without a trial. Elsewhere both are tried, each with the coarser ones that tell its error, for the stationary
//! density and a few output times; the chain on a grid of half as many cells first, where a trial on the whole one would take longer than
//! the edge generator and might be in vain. What a trial takes is told beforehand ([`super::cost`]) by counts and not by a clock, so that the same
//! problem is always given the same discretisation. A bar on the Péclet number alone would be wrong both ways: a reversible problem
//! with high numbers in its flanks can do better on edges, a linear one with moderate numbers on the chain.

use super::accuracy::coarse_levels::CoarseLevels;
use super::chain::discretisation::{CHAIN, ChainDiscretisation, expected, suitable_steps};
use super::chain::extrapolation::Steps;
use super::chain::long_steps::{lengths, snapped};
use super::chain::transition::{MOST_ENTRIES_UNASKED, applies};
use super::cost::{ChainCost, edges_seconds};
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
/// An evaluation from a table, in units of a sample of the data.
const TABLE: f64 = 3.0;
/// Seconds that a chain may take unasked where no budget is given.
const MOST_SECONDS: f64 = 30.0;
/// Seconds of a chain, relative to the edge generator, up to which it is tried at once.
const CHEAP: f64 = 0.5;
/// Seconds up to which nothing is worth a trial on a coarser grid.
const SHORT: f64 = 0.1;
/// By how much more the errors of the chain must be smaller than those of the edge generator at most, where it takes longer.
const WORTH: f64 = 2.0;
/// Error of the chain on a grid of half as many cells over that on the whole grid: 16 by its order, less where its steps do not cover the cells.
const GAIN: f64 = 8.0;
/// Fewest cells on an axis of a grid on which half as many tell anything.
const FEWEST: usize = 32;
/// Output times of a trial: the first, where a law is often narrowest, and others up to the last.
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
    /// Seconds that it was expected to take; None where nothing was compared.
    pub seconds: Option<f64>,
}

impl Candidate {
    fn because(self, reason: &str) -> Choice {
        Choice { reason: format!("{}: {reason}", self.discretisation.kind().name), candidate: self, seconds: None }
    }
}

/// A chain that is worth a trial.
struct Plan {
    steps: Steps,
    cost: ChainCost,
    /// What speaks for it.
    why: String,
}

/// A candidate that was tried.
struct Tried {
    candidate: Candidate,
    /// The largest estimated error of the stationary density and at a few output times; None where it cannot be told.
    error: Option<f64>,
    /// Seconds that its run takes, by what was counted.
    seconds: f64,
    /// Products that the trial took.
    products: u64,
}

impl Choice {
    fn taking(self, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }
}

/// By how much the errors of the chain must be smaller than those of the edge generator if it takes `ratio` times as long: on finer cells these would be
/// about √ratio times smaller in the same time.
fn worth(ratio: f64) -> f64 {
    ratio.max(1.0).sqrt().min(WORTH)
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
        let Ok(plan) = self.chain(fine) else { return Ok(None) };
        if !plan.steps.covered || plan.cost.seconds() > self.budget() {
            return Ok(None);
        }
        let tried = self.build_chain(fine, plan.steps).and_then(|chain| {
            let covers = chain.covers_at_rest();
            self.tried(Box::new(chain)).map(|tried| (tried, covers))
        });
        Ok(match tried {
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Ok((Tried { candidate, error: Some(error), .. }, true)) if error <= ACCURATE => {
                let why =
                    format!("estimated error {error:.1e}; {}: the edge generator is of first order there", plan.why);
                Some(candidate.because(&why).taking(plan.cost.seconds()))
            }
            _ => None,
        })
    }

    /// The better one of two.
    fn choose(&self, fine: EdgeDiscretisation) -> Result<Choice, Error> {
        match self.chain(&fine) {
            Ok(plan) => self.compare(fine, plan),
            Err(why) => Ok(self.candidate(Box::new(fine))?.because(&why)),
        }
    }

    /// Seconds that there are.
    fn budget(&self) -> f64 {
        self.options.budget.unwrap_or(MOST_SECONDS)
    }

    /// The chain that is worth a trial. Errors: why there is none.
    fn chain(&self, fine: &EdgeDiscretisation) -> Result<Plan, String> {
        if self.options.method != "auto" {
            return Err(format!("the integrator \"{}\" needs a generator", self.options.method));
        }
        if fine.edges.hides {
            return Err("the loss has jumps or detail between cell centres, which the drift does not show".into());
        }
        let share = high_share(fine, self.start.law);
        if share <= SHARE && fine.edges.widening <= WIDENING {
            let percent = 100.0 * share;
            return Err(format!("the cell Péclet number exceeds {PECLET} on {percent:.2} % of the probability only"));
        }
        let percent = format!("the cell Péclet number exceeds {PECLET} on {:.0} % of the probability", 100.0 * share);
        applies(&fine.grid).map_err(|error| format!("{error}, though {percent}"))?;
        let duration = self.problem.times.last().map_or(0.0, |end| end - self.start.time);
        let longest = if duration > 0.0 { duration } else { f64::INFINITY };
        let steps = suitable_steps(fine, self.start.law, [longest; 2]).ok_or_else(|| {
            format!("{percent}, but no steps of the long-step chain resolve the noise on this grid and are at most half the run")
        })?;
        let steps = Steps { long_step: snapped(steps.long_step, self.start.time, &self.problem.times), ..steps };
        let failed = |error| format!("{percent}, but the long-step chain fails: {error}");
        let (rows, awake) = expected(fine, self.start.law, steps).map_err(failed)?;
        let entries = (rows[0].entries + rows[1].entries) * awake as f64;
        if entries > MOST_ENTRIES_UNASKED {
            return Err(format!("{percent}, but the long-step chain would have {entries:.0e} entries"));
        }
        let lengths = lengths(steps.long_step, self.start.time, &self.problem.times) as f64;
        let cost = ChainCost {
            rows,
            cells: awake as f64,
            samples: self.samples(),
            lengths,
            long_steps: duration / steps.long_step,
        };
        let (seconds, budget) = (cost.at_least(), self.budget());
        if seconds > budget {
            let limit = if self.options.budget.is_some() {
                format!(", more than the budget of {budget:.0} s")
            } else {
                "; it is made when asked for".into()
            };
            return Err(format!("{percent}, but the long-step chain would take about {seconds:.0} s{limit}"));
        }
        Ok(Plan { steps, cost, why: percent })
    }

    /// Samples that an evaluation goes through on the average: where drift and D are tabulated, all of them in part of the box.
    fn samples(&self) -> f64 {
        let all = self.problem.model.sample_count().max(1) as f64;
        self.problem.dynamics.interpolation().map_or(all, |found| TABLE + found.exact_share * all)
    }

    fn build_chain(&self, fine: &EdgeDiscretisation, steps: Steps) -> Result<ChainDiscretisation, Error> {
        ChainDiscretisation::new(fine, steps, self.start.law, self.interrupt)
    }

    /// Tries both, the edge generator first.
    fn compare(&self, fine: EdgeDiscretisation, plan: Plan) -> Result<Choice, Error> {
        let Plan { why, .. } = &plan;
        let share = high_share(&fine, self.start.law);
        let by_edges = self.tried(Box::new(fine.clone()))?;
        let edges = |tried: Tried, why: &str| {
            let seconds = tried.seconds;
            tried.candidate.because(why).taking(seconds)
        };
        let seconds = match self.foreseen(&fine, &plan, &by_edges)? {
            Ok(seconds) => seconds,
            Err(against) => return Ok(edges(by_edges, &format!("{why}, but {against}"))),
        };
        let chained = match self.build_chain(&fine, plan.steps).and_then(|chain| self.tried(Box::new(chain))) {
            Ok(tried) => tried,
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(error) => return Ok(edges(by_edges, &format!("{why}, but the long-step chain fails: {error}"))),
        };
        let figures = |own: f64, other: f64, name: &str| {
            format!("estimated error {own:.1e} against {other:.1e} of the {name}; {why}")
        };
        let no_trial = format!("{why}; no trial, because the errors cannot be estimated");
        let least = worth(seconds / by_edges.seconds);
        Ok(match (chained.error, by_edges.error) {
            (Some(own), Some(other)) if least * own < other => {
                chained.candidate.because(&figures(own, other, EDGES.name)).taking(seconds)
            }
            (Some(other), Some(own)) => edges(by_edges, &figures(own, other, CHAIN.name)),
            _ if share > MOSTLY => chained.candidate.because(&no_trial).taking(seconds),
            _ => edges(by_edges, &no_trial),
        })
    }

    /// Seconds that the chain takes, where a trial on a grid of half as many cells, or the small cost of one, does not speak against it; else
    /// why. Errors: [`Error::Interrupted`].
    fn foreseen(&self, fine: &EdgeDiscretisation, plan: &Plan, by_edges: &Tried) -> Result<Result<f64, String>, Error> {
        let (seconds, budget) = (plan.cost.seconds(), self.budget());
        let allowed = (CHEAP * by_edges.seconds).max(SHORT);
        if seconds <= allowed.min(budget) {
            return Ok(Ok(seconds));
        }
        let long = format!("the long-step chain would take about {seconds:.1e} s, {:.1e} s by edges", by_edges.seconds);
        let coarse = match self.tried_on_half(fine, plan, allowed) {
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(_) => return Ok(Err(long)),
            Ok(None) if seconds <= budget => return Ok(Ok(seconds)),
            Ok(None) => return Ok(Err(long)),
            Ok(Some(coarse)) => coarse,
        };
        // four times as many steps on the whole grid
        let seconds = seconds.min(plan.cost.at_least() + plan.cost.of_products(4.0 * coarse.products as f64));
        if seconds > budget {
            return Ok(Err(format!("the long-step chain would take about {seconds:.0} s, more than {budget:.0} s")));
        }
        Ok(match (coarse.error, by_edges.error) {
            (Some(error), Some(other)) if worth(seconds / by_edges.seconds) * error / GAIN >= other => Err(format!(
                "estimated error {other:.1e}, and the long-step chain, {:.0} times as long, has {error:.1e} on half as many cells",
                seconds / by_edges.seconds
            )),
            _ => Ok(seconds),
        })
    }

    /// The chain on a grid of half as many cells, tried in about `seconds` for its steps; None where there is no such grid. Errors: a chain
    /// that fails or takes longer, [`Error::Interrupted`].
    fn tried_on_half(&self, fine: &EdgeDiscretisation, plan: &Plan, seconds: f64) -> Result<Option<Tried>, Error> {
        let few = fine.grid.shape().iter().any(|&n| n < FEWEST);
        let Some(grid) = fine.grid.coarsened().filter(|_| !few) else { return Ok(None) };
        let law = fine.grid.coarsen_probability(self.start.law);
        let problem = Problem { grid: grid.clone(), ..self.problem.clone() };
        let most = 4.0 * (seconds / plan.cost.of_products(1.0)).max(plan.cost.long_steps.min(64.0));
        let options = FokkerPlanckOptions { most_products: most as u64, ..self.options.clone() };
        let half = Chooser {
            problem: &problem,
            options: &options,
            start: StartLaw { law: &law, ..self.start },
            interrupt: self.interrupt,
        };
        let edges = fine.on_grid(&grid)?;
        let guess = fine.law.as_ref().map_or(law.clone(), |found| fine.grid.coarsen_probability(&found.probability));
        let duration = self.problem.times.last().map_or(0.0, |end| end - self.start.time);
        let Some(steps) = suitable_steps(&edges, &guess, [duration; 2]) else { return Ok(None) };
        let chain = ChainDiscretisation::new(&edges, steps, &guess, self.interrupt)?;
        half.tried(Box::new(chain)).map(Some)
    }

    /// A candidate with its errors.
    fn tried(&self, discretisation: Box<dyn Discretisation>) -> Result<Tried, Error> {
        let fine = discretisation.as_ref();
        let coarse = CoarseLevels::new(fine, self.start.law, self.interrupt)?;
        let times = self.few_times();
        let mut transient = Transient::new(fine, self.start, &times, self.options)?;
        let mut found = (None, coarse);
        if let Some(coarse) = &mut found.1 {
            found.0 = coarse.stationary(fine);
            coarse.start(fine.grid(), self.start, &times, self.options)?;
            for &time in &times {
                transient.advance(time, self.interrupt)?;
                let error = coarse.advance(time, fine, &transient, self.interrupt)?;
                found.0 = found.0.into_iter().chain(error).reduce(f64::max);
            }
        }
        let (error, coarse) = found;
        let work = transient.evolution.stepper.work();
        let seconds = edges_seconds(fine.grid().len(), transient.evolution.system.as_deref(), &work);
        let coarse = coarse.filter(|_| self.options.error_estimate);
        Ok(Tried { candidate: Candidate { discretisation, coarse }, error, seconds, products: work.products })
    }

    /// Output times of a trial.
    fn few_times(&self) -> Vec<f64> {
        let later: Vec<f64> = self.problem.times.iter().copied().filter(|&t| t > self.start.time).collect();
        let later_ones = (1..TIMES).filter_map(|k| later.get((k * later.len()).div_ceil(TIMES - 1).saturating_sub(1)));
        let mut times: Vec<f64> = later.first().into_iter().chain(later_ones).copied().collect();
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
