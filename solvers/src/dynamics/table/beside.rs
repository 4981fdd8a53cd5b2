//! A dynamics that can make a table of itself.

use std::sync::{Arc, Mutex, PoisonError};

use super::TabulatedDynamics;
use crate::Error;
use crate::engine::Interrupt;
use crate::problem::dynamics::{Drift, Dynamics};
use crate::problem::grid::Grid;

/// A dynamics as it is, with a table of itself on the box of a grid that is made when it is first asked for, once.
pub struct WithTable {
    exact: Arc<dyn Dynamics>,
    grid: Grid,
    cost: usize,
    table: Mutex<Option<Arc<TabulatedDynamics>>>,
}

impl WithTable {
    /// `exact` on the box of a grid; `cost` is how many samples an evaluation goes through.
    pub fn new(exact: Arc<dyn Dynamics>, grid: Grid, cost: usize) -> Self {
        Self { exact, grid, cost, table: Mutex::new(None) }
    }
}

impl Dynamics for WithTable {
    fn dimension(&self) -> usize {
        self.exact.dimension()
    }
    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        self.exact.drift_diffusion(points, drift, diffusion);
    }
    fn additive(&self) -> Option<&dyn Drift> {
        self.exact.additive()
    }
    fn floor(&self) -> f64 {
        self.exact.floor()
    }
    fn potential(&self, points: &[f64], potential: &mut [f64], rest: &mut [f64]) -> bool {
        self.exact.potential(points, potential, rest)
    }
    fn potential_cost(&self) -> usize {
        self.exact.potential_cost()
    }
    fn diffusion_divergence(&self, points: &[f64], lengths: &[f64], divergence: &mut [f64]) {
        self.exact.diffusion_divergence(points, lengths, divergence);
    }
    fn table(&self, interrupt: Interrupt) -> Result<Option<Arc<dyn Dynamics>>, Error> {
        // not held while the table is made: the thread that makes it may be handed other work meanwhile
        let made = || self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let known = made().clone();
        let table = match known {
            Some(table) => table,
            None => {
                let new = TabulatedDynamics::new(Arc::clone(&self.exact), &self.grid, self.cost, interrupt)?;
                Arc::clone(made().get_or_insert(Arc::new(new)))
            }
        };
        Ok(Some(table))
    }
}
