//! The SGD engine: minibatch gradient descent itself, θ' = θ − η ĝ with ĝ the mean gradient of a random batch.
//!
//! Step k ends at the time t = kη; output times are rounded to the nearest whole step, |kη − t| ≤ η/2, and snapshots carry
//! the time kη. Walls do not act on it: periodic coordinates are wrapped into the box at output times, walkers off the grid
//! go on and are counted outside.

mod curvature;
pub mod optimizer;
pub mod sampling;

use std::sync::Arc;

use crate::Error;
use crate::engine::{Attribute, Engine, Interrupt, Snapshot, Statistics};
use crate::ensemble::{Aligned, BLOCK, Block, Ensemble, Stop};
use crate::lanes::dispatch;
use crate::model::Model;
use crate::problem::{Minibatch, Problem};
use optimizer::Optimizer;
use sampling::Sampling;

/// What a scenario says about the SGD engine.
#[derive(Debug, Clone, PartialEq)]
pub struct SgdOptions {
    /// Number of walkers N.
    pub walkers: usize,
    /// Name of an optimizer of [`optimizer::TABLE`].
    pub optimizer: String,
    /// Its parameters by name; those left out have their defaults.
    pub parameters: Vec<(String, f64)>,
}

impl Default for SgdOptions {
    fn default() -> Self {
        Self { walkers: 100_000, optimizer: optimizer::TABLE[0].name.to_string(), parameters: Vec::new() }
    }
}

/// An ensemble of walkers of minibatch gradient descent.
pub struct Sgd {
    model: Arc<dyn Model>,
    minibatch: Minibatch,
    sampling: Box<dyn Sampling>,
    optimizer: Box<dyn Optimizer>,
    described: String,
    ensemble: Ensemble,
    lengths: Vec<f64>,
    steps: u64,
    curvature: curvature::Seen,
}

/// Walkers whose local curvature is looked at, at each output time.
const CURVATURE_WALKERS: usize = 64;
/// Steps between two looks at the interrupt.
const STEPS_PER_CHECK: u64 = 16;

struct Work {
    gradient: Aligned,
    batch: Vec<u32>,
    next: Aligned,
}

impl Sgd {
    /// Walkers at their initial positions.
    ///
    /// Errors: a model without samples, no learning rate and batch size, a batch size that the samples do not allow, an
    /// unknown optimizer or parameter, no walkers, an initial law off the grid.
    pub fn new(problem: &Problem, options: SgdOptions) -> Result<Self, Error> {
        let samples = problem.model.samples();
        if samples == 0 {
            return Err(Error::invalid(
                "stochastic gradient descent needs a model with samples",
                "leave \"sgd\" out of engines, or take kind = \"sample-loss\" or \"tanh-regression\" with data",
            ));
        }
        let minibatch = problem.minibatch.ok_or_else(|| {
            Error::invalid(
                "stochastic gradient descent needs a learning rate and a batch size",
                "write learning_rate and batch_size instead of temperature",
            )
        })?;
        let sampling = sampling::build(&minibatch, samples)?;
        let (optimizer, described) = optimizer::build(&options.optimizer, &options.parameters)?;
        let mut ensemble = Ensemble::new(problem, "sgd", options.walkers)?;
        for block in ensemble.blocks_mut() {
            block.memory = vec![0.0; optimizer.memory(problem.dimension()) * BLOCK];
        }
        let mut sgd = Self {
            model: Arc::clone(&problem.model),
            minibatch,
            sampling,
            optimizer,
            described,
            lengths: problem.grid.axes().iter().map(|axis| axis.length()).collect(),
            ensemble,
            steps: 0,
            curvature: curvature::Seen::default(),
        };
        sgd.look_at_curvature();
        Ok(sgd)
    }

    /// Walkers in each cell, and after the last cell those off the grid.
    pub fn counts(&self) -> Vec<u32> {
        self.ensemble.counts()
    }
    /// The walkers.
    pub fn ensemble(&self) -> &Ensemble {
        &self.ensemble
    }

    fn look_at_curvature(&mut self) {
        let points = self.ensemble.first_points(CURVATURE_WALKERS);
        self.curvature.look(&*self.model, &points, &self.lengths, self.minibatch.learning_rate);
    }
}

impl Engine for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }
    fn walkers(&self) -> Option<usize> {
        Some(self.ensemble.walkers())
    }
    fn time(&self) -> f64 {
        self.steps as f64 * self.minibatch.learning_rate
    }

    fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error> {
        let eta = self.minibatch.learning_rate;
        let target = (to / eta).round().max(0.0) as u64;
        if target <= self.steps {
            return Ok(());
        }
        let (d, first, now) = (self.lengths.len(), self.steps, self.time());
        let (model, sampling, optimizer, lengths) = (&*self.model, &*self.sampling, &*self.optimizer, &self.lengths);
        let axes = self.ensemble.grid().axes().to_vec();
        let batch = self.minibatch.batch_size;
        self.ensemble.advance(
            now,
            interrupt,
            || Work {
                gradient: Aligned::zeros(d * BLOCK),
                batch: vec![0; batch * BLOCK],
                next: Aligned::zeros(d * BLOCK),
            },
            |block, work, watch| {
                for step in first..target {
                    if (step - first) % STEPS_PER_CHECK == 0 {
                        watch.check()?;
                    }
                    sampling.draw(&mut block.stream, &mut block.order, step, &mut work.batch);
                    model.batch_gradient(&block.points, &work.batch, &mut work.gradient);
                    work.next.copy_from_slice(&block.points);
                    optimizer.step(eta, step, &work.gradient, &mut work.next, &mut block.memory);
                    if far_steps(&block.points, &work.next, lengths) {
                        inspect(block, work, lengths, step).map_err(Stop::Failed)?;
                    }
                    std::mem::swap(&mut block.points, &mut work.next);
                }
                for (axis, x) in
                    axes.iter().zip(block.points.chunks_exact_mut(BLOCK)).filter(|(axis, _)| axis.is_periodic())
                {
                    x.iter_mut().for_each(|x| *x = axis.wrap(*x));
                }
                Ok(())
            },
        )?;
        self.steps = target;
        self.look_at_curvature();
        Ok(())
    }

    fn snapshot(&self) -> Snapshot {
        self.ensemble.snapshot(self.time())
    }
    fn statistics(&self) -> Option<Statistics> {
        Some(self.ensemble.statistics())
    }

    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("walkers", Attribute::Integer(self.ensemble.walkers() as i64)),
            ("step", Attribute::Float(self.minibatch.learning_rate)),
            ("optimizer", Attribute::Text(self.described.clone())),
            ("sampling", Attribute::Text(self.sampling.name().to_string())),
            ("steps_total", Attribute::Integer(self.steps as i64)),
            ("max_rate_times_curvature", Attribute::Float(self.curvature.largest)),
        ]
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.curvature.warnings();
        let thrown = self.ensemble.tally().thrown;
        if thrown > 0 {
            let all = self.steps as f64 * self.ensemble.walkers() as f64;
            warnings.push(format!(
                "{thrown} SGD steps ({:.1e} of all) were longer than the box: there are places where a batch gradient is huge; \
                 the walkers were kept, those off the grid count as outside",
                thrown as f64 / all
            ));
        }
        warnings.extend(self.sampling.warning());
        warnings
    }
}

dispatch! {
    /// Whether any step is longer than the box or not finite.
    fn far_steps(points: &[f64], next: &[f64], lengths: &[f64]) -> bool {
        let mut any = false;
        for ((x, y), &length) in points.as_chunks::<BLOCK>().0.iter().zip(next.as_chunks::<BLOCK>().0).zip(lengths) {
            for i in 0..BLOCK {
                let short = (y[i] - x[i]).abs() <= length; // false for NaN
                any |= !short;
            }
        }
        any
    }
}

/// Counts the long steps of a block. Errors: a walker that is not finite.
fn inspect(block: &mut Block, work: &mut Work, lengths: &[f64], step: u64) -> Result<(), Error> {
    let d = lengths.len();
    for i in 0..BLOCK {
        let column = |values: &[f64]| -> Vec<f64> { (0..d).map(|k| values[k * BLOCK + i]).collect() };
        let (old, new) = (column(&block.points), column(&work.next));
        if i >= block.active {
            (0..d).for_each(|k| work.next[k * BLOCK + i] = old[k]);
        } else if new.iter().any(|x| !x.is_finite()) {
            return Err(Error::numerical(
                "sgd",
                format!("at walker {}, step {}", block.first + i, step + 1),
                format!(
                    "its position became non-finite; before the step it was at {old:?}, where the batch gradient is {:?}",
                    column(&work.gradient)
                ),
                "take a smaller learning rate or a larger batch, or start away from the place where the gradient is not finite",
            ));
        } else if (0..d).any(|k| (new[k] - old[k]).abs() > lengths[k]) {
            block.tally.thrown += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
