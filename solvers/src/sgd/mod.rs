//! The SGD engine: minibatch gradient descent itself, θ' = θ − η ĝ with ĝ the mean gradient of a random batch, or another
//! optimizer of [`optimizer::OPTIMIZERS`] in its place.
//!
//! One step lasts the time h = η (momentum: η/(1 − μ), SVAG: η/l; see [`optimizer::Optimizer::step_time`]); output times are
//! rounded to the nearest whole step, |kh − t| ≤ h/2, and snapshots carry the time kh. Walls do not act on it: periodic
//! coordinates are wrapped into the box at output times, walkers off the grid go on and are counted outside.
//!
//! ```text
//! ĝ_k = (1/B) Σ_b g_{s_b}(θ_k),   Cov ĝ = D/B (times (m − B)/(m − 1) without replacement),   T = η/(2B)
//! ```
//!
//! A floor f of D is injected: each step adds N(0, 2T η f) to each coordinate.
//!
//! | file | holds |
//! |---|---|
//! | `optimizer/` | what is done with the gradient, one file each |
//! | `sampling/` | how batches are drawn, one file each |
//! | `gaussian.rs` | normal gradients with the mean and the covariance of a batch, in the place of batches |
//! | `joint.rs` | joint descent on θ and the amplitudes that a model solves for |
//! | `curvature.rs` | h λ_max at the walkers against the stability limit |

mod curvature;
mod gaussian;
mod joint;
pub mod optimizer;
pub mod sampling;

use std::sync::Arc;

use crate::engine::{Archive, Attribute, Engine, Interrupt, Snapshot, Statistics};
use crate::ensemble::{Aligned, BLOCK, Block, Ensemble, Stop};
use crate::error::{Error, Setting};
use crate::model::{Model, SampleModel};
use crate::numerics::lanes::dispatch;
use crate::problem::{Minibatch, Problem};
use curvature::LargestCurvature;
use gaussian::Gaussian;
use joint::Joint;
use optimizer::{Gradient, Limit, Optimizer};
use sampling::Sampling;

/// What a scenario says about the SGD engine.
#[derive(Debug, Clone, PartialEq)]
pub struct SgdOptions {
    /// Number of walkers N.
    pub walkers: usize,
    /// Name of an optimizer of [`optimizer::OPTIMIZERS`].
    pub optimizer: String,
    /// Its parameters by name; those left out have their defaults.
    pub parameters: Vec<(String, f64)>,
    /// Learning rate of the amplitudes in joint descent on them and θ; None: solved for at every θ.
    pub amplitude_rate: Option<f64>,
}

impl SgdOptions {
    /// Whether joint descent, if asked for, is possible with this model. Errors: a rate that is not
    /// positive, a model that solves for nothing, an optimizer that takes no single batch.
    pub fn check_joint(&self, model: &dyn Model) -> Result<(), Error> {
        match self.amplitude_rate {
            Some(rate) => Joint::new(model, &*self.build()?, rate).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Whether a floor of the noise can be injected: only plain SGD says where it enters a step. Errors: a floor above 0 beside
    /// another optimizer.
    pub fn check_floor(&self, floor: f64) -> Result<(), Error> {
        if floor == 0.0 || self.optimizer == optimizer::OPTIMIZERS[0].name {
            return Ok(());
        }
        Err(Error::invalid(
            format!("the floor {floor} of the noise cannot be injected into the optimizer {}", self.optimizer),
            "take plain sgd, leave sgd out of the engines, or remove the floor",
        )
        .set_by(&[Setting::NoiseFloor, Setting::Optimizer]))
    }

    /// The optimizer of the options. Errors: no such optimizer or parameter, a value out of range.
    pub fn build(&self) -> Result<Box<dyn Optimizer>, Error> {
        Ok(optimizer::build(&self.optimizer, &self.parameters)?.0)
    }
}

impl Default for SgdOptions {
    fn default() -> Self {
        Self {
            walkers: 100_000,
            optimizer: optimizer::OPTIMIZERS[0].name.to_string(),
            parameters: Vec::new(),
            amplitude_rate: None,
        }
    }
}

/// An ensemble of walkers of minibatch gradient descent.
pub struct Sgd {
    kind: Kind,
    descent: Descent,
    described: String,
    ensemble: Ensemble,
    steps: u64,
    curvature: LargestCurvature,
}

/// The three engines that descend step by step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sgd,
    Gaussian,
    WithoutNoise,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Gaussian => "gaussian_sgd",
            Self::WithoutNoise => "gradient_descent",
        }
    }

    /// Name of the random streams: gradient descent starts where SGD does.
    fn stream(self) -> &'static str {
        if self == Self::WithoutNoise { Self::Sgd.name() } else { self.name() }
    }
}

/// What takes a block from step to step.
struct Descent {
    model: Arc<dyn SampleModel>,
    minibatch: Minibatch,
    draws: Draws,
    optimizer: Box<dyn Optimizer>,
    joint: Option<Joint>,
    /// Standard deviation √(2T η f) of the normal number that each step adds to each coordinate, for a floor f of D.
    injected: f64,
    lengths: Vec<f64>,
}

/// Where the gradient of a batch comes from.
enum Draws {
    Samples(Box<dyn Sampling>),
    Normal(Gaussian),
}

impl Draws {
    fn name(&self) -> &'static str {
        match self {
            Self::Samples(sampling) => sampling.name(),
            Self::Normal(_) => "normal gradients with the mean and the covariance of a batch",
        }
    }
}

/// Walkers whose local curvature is looked at, at each output time.
const CURVATURE_WALKERS: usize = 64;
/// Steps between two looks at the interrupt.
const STEPS_PER_CHECK: u64 = 16;

struct Work {
    gradient: Aligned,
    second: Aligned,
    batch: Vec<u32>,
    next: Aligned,
}

impl Work {
    fn new(d: usize, batch: usize) -> Self {
        let vector = Aligned::zeros(d * BLOCK);
        Self { gradient: vector.clone(), second: vector.clone(), batch: vec![0; batch * BLOCK], next: vector }
    }
}

impl Sgd {
    /// Walkers at their initial positions.
    ///
    /// Errors: a model without samples, no learning rate and batch size, a batch size that the samples do not allow, an
    /// unknown optimizer or parameter, no walkers, an initial law off the grid.
    pub fn new(problem: &Problem, options: SgdOptions) -> Result<Self, Error> {
        Self::of_kind(problem, options, Kind::Sgd)
    }

    /// Normal gradients in the place of batches, with their mean and covariance, as an engine of its own. Errors as for
    /// [`Sgd::new`].
    pub fn gaussian(problem: &Problem, options: SgdOptions) -> Result<Self, Error> {
        Self::of_kind(problem, options, Kind::Gaussian)
    }

    /// Full-batch gradient descent from the same initial positions, as an engine of its own. Errors as for [`Sgd::new`].
    pub fn without_noise(problem: &Problem, options: &SgdOptions) -> Result<Self, Error> {
        let walkers = options.walkers;
        let options = SgdOptions { walkers, optimizer: "gd".to_string(), ..SgdOptions::default() };
        Self::of_kind(problem, options, Kind::WithoutNoise)
    }

    fn of_kind(problem: &Problem, options: SgdOptions, kind: Kind) -> Result<Self, Error> {
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
        let mut ensemble = Ensemble::new(problem, kind.stream(), options.walkers)?;
        let joint = match options.amplitude_rate {
            Some(rate) if kind == Kind::Sgd => Some(Joint::new(&*problem.model, &*optimizer, rate)?),
            _ => None,
        };
        for block in ensemble.blocks_mut() {
            block.memory = vec![0.0; optimizer.memory(problem.dimension()) * BLOCK];
            if let Some(joint) = &joint {
                block.memory.extend(joint.start(&block.points));
            }
        }
        let sampling = sampling::build(&minibatch, &model)?;
        let share = 2.0 * minibatch.temperature(model.samples()) / minibatch.learning_rate;
        let descent = Descent {
            model,
            minibatch,
            draws: match kind {
                Kind::Gaussian => Draws::Normal(Gaussian { share }),
                Kind::Sgd | Kind::WithoutNoise => Draws::Samples(sampling),
            },
            optimizer,
            joint,
            injected: injected(problem, &options, kind)?,
            lengths: problem.grid.axes().iter().map(|axis| axis.length()).collect(),
        };
        let mut sgd = Self { kind, descent, described, ensemble, steps: 0, curvature: LargestCurvature::default() };
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
        if let Some(limit) = self.descent.optimizer.stability_limit() {
            let Descent { model, lengths, .. } = &self.descent;
            self.curvature.look(&**model, &points, lengths, self.descent.step_time(), limit);
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

impl Descent {
    /// Time that one step lasts.
    fn step_time(&self) -> f64 {
        self.optimizer.step_time(self.minibatch.learning_rate)
    }

    /// Writes the positions after step number `step` to `work.next`.
    fn step(&self, block: &mut Block, work: &mut Work, step: u64) {
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

impl Engine for Sgd {
    fn name(&self) -> &'static str {
        self.kind.name()
    }
    fn walkers(&self) -> Option<usize> {
        Some(self.ensemble.walkers())
    }
    fn time(&self) -> f64 {
        self.steps as f64 * self.descent.step_time()
    }

    fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error> {
        let target = (to / self.descent.step_time()).round().max(0.0) as u64;
        if target <= self.steps {
            return Ok(());
        }
        let (first, now, descent) = (self.steps, self.time(), &self.descent);
        let axes = self.ensemble.grid().axes().to_vec();
        self.ensemble.advance(
            [now, target as f64 * descent.step_time()],
            interrupt,
            || Work::new(descent.lengths.len(), descent.minibatch.batch_size),
            |block, work, watch| {
                for step in first + block.done..target {
                    if (step - first) % STEPS_PER_CHECK == 0 {
                        block.done = step - first;
                        watch.check()?;
                    }
                    descent.step(block, work, step);
                    if far_steps(&block.points, &work.next, &descent.lengths) {
                        inspect(block, work, &descent.lengths, step).map_err(Stop::Failed)?;
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
        self.ensemble.arrive();
        self.steps = target;
        self.look_at_curvature();
        Ok(())
    }

    fn pauses(&self) -> bool {
        true
    }

    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.count("steps", &mut self.steps)?;
        archive.part("curvature", &mut |archive| self.curvature.archive(archive))?;
        archive.part("ensemble", &mut |archive| self.ensemble.archive(archive))
    }

    fn snapshot(&self) -> Snapshot {
        self.ensemble.snapshot(self.time())
    }
    fn statistics(&self) -> Option<Statistics> {
        Some(self.ensemble.statistics())
    }

    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        let Descent { optimizer, minibatch, .. } = &self.descent;
        let limit = match optimizer.limit() {
            Limit::Diffusion => "T = effective learning rate/(2·batch size), t = step × number of steps",
            Limit::Other(why) => why,
        };
        let sampling = match optimizer.gradient() {
            Gradient::Full => "all samples",
            Gradient::Batch | Gradient::Pair(_) => self.descent.draws.name(),
        };
        let mut attributes = vec![
            ("walkers", Attribute::Integer(self.ensemble.walkers() as i64)),
            ("step", Attribute::Float(self.descent.step_time())),
            ("optimizer", Attribute::Text(self.described.clone())),
            ("effective_learning_rate", Attribute::Float(optimizer.effective_rate(minibatch.learning_rate))),
            ("diffusion_limit", Attribute::Text(limit.to_string())),
            ("sampling", Attribute::Text(sampling.to_string())),
            ("steps_total", Attribute::Integer(self.steps as i64)),
        ];
        if let Some(joint) = &self.descent.joint {
            attributes.push(("amplitude_rate", Attribute::Float(joint.rate())));
        }
        if optimizer.stability_limit().is_some() {
            attributes.push(("max_rate_times_curvature", Attribute::Float(self.curvature.largest)));
        }
        attributes
    }

    fn another_small_step_limit(&self) -> Option<String> {
        match self.descent.optimizer.limit() {
            Limit::Diffusion => None,
            Limit::Other(why) => Some(why.to_string()),
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.curvature.warnings(self.descent.optimizer.gradient() != Gradient::Full);
        let overlong = self.ensemble.tally().overlong;
        if overlong > 0 {
            let all = self.steps as f64 * self.ensemble.walkers() as f64;
            warnings.push(format!(
                "{overlong} steps ({:.1e} of all) were longer than the box: there are places where a batch gradient is huge; \
                 the walkers were kept, those off the grid count as outside",
                overlong as f64 / all
            ));
        }
        match &self.descent.draws {
            Draws::Samples(sampling) if self.descent.optimizer.gradient() != Gradient::Full => {
                warnings.extend(sampling.warning());
            }
            _ => {}
        }
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
            block.tally.overlong += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
