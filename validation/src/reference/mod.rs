//! Exact solutions with their sources, as dynamics or models that the engines run and as probabilities of grid cells.
//!
//! The convention is the project's: dθ = b dt + √(2T) S dW with S Sᵀ = D, T = η/(2B).

pub mod descent;
pub mod line;
pub mod linear;
pub mod manufactured;
pub mod matrix;
pub mod pushed_forward;
pub mod quadrature;

use std::sync::Arc;

use fpsolve_solvers::model::Model;
use fpsolve_solvers::numerics::symmetric::packed_len;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial;

/// A drift as a model without loss and samples, for problems that are given by their dynamics.
#[derive(Clone)]
pub struct Drift(pub Arc<dyn Dynamics>);

impl Model for Drift {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }
    fn has_loss(&self) -> bool {
        false
    }
    fn loss(&self, _points: &[f64], loss: &mut [f64]) {
        loss.fill(f64::NAN);
    }
    fn gradient(&self, points: &[f64], gradient: &mut [f64]) {
        let d = self.dimension();
        let mut diffusion = vec![0.0; packed_len(d) * (points.len() / d)];
        self.0.drift_diffusion(points, gradient, &mut diffusion);
        gradient.iter_mut().for_each(|g| *g = -*g);
    }
}

/// The problem of a dynamics at temperature T on a grid, without samples; the seed is 1.
pub fn problem(
    dynamics: Arc<dyn Dynamics>,
    temperature: f64,
    grid: Grid,
    initial: Initial,
    times: Vec<f64>,
) -> Problem {
    Problem {
        variables: grid.axes().iter().map(|axis| axis.variable().to_string()).collect(),
        model: Arc::new(Drift(Arc::clone(&dynamics))),
        dynamics,
        temperature,
        minibatch: None,
        grid,
        initial,
        times,
        seed: 1,
    }
}

#[cfg(test)]
mod tests;
