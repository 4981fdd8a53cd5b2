//! The cases of a sweep are computed: several at a time, all with the same pool of threads, each with a record of its own.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::board::Board;
use super::case::{Answer, Case, earlier};
use super::compute::{Asked, one, work_off};
use super::hand_out::hand_out;
use super::probe;
use crate::error::{Failure, Outcome, advice};
use crate::ranks::{ranks, together};
use crate::record::hdf5;
use crate::{limits, signal};

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

/// Computes the open cases, together with the other processes. Whether all came to an end. Errors: a record that cannot be written.
fn compute_all(asked: &Asked, open: VecDeque<Case>, board: &Board) -> Result<bool, Failure> {
    let (ranks, room) = (ranks(), room_for(asked, &open));
    let threads = asked.at_a_time.min(open.len()).min(room).max(1);
    let (open, failed) = (Mutex::new(open), Mutex::new(None));
    let next = || {
        let stop = signal::interrupted() || failed.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        (!stop).then(|| open.lock().unwrap_or_else(PoisonError::into_inner).pop_front()).flatten()
    };
    let fail = |failure| *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    let each = |case: Case| match one(asked, &case, board) {
        Ok(Some((answer, record))) => board.answer(case.number, answer, record.as_ref()),
        Ok(None) => {}
        Err(failure) => fail(failure),
    };
    together(&*ranks, &asked.order(room), || {
        std::thread::scope(|scope| {
            if ranks.size() > 1 {
                scope.spawn(|| hand_out(&*ranks, (&asked.plan, board), &next, &fail));
            }
            work_off(threads, &next, &each);
        });
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(!signal::interrupted() && open.into_inner().unwrap_or_else(PoisonError::into_inner).is_empty()),
    }
}

/// How many cases the memory has room for, by the largest of the first and the last.
fn room_for(asked: &Asked, open: &VecDeque<Case>) -> usize {
    let bytes = |case: &Case| {
        let scenario = asked.cases.scenario(&case.settings).ok()?;
        limits::check(&scenario, &scenario.engines_to_run().ok()?, u64::MAX).ok().map(|estimate| estimate.total())
    };
    let most = [open.front(), open.back()].into_iter().flatten().filter_map(bytes).fold(1.0, f64::max);
    (asked.memory as f64 / most) as usize
}
