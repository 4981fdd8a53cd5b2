//! The cases of a sweep are computed: several at a time, all with the same pool of threads, each with a record of its own.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use fpsolve_solvers::engine::State;

use super::board::Board;
use super::case::{Answer, Case, Cases, earlier};
use super::plan::Plan;
use super::{probe, rare};
use crate::error::{Failure, Outcome, advice, caught};
use crate::limits::{self, work};
use crate::record::hdf5::{self, Existing};
use crate::record::provenance::Provenance;
use crate::record::read::text;
use crate::record::{Record, groups::checkpoint};
use crate::run::{Reached, Run, Status, run as run_engines};
use crate::scenario::Scenario;
use crate::signal;

/// Stack of the thread that carries a case out, bytes.
const STACK: usize = 64 << 20;

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
}

/// Whether this process computes a case.
fn is_mine(shard: Option<[usize; 2]>, number: usize) -> bool {
    shard.is_none_or(|[k, n]| number % n == k - 1)
}

/// Computes what is not there yet. Whether all of its cases are answered.
///
/// Errors: every case is refused: the first refusal; a path that no record has; a folder that cannot be written.
pub fn carry_out(asked: &Asked, board: &Board) -> Result<bool, Failure> {
    let (plan, cases) = (&asked.plan, &asked.cases);
    std::fs::create_dir_all(&asked.folder).map_err(|error| {
        let message =
            format!("cannot make the folder {} for the records of the cases: {error}", asked.folder.display());
        Failure::input(advice(message, "choose another place with -o"))
    })?;
    hdf5::remove_orphans(&asked.folder);
    let (mut open, mut first, mut looked) = (VecDeque::new(), None, false);
    for number in (0..plan.cases()).filter(|&number| is_mine(asked.shard, number)) {
        if signal::interrupted() {
            return Ok(false);
        }
        let case = match cases.case(plan, number, &asked.folder) {
            Ok(case) => case,
            Err(failure) => {
                board.answer(number, Answer::refused(&failure, plan), None);
                first.get_or_insert(failure);
                continue;
            }
        };
        let record = earlier(&case);
        match record.as_ref().and_then(|record| Some((record, Answer::of_record(record, plan)?))) {
            Some((record, answer)) => {
                if !looked && answer.outcome != Outcome::RunFailed {
                    probe::check_record(record, plan).or_else(|_| probe::check(cases, plan, &signal::interrupted))?;
                    looked = true;
                }
                board.answer(number, answer, Some(record));
            }
            None => open.push_back(case),
        }
    }
    if let (Some(failure), true, 0) = (first, open.is_empty(), board.complete()) {
        return Err(failure);
    }
    if !looked && !open.is_empty() {
        probe::check(cases, plan, &signal::interrupted)?;
    }
    board.begin(open.len());
    compute_all(asked, open, board)
}

/// Computes the open cases. Whether all came to an end. Errors: a record that cannot be written.
fn compute_all(asked: &Asked, open: VecDeque<Case>, board: &Board) -> Result<bool, Failure> {
    let threads = asked.at_a_time.min(open.len()).min(together(asked, &open)).max(1);
    let (open, failed) = (Mutex::new(open), Mutex::new(None));
    let next = || {
        let stop = signal::interrupted() || failed.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        (!stop).then(|| open.lock().unwrap_or_else(PoisonError::into_inner).pop_front()).flatten()
    };
    let work = || {
        while let Some(case) = next() {
            if let Err(failure) = one(asked, &case, board) {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let thread = std::thread::Builder::new().name("case".into()).stack_size(STACK);
            if thread.spawn_scoped(scope, work).is_err() {
                break; // fewer threads: those that are there do all the work
            }
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(!signal::interrupted() && open.into_inner().unwrap_or_else(PoisonError::into_inner).is_empty()),
    }
}

/// How many cases the memory has room for, by the largest of the first and the last.
fn together(asked: &Asked, open: &VecDeque<Case>) -> usize {
    let bytes = |case: &Case| {
        let scenario = asked.cases.scenario(&asked.plan, case.number, &[]).ok()?;
        limits::check(&scenario, &scenario.engines_to_run().ok()?, u64::MAX).ok().map(|estimate| estimate.total())
    };
    let most = [open.front(), open.back()].into_iter().flatten().filter_map(bytes).fold(1.0, f64::max);
    (asked.memory as f64 / most) as usize
}

/// Computes a case, writes its record, answers. Errors: the record cannot be written.
fn one(asked: &Asked, case: &Case, board: &Board) -> Result<(), Failure> {
    let (plan, provenance) = (&asked.plan, Arc::new(Provenance::start()));
    let compute = || -> Result<Run, Failure> {
        let scenario = asked.cases.scenario(plan, case.number, &[])?;
        let reached = Arc::new(Reached::from(&scenario, state(case)));
        board.run(case.number, &reached, &provenance, case.file.clone());
        compute(&scenario, plan, asked.memory, &reached)
    };
    let mut run = match caught(compute).unwrap_or_else(|panic| Err(Failure::bug(&panic))) {
        Ok(run) => run,
        Err(failure) => {
            if failure.outcome != Outcome::Interrupted {
                board.answer(case.number, Answer::refused(&failure, plan), None);
            }
            return Ok(());
        }
    };
    provenance.fill(run.record.group_mut("provenance"));
    hdf5::write(&run.record, &case.file, Existing::Replaced).map_err(|error| {
        Failure::run(advice(error.to_string(), "make room, and run the same sweep again: it goes on"))
    })?;
    if let Some(answer) = Answer::of_record(&run.record, plan) {
        board.answer(case.number, answer, Some(&run.record));
    }
    Ok(())
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
