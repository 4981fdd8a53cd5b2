//! `analysis.first_passage`: times to where a condition holds, by the grid, by Langevin walkers and by the chain of descent, with Kramers' law beside them;
//! `/escape/<name>`.

mod chain;
mod group;
mod kramers;
mod request;
mod warnings;

use fpsolve_solvers::Error;
use fpsolve_solvers::escape::kramers::Ground;
use fpsolve_solvers::escape::on_grid::GridPassage;
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::langevin::first_passage::{FirstPassage, first_passage_from};
use fpsolve_solvers::problem::Problem;
use miette::Result;

pub use self::group::{add_grid, add_walkers, passage_group};
use super::{Analysis, AnalysisEntry, Failure, Findings, Finished, Subject};
use crate::engine::langevin::LangevinTable;
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

/// The first-passage problems.
struct FirstPassages(Vec<Passage>);

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
        let by_grid = by_grid(&self.0, finished, &mut failures);
        let by_walkers = by_walkers(&self.0, finished, &mut failures);
        let by_chain = by_chain(&self.0, finished, &mut failures);
        let all = self.0.iter().cloned().zip(by_grid.into_iter().zip(by_walkers).zip(by_chain));
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
            by_chain.iter().for_each(|found| chain::add_fields(group, &problem.grid, found));
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
