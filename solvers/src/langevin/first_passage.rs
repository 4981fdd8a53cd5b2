//! First-passage times of the stochastic differential equation to a half-space, by an ensemble.

use super::scheme::{self, Sde, Work};
use super::walls::Walls;
use super::{LangevinOptions, STEPS_PER_CHECK, lost, step};
use crate::Error;
use crate::engine::Interrupt;
use crate::ensemble::{BLOCK, Block, Ensemble, Stop};
use crate::problem::Problem;
use crate::symmetric::packed_index;

/// The set that walkers are to reach: θ_axis ≥ level, or ≤ level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// The axis.
    pub axis: usize,
    /// The level.
    pub level: f64,
    /// Whether the target is above the level.
    pub above: bool,
}

/// What an ensemble says about the time to a target.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstPassage {
    /// Mean of min(τ, horizon).
    pub mean: f64,
    /// Standard error of it.
    pub standard_error: f64,
    /// Share of the walkers that had not arrived by the horizon; where it is not 0 the mean is too small.
    pub unfinished: f64,
    /// Arrival times of all walkers, increasing; infinite for those that did not arrive.
    pub times: Vec<f64>,
}

impl FirstPassage {
    /// P(τ > t) at each of the given times, with its standard error.
    pub fn survival(&self, at: &[f64]) -> Vec<(f64, f64)> {
        let n = self.times.len() as f64;
        let share = |t: f64| 1.0 - self.times.partition_point(|&time| time <= t) as f64 / n;
        at.iter().map(|&t| (share(t), (share(t) * (1.0 - share(t)) / n).sqrt())).collect()
    }
}

/// Time to reach `target` for walkers that start from the problem's initial law, followed up to `horizon`.
///
/// With `bridge` a walker has also arrived when the Brownian bridge between its two positions touched the level, which has
/// the probability exp(−d₀ d₁/(T D_kk h)) for distances d₀, d₁: weak order 1 instead of ½ (Gobet 2000,
/// doi:10.1016/S0304-4149(99)00109-X). Arrivals within a step count at its middle.
///
/// Errors: a target off the grid, a horizon that is not positive, and those of [`super::Langevin`].
pub fn first_passage(
    problem: &Problem,
    options: &LangevinOptions,
    target: Target,
    horizon: f64,
    bridge: bool,
    interrupt: Interrupt,
) -> Result<FirstPassage, Error> {
    let axis = problem.grid.axes().get(target.axis);
    if !axis.is_some_and(|axis| target.level >= axis.lower() && target.level <= axis.upper()) {
        return Err(Error::invalid("the target of the first passage is not on the grid", "move it into the box"));
    }
    if !(horizon > 0.0 && horizon.is_finite()) {
        return Err(Error::invalid(format!("a horizon of {horizon} is not a time"), "write a positive time"));
    }
    let (sde, walls) = (Sde::new(problem), Walls::new(&problem.grid));
    let scheme = (scheme::find(&options.scheme)?.build)(problem)?;
    let (longest, _) = step::resolve(problem, &walls, options.step)?;
    let (steps, h) = super::divide(horizon, longest);
    let mut ensemble = Ensemble::new(problem, "langevin/first-passage", options.walkers)?;
    for block in ensemble.blocks_mut() {
        block.memory = vec![f64::INFINITY; BLOCK];
        for i in 0..BLOCK {
            if target.reached(block.points[target.axis * BLOCK + i]) {
                block.memory[i] = 0.0;
            }
        }
        if walls.absorbs() {
            block.absorbed = vec![false; BLOCK];
        }
    }
    let d = sde.bounds.len();
    ensemble.advance(
        0.0,
        interrupt,
        || Work::new(d),
        |block, work, watch| {
            for k in 0..steps {
                if k % STEPS_PER_CHECK == 0 {
                    watch.check()?;
                    if block.memory[..block.active].iter().all(|t| t.is_finite()) {
                        break;
                    }
                }
                let now = k as f64 * h;
                let inside = scheme.draw_and_step(&sde, h, &block.points, work, &mut block.stream);
                walls
                    .finish(block, work, inside, sde.temperature * h)
                    .map_err(|lane| Stop::Failed(lost(block, work, lane, now, h)))?;
                // The buffers are exchanged: `work.next` holds the positions before the step.
                target.arrive(block, work, sde.temperature * h, now + 0.5 * h, bridge);
            }
            Ok(())
        },
    )?;
    Ok(summary(&ensemble, horizon))
}

impl Target {
    fn reached(&self, x: f64) -> bool {
        if self.above { x >= self.level } else { x <= self.level }
    }

    fn arrive(&self, block: &mut Block, work: &mut Work, heat: f64, time: f64, bridge: bool) {
        let d = block.points.len() / BLOCK;
        let c = packed_index(d, self.axis, self.axis) * BLOCK;
        let mut drawn = false;
        for i in 0..BLOCK {
            if block.memory[i].is_finite() {
                continue;
            }
            let (old, new) = (work.next[self.axis * BLOCK + i], block.points[self.axis * BLOCK + i]);
            let product = (old - self.level) * (new - self.level);
            let reach = heat * work.diffusion[c + i];
            let arrived = self.reached(new)
                || (bridge && reach > 0.0 && product < 40.0 * reach && {
                    if !drawn {
                        block.stream.uniforms(&mut work.noise[..BLOCK]);
                        drawn = true;
                    }
                    work.noise[i] < (-product / reach).exp()
                });
            if arrived {
                block.memory[i] = time;
            }
        }
    }
}

fn summary(ensemble: &Ensemble, horizon: f64) -> FirstPassage {
    let mut times: Vec<f64> =
        ensemble.blocks().iter().flat_map(|block| block.memory[..block.active].iter().copied()).collect();
    times.sort_by(f64::total_cmp);
    let n = times.len() as f64;
    let mean = times.iter().map(|t| t.min(horizon)).sum::<f64>() / n;
    let variance = times.iter().map(|t| (t.min(horizon) - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let unfinished = times.iter().filter(|t| t.is_infinite()).count() as f64 / n;
    FirstPassage { mean, standard_error: (variance / n).sqrt(), unfinished, times }
}
