//! One generator on one grid, followed in time.

use std::sync::Arc;

use super::edge_generator::{Discretization, edge_generator};
use super::options::FokkerPlanckOptions;
use super::refine::refined_log;
use super::stationary::{Stationary, StationaryLaw, stationary_law_from};
use super::stepper::{Method, Stepper, System, Task, choose_with_reason};
use crate::Error;
use crate::engine::Interrupt;
use crate::grid::Grid;
use crate::problem::Problem;

/// A grid with its generator and, where it exists, its stationary law.
pub(super) struct Discrete {
    pub grid: Grid,
    pub temperature: f64,
    pub discretization: Discretization,
    pub generator: Arc<super::Generator>,
    pub law: Result<Arc<StationaryLaw>, Error>,
}

impl Discrete {
    pub fn new(problem: &Problem, grid: &Grid, interrupt: Interrupt) -> Result<Self, Error> {
        let mut discretization = edge_generator(problem.dynamics.as_ref(), problem.temperature, grid)?;
        let empty = super::generator::GeneratorBuilder::new(0).finish();
        let generator = Arc::new(std::mem::replace(&mut discretization.generator, empty));
        let guess = || coarse_guess(problem, grid, interrupt);
        let law = match stationary_law_from(&generator, grid.shape(), &guess, interrupt) {
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            law => law.map(Arc::new),
        };
        Ok(Self { grid: grid.clone(), temperature: problem.temperature, discretization, generator, law })
    }

    pub fn stationary(&self) -> Result<Stationary, Error> {
        let law = self.law.as_ref().map_err(Clone::clone)?;
        Ok(Stationary::new(law, &self.generator, &self.grid, self.temperature))
    }

    pub fn system(&self) -> Arc<System> {
        let law = self.law.as_ref().ok().cloned();
        Arc::new(System::new(self.generator.clone(), self.grid.shape(), law))
    }
}

/// ln π of the grid coarsened by 2, interpolated: where an iteration on this grid starts.
fn coarse_guess(problem: &Problem, grid: &Grid, interrupt: Interrupt) -> Option<Vec<f64>> {
    let coarse = grid.coarsened()?;
    let generator = edge_generator(problem.dynamics.as_ref(), problem.temperature, &coarse).ok()?.generator;
    let guess = || coarse_guess(problem, &coarse, interrupt);
    let law = stationary_law_from(&generator, coarse.shape(), &guess, interrupt).ok()?;
    Some(refined_log(grid, &coarse, &law.log_probability))
}

/// A density on its way.
pub(super) struct Transient {
    pub method: &'static Method,
    /// Why this method.
    pub reason: String,
    /// The system, for the linear solver that is in use.
    pub system: Arc<System>,
    pub stepper: Box<dyn Stepper>,
    pub probability: Vec<f64>,
}

impl Transient {
    /// From `start` at time `from` to the later ones of `times`.
    pub fn new(
        discrete: &Discrete,
        start: Vec<f64>,
        from: f64,
        times: &[f64],
        options: &FokkerPlanckOptions,
    ) -> Result<Self, Error> {
        let system = discrete.system();
        let task = Task {
            system: system.clone(),
            start: start.clone(),
            from,
            times: times.iter().copied().filter(|&t| t >= from).collect(),
            tolerance: options.tolerance,
            step: None,
        };
        let (method, reason) = choose_with_reason(&options.method, &task)?;
        let stepper = (method.build)(task)?;
        Ok(Self { method, reason, system, stepper, probability: start })
    }

    pub fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error> {
        self.stepper.advance(to, interrupt, &mut self.probability)?;
        match self.probability.iter().position(|p| !p.is_finite()) {
            None => Ok(()),
            Some(cell) => Err(Error::numerical(
                self.method.name,
                format!("at t = {to:e}, cell {cell}"),
                "the density is no longer finite",
                "choose another fokker_planck.method, or look for a spot where drift or noise are extreme",
            )),
        }
    }
}
