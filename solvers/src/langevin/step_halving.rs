//! The weak error of the time step, estimated while the run goes on: a few walkers are advanced twice with the same Brownian
//! paths, with the step and with half of it.
//!
//! For a scheme of weak order p the error of the step h is 2^p/(2^p − 1) times the difference between both. Common paths make
//! the difference of means and variances far less noisy than the moments themselves. In units of total variation, for a law not
//! far from Gaussian, a shift of the mean δμ and a change of the variance δσ² count
//! |δμ|/(σ√(2π)) + 0.242 |δσ²|/σ², 0.242 = ¼ E|z² − 1|.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::scheme::{Entry, Scheme, Sde, Work};
use super::step::{STEPS_PER_CHECK, divide};
use super::walls::Walls;
use crate::Error;
use crate::engine::{Archive, Interrupt};
use crate::ensemble::{BLOCK, Block};
use crate::numerics::random::Stream;
use crate::problem::Problem;

/// Blocks of walkers with the step and with half of it.
#[derive(Clone)]
pub(super) struct StepHalving {
    pairs: Vec<[Block; 2]>,
    failed: bool,
    error: f64,
    uncertainty: f64,
}

/// Name of the random streams.
const STREAM: &str = "langevin/companion";
/// Walkers of the ensemble for each block of the pairs: they cost about 3/128 of the run.
const WALKERS_PER_BLOCK: usize = 128 * BLOCK;
/// Below this number of walkers the pairs cost as much as the run: what they are to see, its sampling error, is larger there.
const MANY_WALKERS: usize = 8192;
/// Blocks of steps that a block of pairs costs.
const COST: usize = 3;
const MOST_BLOCKS: usize = 8;

/// Pairs beside an ensemble of `walkers` walkers.
fn pairs(walkers: usize) -> usize {
    let share = if walkers < MANY_WALKERS { COST * BLOCK } else { WALKERS_PER_BLOCK };
    walkers.div_ceil(share).min(MOST_BLOCKS)
}

/// Blocks whose step costs as much as one of the pairs beside an ensemble of `walkers` walkers.
pub(super) fn blocks(walkers: usize) -> usize {
    COST * pairs(walkers)
}

impl StepHalving {
    /// Pairs beside an ensemble of `walkers` walkers; None for an initial law that cannot be sampled.
    pub fn new(problem: &Problem, walls: &Walls, walkers: usize) -> Option<Self> {
        let blocks = pairs(walkers);
        let sampler = problem.initial.sampler(&problem.grid).ok()?;
        let d = problem.dimension();
        let pair = |b: usize| {
            let mut block = Block::new(d, b, blocks * BLOCK, problem.seed, STREAM);
            sampler.fill(&mut Stream::new(problem.seed, &format!("{STREAM}/initial"), b as u64), &mut block.points);
            if walls.absorbs() {
                block.absorbed = vec![false; BLOCK];
            }
            [block.clone(), block]
        };
        Some(Self { pairs: (0..blocks).map(pair).collect(), failed: false, error: 0.0, uncertainty: 0.0 })
    }

    /// Advances by `steps` steps h; a walker that is lost ends the estimate. Returns whether all are there: an interrupt stops them, and the
    /// next call goes on.
    pub fn advance(
        &mut self,
        sde: &Sde,
        scheme: &dyn Scheme,
        walls: &Walls,
        steps: u64,
        h: f64,
        interrupt: Interrupt,
    ) -> bool {
        let (stopped, lost) = (AtomicBool::new(false), AtomicBool::new(self.failed));
        self.pairs.par_iter_mut().for_each(|pair| {
            let mut works = [0; 3].map(|_| Work::new(sde.bounds.len()));
            for k in pair[0].done..steps {
                pair[0].done = k;
                if k % STEPS_PER_CHECK == 0 && interrupt() {
                    return stopped.store(true, Ordering::Relaxed);
                }
                if lost.load(Ordering::Relaxed) || step(pair, &mut works, sde, scheme, walls, h).is_err() {
                    return lost.store(true, Ordering::Relaxed);
                }
            }
            pair[0].done = steps;
        });
        self.failed |= lost.into_inner();
        self.failed || !stopped.into_inner()
    }

    /// Notes its state, or puts it back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.flag("failed", &mut self.failed)?;
        archive.number("error", &mut self.error)?;
        archive.number("uncertainty", &mut self.uncertainty)?;
        Block::archive(&mut self.pairs.iter_mut().flatten().collect::<Vec<_>>(), archive)
    }

    /// Compares both at an output time, for a scheme of the weak order p.
    pub fn compare(&mut self, weak_order: f64) {
        self.pairs.iter_mut().for_each(|pair| pair[0].done = 0);
        let [coarse, fine] =
            [0, 1].map(|which| -> Vec<&Block> { self.pairs.iter().map(|pair| &pair[which]).collect() });
        let d = coarse[0].points.len() / BLOCK;
        let factor = 2f64.powf(weak_order) / (2f64.powf(weak_order) - 1.0);
        let all = |blocks: &[&Block], k: usize| -> Vec<f64> {
            blocks.iter().flat_map(|block| block.points[k * BLOCK..(k + 1) * BLOCK].to_vec()).collect()
        };
        for k in 0..d {
            let (x, y) = (all(&coarse, k), all(&fine, k));
            let n = x.len() as f64;
            let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n;
            let (mx, my) = (mean(&mut x.iter().copied()), mean(&mut y.iter().copied()));
            let variance = mean(&mut y.iter().map(|y| (y - my).powi(2)));
            let rounding = y.iter().fold(0.0, |most: f64, y| most.max(y.abs())) * 1e-13;
            if !(variance > rounding * rounding && variance.is_finite()) {
                continue; // everybody at one point: no step has been taken, or there is no noise
            }
            let sigma = variance.sqrt();
            let first: Vec<f64> = x.iter().zip(&y).map(|(x, y)| (x - y) / sigma).collect();
            let second: Vec<f64> =
                x.iter().zip(&y).map(|(x, y)| ((x - mx).powi(2) - (y - my).powi(2)) / variance).collect();
            let spread = |values: &[f64]| {
                let centre = mean(&mut values.iter().copied());
                (mean(&mut values.iter().map(|v| (v - centre).powi(2))) / n).sqrt()
            };
            let parts = [(MEAN_IN_VARIATION, &first), (0.242, &second)];
            let error: f64 = parts.iter().map(|(weight, v)| weight * mean(&mut v.iter().copied()).abs()).sum();
            let noise: f64 = parts.iter().map(|(weight, v)| (weight * spread(v)).powi(2)).sum();
            if factor * error > self.error {
                (self.error, self.uncertainty) = (factor * error, factor * noise.sqrt());
            }
        }
    }

    /// Largest error seen, in units of total variation, and the standard error of that estimate; None after a failure.
    pub fn estimate(&self) -> Option<(f64, f64)> {
        (!self.failed).then_some((self.error, self.uncertainty))
    }
}

/// Total variation of a shift by one standard deviation, 1/√(2π).
const MEAN_IN_VARIATION: f64 = 0.398_942_280_401_432_7;

/// The standard error of a mean of that many walkers, in units of total variation.
pub(super) fn sampling_error(walkers: usize) -> f64 {
    MEAN_IN_VARIATION / (walkers as f64).sqrt()
}

/// A trial of a step on all output times before the run.
pub(super) struct Trial<'a> {
    pub problem: &'a Problem,
    pub sde: &'a Sde,
    pub entry: &'static Entry,
    pub scheme: &'a dyn Scheme,
    pub walls: &'a Walls,
}

/// Shortest step relative to the one that was tried first.
const SHORTEST: f64 = 1.0 / 16.0;
/// Error aimed at, in sampling errors of the ensemble.
const AIM: f64 = 0.7;

impl Trial<'_> {
    /// The step with its reason, or a shorter one where its error, E ∝ h^p, exceeds the sampling error of that many walkers: the one for which it
    /// is 0.7 of it, or a 16th where that is longer. A step at which a walker is lost is quartered.
    pub fn shortened(&self, (step, reason): (f64, String), walkers: usize, interrupt: Interrupt) -> (f64, String) {
        let sampling = sampling_error(walkers);
        let mut tried = step;
        while tried >= SHORTEST * step {
            let Some(found) = self.error(tried, walkers, interrupt) else { break };
            match found {
                None if interrupt() => break,
                None => tried *= 0.25,
                Some((error, uncertainty)) if error <= sampling.max(2.0 * uncertainty) => break,
                Some((error, _)) => {
                    let shorter =
                        (tried * (AIM * sampling / error).powf(1.0 / self.entry.weak_order)).max(SHORTEST * step);
                    let times = error / sampling;
                    return (
                        shorter,
                        format!("the error of {tried:.2e} is {times:.1} sampling errors; that is {reason}"),
                    );
                }
            }
        }
        match tried < step {
            true => (tried, format!("walkers are lost at {step:.2e}, {reason}")),
            false => (step, reason),
        }
    }

    /// Error of a step and its standard error, None where a walker is lost; None where there is nothing to try.
    fn error(&self, step: f64, walkers: usize, interrupt: Interrupt) -> Option<Option<(f64, f64)>> {
        let mut halving = StepHalving::new(self.problem, self.walls, walkers.max(MANY_WALKERS))?;
        for ends in self.problem.times.windows(2) {
            let (steps, h) = divide(ends[1] - ends[0], step);
            if !halving.advance(self.sde, self.scheme, self.walls, steps, h, interrupt) {
                return Some(None);
            }
            halving.compare(self.entry.weak_order);
            if halving.failed {
                break;
            }
        }
        Some(halving.estimate())
    }
}

/// One step h and two steps h/2 with the same Brownian increments: z = (z₁ + z₂)/√2.
fn step(
    [coarse, fine]: &mut [Block; 2],
    [work, first, second]: &mut [Work; 3],
    sde: &Sde,
    scheme: &dyn Scheme,
    walls: &Walls,
    h: f64,
) -> Result<(), usize> {
    scheme.draw(first, &mut fine.stream);
    scheme.draw(second, &mut fine.stream);
    for ((z, a), b) in work.noise.iter_mut().zip(first.noise.iter()).zip(second.noise.iter()) {
        *z = (a + b) * std::f64::consts::FRAC_1_SQRT_2;
    }
    work.signs.copy_from_slice(&first.signs);
    for (block, work, h) in [(coarse, work, h), (&mut *fine, first, 0.5 * h)] {
        take(block, work, sde, scheme, walls, h)?;
    }
    take(fine, second, sde, scheme, walls, 0.5 * h)
}

/// One step of a block whose random numbers have been drawn, walls included. Errors: the first walker that is not finite.
fn take(
    block: &mut Block,
    work: &mut Work,
    sde: &Sde,
    scheme: &dyn Scheme,
    walls: &Walls,
    h: f64,
) -> Result<(), usize> {
    let inside = scheme.step(sde, h, &block.points, work);
    walls.finish(sde, scheme, h, block, work, inside)
}
