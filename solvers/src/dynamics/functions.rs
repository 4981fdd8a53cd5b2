//! Drift and diffusion given as functions of one point: the shortest way to a problem of one's own.

use std::sync::Arc;

use crate::model::Model;
use crate::numerics::symmetric::packed_len;
use crate::problem::Problem;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;
use crate::problem::initial::Initial;

/// dθ = b(θ) dt + √(2T) S dW (Itô) with b and D = S Sᵀ as functions of one point θ (d): `drift(θ, b)` writes b (d),
/// `diffusion(θ, D)` writes D (packed, d(d+1)/2, without the temperature).
pub struct FromFunctions<B, D> {
    dimension: usize,
    drift: B,
    diffusion: D,
}

impl<B, D> FromFunctions<B, D>
where
    B: Fn(&[f64], &mut [f64]) + Send + Sync,
    D: Fn(&[f64], &mut [f64]) + Send + Sync,
{
    /// The dynamics of a drift and a diffusion matrix in `dimension` variables, 1 to 3.
    pub fn new(dimension: usize, drift: B, diffusion: D) -> Self {
        Self { dimension, drift, diffusion }
    }
}

impl<B, D> Dynamics for FromFunctions<B, D>
where
    B: Fn(&[f64], &mut [f64]) + Send + Sync,
    D: Fn(&[f64], &mut [f64]) + Send + Sync,
{
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let (d, n) = (self.dimension, points.len() / self.dimension);
        let (mut at, mut b, mut matrix) = (vec![0.0; d], vec![0.0; d], vec![0.0; packed_len(d)]);
        for i in 0..n {
            (0..d).for_each(|k| at[k] = points[k * n + i]);
            (self.drift)(&at, &mut b);
            (self.diffusion)(&at, &mut matrix);
            b.iter().enumerate().for_each(|(k, value)| drift[k * n + i] = *value);
            matrix.iter().enumerate().for_each(|(c, value)| diffusion[c * n + i] = *value);
        }
    }
}

/// The drift of a dynamics as a model without loss and samples.
struct Drift(Arc<dyn Dynamics>);

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

impl Problem {
    /// The problem of a dynamics at temperature T on a grid, without loss and samples: variables are named by the axes, the
    /// seed is 1.
    pub fn of_dynamics(
        dynamics: Arc<dyn Dynamics>,
        temperature: f64,
        grid: Grid,
        initial: Initial,
        times: Vec<f64>,
    ) -> Self {
        Self {
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
}
