//! `analysis.first_passage`: times to where a condition holds, by the grid, by walkers of the SDE and of SGD, and by the law of SGD, with Kramers' law beside
//! them;
//! `/escape/<name>`.

mod chain;
mod exponents;
mod group;
mod kramers;
mod request;
mod warnings;

use std::any::Any;
use std::ops::Range;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::Attribute;
use fpsolve_solvers::escape::by_walkers::FirstPassage;
use fpsolve_solvers::escape::kramers::Ground;
use fpsolve_solvers::escape::on_grid::GridPassage;
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::langevin::LangevinOptions;
use fpsolve_solvers::langevin::first_passage as langevin;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::sgd::first_passage as sgd;
use miette::Result;

pub use self::group::{add_grid, add_walkers, passage_group};
pub(super) use self::request::check_start;
use super::{Analysis, AnalysisEntry, Failure, Findings, Finished, Planned, Subject};
use crate::analysis::outlook::{Outlook, Rehearsed, watched};
use crate::analysis::walkers::Walkers;
use crate::engine::langevin::LangevinTable;
use crate::engine::sgd::SgdTable;
use crate::engine::work::{Cause, Stopwatch};
use crate::record::Record;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "first_passage",
    key: Some("first_passage"),
    about: "list of { name, from, target, avoid, walkers, sgd, horizon }: times to where a condition such as \"x > 1\" holds, the \
            probability to come there before where `avoid` holds, and Kramers' time; /escape",
    subject: Subject::Law,
    groups: &["escape"],
    read: request::read,
    words: group::words,
};

/// The first-passage problems.
struct FirstPassages(Vec<Asked>);

/// One of them.
struct Asked {
    passage: Passage,
    /// Where its horizon stands.
    horizon: Range<usize>,
    /// Whether walkers of SGD answer too, where that engine runs.
    sgd: bool,
}

/// The passages that are asked for.
pub fn passages(planned: &[Planned]) -> Vec<Passage> {
    let all = |planned: &Planned| {
        let passages: &FirstPassages = (planned.analysis.as_ref() as &dyn Any).downcast_ref()?;
        Some(passages.0.iter().map(|asked| asked.passage.clone()).collect())
    };
    planned.iter().find_map(all).unwrap_or_default()
}

/// What is known of one of them.
struct Found {
    passage: Passage,
    by_grid: Option<GridPassage>,
    by_langevin: Option<FirstPassage>,
    by_sgd: Option<FirstPassage>,
    by_chain: Option<GridPassage>,
    /// Kramers' law, where anything else is known.
    kramers: Option<kramers::Law>,
    /// Exponents, on a line where batches are drawn.
    exponents: Option<exponents::Exponents>,
}

/// What is known of all, and what failed.
struct AllFound {
    passages: Vec<Found>,
    failures: Vec<Failure>,
}

impl Analysis for FirstPassages {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let mut failures = Vec::new();
        let all: Vec<Passage> = self.0.iter().map(|asked| asked.passage.clone()).collect();
        let mut by_grid = by_grid(&all, finished, &mut failures).into_iter();
        let mut by_langevin = by_langevin(&self.0, finished, &mut failures).into_iter();
        let mut by_sgd = by_sgd(&self.0, finished, &mut failures).into_iter();
        let mut by_chain = by_chain(&all, finished, &mut failures).into_iter();
        let found = all.into_iter().map(|passage| Found {
            passage,
            by_grid: by_grid.next().flatten(),
            by_langevin: by_langevin.next().flatten(),
            by_sgd: by_sgd.next().flatten(),
            by_chain: by_chain.next().flatten(),
            kramers: None,
            exponents: None,
        });
        let known =
            |p: &Found| p.by_grid.is_some() || p.by_langevin.is_some() || p.by_sgd.is_some() || p.by_chain.is_some();
        let mut passages: Vec<Found> = found.filter(known).collect();
        if !passages.is_empty() {
            let (ground, grid) = (Ground::new(finished.problem), &finished.problem.grid);
            for found in &mut passages {
                found.kramers = Some(kramers::law(&ground, grid, &found.passage));
                let by_chain = found.by_chain.as_ref().map(|chain| chain.from_value);
                found.exponents = exponents::find(finished, &found.passage, by_chain);
            }
        }
        Ok(Some(Box::new(AllFound { passages, failures })))
    }

    /// By the grid as on the coarse one; a walker is followed to its arrival, whose mean time the coarse grid tells, or to the horizon.
    fn expected(&self, rehearsed: &Rehearsed) -> Outlook {
        let all: Vec<Passage> = self.0.iter().map(|asked| asked.passage.clone()).collect();
        let start = Stopwatch::start();
        let found = by_grid(&all, rehearsed.finished, &mut Vec::new());
        let ground = Ground::new(rehearsed.finished.problem);
        let laws = all.iter().map(|p| kramers::law(&ground, &rehearsed.finished.problem.grid, p));
        let _ = laws.collect::<Vec<_>>();
        let by_grid_seconds = start.seconds() * rehearsed.growth_of_passages();
        let on_line = rehearsed.finished.problem.dimension() == 1;
        let by_chain = rehearsed.by_chain(all.len(), if on_line { all.len() } else { 0 });
        let mut outlook = Outlook { seconds: by_grid_seconds + by_chain, ..Outlook::default() };
        for (Asked { passage, horizon, sgd }, found) in self.0.iter().zip(found) {
            let mean = found.map_or(f64::INFINITY, |found| found.from_value).max(0.0);
            let (of, interrupt) = (rehearsed.finished, rehearsed.finished.interrupt);
            let langevin = rehearsed.stepping.map(|steps| {
                let options = &of.options.of::<LangevinTable>().options;
                watched(steps, passage, |few| langevin::first_passage(of.problem, options, few, true, interrupt))
            });
            let sgd = rehearsed.descent.filter(|_| *sgd).map(|steps| {
                let options = &of.options.of::<SgdTable>().options;
                watched(steps, passage, |few| sgd::first_passage(of.problem, options, few, interrupt))
            });
            for steps in langevin.into_iter().chain(sgd) {
                outlook.add_walkers(passage, mean, steps, Cause::Horizon(horizon.clone()));
            }
        }
        outlook
    }
}

fn failure(passage: &Passage, error: Error) -> Failure {
    Failure { group: format!("escape/{}", passage.name), error }
}

/// The problems by the engine that holds the law on a grid, each by itself; None where there is no such engine, or it failed.
fn by_grid(passages: &[Passage], finished: &Finished, failures: &mut Vec<Failure>) -> Vec<Option<GridPassage>> {
    let Some(law) = finished.on_grid() else { return vec![None; passages.len()] };
    let one = |passage: &Passage| {
        (finished.progress)(&format!("first passage \"{}\"", passage.name));
        law.first_passage(passage, finished.interrupt).map_err(|error| failures.push(failure(passage, error))).ok()
    };
    passages.iter().map(one).collect()
}

/// The problems by the chain of descent, each by itself; None where there is no such engine, or it failed.
fn by_chain(passages: &[Passage], finished: &Finished, failures: &mut Vec<Failure>) -> Vec<Option<GridPassage>> {
    let Some((_, chain)) = finished.chain() else { return vec![None; passages.len()] };
    let one = |passage: &Passage| {
        (finished.progress)(&format!("transfer operator: first passage \"{}\"", passage.name));
        chain.first_passage(passage, finished.interrupt).map_err(|error| failures.push(failure(passage, error))).ok()
    };
    passages.iter().map(one).collect()
}

/// Scheme and step of passages by Langevin walkers: those of the run, whose trial may have asked for shorter steps than drift and noise do.
pub fn langevin_options(finished: &Finished) -> LangevinOptions {
    let options = finished.options.of::<LangevinTable>().options.clone();
    let step = |(name, value)| match (name, value) {
        ("step", Attribute::Float(step)) => Some(step),
        _ => None,
    };
    let of_run = finished.run_of("langevin").and_then(|run| run.engine.attributes().into_iter().find_map(step));
    LangevinOptions { step: options.step.or(of_run), ..options }
}

/// The problems by Langevin walkers, where that engine got through.
fn by_langevin(asked: &[Asked], finished: &Finished, failures: &mut Vec<Failure>) -> Vec<Option<FirstPassage>> {
    let going = finished.run_of("langevin").is_some_and(|run| run.failure.is_none());
    let options = &langevin_options(finished);
    let wanted = asked.iter().map(|asked| Some(&asked.passage).filter(|_| going));
    by_walkers(wanted, "langevin", finished, failures, &|passage| {
        let done = (finished.done_blocks)(&passage.name);
        langevin::first_passage_from(finished.problem, options, passage, true, &done, finished.interrupt)
    })
}

/// The problems by walkers of SGD, where that engine got through.
fn by_sgd(asked: &[Asked], finished: &Finished, failures: &mut Vec<Failure>) -> Vec<Option<FirstPassage>> {
    let going = finished.run_of("sgd").is_some_and(|run| run.failure.is_none());
    let options = &finished.options.of::<SgdTable>().options;
    let wanted = asked.iter().map(|asked| Some(&asked.passage).filter(|_| going && asked.sgd));
    by_walkers(wanted, "sgd", finished, failures, &|passage| {
        let done = (finished.done_blocks)(&format!("sgd:{}", passage.name)); // no name of a passage has a colon
        sgd::first_passage_from(finished.problem, options, passage, &done, finished.interrupt)
    })
}

/// The problems that are wanted of walkers, in order, until one fails.
fn by_walkers<'a>(
    wanted: impl Iterator<Item = Option<&'a Passage>>,
    engine: &str,
    finished: &Finished,
    failures: &mut Vec<Failure>,
    find: &dyn Fn(&Passage) -> Result<FirstPassage, Error>,
) -> Vec<Option<FirstPassage>> {
    let mut going = true;
    let one = |passage: Option<&Passage>| {
        let passage = passage.filter(|_| going)?;
        (finished.progress)(&format!("{engine}: first passage \"{}\"", passage.name));
        let found = find(passage).map_err(|error| failures.push(failure(passage, error))).ok();
        going = found.is_some();
        found
    };
    wanted.map(one).collect()
}

impl Findings for AllFound {
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        for Found { passage, by_grid, by_langevin, by_sgd, by_chain, kramers, exponents } in &self.passages {
            let group = passage_group(record, passage, &problem.times);
            by_grid.iter().for_each(|found| add_grid(group, &problem.grid, found));
            let times = &problem.times;
            by_langevin.iter().for_each(|found| add_walkers(group, Walkers::Langevin, passage, times, found));
            by_sgd.iter().for_each(|found| add_walkers(group, Walkers::Sgd, passage, times, found));
            by_chain.iter().for_each(|found| chain::add(group, found));
            by_chain.iter().for_each(|found| chain::add_fields(group, &problem.grid, found));
            kramers.iter().for_each(|law| kramers::add(group, law));
            exponents.iter().for_each(|found| exponents::add(group, found));
        }
    }

    fn warnings(&self) -> Vec<String> {
        let of = |found: &Found| {
            let each = [(Walkers::Langevin, &found.by_langevin), (Walkers::Sgd, &found.by_sgd)];
            let one = |(kind, walkers): (Walkers, &Option<FirstPassage>)| {
                walkers.as_ref().map(|walkers| warnings::warnings(&found.passage, kind, walkers))
            };
            let of_laws = found.by_grid.iter().chain(&found.by_chain).flat_map(|law| &law.warnings);
            let of_laws = of_laws.map(|warning| format!("escape \"{}\": {warning}", found.passage.name));
            each.into_iter().filter_map(one).flatten().chain(of_laws).collect::<Vec<_>>()
        };
        self.passages.iter().flat_map(of).collect()
    }

    fn failures(&self) -> Vec<Failure> {
        self.failures.clone()
    }
}
