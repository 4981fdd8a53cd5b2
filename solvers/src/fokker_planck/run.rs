//! One generator on one grid, followed in time.

use std::sync::Arc;

use super::chain::Chain;
use super::chain::chain_stepper::{self, ChainStepper};
use super::chain::observables::observe;
use super::chain::step_choice::suitable_step;
use super::edge_generator::{Discretization, edge_generator};
use super::options::FokkerPlanckOptions;
use super::projection::{Moved, project};
use super::reading::{averages, centre_values};
use super::refine::refined_log;
use super::stationary::{Stationary, StationaryLaw, stationary_law_from};
use super::stepper::{Stepper, System, Task, choose_with_reason};
use crate::Error;
use crate::dynamics::Dynamics;
use crate::engine::Interrupt;
use crate::grid::Grid;
use crate::problem::Problem;

/// A grid with its generator and, where it exists, its stationary law.
pub(super) struct Discrete {
    pub grid: Grid,
    pub temperature: f64,
    pub discretization: Discretization,
    pub generator: Arc<super::Generator>,
    /// The stationary law of the discretisation that advances: the chain's where there is one.
    pub law: Result<Arc<StationaryLaw>, Error>,
    /// The stationary law of the generator.
    pub generator_law: Result<Arc<StationaryLaw>, Error>,
    /// The long-step chain, where it replaces the generator.
    pub chain: Option<Arc<Chain>>,
    dynamics: Arc<dyn Dynamics>,
}

impl Discrete {
    /// The edge generator of `problem` on `grid`.
    pub fn edges(problem: &Problem, grid: &Grid, interrupt: Interrupt) -> Result<Self, Error> {
        let mut discretization = edge_generator(problem.dynamics.as_ref(), problem.temperature, grid)?;
        let empty = super::generator::GeneratorBuilder::new(0).finish();
        let generator = Arc::new(std::mem::replace(&mut discretization.generator, empty));
        let guess = || coarse_guess(problem, grid, interrupt);
        let law = match stationary_law_from(&generator, grid.shape(), &guess, interrupt) {
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            law => law.map(Arc::new),
        };
        Ok(Self {
            grid: grid.clone(),
            temperature: problem.temperature,
            discretization,
            generator,
            generator_law: law.clone(),
            law,
            chain: None,
            dynamics: problem.dynamics.clone(),
        })
    }

    /// The long-step chain beside it, of the given or the suitable step, and its stationary law; `start` is the initial law. Errors:
    /// no step resolves the noise, a chain that would be too large.
    pub fn with_chain(mut self, start: &[f64], step: Option<f64>) -> Result<Self, Error> {
        let (dynamics, temperature) = (self.dynamics.as_ref(), self.temperature);
        let stationary = self.law.as_ref().ok().map(|law| law.probability.as_slice());
        let laws: Vec<&[f64]> = [start].into_iter().chain(stationary).collect();
        let Some(step) = step.or_else(|| self.suitable_step(start, f64::INFINITY)) else {
            return Err(Error::numerical(
                "the long-step chain",
                "before its first step",
                "no length of a step resolves the noise on this grid",
                "use more cells, or discretisation = \"edges\"",
            ));
        };
        let chain = Chain::new(dynamics, temperature, &self.grid, step)?;
        let law = chain.stationary(laws[laws.len() - 1], 1e-10);
        self.law = law.map(|p| Arc::new(StationaryLaw::from_probability(p, chain_stepper::NAME)));
        self.chain = Some(Arc::new(chain));
        Ok(self)
    }

    pub fn stationary(&self) -> Result<Stationary, Error> {
        let law = self.law.as_ref().map_err(Clone::clone)?;
        let mut out = Stationary::new(law, &self.generator, &self.grid, self.temperature);
        if let Some(chain) = &self.chain {
            let found = observe(self.dynamics.as_ref(), self.temperature, &self.grid, &law.probability)?;
            (out.current, out.entropy_production) = (found.current, found.entropy_production);
            out.residual = chain.residual(&law.probability);
        }
        Ok(out)
    }

    fn chain_stepper(&self, chain: &Arc<Chain>, start: Vec<f64>, from: f64) -> ChainStepper {
        ChainStepper::new(self.dynamics.clone(), self.temperature, self.grid.clone(), chain.clone(), start, from)
    }

    /// The step that suits a chain on this grid, if there is one up to `longest`.
    pub fn suitable_step(&self, start: &[f64], longest: f64) -> Option<f64> {
        let laws: Vec<&[f64]> =
            [start].into_iter().chain(self.law.as_ref().ok().map(|law| law.probability.as_slice())).collect();
        suitable_step(self.dynamics.as_ref(), self.temperature, &self.grid, &laws, longest)
    }

    /// Entries that a chain of this step would have. Errors: a flow that does not stay finite.
    pub fn chain_entries(&self, step: f64) -> Result<f64, Error> {
        Chain::expected_entries(self.dynamics.as_ref(), self.temperature, &self.grid, step)
    }

    /// Step of the chain, where it is one.
    pub fn step(&self) -> Option<f64> {
        self.chain.as_ref().map(|chain| chain.step)
    }

    /// Cell probabilities of the stationary law, where there is one.
    pub fn at_rest(&self) -> Option<Vec<f64>> {
        self.law.as_ref().ok().map(|law| averages(&self.grid, &law.probability))
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

/// A density on its way; see [`super::reading`] for centre values and averages.
pub(super) struct Transient {
    pub method: &'static str,
    /// Why this method.
    pub reason: String,
    /// The system, for the linear solver that is in use; None for the chain.
    pub system: Option<Arc<System>>,
    pub stepper: Box<dyn Stepper>,
    /// Centre values times volumes.
    pub centre: Vec<f64>,
    /// Cell probabilities.
    pub probability: Vec<f64>,
    /// What the projection onto probability vectors moved, at worst.
    pub moved: Moved,
    keeps_mass: bool,
    grid: Grid,
}

impl Transient {
    /// From the cell probabilities `start` at time `from` to the later ones of `times`.
    pub fn new(
        discrete: &Discrete,
        start: Vec<f64>,
        from: f64,
        times: &[f64],
        options: &FokkerPlanckOptions,
    ) -> Result<Self, Error> {
        let centre = centre_values(&discrete.grid, &start);
        let (method, reason, system, stepper): (_, _, _, Box<dyn Stepper>) = match &discrete.chain {
            Some(chain) => {
                let stepper = Box::new(discrete.chain_stepper(chain, centre.clone(), from));
                (chain_stepper::NAME, format!("steps of {:.3e}", chain.step), None, stepper)
            }
            None => {
                let system = discrete.system();
                let task = Task {
                    system: system.clone(),
                    start: centre.clone(),
                    from,
                    times: times.iter().copied().filter(|&t| t >= from).collect(),
                    tolerance: options.tolerance,
                    step: None,
                };
                let (method, reason) = choose_with_reason(&options.method, &task)?;
                (method.name, reason, Some(system), (method.build)(task)?)
            }
        };
        let keeps_mass = !discrete.generator.has_exit();
        Ok(Self {
            method,
            reason,
            system,
            stepper,
            centre,
            probability: start,
            moved: Moved::default(),
            keeps_mass,
            grid: discrete.grid.clone(),
        })
    }

    /// Moves on to `to`. Errors: the integrator's own, a density that is no longer finite.
    pub fn advance(&mut self, to: f64, interrupt: Interrupt) -> Result<(), Error> {
        self.stepper.advance(to, interrupt, &mut self.centre)?;
        if let Some(cell) = self.centre.iter().position(|p| !p.is_finite()) {
            return Err(Error::numerical(
                self.method,
                format!("at t = {to:e}, cell {cell}"),
                "the density is no longer finite",
                "choose another fokker_planck.method, or look for a spot where drift or noise are extreme",
            ));
        }
        let moved = project(&mut self.centre, self.keeps_mass.then_some(1.0));
        self.moved.negative = self.moved.negative.max(moved.negative);
        self.moved.mass = self.moved.mass.max(moved.mass);
        self.probability = averages(&self.grid, &self.centre);
        Ok(())
    }
}
