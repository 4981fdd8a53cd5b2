//! Rare events by adaptive multilevel splitting of a Markov chain of walkers, in any number of dimensions.
//!
//! ```text
//! start set A = {ξ ≤ z_A},  target B,   p = P(an excursion out of A reaches B before A)
//! p̂ = Π_j (1 − K_j/N) · (share of replicas in B),      E p̂ = p for every score ξ
//! τ = (first exit from A) + (mean length of a loop that returns)·(1/p − 1) + (mean length of an excursion to B)
//! ```
//!
//! At each level Z, the k-th smallest maximum of ξ over the N paths, **all** paths with maxima ≤ Z are killed (chains jump: there are ties)
//! and replaced by copies of survivors up to their first state strictly above Z, which go on with numbers of their own. The score costs
//! variance where it is bad, never bias. Bars come from independent repetitions. Of a path only the states that set a new maximum are
//! kept: no other can be where a copy begins.
//!
//! | file | holds |
//! |---|---|
//! | `chain.rs` | [`Chain`]: what is stepped, in blocks of walkers |
//! | `loops.rs` | where the start set ends, and the loops out of it: their lengths and the first paths |
//! | `path.rs` | a path, as far as copies of it can begin |
//! | `repetition.rs` | one run through the levels |
//! | `estimate.rs` | what the repetitions say together |
//!
//! F. Cérou & A. Guyader 2007, doi:10.1080/07362990601139628; C.-E. Bréhier, M. Gazeau, L. Goudenège, T. Lelièvre & M. Rousset 2016,
//! doi:10.1214/16-AAP1185 (p̂ is unbiased, ties and all).

mod chain;
mod estimate;
mod loops;
mod path;
mod repetition;

pub use chain::{Chain, Stepper};
pub use estimate::{Estimate, Repetition};

use crate::Error;
use crate::engine::{Interrupt, Ranks, State, meet, shares};

/// A rare event of a chain.
pub struct RareEvent<'a> {
    /// The chain.
    pub chain: &'a dyn Chain,
    /// Where walkers start (d), the middle of the start set.
    pub from: &'a [f64],
    /// Whether each of n points (coordinate-major, d×n) lies in B.
    pub target: &'a (dyn Fn(&[f64]) -> Vec<bool> + Sync),
    /// ξ at n points (coordinate-major, d×n); it rises towards B.
    pub score: &'a (dyn Fn(&[f64]) -> Vec<f64> + Sync),
    /// Replicas N of a repetition.
    pub replicas: usize,
    /// Independent repetitions R.
    pub repetitions: usize,
    /// The seed, and a purpose that makes the streams its own.
    pub seed: u64,
    /// Names the random streams.
    pub purpose: &'a str,
    /// The processes that compute its repetitions, each of which is given the same event.
    pub ranks: &'a dyn Ranks,
}

/// Numbers kept for each replica: states that set a maximum on its path, roughly.
pub const KEPT_STATES: f64 = 100.0;

/// The estimate of a rare event; the same bits for any number of threads and ranks. At other ranks than the first it is that of a part.
///
/// Errors: fewer than two replicas or repetitions, a score that is not finite at the start, walkers that do not come back to the start set
/// or are not finite, [`Error::Interrupted`].
pub fn rare_event(event: &RareEvent, interrupt: Interrupt) -> Result<Estimate, Error> {
    if event.replicas < 2 || event.repetitions < 2 {
        return Err(Error::invalid(
            format!("{} repetitions of {} replicas give no bars", event.repetitions, event.replicas),
            "take 10 repetitions of 200 replicas, at least two of each",
        ));
    }
    let here = (event.score)(event.from)[0];
    if !here.is_finite() {
        return Err(Error::invalid(
            format!("the score is {here} at the start {:?}", event.from),
            "write a score that is a number there",
        ));
    }
    let start = loops::start_set(event, interrupt);
    let shares = shares(event.ranks.size(), event.repetitions, 0);
    let mut all = vec![Repetition::default(); event.repetitions];
    let own = shares[event.ranks.rank()].clone();
    let found = start
        .as_ref()
        .map_err(Error::clone)
        .and_then(|start| repetition::run_all(event, start, own.clone(), interrupt));
    let outcome = found.map(|found| all[own.clone()].copy_from_slice(&found));
    let part = State::save(&mut |archive| Repetition::archive(&mut all[own.clone()], archive))?;
    meet(event.ranks, outcome, part, interrupt, &mut |rank, part| {
        part.restore(&mut |archive| Repetition::archive(&mut all[shares[rank].clone()], archive))
    })?;
    let start = start?;
    Ok(Estimate::new(all, event.chain.step_time(), start.level, start.steps))
}

#[cfg(test)]
mod tests;
