//! The long-step chain as a discretisation: steps τ and 2τ extrapolated, errors by coarser cells or longer steps.

use std::sync::Arc;

use super::effort::Effort;
use super::errors::{ByCoarserChain, ByLongerSteps, ByShorterSteps, Passing};
use super::extrapolation::{Build, Pair, PairLaw};
use super::first_passage::{Passages, conditional};
use super::lattice_law::Uncovered;
use super::long_steps::{ChainStepper, SHORTENED};
use super::observables::{Observed, observe};
use super::planning::{LongStep, suitable_long_step};
use super::slow_modes::slow_modes;
use super::step_choice::covers;
use super::transition::{Chain, MOST_ENTRIES_UNASKED, applies};
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
/// Operations of a companion of longer steps from which on it is not built: many by themselves, and many times those of its chain.
const DEAR: [f64; 2] = [3e8, 8.0];
/// Numbers that the Krylov space of the solver holds at most.
const KRYLOV_NUMBERS: f64 = 2e7;

/// Bytes of the vectors of the solver.
pub fn vectors(cells: f64) -> f64 {
    8.0 * KRYLOV_NUMBERS.min(250.0 * cells)
}

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
        (asked || entries <= MOST_ENTRIES_UNASKED).then(|| WITH_COARSER * 9.0 * entries + vectors(cells))
    },
    build: |problem, start, interrupt| {
        let edges = EdgeDiscretisation::unsolved(problem, &problem.grid)?;
        applies(&edges.grid)?;
        let edges = edges.solved(interrupt)?;
        let effort = Arc::new(Effort::new(problem));
        let times = (start.time, problem.times.as_slice());
        let Some(step) = suitable_long_step(&edges, start.law, times, &effort, interrupt)? else {
            return Err(Error::numerical(
                "the long-step chain",
                "before its first step",
                "no length of a step resolves the noise on this grid, and the drift is the same everywhere",
                "use more cells, or the discretisation \"edges\"",
            )
            .set_by(&[Setting::Discretisation]));
        };
        let step = step.snapped(start.time, &problem.times);
        Ok(Box::new(ChainDiscretisation::new(&edges, step, start.law, &effort, interrupt)?))
    },
};

/// Chains of steps τ and 2τ on a grid with, where they exist, their stationary laws.
#[derive(Clone)]
pub struct ChainDiscretisation {
    dynamics: Arc<dyn Dynamics>,
    temperature: f64,
    grid: Grid,
    /// The edge generator that it takes the place of: Péclet numbers, exits.
    edges: Arc<EdgeGenerator>,
    pair: Arc<Pair>,
    uncovered: Uncovered,
    /// Those of the edge generator, and on a noise that does not cover the cells.
    warnings: Vec<String>,
    /// The stationary laws, or why there are none.
    at_rest: Result<Arc<AtRest>, Error>,
    /// Where operations are counted.
    effort: Arc<Effort>,
    /// The edge generator that answers for first passages, where the law starts and rests at moderate Péclet numbers.
    passages_by: Option<Arc<EdgeDiscretisation>>,
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
    pub fn new(
        edges: &EdgeDiscretisation,
        step: LongStep,
        start: &[f64],
        effort: &Arc<Effort>,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        let guess = edges.law.as_ref().map_or(start, |law| law.probability.as_slice());
        let chain = Self::with_guess(edges, step, guess, effort, interrupt)?;
        if step.uncovered == Uncovered::Arms {
            return Ok(chain);
        }
        let mut chain = chain.with_passages_by(edges);
        chain.warnings.extend(chain.uncovered_warning(start));
        Ok(chain)
    }

    /// On the excess of variance where the noise of a step does not cover the cells, on the probability at the start and at rest.
    fn uncovered_warning(&self, start: &[f64]) -> Option<String> {
        let excess = &self.pair.long.excess;
        let at_rest = self.at_rest.as_ref().ok().map(|found| found.law.probability.as_slice());
        let of = |law: &[f64]| -> (f64, f64) {
            let found = law.iter().zip(excess);
            found.fold((0.0, 0.0), |(share, sum), (p, e)| (share + if *e > 0.0 { *p } else { 0.0 }, sum + p * e))
        };
        let laws = [Some(start), at_rest].into_iter().flatten().map(of);
        let (share, mean) = laws.fold((0.0f64, 0.0f64), |a, b| (a.0.max(b.0), a.1.max(b.1)));
        (share > 0.0).then(|| {
            format!(
                "the noise of a step of {:.3e} does not cover a cell on up to {:.0} % of the probability: each step has \
                 {mean:.2} squared cells of variance too much on the average, which error_grid counts; more cells make it less",
                self.pair.long.step,
                100.0 * share,
            )
        })
    }

    fn with_guess(
        edges: &EdgeDiscretisation,
        LongStep { length, uncovered }: LongStep,
        guess: &[f64],
        effort: &Arc<Effort>,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        let (dynamics, temperature, grid) = (edges.dynamics.clone(), edges.temperature, edges.grid.clone());
        let effort = effort.clone();
        let pair = Pair::new(
            builder((&dynamics, temperature), &grid, (uncovered, length), &effort).as_ref(),
            length,
            interrupt,
        )?;
        let at_rest = at_rest(&pair, guess, interrupt)?;
        let (edges, pair) = (edges.edges.clone(), Arc::new(pair));
        let warnings = edges.warnings.clone();
        Ok(Self { dynamics, temperature, grid, edges, pair, uncovered, warnings, at_rest, effort, passages_by: None })
    }

    /// With first passages by the edge generator: they depend on the law at rest and on barriers, whose cells the noise of a step need not
    /// cover.
    pub fn with_passages_by(self, edges: &EdgeDiscretisation) -> Self {
        Self { passages_by: Some(Arc::new(edges.clone())), ..self }
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
        let step = LongStep { length: 4.0 * long_step, uncovered: Uncovered::Arms };
        let coarse = Self::with_guess(&edges, step, law.as_deref().unwrap_or(&start), &self.effort, interrupt)?;
        Ok(Some(if self.passages_by.is_some() { coarse.with_passages_by(&edges) } else { coarse }))
    }

    /// The chain on this grid with steps twice as long. Errors: a chain that fails or would take far more than this one,
    /// [`Error::Interrupted`].
    fn with_longer_steps(&self, start: &[f64], interrupt: Interrupt) -> Result<Self, Error> {
        let sde = (self.dynamics.as_ref(), self.temperature);
        let of = |step: f64| Chain::expected(sde, &self.grid, step, self.uncovered, &self.effort);
        let (own, longer) = (of(self.pair.long_step())?, of(2.0 * self.pair.long_step())?);
        if longer.operations > DEAR[0].max(DEAR[1] * own.operations) {
            let place = format!("with steps of {:e}", 2.0 * self.pair.long_step());
            let what = "it would take far more than the chain whose error it should tell";
            return Err(Error::numerical("the long-step chain", place, what, "use the edge generator"));
        }
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
        builder((&self.dynamics, self.temperature), &self.grid, (self.uncovered, self.pair.long_step()), &self.effort)
    }

    fn passages(&self) -> Passages<'_> {
        let long_step = self.pair.long_step();
        Passages { dynamics: self.dynamics.as_ref(), temperature: self.temperature, grid: &self.grid, long_step }
    }
}

/// Makes chains on a grid, and counts what they take. Steps much shorter than those of the long step, for outputs soon after the start, do not cover
/// the cells: their laws are contracted.
fn builder(
    (dynamics, temperature): (&Arc<dyn Dynamics>, f64),
    grid: &Grid,
    (uncovered, long_step): (Uncovered, f64),
    effort: &Arc<Effort>,
) -> Box<Build<'static>> {
    let (dynamics, grid, effort) = (dynamics.clone(), grid.clone(), effort.clone());
    Box::new(move |step, interrupt| {
        let short = step < 0.5 * SHORTENED * long_step;
        let uncovered = if short { Uncovered::Contracted } else { uncovered };
        Chain::with_laws((dynamics.as_ref(), temperature), &grid, step, uncovered, &effort, interrupt)
    })
}

/// The stationary laws of a pair from a guess, or why there are none. Errors: [`Error::Interrupted`].
fn at_rest(pair: &Pair, guess: &[f64], interrupt: Interrupt) -> Result<Result<Arc<AtRest>, Error>, Error> {
    match pair.stationary(guess, interrupt) {
        Ok(found) => {
            let law = pair.law(&found.laws[0], &found.laws[1]);
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
        let reason = match self.uncovered {
            Uncovered::Arms => format!("steps of {tau:.3e}, extrapolated with steps twice as long"),
            Uncovered::Contracted => format!("steps of {:.3e}, and of half of that for the error", 2.0 * tau),
        };
        Ok(Evolution {
            method: CHAIN.name,
            reason,
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
        integrator: IntegratorOptions,
        interrupt: Interrupt,
    ) -> Result<GridPassage, Error> {
        if let Some(edges) = &self.passages_by {
            return edges.passage(problem, integrator, interrupt);
        }
        self.passages().answer(problem, interrupt)
    }

    fn passage_at_start(&self, problem: &PassageProblem, interrupt: Interrupt) -> AtStart {
        if let Some(edges) = &self.passages_by {
            return edges.passage_at_start(problem, interrupt);
        }
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
        if self.uncovered == Uncovered::Contracted {
            return Ok(Some(Coarser { levels: vec![Box::new(self.clone())], errors: Box::new(ByShorterSteps) }));
        }
        let (long_step, passages) = (self.pair.long_step(), Passing::by(self.passages_by.is_some()));
        let found: Result<(Self, Box<dyn ErrorLaw>), Error> = match self.with_coarser_cells(start, interrupt) {
            Ok(Some(coarser)) => Ok((coarser, Box::new(ByCoarserChain { long_step, passages }))),
            Ok(None) => self
                .with_longer_steps(start, interrupt)
                .map(|longer| (longer, Box::new(ByLongerSteps { long_step, passages }) as _)),
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
        &self.warnings
    }

    fn unextrapolated_at_rest(&self) -> Option<[Vec<f64>; 2]> {
        self.at_rest.as_ref().ok().map(|found| [0, 1].map(|k| averages(&self.grid, &found.pair.laws[k])))
    }

    fn reconstruction_error(&self, centre: &[f64]) -> f64 {
        reconstruction_error(&self.grid, centre)
    }
}
