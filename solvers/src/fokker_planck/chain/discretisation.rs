//! The long-step chain as a discretisation: steps τ and 2τ extrapolated, errors by coarser cells or longer steps.

use std::sync::Arc;

use super::errors::{ByCoarserChain, ByLongerSteps};
use super::extrapolation::{Build, Pair, PairLaw, extrapolated};
use super::first_passage::{Passages, conditional};
use super::long_steps::{ChainStepper, snapped};
use super::observables::{Observed, observe};
use super::slow_modes::slow_modes;
use super::step_choice::{covers, suitable_step};
use super::transition::{Chain, Expected, MOST_ENTRIES_UNASKED, applies};
use crate::engine::Interrupt;
use crate::engine::Stationary;
use crate::error::{Error, Setting};
use crate::escape::on_grid::{AtStart, GridPassage, PassageProblem};
use crate::fokker_planck::cells::averages::{averages, reconstruction_error};
use crate::fokker_planck::cells::interpolation::{at, interpolation};
use crate::fokker_planck::discretisation::{Coarser, Discretisation, DiscretisationKind, ErrorLaw, Evolution};
use crate::fokker_planck::edges::assembly::EdgeGenerator;
use crate::fokker_planck::edges::discretisation::EdgeDiscretisation;
use crate::fokker_planck::integrator::system::{IntegratorOptions, System};
use crate::fokker_planck::spectrum::{Spectrum, Weights, decay_weights};
use crate::fokker_planck::stationary::density::{Fluxes, Place};
use crate::fokker_planck::stationary::law::StationaryLaw;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// Order in h of the extrapolated chain, whose steps are τ ∝ h².
const ORDER: i32 = 4;
/// Entries a cell of both chains in one, two and three dimensions, where the noise of a step just covers the cells; at condition
/// number 1000 they are three times as many.
const ENTRIES: [f64; 3] = [30.0, 450.0, 3400.0];
/// The chain with the coarser one beside it, at most, relative to the chain alone.
const WITH_COARSER: f64 = 1.7;
/// Numbers that the Krylov space of the solver holds at most.
const KRYLOV_NUMBERS: f64 = 2e7;

/// The long-step chain's entry in the table of discretisations.
pub static CHAIN: DiscretisationKind = DiscretisationKind {
    word: "chain",
    name: "long-step chain",
    about: "long-step lattice chain: strong anisotropy, high cell Péclet numbers, singular D; its own steps in time",
    order: ORDER,
    positive: true,
    keeps_detailed_balance: false,
    diffusive: false,
    own_steps: true,
    needs_fine_grid: true,
    reference: "doi:10.1007/978-1-4613-0007-6",
    memory: |shape, asked| {
        let cells: f64 = shape.iter().map(|&n| n as f64).product();
        let entries = ENTRIES[shape.len().clamp(1, 3) - 1] * cells;
        let vectors = KRYLOV_NUMBERS.min(250.0 * cells);
        (asked || entries <= MOST_ENTRIES_UNASKED).then_some(WITH_COARSER * 9.0 * entries + 8.0 * vectors)
    },
    build: |problem, start, interrupt| {
        let edges = EdgeDiscretisation::unsolved(problem, &problem.grid)?;
        applies(&edges.grid)?;
        let edges = edges.solved(interrupt)?;
        let Some(step) = suitable_long_step(&edges, start.law, f64::INFINITY) else {
            return Err(Error::numerical(
                "the long-step chain",
                "before its first step",
                "no length of a step resolves the noise on this grid",
                "use more cells, or the discretisation \"edges\"",
            )
            .set_by(&[Setting::Discretisation]));
        };
        let step = snapped(step, start.time, &problem.times);
        Ok(Box::new(ChainDiscretisation::new(&edges, step, start.law, interrupt)?))
    },
};

/// The long step 2τ that suits a chain on the grid of an edge generator, on its laws, if there is one up to `longest`.
pub fn suitable_long_step(edges: &EdgeDiscretisation, start: &[f64], longest: f64) -> Option<f64> {
    let laws = edges.laws(start);
    let tau = suitable_step(edges.dynamics.as_ref(), edges.temperature, &edges.grid, &laws, 0.5 * longest)?;
    Some(2.0 * tau)
}

/// What a pair of chains of this long step would take. Errors: a flow that does not stay finite.
pub fn expected(edges: &EdgeDiscretisation, long_step: f64) -> Result<Expected, Error> {
    Pair::expected(edges.dynamics.as_ref(), edges.temperature, &edges.grid, long_step)
}

/// Chains of steps τ and 2τ on a grid with, where they exist, their stationary laws.
#[derive(Clone)]
pub struct ChainDiscretisation {
    dynamics: Arc<dyn Dynamics>,
    temperature: f64,
    grid: Grid,
    /// The edge generator that it takes the place of: Péclet numbers, exits.
    edges: Arc<EdgeGenerator>,
    pair: Arc<Pair>,
    /// The stationary laws, or why there are none.
    at_rest: Result<Arc<AtRest>, Error>,
}

/// Stationary laws of a pair of chains.
struct AtRest {
    /// The extrapolated one.
    law: StationaryLaw,
    /// Those that it was extrapolated from.
    pair: PairLaw,
}

impl ChainDiscretisation {
    /// The chain of the given long step in the place of an edge generator, and its stationary law; `start` is the initial law.
    /// Errors: graded axes, a chain that would be too large; [`Error::Interrupted`].
    pub fn new(edges: &EdgeDiscretisation, long_step: f64, start: &[f64], interrupt: Interrupt) -> Result<Self, Error> {
        let guess = edges.law.as_ref().map_or(start, |law| law.probability.as_slice());
        Self::with_guess(edges, long_step, guess, interrupt)
    }

    fn with_guess(
        edges: &EdgeDiscretisation,
        long_step: f64,
        guess: &[f64],
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        let (dynamics, temperature, grid) = (edges.dynamics.clone(), edges.temperature, edges.grid.clone());
        let pair = Pair::new(builder(&dynamics, temperature, &grid).as_ref(), long_step, interrupt)?;
        let at_rest = at_rest(&pair, guess, interrupt)?;
        Ok(Self { dynamics, temperature, grid, edges: edges.edges.clone(), pair: Arc::new(pair), at_rest })
    }

    /// The chain on the grid coarsened by 2 with long steps four times as long, where the noise covers the coarser cells; None
    /// where it does not. Errors: a chain that fails, [`Error::Interrupted`].
    fn with_coarser_cells(&self, start: &[f64], interrupt: Interrupt) -> Result<Option<Self>, Error> {
        let long_step = self.pair.long_step();
        let Some(grid) = self.grid.coarsened() else { return Ok(None) };
        let start = self.grid.coarsen_probability(start);
        let law = self.at_rest.as_ref().ok().map(|found| self.grid.coarsen_probability(&found.law.probability));
        let laws: Vec<&[f64]> = [start.as_slice()].into_iter().chain(law.as_deref()).collect();
        if !covers(self.dynamics.as_ref(), self.temperature, &grid, &laws, 2.0 * long_step) {
            return Ok(None);
        }
        let edges = EdgeDiscretisation::on(&self.dynamics, self.temperature, &grid)?;
        Self::with_guess(&edges, 4.0 * long_step, law.as_deref().unwrap_or(&start), interrupt).map(Some)
    }

    /// The chain on this grid with steps twice as long. Errors: a chain that fails, [`Error::Interrupted`].
    fn with_longer_steps(&self, start: &[f64], interrupt: Interrupt) -> Result<Self, Error> {
        let pair = self.pair.doubled(self.builder().as_ref(), interrupt)?;
        let guess = self.at_rest.as_ref().map_or(start, |found| found.pair.laws[1].as_slice());
        let at_rest = at_rest(&pair, guess, interrupt)?;
        Ok(Self { pair: Arc::new(pair), at_rest, ..self.clone() })
    }

    /// Whether the noise of a step covers the cells on the chain's own stationary law, where it has one.
    pub fn covers_at_rest(&self) -> bool {
        let Ok(found) = &self.at_rest else { return true };
        let tau = 0.5 * self.pair.long_step();
        covers(self.dynamics.as_ref(), self.temperature, &self.grid, &[&found.law.probability], tau)
    }

    fn builder(&self) -> Box<Build<'static>> {
        builder(&self.dynamics, self.temperature, &self.grid)
    }

    fn passages(&self) -> Passages<'_> {
        let long_step = self.pair.long_step();
        Passages { dynamics: self.dynamics.as_ref(), temperature: self.temperature, grid: &self.grid, long_step }
    }
}

/// Makes chains on a grid.
fn builder(dynamics: &Arc<dyn Dynamics>, temperature: f64, grid: &Grid) -> Box<Build<'static>> {
    let (dynamics, grid) = (dynamics.clone(), grid.clone());
    Box::new(move |step, interrupt| Chain::new_until(dynamics.as_ref(), temperature, &grid, step, interrupt))
}

/// The stationary laws of a pair from a guess, or why there are none. Errors: [`Error::Interrupted`].
fn at_rest(pair: &Pair, guess: &[f64], interrupt: Interrupt) -> Result<Result<Arc<AtRest>, Error>, Error> {
    match pair.stationary(guess, interrupt) {
        Ok(found) => {
            let law = extrapolated(&found.laws[0], &found.laws[1]);
            Ok(Ok(Arc::new(AtRest { law: StationaryLaw::from_probability(law, CHAIN.name), pair: found })))
        }
        Err(error @ Error::Interrupted { .. }) => Err(error),
        Err(error) => Ok(Err(error)),
    }
}

impl Discretisation for ChainDiscretisation {
    fn kind(&self) -> &'static DiscretisationKind {
        &CHAIN
    }

    fn grid(&self) -> &Grid {
        &self.grid
    }

    fn law(&self) -> Result<&StationaryLaw, Error> {
        self.at_rest.as_ref().map(|found| &found.law).map_err(Clone::clone)
    }

    fn stationary(&self) -> Result<Stationary, Error> {
        let AtRest { law, pair } = self.at_rest.as_deref().map_err(Clone::clone)?;
        let Observed { current, entropy_production } =
            observe(self.dynamics.as_ref(), self.temperature, &self.grid, &law.probability)?;
        let fluxes = Fluxes { current, entropy_production, residual: pair.residual };
        Ok(Stationary::new(law, Place { grid: &self.grid, cells: None, temperature: self.temperature }, fluxes))
    }

    fn evolution(
        &self,
        start: Vec<f64>,
        from: f64,
        _times: &[f64],
        _integrator: IntegratorOptions,
    ) -> Result<Evolution, Error> {
        let tau = 0.5 * self.pair.long_step();
        Ok(Evolution {
            method: CHAIN.name,
            reason: format!("steps of {tau:.3e}, extrapolated with steps twice as long"),
            stepper: Box::new(ChainStepper::new(self.builder(), self.pair.clone(), start, from)),
            system: None,
        })
    }

    fn modes(&self, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
        let generator = &self.edges.generator;
        if self.has_exit() {
            let nu = decay_weights(&System::new(generator.clone(), self.grid.shape(), None), interrupt)?;
            let weights = [&nu, &nu].map(|pi| Weights { pi, conserved: false });
            return slow_modes(&self.pair, generator, &weights, count, interrupt);
        }
        let found = self.at_rest.as_deref().map_err(Clone::clone)?;
        let weights = [0, 1].map(|k| Weights { pi: &found.pair.laws[k], conserved: true });
        slow_modes(&self.pair, generator, &weights, count, interrupt)
    }

    fn passage(
        &self,
        problem: &PassageProblem,
        _integrator: IntegratorOptions,
        interrupt: Interrupt,
    ) -> Result<GridPassage, Error> {
        self.passages().answer(problem, interrupt)
    }

    fn passage_at_start(&self, problem: &PassageProblem, interrupt: Interrupt) -> AtStart {
        let Ok(found) = self.passages().fields(problem, interrupt) else { return AtStart::default() };
        let weights = interpolation(&self.grid, None, problem.from);
        let here = |field: &[f64]| at(&weights, field);
        AtStart {
            mean_time: Some(here(&found.mean_time)),
            committor: found.committor.as_deref().map(here),
            exit: found.exit.as_deref().map(here),
            conditional: conditional(&weights, found.weighted.as_deref(), found.committor.as_deref()),
        }
    }

    /// The chain on 2h with steps 4τ, or on h with steps 2τ where the noise of no step covers the cells of 2h; none where it fails.
    fn coarser(&self, start: &[f64], interrupt: Interrupt) -> Result<Option<Coarser>, Error> {
        let long_step = self.pair.long_step();
        let found: Result<(Self, Box<dyn ErrorLaw>), Error> = match self.with_coarser_cells(start, interrupt) {
            Ok(Some(coarser)) => Ok((coarser, Box::new(ByCoarserChain { long_step }))),
            Ok(None) => self
                .with_longer_steps(start, interrupt)
                .map(|longer| (longer, Box::new(ByLongerSteps { long_step }) as _)),
            Err(error) => Err(error),
        };
        match found {
            Ok((coarser, errors)) => Ok(Some(Coarser { levels: vec![Box::new(coarser)], errors })),
            Err(error @ Error::Interrupted { .. }) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn has_exit(&self) -> bool {
        self.edges.generator.has_exit()
    }

    fn peclet(&self) -> &[f64] {
        &self.edges.peclet
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        self.edges.counts()
    }

    fn warnings(&self) -> &[String] {
        &self.edges.warnings
    }

    fn unextrapolated_at_rest(&self) -> Option<[Vec<f64>; 2]> {
        self.at_rest.as_ref().ok().map(|found| [0, 1].map(|k| averages(&self.grid, &found.pair.laws[k])))
    }

    fn reconstruction_error(&self, centre: &[f64]) -> f64 {
        reconstruction_error(&self.grid, centre)
    }
}
