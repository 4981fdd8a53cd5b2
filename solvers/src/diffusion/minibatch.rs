//! The noise of minibatches: D = covariance of the per-sample gradients, divisor m.

use super::Diffusion;
use crate::model::Model;

/// D(θ) = (1/m) Σ g_s g_sᵀ − ∇L ∇Lᵀ, found together with ∇L in one pass over the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minibatch;

impl Diffusion for Minibatch {
    fn diffusion(&self, model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        model.gradient_covariance(points, &mut vec![0.0; points.len()], diffusion);
    }

    fn gradient_diffusion(&self, model: &dyn Model, points: &[f64], gradient: &mut [f64], diffusion: &mut [f64]) {
        model.gradient_covariance(points, gradient, diffusion);
    }
}
