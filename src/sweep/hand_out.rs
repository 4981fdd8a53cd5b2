//! Cases that other processes compute: rank 0 hands out one after the other, and whoever is done asks for the next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fpsolve_solvers::engine::{Patience, Ranks};

use super::board::Board;
use super::case::{Answer, Case, earlier};
use super::compute::{Asked, one, unwritten, work_off};
use super::plan::Plan;

use crate::error::{Failure, advice};
use crate::ranks::{Handed, Returned};
use crate::record::Record;
use crate::{error, signal};

/// Time between two calls to stop.
const CALLS: Duration = Duration::from_millis(100);
/// How long a record that another machine has written may take to be seen here.
const SEEN: Duration = Duration::from_secs(10);

/// Hands out what `next` gives, until all others do no more; puts their answers on the board. Errors: a record that cannot be written, or read
/// here.
pub(super) fn hand_out(
    ranks: &dyn Ranks,
    (plan, board): (&Plan, &Board),
    next: &(dyn Fn() -> Option<Case> + Sync),
    fail: &dyn Fn(Failure),
) {
    let (mut others, mut away) = (ranks.size() - 1, BTreeMap::new());
    let (mut patience, mut called) = (Patience::default(), None::<Instant>);
    while others > 0 {
        if signal::interrupted() && called.is_none_or(|time| time.elapsed() > CALLS) {
            ranks.stop(1..ranks.size());
            called = Some(Instant::now());
        }
        let Some((rank, message)) = ranks.receive() else {
            patience.rest();
            continue;
        };
        patience = Patience::default();
        match Returned::of(&message) {
            Some(Returned::Free) => {
                let handed = match next() {
                    Some(case) => {
                        let Case { number, file, settings } = case.clone();
                        let file = std::path::absolute(&file).unwrap_or(file);
                        board.hand_out(number);
                        away.insert(number, case);
                        Handed::Case { number, file, settings }
                    }
                    None if signal::interrupted() => Handed::Stop,
                    None => Handed::NoMore,
                };
                ranks.send(rank, &handed.message());
            }
            Some(Returned::Recorded(number)) => match away.remove(&number).map(|case| recorded(&case, plan)) {
                Some(Ok((answer, record))) => board.answer(number, answer, Some(&record)),
                Some(Err(failure)) => fail(failure),
                None => {}
            },
            Some(Returned::Refused(number, outcome, remark)) => {
                board.answer(number, Answer::without_record(outcome, remark, plan), None);
            }
            Some(Returned::Unwritten(_, why)) => fail(unwritten(why)),
            Some(Returned::Left(_)) => {}
            Some(Returned::Gone) | None => others -= 1,
        }
    }
}

/// The answer in a record that another process has written. Errors: it does not appear.
fn recorded(case: &Case, plan: &Plan) -> Result<(Answer, Record), Failure> {
    let (start, mut patience) = (Instant::now(), Patience::default());
    loop {
        let found = earlier(case).and_then(|record| Some((Answer::of_record(&record, plan)?, record)));
        if let Some(found) = found {
            return Ok(found);
        }
        if start.elapsed() > SEEN {
            let message =
                format!("the record {} that another process has written is not seen here", case.file.display());
            return Err(Failure::run(advice(message, "choose a folder with -o that all machines share")));
        }
        patience.rest();
    }
}

/// What another process than rank 0 does: asks for cases and computes them, as many at a time as it has threads, until there are no more.
pub fn help(ranks: &Arc<dyn Ranks>, asked: Asked) {
    let board = Arc::new(Board::default());
    let (mine, there) = (Arc::clone(ranks), Arc::clone(&board));
    let meanwhile = || {
        if ranks.stopped() {
            signal::ask();
        }
        board.look().iter().for_each(|warning| error::show(&advice(warning.trim(), "")));
    };
    if signal::attended_with(move || compute(&*mine, &asked, &there), meanwhile).is_none() {
        board.keep();
    }
    ranks.send(0, &Returned::Gone.message());
}

fn compute(ranks: &dyn Ranks, asked: &Asked, board: &Board) {
    let over = Mutex::new(false);
    let next = || {
        let mut over = over.lock().unwrap_or_else(PoisonError::into_inner);
        if *over || signal::interrupted() {
            return None;
        }
        ranks.send(0, &Returned::Free.message());
        match Handed::of(ranks.wait().1) {
            Handed::Case { number, file, settings } => return Some(Case { number, file, settings }),
            Handed::NoMore => {}
            Handed::Stop => signal::ask(),
        }
        *over = true;
        None
    };
    let each = |case: Case| {
        let returned = match one(asked, &case, board) {
            Ok(Some((answer, record))) => {
                board.answer(case.number, answer.clone(), record.as_ref());
                match record {
                    Some(_) => Returned::Recorded(case.number),
                    None => Returned::Refused(case.number, answer.outcome, answer.remark),
                }
            }
            Ok(None) => Returned::Left(case.number),
            Err(failure) => Returned::Unwritten(case.number, failure.report.to_string()),
        };
        ranks.send(0, &returned.message());
    };
    work_off(asked.at_a_time, &next, &each);
}
