//! Running the Fokker–Planck engine for a check, with what every run promises held on the way.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Attribute, Engine, OnGrid};
use fpsolve_solvers::fokker_planck::{CHAIN, EDGES, FokkerPlanck, FokkerPlanckOptions, Stationary};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::density::l1;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;

use super::Setting;
use crate::reference::grids;

/// A law at the end of a run.
pub(super) struct Solved {
    /// Cell probabilities.
    pub probability: Vec<f64>,
    /// L1 error, where the exact law is known.
    pub error: f64,
    /// The error that the run reports.
    pub reported: f64,
    /// Largest |Σp − 1|.
    pub mass_error: f64,
    /// Smallest density.
    pub least: f64,
    /// Name of the integrator.
    pub method: String,
}

/// The edge generator.
pub(super) fn edges() -> FokkerPlanckOptions {
    FokkerPlanckOptions { discretisation: Some(&EDGES), ..FokkerPlanckOptions::default() }
}

/// The long-step chain.
pub(super) fn chain() -> FokkerPlanckOptions {
    FokkerPlanckOptions { discretisation: Some(&CHAIN), ..FokkerPlanckOptions::default() }
}

/// [−half, half] along each axis, with reflecting walls. Errors: those of the grid.
pub(super) fn boxed(half: &[f64], cells: usize) -> Result<Grid, Error> {
    let axes: Vec<(f64, f64, usize)> = half.iter().map(|half| (-half, *half, cells)).collect();
    grids::uniform(&axes, Boundary::Reflecting)
}

/// [from, to] with reflecting walls. Errors: those of the grid.
pub(super) fn line(from: f64, to: f64, cells: usize) -> Result<Grid, Error> {
    grids::uniform(&[(from, to, cells)], Boundary::Reflecting)
}

/// A number that an engine reports; NaN where it does not.
pub(super) fn number(engine: &dyn Engine, name: &str) -> f64 {
    engine
        .attributes()
        .into_iter()
        .find_map(|(n, value)| match value {
            Attribute::Float(x) if n == name => Some(x),
            _ => None,
        })
        .unwrap_or(f64::NAN)
}

fn text(engine: &dyn Engine, name: &str) -> String {
    engine
        .attributes()
        .into_iter()
        .find_map(|(n, value)| match value {
            Attribute::Text(text) if n == name => Some(text),
            _ => None,
        })
        .unwrap_or_default()
}

impl Setting<'_> {
    /// The problem that an engine gets.
    pub(super) fn problem(
        &self,
        dynamics: Arc<dyn Dynamics>,
        temperature: f64,
        grid: &Grid,
        initial: Initial,
        times: Vec<f64>,
    ) -> Problem {
        let problem = Problem::of_dynamics(dynamics, temperature, grid.clone(), initial, times);
        Problem { seed: self.seed, ..problem }
    }

    /// A law in time, by the Fokker–Planck engine. Errors: those of the engine.
    pub(super) fn transient(
        &self,
        options: FokkerPlanckOptions,
        (dynamics, temperature): (Arc<dyn Dynamics>, f64),
        grid: &Grid,
        initial: Initial,
        times: &[f64],
        exact: &[f64],
    ) -> Result<Solved, Error> {
        let problem = self.problem(dynamics, temperature, grid, initial, [&[0.0], times].concat());
        let mut engine =
            FokkerPlanck::new_until(&problem, FokkerPlanckOptions { stationary: false, ..options }, self.interrupt)?;
        let mut mass_error = 0.0_f64;
        for &to in times {
            engine.advance(to, self.interrupt)?;
            mass_error = mass_error.max((engine.snapshot().probability.iter().sum::<f64>() - 1.0).abs());
        }
        let probability = engine.snapshot().probability;
        let sum: f64 = probability.iter().sum();
        let mass: f64 = exact.iter().sum();
        let exact: Vec<f64> = exact.iter().map(|p| p / mass).collect();
        let reported = number(&engine, "error_grid") + number(&engine, "error_time");
        Ok(Solved {
            error: l1(&probability, &exact),
            reported,
            // what a method put back counts as lost
            mass_error: mass_error.max((sum - 1.0).abs()).max(number(&engine, "mass_corrected")),
            least: number(&engine, "min_density"),
            method: text(&engine, "method"),
            probability,
        })
    }

    /// The density at rest and its L1 error. Errors: those of the engine; none was found.
    pub(super) fn at_rest(
        &self,
        options: FokkerPlanckOptions,
        (dynamics, temperature): (Arc<dyn Dynamics>, f64),
        grid: &Grid,
        exact: &[f64],
    ) -> Result<(Stationary, f64), Error> {
        let problem = self.problem(dynamics, temperature, grid, Initial::Uniform, vec![0.0, 1.0]);
        let engine = FokkerPlanck::new_until(&problem, options, self.interrupt)?;
        let found = engine.stationary().cloned().ok_or_else(|| {
            Error::numerical("fokker_planck", "at rest", "no density at rest was found", "report it with this suite")
        })?;
        let error = l1(&found.probability, exact);
        Ok((found, error))
    }
}
