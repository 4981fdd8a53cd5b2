//! The SDE in steps of its scheme as a Markov chain, for splitting.

use super::scheme::{self, Scheme, Sde, Work};
use super::walls::Walls;
use super::{LangevinOptions, lost, step};
use crate::Error;
use crate::problem::Problem;
use crate::splitting::{Chain, Stepper};

/// Walkers of the SDE with the scheme and the step of their options; they arrive at the ends of steps.
pub struct LangevinChain {
    sde: Sde,
    walls: Walls,
    scheme: Box<dyn Scheme>,
    step: f64,
}

impl LangevinChain {
    /// Errors: absorbing walls, and those of [`super::Langevin`].
    pub fn new(problem: &Problem, options: &LangevinOptions) -> Result<Self, Error> {
        let walls = Walls::of(problem);
        if walls.absorbs() {
            return Err(Error::invalid(
                "splitting follows walkers that cannot be absorbed at a wall",
                "make the walls reflecting, and let the target be the condition that ends the passage",
            ));
        }
        let scheme = (scheme::find(&options.scheme)?.build)(problem)?;
        let step = match step::given(options.step)? {
            Some(step) => step,
            None => step::choose(problem, &walls)?.0,
        };
        Ok(Self { sde: Sde::new(problem), walls, scheme, step })
    }
}

impl Chain for LangevinChain {
    fn dimension(&self) -> usize {
        self.sde.dynamics.dimension()
    }
    fn step_time(&self) -> f64 {
        self.step
    }
    fn stepper(&self) -> Stepper<'_> {
        let mut work = Work::new(self.dimension());
        Box::new(move |block| {
            let taken = self.walls.step(&self.sde, self.scheme.as_ref(), self.step, block, &mut work);
            taken.map_err(|lane| lost(block, &work, lane, "a replica".into(), 0.0, self.step))
        })
    }
}
