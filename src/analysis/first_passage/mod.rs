//! `analysis.first_passage`: times to where a condition holds, by the grid, by Langevin walkers and by the chain of descent, with Kramers' law beside them;
//! `/escape/<name>`.

mod chain;
mod group;
mod kramers;
mod request;
mod warnings;

use std::ops::Range;
use std::time::Instant;

use fpsolve_solvers::Error;
use fpsolve_solvers::escape::kramers::Ground;
use fpsolve_solvers::escape::on_grid::GridPassage;
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::langevin::first_passage::{self, FirstPassage, first_passage_from};
use fpsolve_solvers::problem::Problem;
use miette::Result;

pub use self::group::{add_grid, add_walkers, passage_group};
use super::{Analysis, AnalysisEntry, Failure, Findings, Finished, Subject};
use crate::analysis::outlook::{Outlook, Rehearsed};
use crate::engine::langevin::LangevinTable;
use crate::engine::work::{Cause, Stepping, Work};
use crate::record::Record;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "first_passage",
    key: Some("first_passage"),
    about: "list of { name, from, target, avoid, walkers, horizon }: times to where a condition such as \"x > 1\" holds, the \
            probability to come there before where `avoid` holds, and Kramers' time; /escape",
    subject: Subject::Law,
    groups: &["escape"],
    read: request::read,
    words: group::words,
};

/// Exponent of the number of cells with which passages by the grid grow.
const GROWTH: f64 = 1.2;

/// The first-passage problems.
struct FirstPassages {
    passages: Vec<Passage>,
    /// Where their horizons stand.
    horizons: Vec<Range<usize>>,
}

/// What is known of one of them.
struct Found {
    passage: Passage,
    by_grid: Option<GridPassage>,
    by_walkers: Option<FirstPassage>,
    by_chain: Option<GridPassage>,
    /// Kramers' law, where anything else is known.
    kramers: Option<kramers::Law>,
}

/// What is known of all, and what failed.
struct AllFound {
    passages: Vec<Found>,
    failures: Vec<Failure>,
}

impl Analysis for FirstPassages {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let mut failures = Vec::new();
        let by_grid = by_grid(&self.passages, finished, &mut failures);
        let by_walkers = by_walkers(&self.passages, finished, &mut failures);
        let by_chain = by_chain(&self.passages, finished, &mut failures);
        let all = self.passages.iter().cloned().zip(by_grid.into_iter().zip(by_walkers).zip(by_chain));
        let passages = all.map(|(passage, ((by_grid, by_walkers), by_chain))| Found {
            passage,
            by_grid,
            by_walkers,
            by_chain,
            kramers: None,
        });
        let known = |p: &Found| p.by_grid.is_some() || p.by_walkers.is_some() || p.by_chain.is_some();
        let mut passages: Vec<Found> = passages.filter(known).collect();
        if !passages.is_empty() {
            let (ground, grid) = (Ground::new(finished.problem), &finished.problem.grid);
            passages.iter_mut().for_each(|p| p.kramers = Some(kramers::law(&ground, grid, &p.passage)));
        }
        Ok(Some(Box::new(AllFound { passages, failures })))
    }

    /// By the grid as on the coarse one; a walker is followed to its arrival, whose mean time the coarse grid tells, or to the horizon.
    fn expected(&self, rehearsed: &Rehearsed) -> Outlook {
        let start = Instant::now();
        let found = by_grid(&self.passages, rehearsed.finished, &mut Vec::new());
        let ground = Ground::new(rehearsed.finished.problem);
        let laws = self.passages.iter().map(|p| kramers::law(&ground, &rehearsed.finished.problem.grid, p));
        let _ = laws.collect::<Vec<_>>();
        let mut outlook =
            Outlook { seconds: start.elapsed().as_secs_f64() * rehearsed.growth.powf(GROWTH), ..Outlook::default() };
        let Some(Stepping { step, seconds }) = rehearsed.stepping else { return outlook };
        for ((passage, found), span) in self.passages.iter().zip(found).zip(&self.horizons) {
            let mean = found.map_or(f64::INFINITY, |found| found.from_value).max(0.0);
            let followed = mean.min(passage.horizon);
            let work = Work::of_walkers((followed / step).max(1.0), step, passage.walkers, 1.0);
            let work = Work { cause: Cause::Horizon(span.clone()), ..work };
            let blocks = passage.walkers.div_ceil(first_passage::WALKERS_PER_BLOCK) as f64;
            outlook.seconds += seconds * blocks * first_passage::time_of_block(mean, passage.horizon) / step;
            outlook.what +=
                &format!("{}\"{}\": {}", if outlook.what.is_empty() { "" } else { "; " }, passage.name, work.what);
            outlook.counted.push(work);
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

/// The problems by Langevin walkers, in order, until one fails; None without a Langevin engine that got through.
fn by_walkers(passages: &[Passage], finished: &Finished, failures: &mut Vec<Failure>) -> Vec<Option<FirstPassage>> {
    let mut going = finished.run_of("langevin").is_some_and(|run| run.failure.is_none());
    let options = &finished.options.of::<LangevinTable>().options;
    let mut found = Vec::with_capacity(passages.len());
    for passage in passages {
        let mut one = None;
        if going {
            (finished.progress)(&format!("langevin: first passage \"{}\"", passage.name));
            let done = (finished.done_blocks)(&passage.name);
            match first_passage_from(finished.problem, options, passage, true, &done, finished.interrupt) {
                Ok(passage) => one = Some(passage),
                Err(error) => {
                    failures.push(failure(passage, error));
                    going = false;
                }
            }
        }
        found.push(one);
    }
    found
}

impl Findings for AllFound {
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        for Found { passage, by_grid, by_walkers, by_chain, kramers } in &self.passages {
            let group = passage_group(record, passage, &problem.times);
            by_grid.iter().for_each(|found| add_grid(group, &problem.grid, found));
            by_walkers.iter().for_each(|found| add_walkers(group, passage, &problem.times, found));
            by_chain.iter().for_each(|found| chain::add(group, found));
            kramers.iter().for_each(|law| kramers::add(group, law));
        }
    }

    fn warnings(&self) -> Vec<String> {
        let of = |found: &Found| found.by_walkers.as_ref().map(|walkers| warnings::warnings(&found.passage, walkers));
        self.passages.iter().filter_map(of).flatten().collect()
    }

    fn failures(&self) -> Vec<Failure> {
        self.failures.clone()
    }
}
