//! The long-step chain as a discretisation: steps τ and 2τ extrapolated, errors by coarser cells or longer steps.

use std::sync::Arc;

use super::errors::{ByCoarserChain, ByLongerSteps, ByStepsAndCells};
use super::extrapolation::{Build, Pair, PairLaw, Steps, extrapolated};
use super::first_passage::{Passages, conditional};
use super::flow_table::{FlowTable, SHARE};
use super::long_steps::{ChainStepper, snapped};
use super::observables::{Observed, observe};
use super::slow_modes::slow_modes;
use super::step_choice::{covers, mean_excess, spread, suitable_step, thin_step};
use super::transition::{Chain, Expected, MOST_ENTRIES_UNASKED, RESTING, applies};
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
/// Bytes of an entry with its part of runs and factors.
const BYTES: f64 = 5.0;
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
        (asked || entries <= MOST_ENTRIES_UNASKED).then_some(WITH_COARSER * BYTES * entries + 8.0 * vectors)
    },
    build: |problem, start, interrupt| {
        let edges = EdgeDiscretisation::unsolved(problem, &problem.grid)?;
        applies(&edges.grid)?;
        let edges = edges.solved(interrupt)?;
        let duration = problem.times.last().map_or(0.0, |end| end - start.time);
        let longest = if duration > 0.0 { duration } else { f64::INFINITY };
        let Some(steps) = suitable_steps(&edges, start.law, [f64::INFINITY, longest]) else {
            return Err(Error::numerical(
                "the long-step chain",
                "before its first step",
                "no length of a step resolves the noise on this grid",
                "use more cells, or the discretisation \"edges\"",
            )
            .set_by(&[Setting::Discretisation]));
        };
        let steps = Steps { long_step: snapped(steps.long_step, start.time, &problem.times), ..steps };
        Ok(Box::new(ChainDiscretisation::new(&edges, steps, start.law, interrupt)?))
    },
};

/// The steps that suit a chain on the grid of an edge generator, on its laws: of covered cells up to the first of `longest`, else up to the second; None
/// where there are none.
pub fn suitable_steps(edges: &EdgeDiscretisation, start: &[f64], longest: [f64; 2]) -> Option<Steps> {
    let (dynamics, laws) = (edges.dynamics.as_ref(), edges.laws(start));
    if let Some(tau) = suitable_step(dynamics, edges.temperature, &edges.grid, &laws, 0.5 * longest[0]) {
        return Some(Steps { long_step: 2.0 * tau, covered: true });
    }
    let step = thin_step(dynamics, edges.temperature, &edges.grid, &laws, 0.5 * longest[1])?;
    Some(Steps { long_step: step, covered: false })
}

/// Cells of an estimate of what a chain takes.
const SAMPLE: usize = 64;

/// What the rows of a pair of chains of these steps would take on the average, the shorter ones first, and how many cells the laws are on. Errors: a
/// flow that does not stay finite.
pub fn expected(edges: &EdgeDiscretisation, start: &[f64], steps: Steps) -> Result<([Expected; 2], usize), Error> {
    let laws = edges.laws(start);
    let cells = spread(&laws, SAMPLE);
    let mut rows = Pair::expected(edges.dynamics.as_ref(), edges.temperature, &edges.grid, steps, &cells)?;
    if FlowTable::serves(&edges.grid) {
        rows.iter_mut().for_each(|row| row.evaluations *= SHARE);
    }
    let awake = (0..edges.grid.len()).filter(|&cell| laws.iter().any(|law| law[cell] > RESTING)).count();
    Ok((rows, awake))
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
    pair: Arc<PairLaw>,
}

impl ChainDiscretisation {
    /// The chain of the given steps in the place of an edge generator, and its stationary law; `start` is the initial law.
    /// Errors: graded axes, a chain that would be too large; [`Error::Interrupted`].
    pub fn new(edges: &EdgeDiscretisation, steps: Steps, start: &[f64], interrupt: Interrupt) -> Result<Self, Error> {
        let guess = edges.law.as_ref().map_or(start, |law| law.probability.as_slice());
        Self::with_guess(edges, steps, guess, interrupt)
    }

    fn with_guess(
        edges: &EdgeDiscretisation,
        steps: Steps,
        guess: &[f64],
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        let (dynamics, temperature, grid) = (edges.dynamics.clone(), edges.temperature, edges.grid.clone());
        let pair = Pair::new(builder(&dynamics, temperature, &grid).as_ref(), steps, interrupt)?;
        let at_rest = at_rest(&pair, guess, interrupt)?;
        Ok(Self { dynamics, temperature, grid, edges: edges.edges.clone(), pair: Arc::new(pair), at_rest })
    }

    /// The chain on the grid coarsened by 2 with steps `times` as long; where steps must cover the cells, None where they do not cover the coarser ones.
    /// Errors: a chain that fails, [`Error::Interrupted`].
    fn with_coarser_cells(&self, start: &[f64], times: f64, interrupt: Interrupt) -> Result<Option<Self>, Error> {
        let steps = self.pair.steps().times(times);
        let Some(grid) = self.grid.coarsened() else { return Ok(None) };
        let start = self.grid.coarsen_probability(start);
        let law = self.at_rest.as_ref().ok().map(|found| self.grid.coarsen_probability(&found.law.probability));
        let laws: Vec<&[f64]> = [start.as_slice()].into_iter().chain(law.as_deref()).collect();
        let tau = 0.5 * steps.long_step;
        if steps.covered && !covers(self.dynamics.as_ref(), self.temperature, &grid, &laws, tau) {
            return Ok(None);
        }
        let edges = EdgeDiscretisation::on(&self.dynamics, self.temperature, &grid)?;
        Self::with_guess(&edges, steps, law.as_deref().unwrap_or(&start), interrupt).map(Some)
    }

    /// The chain on this grid with steps twice as long. Errors: a chain that fails, [`Error::Interrupted`].
    fn with_longer_steps(&self, start: &[f64], interrupt: Interrupt) -> Result<Self, Error> {
        let pair = self.pair.doubled(self.builder().as_ref(), interrupt)?;
        let guess = self.at_rest.as_ref().map_or(start, |found| found.pair.laws[1].as_slice());
        let at_rest = at_rest(&pair, guess, interrupt)?;
        Ok(Self { pair: Arc::new(pair), at_rest, ..self.clone() })
    }

    /// The variance e that a step has too much on the laws, over the E − e that it has more on the grid coarsened by 2; ⅓ where none of it is known.
    fn share_of_excess(&self, start: &[f64]) -> f64 {
        let law = self.at_rest.as_ref().ok().map(|found| found.law.probability.as_slice());
        let laws: Vec<&[f64]> = [start].into_iter().chain(law).collect();
        let step = self.pair.long_step();
        let on = |grid: &Grid| mean_excess(self.dynamics.as_ref(), self.temperature, [&self.grid, grid], &laws, step);
        let coarse = self.grid.coarsened().and_then(|grid| on(&grid));
        match on(&self.grid).zip(coarse) {
            Some((fine, coarse)) if 4.0 * coarse > fine => (fine / (4.0 * coarse - fine)).min(1.0),
            _ => 1.0 / 3.0,
        }
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
        let covered = self.pair.extrapolates();
        Passages {
            dynamics: self.dynamics.as_ref(),
            temperature: self.temperature,
            grid: &self.grid,
            long_step,
            covered,
        }
    }
}

/// Makes chains on a grid.
fn builder(dynamics: &Arc<dyn Dynamics>, temperature: f64, grid: &Grid) -> Box<Build<'static>> {
    let (dynamics, grid) = (dynamics.clone(), grid.clone());
    Box::new(move |step, _| Chain::on_demand(&dynamics, temperature, &grid, step))
}

/// The stationary laws of a pair from a guess, or why there are none. Errors: [`Error::Interrupted`].
fn at_rest(pair: &Pair, guess: &[f64], interrupt: Interrupt) -> Result<Result<Arc<AtRest>, Error>, Error> {
    match pair.stationary(guess, interrupt) {
        Ok(found) => {
            let law = extrapolated(&found.laws[0], &found.laws[1]);
            Ok(Ok(Arc::new(AtRest { law: StationaryLaw::from_probability(law, CHAIN.name), pair: Arc::new(found) })))
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
        integrator: IntegratorOptions,
    ) -> Result<Evolution, Error> {
        let Steps { long_step, covered } = self.pair.steps();
        let reason = if covered {
            format!("steps of {:.3e}, extrapolated with steps twice as long", 0.5 * long_step)
        } else {
            format!("steps of {long_step:.3e}, whose noise does not cover the cells")
        };
        let rest = self.at_rest.as_ref().ok().map(|found| found.pair.clone());
        let stepper = ChainStepper::new(self.builder(), self.pair.clone(), start, from);
        let stepper = stepper.with_rest(rest).within(integrator.most_products);
        Ok(Evolution { method: CHAIN.name, reason, stepper: Box::new(stepper), system: None })
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

    /// The chain on 2h with steps 4τ, or on h with steps 2τ where the noise of no step covers the cells of 2h; where none covers those of h both one on h
    /// with steps twice as long and one on 2h with the same steps; none where it fails.
    fn coarser(&self, start: &[f64], interrupt: Interrupt) -> Result<Option<Coarser>, Error> {
        let long_step = self.pair.long_step();
        let found = if self.pair.extrapolates() {
            match self.with_coarser_cells(start, 4.0, interrupt) {
                Ok(Some(coarser)) => Ok((vec![coarser], Box::new(ByCoarserChain { long_step }) as Box<dyn ErrorLaw>)),
                Ok(None) => self
                    .with_longer_steps(start, interrupt)
                    .map(|longer| (vec![longer], Box::new(ByLongerSteps { long_step }) as _)),
                Err(error) => Err(error),
            }
        } else {
            let longer = self.with_longer_steps(start, interrupt);
            let both = longer.and_then(|longer| Ok((longer, self.with_coarser_cells(start, 1.0, interrupt)?)));
            let of_cells = self.share_of_excess(start);
            both.map(|(longer, cells)| {
                ([longer].into_iter().chain(cells).collect(), Box::new(ByStepsAndCells { of_cells }) as _)
            })
        };
        match found {
            Ok((levels, errors)) => {
                let levels = levels.into_iter().map(|level| Box::new(level) as Box<dyn Discretisation>).collect();
                Ok(Some(Coarser { levels, errors }))
            }
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
        let at_rest = self.at_rest.as_ref().ok().filter(|_| self.pair.extrapolates());
        at_rest.map(|found| [0, 1].map(|k| averages(&self.grid, &found.pair.laws[k])))
    }

    fn reconstruction_error(&self, centre: &[f64]) -> f64 {
        reconstruction_error(&self.grid, centre)
    }
}
