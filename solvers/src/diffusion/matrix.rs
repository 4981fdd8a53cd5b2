//! What a diffusion matrix is: its values, its divergence and its derivatives.

use crate::model::Model;
use crate::numerics::difference::{STEP, derivatives};
use crate::numerics::symmetric::{packed_index, packed_len};

/// A diffusion matrix D(θ) (without the temperature), for points and packed matrices laid out as in [`crate::problem::dynamics`].
pub trait Diffusion: Send + Sync {
    /// D at n points of the model's dimension (packed × n).
    fn diffusion(&self, model: &dyn Model, points: &[f64], diffusion: &mut [f64]);

    /// ∇L (d×n) and D; noises that find both in one pass override it.
    fn gradient_diffusion(&self, model: &dyn Model, points: &[f64], gradient: &mut [f64], diffusion: &mut [f64]) {
        model.gradient(points, gradient);
        self.diffusion(model, points, diffusion);
    }

    /// (∇·D)_i = Σ_j ∂_j D_ij (d×n); the default takes differences of [`Diffusion::derivatives`].
    fn divergence(&self, model: &dyn Model, points: &[f64], divergence: &mut [f64]) {
        let d = model.dimension();
        let n = points.len() / d;
        let derivatives = self.derivatives(model, points);
        divergence.fill(0.0);
        for i in 0..d {
            for j in 0..d {
                let row = (j * packed_len(d) + packed_index(d, i, j)) * n;
                for p in 0..n {
                    divergence[i * n + p] += derivatives[row + p];
                }
            }
        }
    }

    /// All ∂_j D_c (component c, point p at `[(j·packed + c)·n + p]`), by fourth-order central differences with the step
    /// 10⁻³·(1 + |θ_j|).
    fn derivatives(&self, model: &dyn Model, points: &[f64]) -> Vec<f64> {
        let d = model.dimension();
        derivatives(d, points, STEP, packed_len(d), |points, diffusion| self.diffusion(model, points, diffusion))
    }
}
