//! Whether records will have what is to be collected: looked up in a small run of the first case, and of the last, before the sweep begins.

use std::time::Duration;

use fpsolve_solvers::engine::Interrupt;
use miette::Result;

use super::case::Cases;
use super::plan::{Collected, Plan};
use crate::engine::Representation;
use crate::engine::work::{thinned, until};
use crate::error::{Failure, advice, caught};
use crate::record::Record;
use crate::record::lookup::names;
use crate::run::{Reached, Status, run};

/// Cells along each axis, walkers, and the time that a small run may take.
const CELLS: [usize; 3] = [48, 24, 12];
const WALKERS: usize = 64;
const LONGEST: Duration = Duration::from_secs(3);

/// Errors: a path that neither the first nor the last case has; said with the nearest.
pub fn check(cases: &Cases, plan: &Plan, interrupt: Interrupt) -> Result<(), Failure> {
    let mut missing: Vec<&Collected> = plan.collect.iter().collect();
    let mut said = None;
    let mut numbers = vec![0, plan.cases() - 1];
    numbers.dedup();
    for number in numbers {
        let Some(record) = small(cases, plan, number, interrupt) else { return Ok(()) };
        missing.retain(|collected| names(&record, &collected.path).is_err());
        let Some(first) = missing.first() else { return Ok(()) };
        said = said.or_else(|| names(&record, &first.path).err());
    }
    match said {
        Some(said) => Err(unknown(&said)),
        None => Ok(()),
    }
}

/// Errors: a path that the record of a finished case does not have.
pub fn check_record(record: &Record, plan: &Plan) -> Result<(), Failure> {
    let said = plan.collect.iter().find_map(|collected| names(record, &collected.path).err());
    said.map_or(Ok(()), |said| Err(unknown(&said)))
}

fn unknown(said: &str) -> Failure {
    let (message, more) = said.split_once('\n').unwrap_or((said, ""));
    let (message, near) = message.split_once("; did you").unwrap_or((message, ""));
    let near = if near.is_empty() { String::new() } else { format!("did you{near}\n") };
    let help = format!("{near}{more}\npaths are those of [expect]: stationary/mean/x, escape/NAME/from_value");
    Failure::input(advice(message, help))
}

/// The record of a case on a coarse grid with few walkers; None where it was refused, failed or took long: then nothing is known yet.
fn small(cases: &Cases, plan: &Plan, number: usize, interrupt: Interrupt) -> Option<Record> {
    let settings = plan.settings(number);
    let scenario = cases.scenario(&settings).ok()?;
    let walkers = scenario.engines_to_run().ok()?.into_iter().filter(|e| e.representation == Representation::Walkers);
    let few =
        walkers.filter(|e| e.table.keys.contains(&"walkers")).map(|e| format!("{}.walkers={WALKERS}", e.table.key));
    let settings: Vec<String> = settings.into_iter().chain(few).collect();
    let scenario = cases.scenario(&settings).ok()?;
    let mut prepared = scenario.problem().ok()?;
    let shape = prepared.problem.grid.shape().to_vec();
    let cells: Vec<usize> = shape.iter().map(|&n| n.min(CELLS[shape.len() - 1]) & !1).collect();
    if let Some(coarse) = thinned(&prepared.problem, &cells) {
        prepared.problem = coarse;
    }
    let stop = until(LONGEST, interrupt);
    let found = caught(|| run(&prepared, &stop, &|_| {}, &Reached::nothing_of(&scenario))).ok()?;
    (found.status == Status::Complete).then_some(found.record)
}
