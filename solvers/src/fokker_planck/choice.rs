//! Which discretisation a problem gets: the one with the smaller estimated error.
//!
//! Where the cell Péclet number is moderate on nearly all probability the edge generator is accurate, sparse and keeps detailed
//! balance: it is taken without a trial. Elsewhere both are tried, each with the coarser ones that tell its error, for the stationary
//! density and a few output times. A bar on the Péclet number alone would be wrong both ways: a reversible problem
//! with high numbers in its flanks can do better on edges, a linear one with moderate numbers on the chain.
//!
//! A law that starts and rests where the number is moderate may be narrow in between. Where the drift carries it through cells of high
//! numbers the edge generator is tried, and the chain where that is not accurate; passages out of where it rests then stay with the edges.
//!
//! Two laws cannot be farther apart than their errors together. Where they are, one of the errors is told too small: the chain's, whose single companion shows no
//! order, where the edge generator is near its answer.

use std::sync::Arc;

use super::accuracy::coarse_levels::CoarseLevels;
use super::accuracy::finer_levels::{FinerLaw, FinerLevels};
use super::budget::Budget;
use super::carried::carried_share;
use super::cells::weighted::averages;
use super::chain::discretisation::{CHAIN, ChainDiscretisation, vectors};
use super::chain::effort::Effort;
use super::chain::lattice_law::Uncovered;
use super::chain::planning::{A_SECOND, LongStep, expected, suitable_long_step};
use super::chain::transition::{MOST_ENTRIES_UNASKED, applies};
use super::discretisation::{Discretisation, DiscretisationKind, PECLET};
use super::edges::discretisation::{EDGES, EdgeDiscretisation};
use super::linear::solver::proceed;
use super::options::FokkerPlanckOptions;
use super::start::StartLaw;
use super::transient::Transient;
use crate::dynamics::Coefficients;
use crate::engine::Interrupt;
use crate::error::{Error, Setting};
use crate::problem::Problem;
use crate::problem::density::l1;

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
/// Share of the initial law that the drift carries through high Péclet numbers up to which no trial is made.
const CARRIED: f64 = 0.1;
/// Estimated error of the edge generator up to which such a law stays on it.
const GOOD: f64 = 1e-2;
/// The same on cells four times as large, from which on no trial is made on a line.
const WELL: f64 = 5e-2;
/// Widening of the diffusion by the bound on the stencil, relative to its trace, up to which no trial is made.
const WIDENING: f64 = 1e-3;
/// Operations of a chain, with its trial, that is taken unasked where there is no budget, some twenty seconds; and fewer, in proportion, where the error of the edge generator is
/// below the second number.
const MOST: (f64, f64) = (2e10, 0.1);
/// Operations that are always worth a trial.
const LITTLE: f64 = 2e8;
/// A trial that takes more than so many times what was expected is given up.
const OVERRUN: f64 = 3.0;
/// Output times of a trial, and of one on a line, where a law that is narrow between two of them would be missed for nothing.
const TIMES: usize = 3;
const TIMES_ON_LINE: usize = 50;
/// An error is told within this factor.
const HOLDS: f64 = 3.0;
/// Estimated error up to which the edge generator is near its answer.
const NEAR: f64 = 0.1;

/// A discretisation with what tells its error.
pub(super) struct Candidate {
    pub discretisation: Box<dyn Discretisation>,
    /// None where no estimate is wanted, or none can be had.
    pub coarse: Option<CoarseLevels>,
}

/// A candidate that was tried.
struct Tried {
    candidate: Candidate,
    /// The largest of its estimated errors; None where they cannot be told.
    error: Option<f64>,
    /// The laws at rest and at a few output times, as cell averages, with their estimated errors.
    laws: Vec<Seen>,
}

/// A law with its estimated error.
struct Seen {
    /// None: at rest.
    time: Option<f64>,
    law: Vec<f64>,
    error: f64,
}

impl Tried {
    /// How far the laws of two are apart at most where that is more than their errors allow, in L1; the other one is near its answer.
    fn contradicts(&self, near: &Tried) -> Option<f64> {
        let pairs = self.laws.iter().flat_map(|a| near.laws.iter().filter(|b| b.time == a.time).map(move |b| (a, b)));
        let apart = pairs.filter(|(_, b)| b.error <= NEAR).filter_map(|(a, b)| {
            let distance = l1(&a.law, &b.law);
            (distance > HOLDS * (a.error + b.error)).then_some(distance)
        });
        apart.reduce(f64::max)
    }
}

/// A chain that is worth a trial.
#[derive(Clone, Copy)]
struct Plan {
    step: LongStep,
    /// Operations that its trial and the run are expected to take together.
    operations: f64,
}

/// A trial of a chain.
struct Trial {
    /// What speaks for it.
    why: String,
    tried: Tried,
    /// Whether it is taken without a trial of the edge generator.
    plain: bool,
}

impl Trial {
    fn reason(&self) -> String {
        let error = self.tried.error.unwrap_or(f64::NAN);
        format!("estimated error {error:.1e}; {}: the edge generator is of first order there", self.why)
    }
}

/// The plan of a chain, or why there is none.
type Planned = Result<Plan, String>;

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
    /// What finer cells say, at rest and at the times of a trial.
    finer: &'a [(Option<f64>, FinerLaw)],
    interrupt: Interrupt<'a>,
}

/// Chooses for a problem. Errors: coefficients that are not finite, a discretisation asked for where it does not apply or together
/// with an integrator that it cannot use, a trial that fails on edges; [`Error::Interrupted`].
pub(super) fn choose(
    problem: &Problem,
    options: &FokkerPlanckOptions,
    start: StartLaw,
    finer: Option<&mut FinerLevels>,
    interrupt: Interrupt,
) -> Result<Choice, Error> {
    let mut chooser = Chooser { problem, options, start, finer: &[], interrupt };
    match options.discretisation {
        Some(kind) if kind.own_steps && options.method != "auto" => Err(Error::invalid(
            format!("the integrator \"{}\" needs a generator, and the {} has none", options.method, kind.name),
            "leave the integrator to the program, or take the discretisation \"edges\"",
        )
        .set_by(&[Setting::Integrator, Setting::Discretisation])),
        Some(kind) => Ok(chooser.candidate((kind.build)(problem, start, interrupt)?)?.because("asked for")),
        None => {
            let fine = EdgeDiscretisation::unsolved(problem, &problem.grid)?.solved_if_easy(interrupt)?;
            let laws = finer.map(|finer| chooser.finer_laws(finer)).transpose()?.unwrap_or_default();
            chooser.finer = &laws;
            match chooser.first_trial(&fine)? {
                Some(Ok(trial)) if trial.plain => {
                    let reason = trial.reason();
                    Ok(trial.tried.candidate.because(&reason))
                }
                trial => chooser.choose(fine.solved(interrupt)?, trial),
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

    /// A trial of the chain before one of the edge generator, where that is of first order on most of the initial law, or why it failed.
    fn first_trial(&self, fine: &EdgeDiscretisation) -> Result<Option<Result<Trial, String>>, Error> {
        // on a line both are tried
        let first = |_: &String| fine.grid.dimension() > 1 && high_share(fine, self.start.law) > MOSTLY;
        let Some(why) = self.high_numbers(fine).ok().filter(first) else { return Ok(None) };
        let plan = match self.planned(fine, &why)? {
            Ok(plan) if plan.step.uncovered == Uncovered::Arms && self.too_dear(&plan, None).is_none() => plan,
            _ => return Ok(None),
        };
        match self.trial_of_chain(fine, &plan, false) {
            Err(error @ Error::Interrupted { .. }) => Err(error),
            Err(error) => Ok(Some(Err(format!("{why}, but the long-step chain fails: {error}")))),
            Ok((tried, covers)) => {
                let plain =
                    covers && tried.error.is_some_and(|error| error <= ACCURATE) && !apart_at_rest(fine, &tried);
                Ok(Some(Ok(Trial { why, tried, plain })))
            }
        }
    }

    /// The better one of two; `trial` of the chain where one has been made, or why it failed.
    fn choose(&self, fine: EdgeDiscretisation, trial: Option<Result<Trial, String>>) -> Result<Choice, Error> {
        match trial {
            Some(Ok(trial)) => {
                let by_edges = self.tried(Box::new(fine.clone()))?;
                return Ok(better(&fine, self.start.law, by_edges, trial.tried, &trial.why));
            }
            Some(Err(why)) => return Ok(self.candidate(Box::new(fine))?.because(&why)),
            None => {}
        }
        let why = match self.high_numbers(&fine) {
            Ok(why) => why,
            Err(why) => return self.between(fine, &why),
        };
        let plan = match self.planned(&fine, &why)? {
            Ok(plan) => plan,
            Err(why) => return Ok(self.candidate(Box::new(fine))?.because(&why)),
        };
        match self.too_dear(&plan, None) {
            None => self.after_edges(&fine, &why, Some(plan)),
            Some(dear) => Ok(self.candidate(Box::new(fine))?.because(&format!("{why}, but {dear}"))),
        }
    }

    /// The choice for a law that starts and rests at moderate Péclet numbers, as `why` says, and may meet high ones in between.
    fn between(&self, fine: EdgeDiscretisation, why: &str) -> Result<Choice, Error> {
        let duration = self.problem.times.last().map_or(0.0, |end| end - self.start.time);
        let carried = match self.chain_can(&fine) {
            Ok(()) => carried_share(&fine, self.start.law, duration, PECLET, self.interrupt)?,
            Err(_) => 0.0,
        };
        // on a line a trial is cheap
        let on_line = self.options.error_estimate && self.problem.dimension() == 1 && self.chain_can(&fine).is_ok();
        let line = on_line && !self.well_on_coarse_cells(&fine)?;
        if carried <= CARRIED && !line {
            return Ok(self.candidate(Box::new(fine))?.because(why));
        }
        let percent = 100.0 * carried;
        let why = if carried <= CARRIED {
            why.to_string()
        } else {
            format!(
                "the drift carries {percent:.0} % of the probability through cells whose Péclet number exceeds {PECLET}"
            )
        };
        self.after_edges(&fine, &why, None)
    }

    /// Whether the edge generator does well on cells four times as large already.
    fn well_on_coarse_cells(&self, fine: &EdgeDiscretisation) -> Result<bool, Error> {
        let Some(half) = fine.grid.coarsened() else { return Ok(false) };
        let Some(grid) = half.coarsened() else { return Ok(false) };
        let law = half.coarsen_probability(&fine.grid.coarsen_probability(self.start.law));
        let coarse = EdgeDiscretisation::on(&fine.dynamics, fine.temperature, &grid)?.solved(self.interrupt)?;
        let chooser = Chooser { start: StartLaw { law: &law, ..self.start }, finer: &[], ..*self };
        Ok(chooser.tried(Box::new(coarse))?.error.is_some_and(|error| error <= WELL))
    }

    /// The edge generator where its error is small, else the better one of two, the chain as in `plan`; without one the law only passes high Péclet numbers
    /// between its start and its rest, and first passages stay with the edge generator.
    fn after_edges(&self, fine: &EdgeDiscretisation, why: &str, plan: Option<Plan>) -> Result<Choice, Error> {
        let by_edges = self.tried(Box::new(fine.clone()))?;
        let error = by_edges.error;
        if let Some(error) = error.filter(|error| *error <= GOOD) {
            return Ok(by_edges.candidate.because(&format!("estimated error {error:.1e}; {why}")));
        }
        if error.is_none() && high_share(fine, self.start.law) <= MOSTLY {
            let why = format!("{why}; no trial, because its error cannot be estimated");
            return Ok(by_edges.candidate.because(&why));
        }
        let between = plan.is_none();
        let why = if between { &format!("{why}, the law is narrow on its way") } else { why };
        let planned = match plan {
            Some(plan) => Ok(plan),
            None => self.planned(fine, why)?,
        };
        let plan = match planned {
            Ok(plan) => plan,
            Err(why) => return Ok(by_edges.candidate.because(&why)),
        };
        if let Some(dear) = self.too_dear(&plan, error) {
            return Ok(by_edges.candidate.because(&format!("{why}, but {dear}")));
        }
        match self.trial_of_chain(fine, &plan, between) {
            Ok((chained, _)) => Ok(better(fine, self.start.law, by_edges, chained, why)),
            Err(error @ Error::Interrupted { .. }) => Err(error),
            Err(error) => Ok(by_edges.candidate.because(&format!("{why}, but the long-step chain fails: {error}"))),
        }
    }

    /// Whether a chain could serve. Errors: why not.
    fn chain_can(&self, fine: &EdgeDiscretisation) -> Result<(), String> {
        if self.options.method != "auto" {
            return Err(format!("the integrator \"{}\" needs a generator", self.options.method));
        }
        if fine.edges.hides {
            return Err("the loss has jumps or detail between cell centres, which the drift does not show".into());
        }
        Ok(())
    }

    /// What speaks for a chain. Errors: what speaks against it.
    fn high_numbers(&self, fine: &EdgeDiscretisation) -> Result<String, String> {
        self.chain_can(fine)?;
        let share = high_share(fine, self.start.law);
        if share <= SHARE && fine.edges.widening <= WIDENING {
            let percent = 100.0 * share;
            let percent = if percent < 0.01 { "less than 0.01".into() } else { format!("{percent:.2}") };
            return Err(format!("the cell Péclet number exceeds {PECLET} on {percent} % of the probability only"));
        }
        Ok(format!("the cell Péclet number exceeds {PECLET} on {:.0} % of the probability", 100.0 * share))
    }

    /// The chain that is worth a trial, for which `why` speaks, or why there is none. Errors: [`Error::Interrupted`].
    fn planned(&self, fine: &EdgeDiscretisation, why: &str) -> Result<Planned, Error> {
        if let Err(error) = applies(&fine.grid) {
            return Ok(Err(format!("{error}, though {why}")));
        }
        let (law, times) = (self.start.law, (self.start.time, self.problem.times.as_slice()));
        let effort = Arc::new(Effort::new(self.problem));
        // a run that ends within a long step takes a shorter one, and the trial shows what that is worth
        let Some(step) = suitable_long_step(fine, law, times, &effort, self.interrupt)? else {
            return Ok(Err(format!(
                "{why}, but no steps of the long-step chain are found that resolve the noise on this grid"
            )));
        };
        let step = step.snapped(times.0, times.1);
        // the trial, and the run after it
        let few = self.few_times();
        let expected = match expected(fine, step, law, (times.0, &[&few, times.1]), &effort) {
            Ok(expected) => expected,
            Err(error) => return Ok(Err(format!("{why}, but the long-step chain fails: {error}"))),
        };
        if expected.entries > MOST_ENTRIES_UNASKED {
            return Ok(Err(format!("{why}, but the long-step chain would have {:.0e} entries", expected.entries)));
        }
        Ok(Ok(Plan { step, operations: expected.operations }))
    }

    /// That a trial of a chain would take too long, beside an edge generator of this `error` where that is known.
    fn too_dear(&self, plan: &Plan, error: Option<f64>) -> Option<String> {
        let allowed = self.options.budget.map_or(MOST.0, |budget| A_SECOND * budget.as_secs_f64());
        let worth = error.map_or(1.0, |error| (error / MOST.1).min(1.0));
        let seconds = plan.operations / A_SECOND;
        (plan.operations > LITTLE.max(allowed * worth)).then(|| {
            format!("the long-step chain and its trial would take about {seconds:.1} s; it is made when asked for")
        })
    }

    /// A trial of a chain, and whether it covers the cells of its own stationary law. Errors: those of the chain; half of the budget is used up, or far more was
    /// done than expected; [`Error::Interrupted`].
    fn trial_of_chain(&self, fine: &EdgeDiscretisation, plan: &Plan, between: bool) -> Result<(Tried, bool), Error> {
        let effort = Arc::new(Effort::new(self.problem));
        let beyond = || effort.operations() > OVERRUN * plan.operations.max(LITTLE);
        let stop = || (self.interrupt)() || beyond();
        let mut allowed = Budget::new(self.options.budget.map(|budget| budget / 2));
        let done = allowed.within(self.start.time, &stop, |interrupt| {
            let chain = ChainDiscretisation::new(fine, plan.step, self.start.law, &effort, interrupt)?;
            let chain = if between { chain.with_passages_by(fine) } else { chain };
            let covers = chain.covers_at_rest();
            Ok((Chooser { interrupt, ..*self }.tried(Box::new(chain))?, covers))
        });
        if beyond() && !(self.interrupt)() {
            let what = format!("it takes more than {OVERRUN} times what was expected");
            return Err(Error::numerical(
                "the long-step chain",
                "in a trial",
                what,
                "use the discretisation \"edges\"",
            ));
        }
        done
    }

    /// A candidate with the largest estimated error of the stationary density and at a few output times; no error where it cannot be told.
    fn tried(&self, discretisation: Box<dyn Discretisation>) -> Result<Tried, Error> {
        let fine = discretisation.as_ref();
        let Some(mut coarse) = CoarseLevels::new(fine, self.start.law, self.interrupt)? else {
            return Ok(Tried { candidate: Candidate { discretisation, coarse: None }, error: None, laws: Vec::new() });
        };
        let start = self.start;
        let at_rest = coarse.stationary(fine).zip(fine.law().ok()).map(|(error, law)| {
            let law = averages(fine.weighted().map(Arc::as_ref), fine.grid(), &law.probability);
            Seen { time: None, error: self.bounded(None, &law, error), law }
        });
        let mut laws: Vec<Seen> = at_rest.into_iter().collect();
        let times = self.few_times();
        let mut transient = Transient::new(fine, start, &times, self.options)?;
        coarse.start(fine.grid(), start, &times, self.options)?;
        for &time in &times {
            transient.advance(time, self.interrupt)?;
            let error = coarse.advance(time, fine, &transient, self.interrupt)?;
            let law = &transient.probability;
            let error = error.map(|error| self.bounded(Some(time), law, error));
            laws.extend(error.map(|error| Seen { time: Some(time), law: law.clone(), error }));
        }
        let worst = laws.iter().map(|seen| seen.error).reduce(f64::max);
        let coarse = Some(coarse).filter(|_| self.options.error_estimate);
        Ok(Tried { candidate: Candidate { discretisation, coarse }, error: worst, laws })
    }

    /// What finer cells say at rest and at the times of a trial. Errors: as for the integrators.
    fn finer_laws(&self, finer: &mut FinerLevels) -> Result<Vec<(Option<f64>, FinerLaw)>, Error> {
        let times = self.few_times();
        finer.start(&times, self.options)?;
        let mut laws: Vec<_> = finer.at_rest().map(|law| (None, law)).into_iter().collect();
        for &time in &times {
            laws.extend(finer.advance(time, self.interrupt)?.map(|law| (Some(time), law)));
        }
        Ok(laws)
    }

    /// The estimated error of a law, within what finer cells allow.
    fn bounded(&self, time: Option<f64>, law: &[f64], error: f64) -> f64 {
        let finer = self.finer.iter().find(|finer| finer.0 == time);
        finer.and_then(|(_, finer)| finer.bounded(law, Some(error))).unwrap_or(error)
    }

    /// Output times of a trial.
    fn few_times(&self) -> Vec<f64> {
        let later: Vec<f64> = self.problem.times.iter().copied().filter(|&t| t > self.start.time).collect();
        let few = if self.problem.dimension() == 1 { TIMES_ON_LINE } else { TIMES };
        let mut times: Vec<f64> =
            (1..=few).filter_map(|k| later.get((k * later.len()).div_ceil(few).saturating_sub(1))).copied().collect();
        times.dedup();
        times
    }
}

/// What the long-step chain would take on a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChainCost {
    /// Seconds on one thread.
    pub seconds: f64,
    /// Bytes of memory, with those of the companion that tells its error.
    pub bytes: f64,
}

/// What the long-step chain would take on the grid of a problem; None where it does not serve, or, unless it is `asked` for, where
/// cell Péclet numbers are moderate on nearly all probability on its way, or it would not be taken for its time. Errors: coefficients that are not finite,
/// [`Error::Interrupted`].
pub fn chain_cost(problem: &Problem, asked: bool, interrupt: Interrupt) -> Result<Option<ChainCost>, Error> {
    let problem = Coefficients::unasked(problem).of(problem, interrupt)?;
    let edges = EdgeDiscretisation::unsolved(&problem, &problem.grid)?;
    proceed(interrupt)?;
    let law = problem.initial.cell_probability(&problem.grid)?;
    let (from, times) = (problem.times.first().copied().unwrap_or(0.0), problem.times.as_slice());
    if applies(&problem.grid).is_err() {
        return Ok(None);
    }
    let suits = asked || high_share(&edges, &law) > SHARE || {
        let duration = times.last().map_or(0.0, |end| end - from);
        carried_share(&edges, &law, duration, PECLET, interrupt)? > CARRIED
    };
    if !suits && problem.dimension() > 1 {
        return Ok(None);
    }
    let effort = Arc::new(Effort::new(&problem));
    let Some(step) = suitable_long_step(&edges, &law, (from, times), &effort, interrupt)? else { return Ok(None) };
    // unasked there is a trial besides
    let runs: &[&[f64]] = if asked { &[times] } else { &[times, times] };
    let expected = expected(&edges, step.snapped(from, times), &law, (from, runs), &effort)?;
    let operations = effort.operations() + expected.operations;
    let bytes = expected.bytes + vectors(problem.grid.len() as f64);
    // on a line one is tried wherever the edge generator turns out to be not accurate
    let cost = ChainCost { seconds: if suits { operations / A_SECOND } else { 0.0 }, bytes };
    let unasked = operations <= MOST.0 && expected.entries <= MOST_ENTRIES_UNASKED;
    Ok((asked || unasked).then_some(cost))
}

/// Whether the law at rest of a chain is another one than that of the edge generator, where that is known.
fn apart_at_rest(edges: &EdgeDiscretisation, chain: &Tried) -> bool {
    let Ok(law) = &edges.law else { return false };
    let law = averages(edges.weighted().map(Arc::as_ref), &edges.grid, &law.probability);
    chain.laws.iter().any(|seen| seen.time.is_none() && l1(&seen.law, &law) > NEAR)
}

/// The better one of two by their trials.
fn better(fine: &EdgeDiscretisation, start: &[f64], by_edges: Tried, chained: Tried, why: &str) -> Choice {
    if let Some(apart) = chained.contradicts(&by_edges) {
        let why = format!("the long-step chain is {apart:.1e} away, more than both errors allow; {why}");
        let error = by_edges.error.unwrap_or(f64::NAN);
        return by_edges.candidate.because(&format!("estimated error {error:.1e}; {why}"));
    }
    let (edge_error, chain_error) = (by_edges.error, chained.error);
    let (by_edges, chained) = (by_edges.candidate, chained.candidate);
    let figures = |own: f64, other: f64, name: &str| {
        format!("estimated error {own:.1e} against {other:.1e} of the {name}; {why}")
    };
    let no_trial = format!("{why}; the errors cannot be estimated");
    match (chain_error, edge_error) {
        (Some(own), Some(other)) if own < other => chained.because(&figures(own, other, EDGES.name)),
        (Some(other), Some(own)) => by_edges.because(&figures(own, other, CHAIN.name)),
        (_, None) if high_share(fine, start) > MOSTLY => chained.because(&no_trial),
        _ => by_edges.because(&no_trial),
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
