//! Estimates of the discretisation error by the same problem on the grid coarsened by 2.

use super::options::FokkerPlanckOptions;
use super::run::{Discrete, Transient};
use crate::Error;
use crate::engine::Interrupt;
use crate::grid::Grid;
use crate::problem::Problem;

/// The order of the edge generator, which turns a difference into an error: e(h) = (ρ_2h − ρ_h)/(2^order − 1).
pub const ORDER: i32 = 2;

/// L1 error of cell probabilities on `grid` estimated from those on its coarsening.
pub fn richardson(grid: &Grid, fine: &[f64], coarse: &[f64]) -> f64 {
    let merged = grid.coarsen_probability(fine);
    merged.iter().zip(coarse).map(|(a, b)| (a - b).abs()).sum::<f64>() / (2f64.powi(ORDER) - 1.0)
}

/// The companion run on the coarse grid.
pub(super) struct Companion {
    discrete: Discrete,
    transient: Option<Transient>,
}

impl Companion {
    /// None where an axis cannot be coarsened.
    pub fn new(problem: &Problem, interrupt: Interrupt) -> Result<Option<Self>, Error> {
        let Some(grid) = problem.grid.coarsened() else { return Ok(None) };
        Ok(Some(Self { discrete: Discrete::new(problem, &grid, interrupt)?, transient: None }))
    }

    /// Starts beside the fine run, from the same law.
    pub fn start(
        &mut self,
        grid: &Grid,
        start: &[f64],
        from: f64,
        times: &[f64],
        options: &FokkerPlanckOptions,
    ) -> Result<(), Error> {
        let start = grid.coarsen_probability(start);
        self.transient = Some(Transient::new(&self.discrete, start, from, times, options)?);
        Ok(())
    }

    /// Estimated L1 error of the fine density at time `to`.
    pub fn advance(&mut self, to: f64, grid: &Grid, fine: &[f64], interrupt: Interrupt) -> Result<f64, Error> {
        let Some(transient) = &mut self.transient else { return Ok(0.0) };
        transient.advance(to, interrupt)?;
        Ok(richardson(grid, fine, &transient.probability))
    }

    /// Estimated L1 error of the fine stationary density.
    pub fn stationary(&self, grid: &Grid, fine: &[f64]) -> Option<f64> {
        let law = self.discrete.law.as_ref().ok()?;
        Some(richardson(grid, fine, &law.probability))
    }
}
