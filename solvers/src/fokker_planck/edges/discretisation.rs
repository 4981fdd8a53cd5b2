//! The edge generator as a discretisation: dp/dt = Qᵀp by an integrator of choice, Qᵀπ = 0, coarser grids for its errors.

use std::sync::Arc;

use super::assembly::{EdgeGenerator, edge_generator};
use super::first_passage::{at_start, first_passage};
use crate::Error;
use crate::engine::Interrupt;
use crate::engine::Stationary;
use crate::escape::on_grid::{AtStart, GridPassage, PassageProblem};
use crate::fokker_planck::accuracy::richardson::{self, Extrapolated, ORDER, change, highest, richardson};
use crate::fokker_planck::cells::prolongation::refined_log;
use crate::fokker_planck::cells::weighted::WeightedCells;
use crate::fokker_planck::discretisation::{
    Coarser, Discretisation, DiscretisationKind, ErrorLaw, Evolution, Observables,
};
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::generator::current::entropy_production;
use crate::fokker_planck::integrator::active::Active;
use crate::fokker_planck::integrator::system::{IntegratorOptions, System, Task};
use crate::fokker_planck::integrator::table::choose_with_reason;
use crate::fokker_planck::spectrum::{Spectrum, decay, spectrum};
use crate::fokker_planck::stationary::density::Place;
use crate::fokker_planck::stationary::law::StationaryLaw;
use crate::fokker_planck::stationary::solve::{balanced_law, stationary_law_from};
use crate::problem::Problem;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// The edge generator's entry in the table of discretisations.
pub static EDGES: DiscretisationKind = DiscretisationKind {
    word: "edges",
    name: "edge generator",
    about: "edge generator: exponential fitting on Selling edges, sparse, keeps detailed balance",
    order: ORDER,
    positive: true,
    keeps_detailed_balance: true,
    diffusive: true,
    own_steps: false,
    needs_fine_grid: false,
    reference: "doi:10.1109/T-ED.1969.16566",
    memory: |_, _| None,
    build: |problem, _, interrupt| {
        let edges = EdgeDiscretisation::unsolved(problem, &problem.grid)?;
        Ok(Box::new(edges.solved(interrupt)?))
    },
};

/// Entropy production by jump below which a stationary density counts as reversible: the quadrature of the exponents leaves some.
const REVERSIBLE: f64 = 1e-6;

/// A grid with its edge generator and, where it exists, its stationary law.
#[derive(Clone)]
pub struct EdgeDiscretisation {
    /// Drift and D.
    pub dynamics: Arc<dyn Dynamics>,
    /// Temperature T.
    pub temperature: f64,
    /// The grid.
    pub grid: Grid,
    /// The generator and what was done to get it.
    pub edges: Arc<EdgeGenerator>,
    /// The stationary law, or why there is none.
    pub law: Result<Arc<StationaryLaw>, Error>,
}

impl EdgeDiscretisation {
    /// The generator of `problem` on `grid` alone, its stationary law unsolved. Errors: coefficients that are not finite.
    pub fn unsolved(problem: &Problem, grid: &Grid) -> Result<Self, Error> {
        Self::on(&problem.dynamics, problem.temperature, grid)
    }

    /// The generator of drift b and A = T·D on `grid` alone. Errors: coefficients that are not finite.
    pub fn on(dynamics: &Arc<dyn Dynamics>, temperature: f64, grid: &Grid) -> Result<Self, Error> {
        let edges = Arc::new(edge_generator(dynamics.as_ref(), temperature, grid)?);
        let law = Err(Error::invalid("the stationary density was not solved", "solve it"));
        Ok(Self { dynamics: dynamics.clone(), temperature, grid: grid.clone(), edges, law })
    }

    /// The same problem on another grid, unsolved. Errors: coefficients that are not finite.
    fn on_grid(&self, grid: &Grid) -> Result<Self, Error> {
        Self::on(&self.dynamics, self.temperature, grid)
    }

    /// With the stationary law of the generator. Errors: [`Error::Interrupted`].
    pub fn solved(mut self, interrupt: Interrupt) -> Result<Self, Error> {
        if self.law.is_ok() {
            return Ok(self);
        }
        let guess = || self.coarse_guess(&self.grid, interrupt);
        self.law = match stationary_law_from(&self.edges.generator, self.grid.shape(), &guess, interrupt) {
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            law => law.map(Arc::new),
        };
        Ok(self)
    }

    /// With the stationary law of the generator where that takes next to nothing: on a line, and where detailed balance holds. Errors: [`Error::Interrupted`].
    pub fn solved_if_easy(mut self, interrupt: Interrupt) -> Result<Self, Error> {
        if self.grid.dimension() == 1 {
            return self.solved(interrupt);
        }
        if let Some(law) = balanced_law(&self.edges.generator) {
            self.law = Ok(Arc::new(law));
        }
        Ok(self)
    }

    /// ln π of `grid` coarsened by 2, interpolated: where an iteration on it starts.
    fn coarse_guess(&self, grid: &Grid, interrupt: Interrupt) -> Option<Vec<f64>> {
        let coarse = grid.coarsened()?;
        let generator = edge_generator(self.dynamics.as_ref(), self.temperature, &coarse).ok()?.generator;
        let guess = || self.coarse_guess(&coarse, interrupt);
        let law = stationary_law_from(&generator, coarse.shape(), &guess, interrupt).ok()?;
        Some(refined_log(grid, &coarse, &law.log_probability))
    }

    /// The laws that a choice looks at: the initial one and, where it is solved, the stationary one.
    pub fn laws<'a>(&'a self, start: &'a [f64]) -> Vec<&'a [f64]> {
        [start].into_iter().chain(self.law.as_ref().ok().map(|law| law.probability.as_slice())).collect()
    }

    /// Whether detailed balance holds up to quadrature.
    fn nearly_reversible(&self) -> bool {
        let Ok(law) = &self.law else { return false };
        let generator = &self.edges.generator;
        let jumps: f64 = law.probability.iter().zip(generator.leaving()).map(|(p, rate)| p * rate).sum();
        law.reversible || entropy_production(generator, &law.probability) < REVERSIBLE * jumps
    }
}

impl Discretisation for EdgeDiscretisation {
    fn kind(&self) -> &'static DiscretisationKind {
        &EDGES
    }

    fn grid(&self) -> &Grid {
        &self.grid
    }

    fn law(&self) -> Result<&StationaryLaw, Error> {
        self.law.as_deref().map_err(Clone::clone)
    }

    fn stationary(&self) -> Result<Stationary, Error> {
        let place = Place { grid: &self.grid, cells: self.edges.weighted.as_deref(), temperature: self.temperature };
        Ok(Stationary::of_generator(self.law()?, &self.edges.generator, place))
    }

    fn evolution(
        &self,
        start: Vec<f64>,
        from: f64,
        times: &[f64],
        integrator: IntegratorOptions,
    ) -> Result<Evolution, Error> {
        let law = self.law.as_ref().ok().cloned();
        let system = Arc::new(System::new(self.edges.generator.clone(), self.grid.shape(), law));
        let times = times.iter().copied().filter(|&t| t >= from).collect();
        let task = Task { system: system.clone(), start, from, times, tolerance: integrator.tolerance, step: None };
        let task = match Active::new(task, integrator.name)? {
            Err(task) => task,
            Ok(active) => {
                let [cells, all] = active.cells();
                let reason =
                    format!("at first on the {cells} of {all} cells that hold probability: {}", active.reason());
                let (method, system) = (active.method(), Some(system));
                return Ok(Evolution { method, reason, stepper: Box::new(active), system });
            }
        };
        let (method, reason) = choose_with_reason(integrator.name, &task)?;
        Ok(Evolution { method: method.name, reason, stepper: (method.build)(task)?, system: Some(system) })
    }

    fn modes(&self, count: usize, interrupt: Interrupt) -> Result<Spectrum, Error> {
        if self.has_exit() {
            return decay(&self.edges.generator, self.grid.shape(), count, interrupt);
        }
        let law = self.law.as_ref().map_err(Clone::clone)?;
        spectrum(&self.edges.generator, self.grid.shape(), law, count, interrupt)
    }

    fn passage(
        &self,
        problem: &PassageProblem,
        integrator: IntegratorOptions,
        interrupt: Interrupt,
    ) -> Result<GridPassage, Error> {
        first_passage(&self.edges.generator, &self.grid, self.edges.weighted.as_deref(), problem, integrator, interrupt)
    }

    fn passage_at_start(&self, problem: &PassageProblem, interrupt: Interrupt) -> AtStart {
        at_start(&self.edges.generator, &self.grid, self.edges.weighted.as_deref(), problem, interrupt)
    }

    /// The generators on the grids 2h and, where it can be coarsened twice, 4h.
    fn coarser(&self, _start: &[f64], interrupt: Interrupt) -> Result<Option<Coarser>, Error> {
        let Some(grid) = self.grid.coarsened() else { return Ok(None) };
        let mut levels: Vec<Box<dyn Discretisation>> = vec![Box::new(self.on_grid(&grid)?.solved(interrupt)?)];
        if let Some(grid) = grid.coarsened() {
            levels.push(Box::new(self.on_grid(&grid)?.solved(interrupt)?));
        }
        let widened = self.edges.widened_cells > 0 && self.edges.singular > 0;
        let errors = ByOrder { reversible: self.nearly_reversible(), no_order: widened };
        Ok(Some(Coarser { levels, errors: Box::new(errors) }))
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

    fn unseen(&self) -> Option<&str> {
        self.edges.unseen.as_deref()
    }

    fn generator(&self) -> Option<&Arc<Generator>> {
        Some(&self.edges.generator)
    }

    fn weighted(&self) -> Option<&Arc<WeightedCells>> {
        self.edges.weighted.as_ref()
    }
}

/// Errors by the order that the grids h, 2h and 4h show.
struct ByOrder {
    /// Whether the fine law is reversible up to quadrature.
    reversible: bool,
    /// Whether D is singular along a line that the offsets do not follow, so that every grid widens it differently: numbers then have no
    /// order, and errors that are unknown.
    no_order: bool,
}

impl ByOrder {
    fn number(&self, fine: f64, coarse: f64, coarsest: Option<f64>, highest: f64) -> Extrapolated {
        if self.no_order {
            return Extrapolated { value: fine, error: f64::NAN };
        }
        richardson::extrapolated(fine, coarse, coarsest, highest)
    }
}

impl ErrorLaw for ByOrder {
    fn extrapolated(&self, fine: f64, coarse: f64, coarsest: Option<f64>) -> Extrapolated {
        self.number(fine, coarse, coarsest, f64::from(ORDER))
    }

    fn extrapolated_at_rest(&self, fine: f64, coarse: f64, coarsest: Option<f64>) -> Extrapolated {
        self.number(fine, coarse, coarsest, highest(self.reversible, true))
    }

    fn extrapolated_passage(&self, _d: usize, fine: f64, coarse: f64, coarsest: Option<f64>) -> Extrapolated {
        self.extrapolated(fine, coarse, coarsest)
    }

    fn error(
        &self,
        fine: &Observables,
        coarse: &Observables,
        coarsest: Option<&Observables>,
        elapsed: Option<f64>,
    ) -> f64 {
        let last = change(fine.grid, &fine.law, &coarse.law);
        let before = coarsest.map(|coarsest| change(coarse.grid, &coarse.law, &coarsest.law));
        richardson(last, before, highest(self.reversible, elapsed.is_none()))
    }
}
