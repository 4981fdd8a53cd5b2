//! A case is computed, with a record of its own; several at a time share one pool of threads.

use std::path::PathBuf;
use std::sync::Arc;

use fpsolve_solvers::engine::State;

use super::board::Board;
use super::case::{Answer, Case, Cases, earlier};
use super::plan::Plan;
use super::rare;
use crate::error::{Failure, Outcome, advice, caught};
use crate::limits::{self, work};
use crate::ranks::Order;
use crate::record::hdf5::{self, Existing};
use crate::record::provenance::Provenance;
use crate::record::read::text;
use crate::record::{Record, groups::checkpoint};
use crate::run::{Reached, Run, Status, run as run_engines};
use crate::scenario::Scenario;
use crate::signal;
use crate::text::refused_write;

/// What a sweep is to do.
pub struct Asked {
    /// The cases.
    pub plan: Plan,
    /// Their scenarios.
    pub cases: Cases,
    /// Folder of their records.
    pub folder: PathBuf,
    /// Bytes that all of them together may take at a time.
    pub memory: u64,
    /// Cases at a time, at most.
    pub at_a_time: usize,
    /// The part of the cases that is computed here: which, of how many.
    pub shard: Option<[usize; 2]>,
    /// Threads of each process, where the user says so.
    pub threads: Option<usize>,
}

impl Asked {
    /// What other processes need to know; memory has room for so many cases at a time.
    pub(super) fn order(&self, room: usize) -> Order {
        Order::Sweep {
            source: self.cases.source(),
            collect: self.plan.collect.iter().map(|collected| collected.path.clone()).collect(),
            memory: self.memory,
            at_a_time: room.max(1),
            threads: self.threads,
        }
    }
}

/// Does `each` with what `next` gives, so many at a time, until it gives no more.
pub(super) fn work_off(threads: usize, next: &(dyn Fn() -> Option<Case> + Sync), each: &(dyn Fn(Case) + Sync)) {
    let work = || {
        while let Some(case) = next() {
            each(case);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let thread = std::thread::Builder::new().name("case".into()).stack_size(signal::STACK);
            if thread.spawn_scoped(scope, work).is_err() {
                break; // fewer threads: those that are there do all the work
            }
        }
    });
}

/// What is said where a record cannot be written.
pub(super) fn unwritten(why: String) -> Failure {
    let plain = refused_write(&why).map(|(why, help)| (format!("the record of a case cannot be written: {why}"), help));
    let (why, help) = plain.unwrap_or((why, "make room"));
    Failure::run(advice(why, format!("{help}; the same sweep again goes on where it stopped")))
}

/// Computes a case and writes its record, which comes with the answer where there is one; None where it was interrupted. Errors: the record
/// cannot be written.
pub(super) fn one(asked: &Asked, case: &Case, board: &Board) -> Result<Option<(Answer, Option<Record>)>, Failure> {
    let (plan, provenance) = (&asked.plan, Arc::new(Provenance::start()));
    let compute = || -> Result<Run, Failure> {
        let scenario = asked.cases.scenario(&case.settings)?;
        let reached = Arc::new(Reached::from(&scenario, state(case)));
        board.run(case.number, &reached, &provenance, case.file.clone());
        compute(&scenario, plan, asked.memory, &reached)
    };
    let mut run = match caught(compute).unwrap_or_else(|panic| Err(Failure::bug(&panic))) {
        Ok(run) => run,
        Err(failure) if failure.outcome == Outcome::Interrupted => return Ok(None),
        Err(failure) => return Ok(Some((Answer::refused(&failure, plan), None))),
    };
    provenance.fill(run.record.group_mut("provenance"));
    hdf5::write(&run.record, &case.file, Existing::Replaced).map_err(|error| unwritten(error.to_string()))?;
    Ok(Answer::of_record(&run.record, plan).map(|answer| (answer, Some(run.record))))
}

/// Checks and runs a case. Errors: a scenario that is refused, too large, or that no ensemble can sample.
fn compute(scenario: &Scenario, plan: &Plan, memory: u64, reached: &Reached) -> Result<Run, Failure> {
    limits::check(scenario, &scenario.engines_to_run()?, memory)?;
    reached.note_data(scenario)?;
    let prepared = scenario.problem()?;
    limits::check_built(scenario, &prepared, memory)?;
    work::count(scenario, &prepared)?;
    rare::check(&prepared, plan)?;
    Ok(run_engines(&prepared, &signal::interrupted, &|_| {}, reached))
}

/// How far an earlier run of a case had come.
fn state(case: &Case) -> State {
    let interrupted = |record: &Record| text(record, "status") == Some(Status::Interrupted.word());
    let record = earlier(case).filter(interrupted);
    record.and_then(|record| checkpoint::read(&record).ok()).map(|checkpoint| checkpoint.state).unwrap_or_default()
}
