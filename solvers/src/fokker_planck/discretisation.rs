//! One generator on one grid, followed in time.

use std::sync::Arc;

use super::cells::averages::{averages, centre_values};
use super::cells::probability_simplex::{Moved, project};
use super::cells::prolongation::refined_log;
use super::chain::extrapolation::{Build, Pair, PairLaw, extrapolated};
use super::chain::first_passage::Passages;
use super::chain::long_steps;
use super::chain::long_steps::ChainStepper;
use super::chain::observables::observe;
use super::chain::slow_modes::slow_modes;
use super::chain::step_choice::{covers, suitable_step};
use super::chain::{Chain, Expected};
use super::edges::first_passage::{at, at_start, first_passage, interpolation};
use super::edges::{Discretization, edge_generator};
use super::integrator::{Stepper, System, Task, choose_with_reason};
use super::options::FokkerPlanckOptions;
use super::spectrum::{Spectrum, spectrum};
use super::stationary::{Stationary, StationaryLaw, stationary_law_from};
use crate::Error;
use crate::engine::Interrupt;
use crate::escape::on_grid::{AtStart, GridPassage, PassageProblem};
use crate::problem::Problem;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// A grid with its generator and, where it exists, its stationary law.
#[derive(Clone)]
pub(crate) struct Discrete {
    pub grid: Grid,
    pub temperature: f64,
    pub discretization: Discretization,
    pub generator: Arc<super::Generator>,
    /// The stationary law of the discretisation that advances: the chain's where there is one.
    pub law: Result<Arc<StationaryLaw>, Error>,
    /// The long-step chain, where it replaces the generator.
    pub chain: Option<Arc<Pair>>,
    /// The stationary laws of the two chains that are extrapolated.
    pub chain_law: Option<Arc<PairLaw>>,
    dynamics: Arc<dyn Dynamics>,
}

impl Discrete {
    /// The edge generator of `problem` on `grid` with its stationary law. Errors: coefficients that are not finite,
    /// [`Error::Interrupted`].
    pub fn edges(problem: &Problem, grid: &Grid, interrupt: Interrupt) -> Result<Self, Error> {
        Self::unsolved(problem, grid)?.solved(problem, interrupt)
    }

    /// With the stationary law of the generator. Errors: [`Error::Interrupted`].
    pub fn solved(mut self, problem: &Problem, interrupt: Interrupt) -> Result<Self, Error> {
        let guess = || coarse_guess(problem, &self.grid, interrupt);
        self.law = match stationary_law_from(&self.generator, self.grid.shape(), &guess, interrupt) {
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            law => law.map(Arc::new),
        };
        Ok(self)
    }

    /// The generator alone, its stationary law unsolved. Errors: coefficients that are not finite.
    pub fn unsolved(problem: &Problem, grid: &Grid) -> Result<Self, Error> {
        let mut discretization = edge_generator(problem.dynamics.as_ref(), problem.temperature, grid)?;
        let empty = super::generator::GeneratorBuilder::new(0).finish();
        let generator = Arc::new(std::mem::replace(&mut discretization.generator, empty));
        let law = Err(Error::invalid("the stationary density was not solved", "solve it"));
        Ok(Self {
            grid: grid.clone(),
            temperature: problem.temperature,
            discretization,
            generator,
            law,
            chain: None,
            chain_law: None,
            dynamics: problem.dynamics.clone(),
        })
    }

    /// The long-step chain in its place, of the given block or the suitable one, and its stationary law; `start` is the
    /// initial law. Errors: graded axes, no step that resolves the noise, a chain that would be too large; [`Error::Interrupted`].
    pub fn with_chain(self, start: &[f64], block: Option<f64>, interrupt: Interrupt) -> Result<Self, Error> {
        let Some(block) = block.or_else(|| self.suitable_block(start, f64::INFINITY)) else {
            return Err(Error::numerical(
                "the long-step chain",
                "before its first step",
                "no length of a step resolves the noise on this grid",
                "use more cells, or discretisation = \"edges\"",
            ));
        };
        let pair = Pair::new(self.builder().as_ref(), block, interrupt)?;
        let guess = self.law.clone();
        self.with_pair(pair, guess.as_ref().map_or(start, |law| law.probability.as_slice()), interrupt)
    }

    /// This pair of chains instead, with its stationary law from a guess. Errors: [`Error::Interrupted`].
    fn with_pair(mut self, pair: Pair, guess: &[f64], interrupt: Interrupt) -> Result<Self, Error> {
        self.law = match pair.stationary(guess, interrupt) {
            Ok(found) => {
                let law = extrapolated(&found.laws[0], &found.laws[1]);
                self.chain_law = Some(Arc::new(found));
                Ok(Arc::new(StationaryLaw::from_probability(law, long_steps::NAME)))
            }
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(error) => Err(error),
        };
        self.chain = Some(Arc::new(pair));
        Ok(self)
    }

    /// The chain on the grid coarsened by 2 with blocks four times as long, where the noise covers the coarser cells; None where it
    /// does not, or this is no chain. Errors: a chain that fails, [`Error::Interrupted`].
    pub fn coarser_chain(&self, problem: &Problem, start: &[f64], interrupt: Interrupt) -> Result<Option<Self>, Error> {
        let (Some(block), Some(grid)) = (self.block(), self.grid.coarsened()) else { return Ok(None) };
        let start = self.grid.coarsen_probability(start);
        let law = self.law.as_ref().ok().map(|law| self.grid.coarsen_probability(&law.probability));
        let laws: Vec<&[f64]> = [start.as_slice()].into_iter().chain(law.as_deref()).collect();
        if !covers(self.dynamics.as_ref(), self.temperature, &grid, &laws, 2.0 * block) {
            return Ok(None);
        }
        let coarse = Self::unsolved(problem, &grid)?;
        let pair = Pair::new(coarse.builder().as_ref(), 4.0 * block, interrupt)?;
        Ok(Some(coarse.with_pair(pair, law.as_deref().unwrap_or(&start), interrupt)?))
    }

    /// The chain on this grid with steps twice as long; None where this is no chain. Errors: a chain that fails, [`Error::Interrupted`].
    pub fn longer_chain(&self, start: &[f64], interrupt: Interrupt) -> Result<Option<Self>, Error> {
        let Some(pair) = &self.chain else { return Ok(None) };
        let longer = pair.doubled(self.builder().as_ref(), interrupt)?;
        let guess = self.chain_law.as_ref().map_or(start, |law| law.laws[1].as_slice());
        self.clone().with_pair(longer, guess, interrupt).map(Some)
    }

    pub fn stationary(&self) -> Result<Stationary, Error> {
        let law = self.law.as_ref().map_err(Clone::clone)?;
        let mut out = Stationary::new(law, &self.generator, &self.grid, self.temperature);
        if self.chain.is_some() {
            let found = observe(self.dynamics.as_ref(), self.temperature, &self.grid, &law.probability)?;
            (out.current, out.entropy_production) = (found.current, found.entropy_production);
            out.residual = self.chain_law.as_ref().map_or(0.0, |law| law.residual);
        }
        Ok(out)
    }

    /// Makes chains on this grid.
    fn builder(&self) -> Box<Build<'static>> {
        let (dynamics, temperature, grid) = (self.dynamics.clone(), self.temperature, self.grid.clone());
        Box::new(move |step, interrupt| Chain::new_until(dynamics.as_ref(), temperature, &grid, step, interrupt))
    }

    /// The `count` slowest modes. Errors: no unique stationary density, and those of [`spectrum()`].
    pub fn slow_modes(&self, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
        match (&self.chain, &self.chain_law) {
            (Some(pair), Some(law)) => slow_modes(pair, law, count, interrupt),
            _ => {
                let law = self.law.as_ref().map_err(Clone::clone)?;
                spectrum(&self.generator, self.grid.shape(), law, count, interrupt)
            }
        }
    }

    /// Mean time, survival and committor of a first passage. Errors: see [`first_passage()`] and [`Passages::answer`].
    pub fn first_passage(
        &self,
        question: &PassageProblem,
        options: &FokkerPlanckOptions,
        interrupt: Interrupt,
    ) -> Result<GridPassage, Error> {
        match &self.chain {
            Some(pair) => self.passages(pair).answer(question, interrupt),
            None => first_passage(&self.generator, &self.grid, question, options, interrupt),
        }
    }

    /// Mean time and committor at the start of a first passage alone, each where it can be had.
    pub fn at_start(&self, question: &PassageProblem, interrupt: Interrupt) -> AtStart {
        match &self.chain {
            Some(pair) => {
                let found = self.passages(pair).fields(question, interrupt).ok();
                let weights = interpolation(&self.grid, question.from);
                let committor = found.as_ref().and_then(|found| found.committor.as_deref()).map(|q| at(&weights, q));
                AtStart { mean_time: found.map(|found| at(&weights, &found.mean_time)), committor }
            }
            None => at_start(&self.generator, &self.grid, question, interrupt),
        }
    }

    fn passages<'a>(&'a self, pair: &Pair) -> Passages<'a> {
        Passages {
            dynamics: self.dynamics.as_ref(),
            temperature: self.temperature,
            grid: &self.grid,
            block: pair.block(),
        }
    }

    /// The block of two steps that suits a chain on this grid, if there is one up to `longest`.
    pub fn suitable_block(&self, start: &[f64], longest: f64) -> Option<f64> {
        let laws: Vec<&[f64]> =
            [start].into_iter().chain(self.law.as_ref().ok().map(|law| law.probability.as_slice())).collect();
        suitable_step(self.dynamics.as_ref(), self.temperature, &self.grid, &laws, 0.5 * longest).map(|tau| 2.0 * tau)
    }

    /// Whether a chain of this block covers the cells on its own stationary law, where it has one.
    pub fn covers_at_rest(&self) -> bool {
        let (Some(block), Ok(law)) = (self.block(), &self.law) else { return true };
        covers(self.dynamics.as_ref(), self.temperature, &self.grid, &[&law.probability], 0.5 * block)
    }

    /// What a chain of this block would take. Errors: a flow that does not stay finite.
    pub fn expected_chain(&self, block: f64) -> Result<Expected, Error> {
        Pair::expected(self.dynamics.as_ref(), self.temperature, &self.grid, block)
    }

    /// Block of the chain, where it is one.
    pub fn block(&self) -> Option<f64> {
        self.chain.as_ref().map(|pair| pair.block())
    }

    /// Cell probabilities of the stationary law, where there is one.
    pub fn at_rest(&self) -> Option<Vec<f64>> {
        self.law.as_ref().ok().map(|law| averages(&self.grid, &law.probability))
    }

    /// Cell probabilities of the stationary laws that were extrapolated, the shorter steps first; None for a generator.
    pub fn unextrapolated_at_rest(&self) -> Option<[Vec<f64>; 2]> {
        self.chain_law.as_ref().map(|law| [0, 1].map(|k| averages(&self.grid, &law.laws[k])))
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

/// A density on its way; see [`super::cells::averages`] for centre values and averages.
pub(crate) struct Transient {
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
                let stepper = Box::new(ChainStepper::new(discrete.builder(), chain.clone(), centre.clone(), from));
                (
                    long_steps::NAME,
                    format!("steps of {:.3e}, extrapolated with steps twice as long", 0.5 * chain.block()),
                    None,
                    stepper,
                )
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

    /// Cell probabilities of the laws that the last output was extrapolated from, the shorter steps first; None for a generator.
    pub fn unextrapolated(&self) -> Option<[Vec<f64>; 2]> {
        self.stepper.unextrapolated().map(|laws| laws.map(|law| averages(&self.grid, law)))
    }
}
