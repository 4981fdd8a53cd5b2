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
//! | `descent.rs` | what takes a block of walkers from step to step |
//! | `chain.rs` | the same steps as a Markov chain, for splitting |
//! | `first_passage.rs` | first passages of walkers, counted at steps |
//! | `joint.rs` | joint descent on θ and the amplitudes that a model solves for |
//! | `curvature.rs` | h λ_max at the walkers against the stability limit |

mod chain;
mod curvature;
mod descent;
pub mod first_passage;
mod gaussian;
mod joint;
pub mod optimizer;
mod options;
pub mod sampling;

use std::sync::Arc;

use crate::engine::{Archive, Attribute, Engine, Interrupt, Ranks, Snapshot, Statistics};
use crate::ensemble::{Ensemble, Stop, Trajectories, steps, were};
use crate::error::Error;
use crate::fault::{Fault, planted};
use crate::problem::Problem;
pub use chain::SgdChain;
use curvature::LargestCurvature;
use descent::{Descent, Draws, Kind, Work, far_steps, inspect, wrap};
use optimizer::{Gradient, Limit};
pub use options::SgdOptions;

/// An ensemble of walkers of minibatch gradient descent.
pub struct Sgd {
    kind: Kind,
    descent: Descent,
    described: String,
    ensemble: Ensemble,
    steps: u64,
    /// The last output time.
    end: f64,
    curvature: LargestCurvature,
    trajectories: Trajectories,
}

/// Walkers whose local curvature is looked at, at each output time.
const CURVATURE_WALKERS: usize = 64;
/// Steps between two looks at the interrupt.
const STEPS_PER_CHECK: u64 = 16;

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
        let (descent, described) = Descent::new(problem, &options, kind)?;
        let mut ensemble = Ensemble::new(problem, kind.stream(), options.walkers)?;
        for block in ensemble.blocks_mut() {
            block.memory = descent.start(&block.points);
        }
        let walkers = options.trajectories.min(options.walkers);
        let mut trajectories = Trajectories { walkers, times: Vec::new(), points: Vec::new() };
        trajectories.keep(0.0, &ensemble);
        let end = problem.times.last().copied().unwrap_or(0.0);
        let curvature = LargestCurvature::default();
        let mut sgd = Self { kind, descent, described, ensemble, steps: 0, end, curvature, trajectories };
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
        if !self.ensemble.is_whole() {
            return;
        }
        let points = self.ensemble.first_points(CURVATURE_WALKERS);
        if let Some(limit) = self.descent.optimizer.stability_limit() {
            let Descent { model, lengths, .. } = &self.descent;
            self.curvature.look(&**model, &points, lengths, self.descent.step_time(), limit);
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
        let target = target + u64::from(self.steps == 0 && planted(Fault::Time));
        let (first, now, descent) = (self.steps, self.time(), &self.descent);
        let axes = self.ensemble.grid().axes().to_vec();
        let share = (target - first) as f64 * descent.step_time() / self.end.max(f64::MIN_POSITIVE);
        let (trajectories, kept) = (&self.trajectories, Trajectories::kept_steps(target - first, share));
        let outcome = self.ensemble.advance(
            [now, target as f64 * descent.step_time()],
            interrupt,
            || Work::new(descent.lengths.len(), descent.minibatch.batch_size),
            |block, work, watch| {
                let kept = if trajectories.keeps(block) { kept.as_slice() } else { &[] };
                let done = block.done;
                let mut kept = kept.iter().skip_while(|after| **after <= done).peekable();
                for step in first + done..target {
                    if (step - first) % STEPS_PER_CHECK == 0 {
                        block.done = step - first;
                        watch.check()?;
                    }
                    descent.step(block, work, step);
                    if far_steps(&block.points, &work.next, &descent.lengths) {
                        inspect(block, work, &descent.lengths, step).map_err(Stop::Failed)?;
                    }
                    std::mem::swap(&mut block.points, &mut work.next);
                    if kept.next_if(|&&after| after == step - first + 1).is_some() {
                        let row = block.kept.len();
                        block.kept.extend_from_slice(&block.points);
                        wrap(&axes, &mut block.kept[row..]);
                    }
                }
                wrap(&axes, &mut block.points);
                Ok(())
            },
        );
        self.ensemble.arrive(outcome, interrupt)?;
        let (h, d) = (self.descent.step_time(), self.descent.lengths.len());
        self.trajectories.collect(kept.iter().map(|k| (first + k) as f64 * h), d, &mut self.ensemble);
        self.steps = target;
        self.look_at_curvature();
        Ok(())
    }

    fn share(&mut self, ranks: &Arc<dyn Ranks>) {
        self.ensemble.share(ranks, 0);
    }

    fn pauses(&self) -> bool {
        true
    }

    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.count("steps", &mut self.steps)?;
        archive.vector("trajectory_times", &mut self.trajectories.times)?;
        archive.vector("trajectory_points", &mut self.trajectories.points)?;
        archive.part("curvature", &mut |archive| self.curvature.archive(archive))?;
        archive.part("ensemble", &mut |archive| self.ensemble.archive(archive))
    }

    fn snapshot(&self) -> Snapshot {
        self.ensemble.snapshot(self.time())
    }
    fn statistics(&self) -> Option<Statistics> {
        Some(self.ensemble.statistics())
    }

    fn trajectories(&self) -> Option<&Trajectories> {
        Some(&self.trajectories).filter(|kept| kept.walkers > 0)
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
                "{} ({:.1e} of all) {} longer than the box: there are places where a batch gradient is huge; the walkers \
                 were kept, those off the grid count as outside",
                steps(overlong),
                overlong as f64 / all,
                were(overlong)
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

#[cfg(test)]
mod tests;
