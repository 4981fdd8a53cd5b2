//! What takes a block of walkers of descent from step to step.

use std::sync::Arc;

use super::gaussian::Gaussian;
use super::joint::Joint;
use super::optimizer::{self, Gradient, Optimizer};
use super::options::SgdOptions;
use super::sampling::{self, Sampling};
use crate::ensemble::{Aligned, BLOCK, Block};
use crate::error::{Error, Setting};
use crate::model::SampleModel;
use crate::numerics::lanes::dispatch;
use crate::problem::grid::Axis;
use crate::problem::{Minibatch, Problem};

/// The three engines that descend step by step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sgd,
    Gaussian,
    WithoutNoise,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Gaussian => "gaussian_sgd",
            Self::WithoutNoise => "gradient_descent",
        }
    }

    /// Name of the random streams: gradient descent starts where SGD does.
    pub fn stream(self) -> &'static str {
        if self == Self::WithoutNoise { Self::Sgd.name() } else { self.name() }
    }
}

/// What takes a block from step to step.
pub(super) struct Descent {
    pub model: Arc<dyn SampleModel>,
    pub minibatch: Minibatch,
    pub draws: Draws,
    pub optimizer: Box<dyn Optimizer>,
    pub joint: Option<Joint>,
    /// Standard deviation √(2T η f) of the normal number that each step adds to each coordinate, for a floor f of D.
    pub injected: f64,
    pub lengths: Vec<f64>,
}

/// Where the gradient of a batch comes from.
pub(super) enum Draws {
    Samples(Box<dyn Sampling>),
    Normal(Gaussian),
}

impl Draws {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Samples(sampling) => sampling.name(),
            Self::Normal(_) => "normal gradients with the mean and the covariance of a batch",
        }
    }
}

pub(super) struct Work {
    pub gradient: Aligned,
    pub second: Aligned,
    pub batch: Vec<u32>,
    pub next: Aligned,
}

impl Work {
    pub fn new(d: usize, batch: usize) -> Self {
        let vector = Aligned::zeros(d * BLOCK);
        Self { gradient: vector.clone(), second: vector.clone(), batch: vec![0; batch * BLOCK], next: vector }
    }
}

impl Descent {
    /// That of a problem with its options, and the optimizer in words. Errors: those of [`super::Sgd::new`] but for its walkers.
    pub fn new(problem: &Problem, options: &SgdOptions, kind: Kind) -> Result<(Self, String), Error> {
        let model = Arc::clone(&problem.model).shared_data().ok_or_else(|| {
            Error::invalid(
                "stochastic gradient descent needs a model with samples",
                "leave this engine out, or take a model with data: \"sample-loss\" or \"tanh-regression\"",
            )
            .set_by(&[Setting::Engines, Setting::Model])
        })?;
        let minibatch = problem.minibatch.ok_or_else(|| {
            Error::invalid(
                "stochastic gradient descent needs a learning rate and a batch size",
                "give a learning rate and a batch size instead of a temperature",
            )
            .set_by(&[Setting::LearningRate, Setting::BatchSize])
        })?;
        let (optimizer, described) = optimizer::build(&options.optimizer, &options.parameters)?;
        let joint = match options.amplitude_rate {
            Some(rate) if kind == Kind::Sgd => Some(Joint::new(&*problem.model, &*optimizer, rate)?),
            _ => None,
        };
        let sampling = sampling::build(&minibatch, &model)?;
        let share = 2.0 * minibatch.temperature(model.samples()) / minibatch.learning_rate;
        let descent = Self {
            model,
            minibatch,
            draws: match kind {
                Kind::Gaussian => Draws::Normal(Gaussian { share }),
                Kind::Sgd | Kind::WithoutNoise => Draws::Samples(sampling),
            },
            optimizer,
            joint,
            injected: injected(problem, options, kind)?,
            lengths: problem.grid.axes().iter().map(|axis| axis.length()).collect(),
        };
        Ok((descent, described))
    }

    /// What a block remembers of its walkers at these positions before the first step.
    pub fn start(&self, points: &[f64]) -> Vec<f64> {
        let mut memory = vec![0.0; self.optimizer.memory(self.lengths.len()) * BLOCK];
        self.joint.iter().for_each(|joint| memory.extend(joint.start(points)));
        memory
    }

    /// Time that one step lasts.
    pub fn step_time(&self) -> f64 {
        self.optimizer.step_time(self.minibatch.learning_rate)
    }

    /// Whether a step depends on its number, besides what is remembered of each walker: bias corrections, reshuffled epochs.
    pub fn counts_steps(&self) -> bool {
        let draws = match &self.draws {
            Draws::Samples(sampling) => self.optimizer.gradient() != Gradient::Full && sampling.counts_draws(),
            Draws::Normal(_) => false,
        };
        draws || self.optimizer.counts_steps()
    }

    /// Writes the positions after step number `step` to `work.next`.
    pub fn step(&self, block: &mut Block, work: &mut Work, step: u64) {
        match self.optimizer.gradient() {
            Gradient::Batch => self.batch_gradient(block, step, &mut work.batch, &mut work.gradient),
            Gradient::Full => self.model.gradient(&block.points, &mut work.gradient),
            Gradient::Pair(weights) => {
                self.batch_gradient(block, 2 * step, &mut work.batch, &mut work.gradient);
                self.batch_gradient(block, 2 * step + 1, &mut work.batch, &mut work.second);
                for (a, b) in work.gradient.iter_mut().zip(&*work.second) {
                    *a = weights[0] * *a + weights[1] * b;
                }
            }
        }
        work.next.copy_from_slice(&block.points);
        let memory = self.optimizer.memory(self.lengths.len()) * BLOCK; // amplitudes stand behind it
        let memory = &mut block.memory[..memory];
        self.optimizer.step(self.minibatch.learning_rate, step, &work.gradient, &mut work.next, memory);
        if self.injected > 0.0 {
            block.stream.normals(&mut work.second);
            work.next.iter_mut().zip(&*work.second).for_each(|(x, z)| *x += self.injected * z);
        }
    }

    fn batch_gradient(&self, block: &mut Block, draw: u64, batch: &mut [u32], gradient: &mut [f64]) {
        match &self.draws {
            Draws::Samples(sampling) => {
                sampling.draw(&mut block.stream, &mut block.order, &block.points, draw, batch);
                match &self.joint {
                    Some(joint) => joint.gradient(block, batch, gradient),
                    None => self.model.batch_gradient(&block.points, batch, gradient),
                }
            }
            Draws::Normal(normal) => normal.draw(&*self.model, &mut block.stream, &block.points, gradient),
        }
    }
}

/// √(2T η f) for the floor f of D; 0 for descent without noise. Errors: a floor beside another optimizer than plain SGD.
fn injected(problem: &Problem, options: &SgdOptions, kind: Kind) -> Result<f64, Error> {
    let floor = problem.dynamics.floor();
    if floor == 0.0 || kind == Kind::WithoutNoise {
        return Ok(0.0);
    }
    options.check_floor(floor)?;
    let learning_rate = problem.minibatch.map_or(0.0, |minibatch| minibatch.learning_rate);
    Ok((2.0 * problem.temperature * learning_rate * floor).sqrt())
}

dispatch! {
    /// Whether any step is longer than the box or not finite.
    pub(super) fn far_steps(points: &[f64], next: &[f64], lengths: &[f64]) -> bool {
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
pub(super) fn inspect(block: &mut Block, work: &mut Work, lengths: &[f64], step: u64) -> Result<(), Error> {
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
            block.tally.overlong += 1;
        }
    }
    Ok(())
}

/// Carries coordinates back into the box along periodic axes.
pub(super) fn wrap(axes: &[Axis], points: &mut [f64]) {
    for (axis, x) in axes.iter().zip(points.chunks_exact_mut(BLOCK)).filter(|(axis, _)| axis.is_periodic()) {
        x.iter_mut().for_each(|x| *x = axis.wrap(*x));
    }
}
