//! First-passage times of the stochastic differential equation to a target, by an ensemble.
//!
//! Walkers start at a point and are followed until they reach the target, an absorbing wall or the horizon. A lane of a block
//! whose walker is done starts the next one, so that few lanes run idle although most walkers arrive long before the last.
//!
//! Where the target is g(θ) > 0, a walker has also arrived when the Brownian bridge between its two positions touched the
//! surface g = 0: with probability exp(−g₀ g₁/(T h nᵀ D n)), n = ∇g and D at the start of the step. That is exact for a step of
//! Euler–Maruyama and a half-space; for a curved or kinked surface the bridge is halved until it is flat (see `curved.rs`). Weak order 1
//! instead of ½ (Gobet 2000, doi:10.1016/S0304-4149(99)00109-X). Arrivals at a half-space count at the middle of their step.
//!
//! A set that is avoided is watched in the same way; a walker that touched it goes on to the target, so that the mean time is the
//! same with and without it. A walker that touched both within one step is given to the surface that was nearer before it.

mod curved;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use curved::Curved;

use super::scheme::{self, Sde, Work};
use super::walls::Walls;
use super::{LangevinOptions, STEPS_PER_CHECK, lost, step};
use crate::Error;
use crate::engine::{Archive, Interrupt};
use crate::ensemble::{BLOCK, Block, Ensemble, Stop};
use crate::escape::passage::{Passage, Target};
use crate::numerics::symmetric::packed_index;
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
    fn of(&self, block: u64, wanted: usize) -> Option<Vec<f64>> {
        let blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.get(&block).filter(|times| times.len() == wanted).cloned()
    }

    fn add(&self, block: u64, times: &[f64]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(block, times.to_vec());
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

/// Time that a block goes on for where walkers arrive after `mean` on average, at the latest at `horizon`: until its last lane is done, for
/// exponential times three rounds and the largest of 256, H₂₅₆ = 6.12 means.
pub fn time_of_block(mean: f64, horizon: f64) -> f64 {
    (3.0 * mean + (6.12 * mean).min(horizon)).min(WALKERS_PER_BLOCK as f64 / BLOCK as f64 * horizon)
}

/// Time from `passage.from` to `passage.target`, with scheme and step of `options` (whose number of walkers does not matter).
///
/// Without `bridge` arrivals are seen at the ends of steps only.
///
/// Errors: a start off the grid, a horizon that is not positive, and those of [`super::Langevin`].
pub fn first_passage(
    problem: &Problem,
    options: &LangevinOptions,
    passage: &Passage,
    bridge: bool,
    interrupt: Interrupt,
) -> Result<FirstPassage, Error> {
    first_passage_from(problem, options, passage, bridge, &DoneBlocks::default(), interrupt)
}

/// [`first_passage`] that goes on where an earlier call for the same problem was interrupted: blocks that are done then stand in `done`, and
/// those that become so are added. Errors: as there.
pub fn first_passage_from(
    problem: &Problem,
    options: &LangevinOptions,
    passage: &Passage,
    bridge: bool,
    done: &DoneBlocks,
    interrupt: Interrupt,
) -> Result<FirstPassage, Error> {
    let horizon = passage.horizon;
    if !(horizon > 0.0 && horizon.is_finite()) {
        return Err(Error::invalid(format!("a horizon of {horizon} is not a time"), "write a positive time"));
    }
    let problem = &options.coefficients.of(problem, interrupt)?;
    let (sde, walls) = (Sde::new(problem), Walls::of(problem));
    let scheme = (scheme::find(&options.scheme)?.build)(problem)?;
    let longest = match step::given(options.step)? {
        Some(step) => step,
        None => step::choose(problem, &walls)?.0,
    };
    let (steps, h) = super::divide(horizon, longest);
    let widths: Vec<f64> = problem.grid.axes().iter().map(|axis| axis.length()).collect();
    let watcher = Watcher::new(&passage.target, bridge, &passage.from, &widths);
    let avoided = passage.avoid.as_ref().map(|avoid| Watcher::new(avoid, bridge, &passage.from, &widths));
    let start = Problem { initial: Initial::Point { at: passage.from.clone() }, ..problem.clone() };
    let lanes = passage.walkers.div_ceil(WALKERS_PER_BLOCK) * BLOCK;
    let mut ensemble = Ensemble::new(&start, &format!("langevin/first-passage/{}", passage.name), lanes)?;
    for (b, block) in ensemble.blocks_mut().iter_mut().enumerate() {
        let walkers = (passage.walkers - b * WALKERS_PER_BLOCK).min(WALKERS_PER_BLOCK);
        block.memory = vec![f64::INFINITY; TIMES * walkers];
        if walls.absorbs() {
            block.absorbed = vec![false; BLOCK];
        }
    }
    let scaled_time = sde.temperature * h;
    ensemble.advance(
        [0.0, horizon],
        interrupt,
        || (Work::new(sde.bounds.len()), watcher.clone(), avoided.clone()),
        |block, (work, watcher, avoided), watch| {
            let number = (block.first / BLOCK) as u64;
            if let Some(times) = done.of(number, block.memory.len()) {
                block.memory = times;
                return Ok(());
            }
            let mut lanes = Lanes::new(block.memory.len() / TIMES);
            watcher.restart_all();
            watcher.curved.iter_mut().for_each(Curved::restart);
            avoided.iter_mut().filter_map(|a| a.curved.as_mut()).for_each(Curved::restart);
            avoided.iter_mut().for_each(Watcher::restart_all);
            for k in 0.. {
                if k % STEPS_PER_CHECK == 0 {
                    watch.check()?;
                }
                if lanes.busy == 0 {
                    break;
                }
                walls.step(&sde, scheme.as_ref(), h, block, work).map_err(|lane| {
                    let number = block.first / BLOCK * WALKERS_PER_BLOCK + lanes.walker[lane];
                    let taken = k - lanes.started[lane];
                    let walker = format!("at walker {number} of the passage \"{}\", step {}", passage.name, taken + 1);
                    Stop::Failed(lost(block, work, lane, walker, taken as f64 * h, h))
                })?;
                watcher.look(block, work, scaled_time);
                avoided.iter_mut().for_each(|avoided| avoided.look(block, work, scaled_time));
                for lane in 0..BLOCK {
                    let whole = (k - lanes.started[lane]) as f64;
                    let time = whole + watcher.fraction[lane];
                    let (arrived, absorbed) =
                        (watcher.arrived[lane], block.absorbed.get(lane).copied().unwrap_or(false));
                    if avoided.as_ref().is_some_and(|a| a.arrived[lane] && !(arrived && watcher.nearer(a, lane))) {
                        let fraction = avoided.as_ref().map_or(0.5, |a| a.fraction[lane]);
                        lanes.avoided(lane, (whole + fraction) * h, &mut block.memory);
                    }
                    if arrived || absorbed || whole + 0.5 > steps as f64 - 1.0 {
                        lanes.done(lane, k + 1, time * h, arrived, absorbed, &mut block.memory);
                        passage.from.iter().enumerate().for_each(|(k, x)| block.points[k * BLOCK + lane] = *x);
                        block.absorbed.iter_mut().skip(lane).take(1).for_each(|gone| *gone = false);
                        watcher.restart(lane);
                        avoided.iter_mut().for_each(|avoided| avoided.restart(lane));
                    }
                }
            }
            done.add(number, &block.memory);
            Ok(())
        },
    )?;
    ensemble.arrive();
    let part = |which: usize| -> Vec<f64> {
        let of_block = |block: &Block| {
            let n = block.memory.len() / TIMES;
            block.memory[which * n..(which + 1) * n].to_vec()
        };
        ensemble.blocks().iter().flat_map(of_block).collect()
    };
    let times = [part(0), part(1), part(2)];
    let avoids = avoided.is_some();
    let first = (avoided.is_some() || walls.absorbs()).then(|| first_of(&times));
    let mut found = summary(passage, horizon, h, &times, watcher.words());
    (found.first, found.exit) = (first, avoids.then(|| exit_time(&times, horizon)));
    found.conditional = first.and_then(|_| conditional_time(&times));
    Ok(found)
}

/// Times kept of each walker: of its arrival, of its absorption, and when it first touched the avoided set; infinite where there is
/// none.
const TIMES: usize = 3;

fn first_of([arrived, absorbed, avoided]: &[Vec<f64>; TIMES]) -> First {
    let of = |k: usize| [arrived[k], absorbed[k].min(avoided[k])];
    let count = |wanted: fn([f64; 2]) -> bool| (0..arrived.len()).filter(|&k| wanted(of(k))).count();
    First { target: count(|[target, other]| target < other), other: count(|[_, other]| other.is_finite()) }
}

/// Which walker each lane of a block follows.
struct Lanes {
    walker: [usize; BLOCK],
    started: [u64; BLOCK],
    walkers: usize,
    next: usize,
    busy: usize,
}

impl Lanes {
    fn new(walkers: usize) -> Self {
        let busy = walkers.min(BLOCK);
        Self { walker: std::array::from_fn(|lane| lane), started: [0; BLOCK], walkers, next: BLOCK, busy }
    }

    /// The walker of a lane is in the avoided set: notes the time where it is the first.
    fn avoided(&self, lane: usize, time: f64, times: &mut [f64]) {
        if let Some(place) = Some(self.walker[lane]).filter(|&walker| walker < self.walkers) {
            let noted = &mut times[2 * self.walkers + place];
            *noted = noted.min(time);
        }
    }

    /// The walker of a lane is done after `step` steps in all: notes its time and starts the next walker.
    fn done(&mut self, lane: usize, step: u64, time: f64, arrived: bool, absorbed: bool, times: &mut [f64]) {
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

/// Sees whether the walkers of a block reached the target in a step.
#[derive(Clone)]
struct Watcher<'a> {
    target: &'a Target,
    bridge: bool,
    /// Where the surface is curved.
    curved: Option<Curved<'a>>,
    /// Lengths of the axes: a walker that moved by half of one was carried round it, or thrown back at its ends.
    widths: Vec<f64>,
    /// Which part of the last step went by before the surface was touched; ½ where that is not known.
    fraction: [f64; BLOCK],
    /// g and ∇g at the start of the passage.
    start: [f64; 4],
    /// g and ∇g before the step ((1 + d) × BLOCK).
    before: Vec<f64>,
    after: Vec<f64>,
    arrived: [bool; BLOCK],
}

impl<'a> Watcher<'a> {
    fn new(target: &'a Target, bridge: bool, from: &[f64], widths: &[f64]) -> Self {
        let room = vec![0.0; (1 + from.len()) * BLOCK];
        let mut start = [0.0; 4];
        target.boundary(from, &mut start[..=from.len()]);
        let bridge = bridge && target.has_boundary();
        let curved = if bridge { Curved::new(target) } else { None };
        let (widths, fraction, arrived) = (widths.to_vec(), [0.5; BLOCK], [false; BLOCK]);
        Self { target, bridge, curved, widths, fraction, start, before: room.clone(), after: room, arrived }
    }

    fn words(&self) -> &'static str {
        match (self.bridge, self.target.normal()) {
            (true, Some(_)) => "Brownian bridge, exact for this half-space",
            (true, None) => "Brownian bridge, halved until the surface is flat",
            (false, _) => "at the ends of steps only",
        }
    }

    fn restart_all(&mut self) {
        (0..BLOCK).for_each(|lane| self.restart(lane));
    }

    fn restart(&mut self, lane: usize) {
        self.before.iter_mut().skip(lane).step_by(BLOCK).zip(self.start).for_each(|(value, start)| *value = start);
    }

    /// Sets `arrived` after a step. The buffers were exchanged: `work.next` holds the positions before it.
    fn look(&mut self, block: &mut Block, work: &mut Work, scaled_time: f64) {
        if !self.target.boundary(&block.points, &mut self.after) {
            self.arrived
                .iter_mut()
                .zip(self.target.contains(&block.points))
                .for_each(|(arrived, inside)| *arrived = inside);
            return;
        }
        if let Some(mut curved) = self.curved.take() {
            self.look_at_curved(&mut curved, block, work, scaled_time);
            self.curved = Some(curved);
            return std::mem::swap(&mut self.before, &mut self.after);
        }
        let mut drawn = false;
        for lane in 0..BLOCK {
            let (old, new) = (self.before[lane], self.after[lane]);
            self.arrived[lane] = new > 0.0
                || (self.bridge && new <= 0.0 && {
                    let reach = scaled_time * self.spread(&work.diffusion, lane);
                    old * new < 40.0 * reach && {
                        if !drawn {
                            block.stream.uniforms(&mut work.noise[..BLOCK]);
                            drawn = true;
                        }
                        work.noise[lane] < (-old * new / reach).exp()
                    }
                });
        }
        std::mem::swap(&mut self.before, &mut self.after);
    }

    fn look_at_curved(&mut self, curved: &mut Curved, block: &mut Block, work: &Work, scaled_time: f64) {
        for lane in 0..BLOCK {
            self.fraction[lane] = 0.5;
            let far = |(k, width): (usize, &f64)| {
                let at = k * BLOCK + lane;
                (block.points[at] - work.next[at]).abs() > 0.5 * width
            };
            self.arrived[lane] = if self.widths.iter().enumerate().any(far) {
                self.after[lane] > 0.0
            } else {
                let (before, after) = (&self.before, &self.after);
                let found = curved.crossing(block, lane, &work.next, &work.diffusion, before, after, scaled_time);
                self.fraction[lane] = found.unwrap_or(0.5);
                found.is_some()
            };
        }
    }

    /// Whether the surface of this set was nearer before the last step than that of another, by g/|∇g|; a set without a surface is
    /// farther than one that has one.
    fn nearer(&self, other: &Self, lane: usize) -> bool {
        if self.curved.is_some() && other.curved.is_some() {
            return self.fraction[lane] < other.fraction[lane];
        }
        self.distance(lane) < other.distance(lane)
    }

    /// Distance to the surface before the last step; the buffers were exchanged.
    fn distance(&self, lane: usize) -> f64 {
        if !self.target.has_boundary() {
            return f64::INFINITY;
        }
        let slope = self.after.iter().skip(BLOCK + lane).step_by(BLOCK).map(|g| g * g).sum::<f64>().sqrt();
        -self.after[lane] / slope
    }

    /// nᵀ D n at the start of the step, n = ∇g.
    fn spread(&self, diffusion: &[f64], lane: usize) -> f64 {
        let d = self.before.len() / BLOCK - 1;
        let normal = |k: usize| self.before[(1 + k) * BLOCK + lane];
        let entry = |i: usize, j: usize| normal(i) * normal(j) * diffusion[packed_index(d, i, j) * BLOCK + lane];
        (0..d).map(|i| (0..d).map(|j| entry(i, j)).sum::<f64>()).sum()
    }
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

fn summary(
    passage: &Passage,
    horizon: f64,
    step: f64,
    times: &[Vec<f64>; TIMES],
    bridge: &'static str,
) -> FirstPassage {
    let walkers = passage.walkers;
    let [arrivals, absorbed, _] = times.clone().map(|mut times| {
        times.retain(|t| t.is_finite());
        times.sort_by(f64::total_cmp);
        times
    });
    let censored = walkers - arrivals.len() - absorbed.len();
    let ends = arrivals.iter().chain(&absorbed).copied().chain(std::iter::repeat_n(horizon, censored));
    let [mean, standard_error] = mean_with_error(ends);
    let (first, exit, conditional) = (None, None, None);
    FirstPassage { walkers, arrivals, absorbed, horizon, step, mean, standard_error, exit, conditional, bridge, first }
}

#[cfg(test)]
mod tests;
