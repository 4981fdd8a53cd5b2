//! First-passage times of the stochastic differential equation to a target, by an ensemble.
//!
//! Walkers start at a point and are followed until they reach the target, an absorbing wall or the horizon. A lane of a block
//! whose walker is done starts the next one, so that few lanes run idle although most walkers arrive long before the last.
//!
//! Where the target is g(θ) > 0, a walker has also arrived when the Brownian bridge between its two positions touched the
//! surface g = 0: with probability exp(−g₀ g₁/(T h nᵀ D n)), n = ∇g and D at the start of the step. That is exact for a step of
//! Euler–Maruyama and a half-space; a curved or kinked surface is replaced by its tangent plane. Weak order 1 instead of ½
//! (Gobet 2000, doi:10.1016/S0304-4149(99)00109-X). Arrivals within a step count at its middle.

use super::scheme::{self, Sde, Work};
use super::walls::Walls;
use super::{LangevinOptions, STEPS_PER_CHECK, lost, step};
use crate::Error;
use crate::engine::Interrupt;
use crate::ensemble::{BLOCK, Block, Ensemble, Stop};
use crate::initial::Initial;
use crate::passage::{Passage, Target};
use crate::problem::Problem;
use crate::symmetric::packed_index;

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
    /// Mean of min(τ, horizon) over the walkers that were not absorbed.
    pub mean: f64,
    /// Standard error of it.
    pub standard_error: f64,
    /// How arrivals between the ends of a step are seen, in words.
    pub bridge: &'static str,
}

impl FirstPassage {
    /// Share of the walkers that were still on their way at the horizon; where it is not 0 the mean is too small.
    pub fn censored(&self) -> f64 {
        1.0 - (self.arrivals.len() + self.absorbed.len()) as f64 / self.walkers as f64
    }
    /// Share of the walkers that were absorbed at a wall.
    pub fn absorbed(&self) -> f64 {
        self.absorbed.len() as f64 / self.walkers as f64
    }
    /// Share of the walkers still on their way at each of the given times, with its standard error.
    pub fn survival(&self, at: &[f64]) -> Vec<(f64, f64)> {
        let n = self.walkers as f64;
        let gone = |t: f64| [&self.arrivals, &self.absorbed].map(|times| times.partition_point(|&time| time <= t));
        let share = |t: f64| 1.0 - gone(t).iter().sum::<usize>() as f64 / n;
        at.iter().map(|&t| (share(t), (share(t) * (1.0 - share(t)) / n).sqrt())).collect()
    }
}

/// Walkers that the lanes of a block work off, one after the other.
const WALKERS_PER_BLOCK: usize = 4 * BLOCK;

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
    let horizon = passage.horizon;
    if !(horizon > 0.0 && horizon.is_finite()) {
        return Err(Error::invalid(format!("a horizon of {horizon} is not a time"), "write a positive time"));
    }
    let (sde, walls) = (Sde::new(problem), Walls::new(&problem.grid));
    let scheme = (scheme::find(&options.scheme)?.build)(problem)?;
    let (longest, _) = step::resolve(problem, &walls, options.step)?;
    let (steps, h) = super::divide(horizon, longest);
    let watcher = Watcher::new(&passage.target, bridge, &passage.from);
    let start = Problem { initial: Initial::Point { at: passage.from.clone() }, ..problem.clone() };
    let lanes = passage.walkers.div_ceil(WALKERS_PER_BLOCK) * BLOCK;
    let mut ensemble = Ensemble::new(&start, &format!("langevin/first-passage/{}", passage.name), lanes)?;
    for (b, block) in ensemble.blocks_mut().iter_mut().enumerate() {
        let walkers = (passage.walkers - b * WALKERS_PER_BLOCK).min(WALKERS_PER_BLOCK);
        block.memory = vec![f64::INFINITY; 2 * walkers];
        if walls.absorbs() {
            block.absorbed = vec![false; BLOCK];
        }
    }
    let heat = sde.temperature * h;
    ensemble.advance(
        0.0,
        interrupt,
        || (Work::new(sde.bounds.len()), watcher.clone()),
        |block, (work, watcher), watch| {
            let mut lanes = Lanes::new(block.memory.len() / 2);
            watcher.restart_all();
            for k in 0.. {
                if k % STEPS_PER_CHECK == 0 {
                    watch.check()?;
                }
                if lanes.busy == 0 {
                    break;
                }
                let inside = scheme.draw_and_step(&sde, h, &block.points, work, &mut block.stream);
                walls.finish(block, work, inside, heat).map_err(|lane| {
                    let number = block.first / BLOCK * WALKERS_PER_BLOCK + lanes.walker[lane];
                    let taken = k - lanes.started[lane];
                    let walker = format!("at walker {number} of the passage \"{}\", step {}", passage.name, taken + 1);
                    Stop::Failed(lost(block, work, lane, walker, taken as f64 * h, h))
                })?;
                watcher.look(block, work, heat);
                for lane in 0..BLOCK {
                    let time = (k - lanes.started[lane]) as f64 + 0.5;
                    let absorbed = block.absorbed.get(lane).copied().unwrap_or(false);
                    if watcher.arrived[lane] || absorbed || time > steps as f64 - 1.0 {
                        lanes.done(lane, k + 1, time * h, watcher.arrived[lane], absorbed, &mut block.memory);
                        passage.from.iter().enumerate().for_each(|(k, x)| block.points[k * BLOCK + lane] = *x);
                        block.absorbed.iter_mut().skip(lane).take(1).for_each(|gone| *gone = false);
                        watcher.restart(lane);
                    }
                }
            }
            Ok(())
        },
    )?;
    let halves = |which: usize| -> Vec<f64> {
        let of_block = |block: &Block| {
            let n = block.memory.len() / 2;
            block.memory[which * n..(which + 1) * n].to_vec()
        };
        let mut times: Vec<f64> = ensemble.blocks().iter().flat_map(of_block).filter(|t| t.is_finite()).collect();
        times.sort_by(f64::total_cmp);
        times
    };
    Ok(summary(passage, horizon, h, halves(0), halves(1), watcher.words()))
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
    /// g and ∇g at the start of the passage.
    start: [f64; 4],
    /// g and ∇g before the step ((1 + d) × BLOCK).
    before: Vec<f64>,
    after: Vec<f64>,
    arrived: [bool; BLOCK],
}

impl<'a> Watcher<'a> {
    fn new(target: &'a Target, bridge: bool, from: &[f64]) -> Self {
        let room = vec![0.0; (1 + from.len()) * BLOCK];
        let mut start = [0.0; 4];
        target.boundary(from, &mut start[..=from.len()]);
        let bridge = bridge && target.has_boundary();
        Self { target, bridge, start, before: room.clone(), after: room, arrived: [false; BLOCK] }
    }

    fn words(&self) -> &'static str {
        match (self.bridge, self.target.normal()) {
            (true, Some(_)) => "Brownian bridge, exact for this half-space",
            (true, None) => "Brownian bridge, tangent plane of the surface",
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
    fn look(&mut self, block: &mut Block, work: &mut Work, heat: f64) {
        if !self.target.boundary(&block.points, &mut self.after) {
            self.arrived
                .iter_mut()
                .zip(self.target.contains(&block.points))
                .for_each(|(arrived, inside)| *arrived = inside);
            return;
        }
        let mut drawn = false;
        for lane in 0..BLOCK {
            let (old, new) = (self.before[lane], self.after[lane]);
            self.arrived[lane] = new > 0.0
                || (self.bridge && new <= 0.0 && {
                    let reach = heat * self.spread(&work.diffusion, lane);
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

    /// nᵀ D n at the start of the step, n = ∇g.
    fn spread(&self, diffusion: &[f64], lane: usize) -> f64 {
        let d = self.before.len() / BLOCK - 1;
        let normal = |k: usize| self.before[(1 + k) * BLOCK + lane];
        let entry = |i: usize, j: usize| normal(i) * normal(j) * diffusion[packed_index(d, i, j) * BLOCK + lane];
        (0..d).map(|i| (0..d).map(|j| entry(i, j)).sum::<f64>()).sum()
    }
}

fn summary(
    passage: &Passage,
    horizon: f64,
    step: f64,
    arrivals: Vec<f64>,
    absorbed: Vec<f64>,
    bridge: &'static str,
) -> FirstPassage {
    let walkers = passage.walkers;
    let censored = walkers - arrivals.len() - absorbed.len();
    let times = || arrivals.iter().copied().chain(std::iter::repeat_n(horizon, censored));
    let n = (arrivals.len() + censored) as f64;
    let mean = times().sum::<f64>() / n.max(1.0);
    let variance = times().map(|t| (t - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let standard_error = (variance / n.max(1.0)).sqrt();
    FirstPassage { walkers, arrivals, absorbed, horizon, step, mean, standard_error, bridge }
}

#[cfg(test)]
mod tests;
