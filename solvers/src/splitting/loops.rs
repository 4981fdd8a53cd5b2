//! The start set, and the loops out of it and back: their lengths, and the first excursions.

use super::RareEvent;
use super::chain::{Stepper, block_at, put, state};
use super::path::Path;
use crate::Error;
use crate::engine::Interrupt;
use crate::ensemble::{BLOCK, Block};

/// A = {ξ ≤ level}, and a walker that starts at the middle of it.
pub(super) struct StartSet {
    pub level: f64,
    /// Position and memory at the start.
    pub origin: Vec<f64>,
    /// Steps of walkers that this took.
    pub steps: u64,
}

/// Share of the walkers near the start that have scores in A.
const INSIDE: f64 = 0.9;
/// Steps of the first look, and of the last.
const LOOKS: [u64; 2] = [32, 1 << 15];
/// A look is the last where the level moved by less than this share of the scores' spread.
const MOVED: f64 = 0.1;
/// Steps between two looks at the interrupt.
pub(super) const STEPS_PER_CHECK: u64 = 16;
/// Exits of each walker before loops count: by then it has forgotten where it started.
const BEFORE: u32 = 4;
/// Loops of each walker that count.
const COUNTED: u32 = 8;
/// Steps that walkers may take to come back, for each repetition.
pub(super) const MOST_STEPS: u64 = 200_000_000;

/// A by a pilot of one block: so wide that walkers at rest around the start spend nine tenths of their time in it.
pub(super) fn start_set(event: &RareEvent, interrupt: Interrupt) -> Result<StartSet, Error> {
    let mut block = block_at(event.chain, event.from, event.seed, event.purpose, u64::from(u32::MAX));
    let origin = state(&block, 0);
    let mut step = event.chain.stepper();
    let (mut before, mut taken) = (f64::NAN, 0);
    let mut look = LOOKS[0];
    loop {
        let mut scores = Vec::new();
        for k in 0..look {
            check(k, interrupt)?;
            step(&mut block)?;
            let arrived = (event.target)(&block.points);
            (0..BLOCK).filter(|&lane| arrived[lane]).for_each(|lane| put(&mut block, lane, &origin));
            if k % (look / 8) == look / 8 - 1 && k >= look / 2 {
                scores.extend((event.score)(&block.points));
            }
        }
        taken += look;
        scores.retain(|score| score.is_finite());
        scores.sort_by(f64::total_cmp);
        let at = |share: f64| scores.get((share * scores.len() as f64) as usize).copied().unwrap_or(f64::NAN);
        let level = at(INSIDE);
        if !level.is_finite() {
            return Err(Error::invalid(
                "the score is not a number around the start",
                "write a score that is one there",
            ));
        }
        if (level - before).abs() <= MOVED * (level - at(1.0 - INSIDE)) || look >= LOOKS[1] {
            return Ok(StartSet { level, origin, steps: taken * BLOCK as u64 });
        }
        (before, look) = (level, 2 * look);
    }
}

/// Errors: [`Error::Interrupted`] where it was asked for, looked at now and then.
pub(super) fn check(step: u64, interrupt: Interrupt) -> Result<(), Error> {
    if step.is_multiple_of(STEPS_PER_CHECK) && interrupt() { Err(Error::Interrupted { time: 0.0 }) } else { Ok(()) }
}

/// Lengths in steps, and one path out of A for each replica.
#[derive(Default)]
pub(super) struct Loops {
    pub paths: Vec<Path>,
    /// Mean time to the first exit from A.
    pub first_exit: f64,
    /// Mean length of a loop that returned.
    pub length: f64,
    /// Steps of walkers.
    pub steps: u64,
}

/// What the walker in a lane is about.
#[derive(Default)]
struct Lane {
    /// Step of the last exit from A; None before the first.
    exit: Option<u64>,
    /// The path since that exit, while it goes on.
    path: Option<Path>,
    /// Exits so far.
    exits: u32,
    /// Whether it came to B since the last exit.
    reached: bool,
}

/// Sums over the loops that count.
#[derive(Default)]
struct Sums {
    length: u64,
    loops: u64,
    first_exit: u64,
    walkers: u64,
}

impl Lane {
    /// Sees the walker after step `k`; whether its path ended in this step.
    fn look(
        &mut self,
        (block, lane): (&Block, usize),
        k: u64,
        [score, level]: [f64; 2],
        arrived: bool,
        sums: &mut Sums,
    ) -> bool {
        if self.path.is_none() && (score > level || arrived) {
            self.leave(k, sums);
        }
        let Some(path) = &mut self.path else { return false };
        path.see((block, lane), score, arrived);
        self.reached |= arrived;
        arrived || score.is_nan() || score <= level
    }

    fn leave(&mut self, k: u64, sums: &mut Sums) {
        match self.exit {
            None => {
                sums.first_exit += k + 1;
                sums.walkers += 1;
            }
            Some(exit) if self.exits > BEFORE && !self.reached => {
                sums.length += k - exit;
                sums.loops += 1;
            }
            Some(_) => {}
        }
        (self.exit, self.reached, self.path) = (Some(k), false, Some(Path::default()));
        self.exits += 1;
    }
}

/// The loops of one repetition: every replica is a walker that takes a fixed number of them, so that short ones do not count more often.
pub(super) fn loops(
    event: &RareEvent,
    start: &StartSet,
    block: &mut Block,
    step: &mut Stepper,
    interrupt: Interrupt,
) -> Result<Loops, Error> {
    let (mut found, mut sums) = (Loops::default(), Sums::default());
    while found.paths.len() < event.replicas {
        let walkers = (event.replicas - found.paths.len()).min(BLOCK);
        (0..BLOCK).for_each(|lane| put(block, lane, &start.origin));
        let mut lanes: Vec<Option<Lane>> = (0..walkers).map(|_| Some(Lane::default())).collect();
        let mut paths: Vec<Path> = vec![Path::default(); walkers];
        for k in 0.. {
            check(k, interrupt)?;
            if lanes.iter().all(Option::is_none) {
                break;
            }
            if found.steps > MOST_STEPS {
                return Err(astray());
            }
            step(block)?;
            let (scores, arrived) = ((event.score)(&block.points), (event.target)(&block.points));
            for (lane, walker) in lanes.iter_mut().enumerate() {
                let Some(here) = walker else { continue };
                found.steps += 1;
                if !here.look((block, lane), k, [scores[lane], start.level], arrived[lane], &mut sums) {
                    continue;
                }
                let path = here.path.take().unwrap_or_default();
                if here.exits >= BEFORE + COUNTED {
                    paths[lane] = path;
                    *walker = None;
                } else if arrived[lane] {
                    put(block, lane, &start.origin);
                }
            }
        }
        found.paths.extend(paths);
    }
    let mean = |sum: u64, n: u64| if n > 0 { sum as f64 / n as f64 } else { 0.0 };
    (found.first_exit, found.length) = (mean(sums.first_exit, sums.walkers), mean(sums.length, sums.loops));
    Ok(found)
}

/// Walkers that come neither back nor to the target.
pub(super) fn astray() -> Error {
    Error::numerical(
        "splitting",
        format!("after {MOST_STEPS} steps of walkers"),
        "walkers come neither back to the start set nor to the target: there is another set where they stay",
        "take a score that falls on the way back, or a target that holds wherever walkers stay",
    )
}
