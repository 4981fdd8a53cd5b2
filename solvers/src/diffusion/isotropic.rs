//! Constant isotropic noise: D = σ²·I.

use super::matrix::Diffusion;
use crate::model::Model;
use crate::numerics::symmetric::packed_index;

/// D = variance · I everywhere; then the potential Φ is the loss (times the variance).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Isotropic {
    /// Variance σ² ≥ 0 of each component.
    pub variance: f64,
}

impl Diffusion for Isotropic {
    fn diffusion(&self, model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        let d = model.dimension();
        let n = points.len() / d;
        diffusion.fill(0.0);
        for k in 0..d {
            let c = packed_index(d, k, k);
            diffusion[c * n..(c + 1) * n].fill(self.variance);
        }
    }

    fn divergence(&self, _model: &dyn Model, _points: &[f64], divergence: &mut [f64]) {
        divergence.fill(0.0);
    }

    fn derivatives(&self, model: &dyn Model, points: &[f64]) -> Vec<f64> {
        let d = model.dimension();
        vec![0.0; d * (d + 1) / 2 * points.len()]
    }
}
