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

use curved::Curved;

use super::scheme::{self, Sde, Work};
use super::walls::Walls;
use super::{LangevinOptions, STEPS_PER_CHECK, lost, step};
use crate::Error;
use crate::engine::Interrupt;
use crate::ensemble::{BLOCK, Block, Stop};
use crate::escape::by_walkers::{DoneBlocks, Lanes, TIMES, WALKERS_PER_BLOCK, at_start, summary, times_of};
pub use crate::escape::by_walkers::{First, FirstPassage};
use crate::escape::passage::{Passage, Target};
use crate::numerics::symmetric::packed_index;
use crate::problem::Problem;

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
    let mut ensemble = at_start(problem, passage, "langevin/first-passage")?;
    if walls.absorbs() {
        ensemble.blocks_mut().iter_mut().for_each(|block| block.absorbed = vec![false; BLOCK]);
    }
    let scaled_time = sde.temperature * h;
    let outcome = ensemble.advance(
        [0.0, horizon],
        interrupt,
        || (Work::new(sde.bounds.len()), watcher.clone(), avoided.clone()),
        |block, (work, watcher, avoided), watch| {
            done.or_follow(block, |block| {
                let mut lanes = Lanes::new(block.kept.len() / TIMES);
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
                        let walker =
                            format!("at walker {number} of the passage \"{}\", step {}", passage.name, taken + 1);
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
                            lanes.avoided(lane, (whole + fraction) * h, &mut block.kept);
                        }
                        if arrived || absorbed || whole + 0.5 > steps as f64 - 1.0 {
                            lanes.done(lane, k + 1, time * h, arrived, absorbed, &mut block.kept);
                            passage.from.iter().enumerate().for_each(|(k, x)| block.points[k * BLOCK + lane] = *x);
                            block.absorbed.iter_mut().skip(lane).take(1).for_each(|gone| *gone = false);
                            watcher.restart(lane);
                            avoided.iter_mut().for_each(|avoided| avoided.restart(lane));
                        }
                    }
                }
                Ok(())
            })
        },
    );
    ensemble.arrive(outcome, interrupt)?;
    Ok(summary(passage, h, &times_of(&ensemble), watcher.words(), walls.absorbs()))
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

#[cfg(test)]
mod tests;
