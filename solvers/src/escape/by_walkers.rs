//! First-passage times by walkers, whatever equation or descent they follow: who is on the way, and what their times say.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::passage::Passage;
use crate::Error;
use crate::engine::Archive;
use crate::ensemble::{BLOCK, Block, Ensemble, Stop};
use crate::problem::Problem;
use crate::problem::initial::Initial;

/// What an ensemble says about the time τ to a target.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstPassage {
    /// Number of walkers N.
    pub walkers: usize,
    /// Arrival times, increasing.
    pub arrivals: Vec<f64>,
    /// Times at which walkers were absorbed at a wall before they arrived, increasing.
    pub absorbed: Vec<f64>,
    /// Time up to which walkers were followed.
    pub horizon: f64,
    /// The longest step that was taken.
    pub step: f64,
    /// Mean of min(τ, horizon), τ the time to the target or an absorbing wall.
    pub mean: f64,
    /// Standard error of it.
    pub standard_error: f64,
    /// Mean time to the target, the avoided set or an absorbing wall, at most the horizon, with its standard error; None where no set is
    /// avoided.
    pub exit: Option<[f64; 2]>,
    /// Mean time to the target of the walkers that came to it first, with its standard error; None where nothing else can happen, or fewer
    /// than two came.
    pub conditional: Option<[f64; 2]>,
    /// How arrivals between the ends of a step are seen, in words.
    pub bridge: &'static str,
    /// How many came to the target first, where something else can happen.
    pub first: Option<First>,
}

/// What a walker came to first: the target, or the avoided set or an absorbing wall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct First {
    /// Walkers that came to the target first.
    pub target: usize,
    /// Walkers that came to the avoided set or an absorbing wall first.
    pub other: usize,
}

impl First {
    /// The committor q = k/n of the n walkers that came to either, and its standard error √(p(1 − p)/(n + 2)), p = (k + 1)/(n + 2),
    /// which is not 0 where all came to the same; None without any.
    pub fn committor(&self) -> Option<(f64, f64)> {
        let (k, n) = (self.target as f64, (self.target + self.other) as f64);
        let p = (k + 1.0) / (n + 2.0);
        (n > 0.0).then(|| (k / n, (p * (1.0 - p) / (n + 2.0)).sqrt()))
    }
}

impl FirstPassage {
    /// Share of the walkers that were still on their way at the horizon; where it is not 0 the mean is too small.
    pub fn censored(&self) -> f64 {
        1.0 - (self.arrivals.len() + self.absorbed.len()) as f64 / self.walkers as f64
    }
    /// Share of the walkers that by the horizon had come neither to the target nor to what would have excluded it.
    pub fn undecided(&self) -> f64 {
        self.first.map_or(0.0, |first| 1.0 - (first.target + first.other) as f64 / self.walkers as f64)
    }
    /// Share of the walkers that were absorbed at a wall.
    pub fn absorbed(&self) -> f64 {
        self.absorbed.len() as f64 / self.walkers as f64
    }
    /// Share of the walkers still on their way at each of the given times, with its standard error, which a single walker has not
    /// (not a number).
    pub fn survival(&self, at: &[f64]) -> Vec<(f64, f64)> {
        let n = self.walkers as f64;
        let gone = |t: f64| [&self.arrivals, &self.absorbed].map(|times| times.partition_point(|&time| time <= t));
        let share = |t: f64| 1.0 - gone(t).iter().sum::<usize>() as f64 / n;
        let spread = |p: f64| if self.walkers > 1 { (p * (1.0 - p) / n).sqrt() } else { f64::NAN };
        at.iter().map(|&t| (share(t), spread(share(t)))).collect()
    }
}

/// The blocks of walkers that are done, which a later call need not follow again; it can be read while walkers are followed.
#[derive(Debug, Default)]
pub struct DoneBlocks(Mutex<BTreeMap<u64, Vec<f64>>>);

impl DoneBlocks {
    /// The times of a block as they are known, or as it finds them when it follows its walkers, which is noted. Errors: those of
    /// `follow`.
    pub(crate) fn or_follow(
        &self,
        block: &mut Block,
        follow: impl FnOnce(&mut Block) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let number = (block.first / BLOCK) as u64;
        let blocks = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = blocks().get(&number).filter(|times| times.len() == block.kept.len()).cloned();
        match known {
            Some(times) => block.kept = times,
            None => {
                follow(block)?;
                blocks().insert(number, block.kept.clone());
            }
        }
        Ok(())
    }

    /// Notes the blocks, or puts them back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(&self, archive: &mut Archive) -> Result<(), Error> {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut numbers, mut times): (Vec<u64>, Vec<Vec<f64>>) = std::mem::take(&mut *blocks).into_iter().unzip();
        archive.counts("blocks", &mut numbers)?;
        archive.rows("times", &mut times)?;
        blocks.extend(numbers.into_iter().zip(times));
        Ok(())
    }
}

/// Walkers that the lanes of a block work off, one after the other.
pub const WALKERS_PER_BLOCK: usize = 4 * BLOCK;

/// Time that a block goes on for where so many walkers arrive after `mean` on average, at the latest at `horizon`: until its last lane is
/// done, for exponential times the rounds that all lanes take part in and the largest of 256, H₂₅₆ = 6.12 means.
pub fn time_of_block(walkers: usize, mean: f64, horizon: f64) -> f64 {
    let rounds = walkers.clamp(BLOCK, WALKERS_PER_BLOCK) as f64 / BLOCK as f64;
    ((rounds - 1.0) * mean + (6.12 * mean).min(horizon)).min(rounds.ceil() * horizon)
}

/// Times kept of each walker: of its arrival, of its absorption, and when it first touched the avoided set; infinite where there is
/// none.
pub(crate) const TIMES: usize = 3;

fn first_of([arrived, absorbed, avoided]: &[Vec<f64>; TIMES]) -> First {
    let of = |k: usize| [arrived[k], absorbed[k].min(avoided[k])];
    let count = |wanted: fn([f64; 2]) -> bool| (0..arrived.len()).filter(|&k| wanted(of(k))).count();
    First { target: count(|[target, other]| target < other), other: count(|[_, other]| other.is_finite()) }
}

/// Which walker each lane of a block follows.
pub(crate) struct Lanes {
    /// Number of the walker in the block.
    pub walker: [usize; BLOCK],
    /// Step of the block at which it started.
    pub started: [u64; BLOCK],
    walkers: usize,
    next: usize,
    /// Lanes whose walkers are still on their way.
    pub busy: usize,
}

impl Lanes {
    /// The first walkers of a block that has so many.
    pub fn new(walkers: usize) -> Self {
        let busy = walkers.min(BLOCK);
        Self { walker: std::array::from_fn(|lane| lane), started: [0; BLOCK], walkers, next: BLOCK, busy }
    }

    /// The walker of a lane is in the avoided set: notes the time where it is the first.
    pub fn avoided(&self, lane: usize, time: f64, times: &mut [f64]) {
        if let Some(place) = Some(self.walker[lane]).filter(|&walker| walker < self.walkers) {
            let noted = &mut times[2 * self.walkers + place];
            *noted = noted.min(time);
        }
    }

    /// The walker of a lane is done after `step` steps in all: notes its time and starts the next walker.
    pub fn done(&mut self, lane: usize, step: u64, time: f64, arrived: bool, absorbed: bool, times: &mut [f64]) {
        if let Some(place) = Some(self.walker[lane]).filter(|&walker| walker < self.walkers) {
            if arrived {
                times[place] = time;
            } else if absorbed {
                times[self.walkers + place] = time;
            }
            if self.next >= self.walkers {
                self.busy -= 1;
            }
        }
        (self.walker[lane], self.started[lane]) = (self.next, step);
        self.next += 1;
    }
}

/// The walkers of a passage at its start, nobody arrived: in each block as many as its lanes work off. `name` is that of their random
/// numbers. Errors: those of [`Ensemble::new`].
pub(crate) fn at_start(problem: &Problem, passage: &Passage, name: &str) -> Result<Ensemble, Error> {
    let start = Problem { initial: Initial::Point { at: passage.from.clone() }, ..problem.clone() };
    let lanes = passage.walkers.div_ceil(WALKERS_PER_BLOCK) * BLOCK;
    let mut ensemble = Ensemble::new(&start, &format!("{name}/{}", passage.name), lanes)?;
    for (b, block) in ensemble.blocks_mut().iter_mut().enumerate() {
        let walkers = (passage.walkers - b * WALKERS_PER_BLOCK).min(WALKERS_PER_BLOCK);
        block.kept = vec![f64::INFINITY; TIMES * walkers];
    }
    Ok(ensemble)
}

/// The earliest of the times of a walker.
fn earliest(times: &[Vec<f64>; TIMES], walker: usize) -> f64 {
    times.iter().map(|times| times[walker]).fold(f64::INFINITY, f64::min)
}

fn exit_time(times: &[Vec<f64>; TIMES], horizon: f64) -> [f64; 2] {
    mean_with_error((0..times[0].len()).map(|k| earliest(times, k).min(horizon)))
}

fn conditional_time(times: &[Vec<f64>; TIMES]) -> Option<[f64; 2]> {
    let first = |&k: &usize| times[0][k].is_finite() && times[0][k] < times[1][k].min(times[2][k]);
    let walkers: Vec<usize> = (0..times[0].len()).filter(first).collect();
    (walkers.len() > 1).then(|| mean_with_error(walkers.iter().map(|&k| times[0][k])))
}

/// The mean of some values and its standard error, unknown (not a number) of a single one.
fn mean_with_error(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n.max(1.0);
    let variance = values.map(|t| (t - mean).powi(2)).sum::<f64>() / (n - 1.0).max(0.0);
    [mean, (variance / n.max(1.0)).sqrt()]
}

/// The times that the blocks of an ensemble kept.
pub(crate) fn times_of(ensemble: &Ensemble) -> [Vec<f64>; TIMES] {
    std::array::from_fn(|which| {
        let of_block = |block: &Block| {
            let n = block.kept.len() / TIMES;
            block.kept[which * n..(which + 1) * n].to_vec()
        };
        ensemble.blocks().iter().flat_map(of_block).collect()
    })
}

/// What the times of the walkers say; `absorbs` tells whether a wall can end a passage.
pub(crate) fn summary(
    passage: &Passage,
    step: f64,
    times: &[Vec<f64>; TIMES],
    bridge: &'static str,
    absorbs: bool,
) -> FirstPassage {
    let (walkers, horizon, avoids) = (passage.walkers, passage.horizon, passage.avoid.is_some());
    let [arrivals, absorbed, _] = times.clone().map(|mut times| {
        times.retain(|t| t.is_finite());
        times.sort_by(f64::total_cmp);
        times
    });
    let censored = walkers - arrivals.len() - absorbed.len();
    let ends = arrivals.iter().chain(&absorbed).copied().chain(std::iter::repeat_n(horizon, censored));
    let [mean, standard_error] = mean_with_error(ends);
    let first = (avoids || absorbs).then(|| first_of(times));
    let exit = avoids.then(|| exit_time(times, horizon));
    let conditional = first.and_then(|_| conditional_time(times));
    FirstPassage { walkers, arrivals, absorbed, horizon, step, mean, standard_error, exit, conditional, bridge, first }
}
