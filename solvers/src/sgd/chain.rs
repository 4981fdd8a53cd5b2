//! Minibatch descent as a Markov chain, for splitting.

use super::descent::{Descent, Kind, Work, far_steps, inspect, wrap};
use super::options::SgdOptions;
use crate::error::{Error, Setting};
use crate::problem::Problem;
use crate::problem::grid::Axis;
use crate::splitting::{Chain, Stepper};

/// Walkers of minibatch descent and what their optimizer remembers.
pub struct SgdChain {
    descent: Descent,
    axes: Vec<Axis>,
}

impl SgdChain {
    /// Errors: an optimizer or a sampling whose steps depend on their number, and those of [`super::Sgd`].
    pub fn new(problem: &Problem, options: &SgdOptions) -> Result<Self, Error> {
        let (descent, described) = Descent::new(problem, options, Kind::Sgd)?;
        if descent.counts_steps() {
            return Err(Error::invalid(
                format!("splitting needs steps that do not depend on their number, unlike those of {described} here"),
                "take the optimizer sgd, momentum or another without bias corrections, and no reshuffled epochs",
            )
            .set_by(&[Setting::Optimizer, Setting::Replacement]));
        }
        Ok(Self { descent, axes: problem.grid.axes().to_vec() })
    }
}

impl Chain for SgdChain {
    fn dimension(&self) -> usize {
        self.axes.len()
    }
    fn step_time(&self) -> f64 {
        self.descent.step_time()
    }
    fn memory(&self, points: &[f64]) -> Vec<f64> {
        self.descent.start(points)
    }
    fn stepper(&self) -> Stepper<'_> {
        let mut work = Work::new(self.axes.len(), self.descent.minibatch.batch_size);
        Box::new(move |block| {
            self.descent.step(block, &mut work, 0);
            if far_steps(&block.points, &work.next, &self.descent.lengths) {
                inspect(block, &mut work, &self.descent.lengths, 0)?;
            }
            std::mem::swap(&mut block.points, &mut work.next);
            wrap(&self.axes, &mut block.points);
            Ok(())
        })
    }
}
