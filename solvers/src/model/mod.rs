//! Models: a loss L(θ) and, where there are data, per-sample losses and gradients.

pub mod importance;

pub use importance::ImportanceSampled;
pub use importance::LossScale;

pub mod data;
pub mod formula;
pub mod regression;
pub mod sample_loss;
pub mod tanh_regression;

use crate::numerics::symmetric::packed_index;

pub use regression::{Projection, Regression};

/// A loss (or a general drift) and its per-sample parts, evaluated over batches of points.
///
/// n points in d dimensions are coordinate-major: θ_k of point i is `points[k·n + i]`; gradients likewise. Packed
/// symmetric matrices as in [`crate::numerics::symmetric`]. Per-sample arrays have the samples outside: sample s, point i at `[s·n + i]`.
pub trait Model: Send + Sync {
    /// Number of dimensions d.
    fn dimension(&self) -> usize;

    /// Number of samples m; 0 for a model without data.
    fn samples(&self) -> usize {
        0
    }

    /// Whether there is a loss; false for a general drift that is no gradient.
    fn has_loss(&self) -> bool {
        true
    }

    /// Mean loss L at n points; NaN where [`Model::has_loss`] is false.
    fn loss(&self, points: &[f64], loss: &mut [f64]);

    /// ∇L (d×n), or minus the drift where there is no loss.
    fn gradient(&self, points: &[f64], gradient: &mut [f64]);

    /// Second derivatives of L (packed × n); without a loss the symmetric part of −∇b.
    ///
    /// The default takes fourth-order central differences of the gradient with the step 10⁻³·(1 + |θ_j|), good to about
    /// 10⁻¹¹ relative where the gradient is smooth on that scale.
    fn hessian(&self, points: &[f64], hessian: &mut [f64]) {
        central_hessian(self, points, hessian);
    }

    /// ∇L (d×n) and the covariance of the per-sample gradients (packed × n), divisor m, in one pass over the samples.
    /// Models without samples leave the covariance at zero.
    fn gradient_covariance(&self, points: &[f64], gradient: &mut [f64], covariance: &mut [f64]) {
        self.gradient(points, gradient);
        covariance.fill(0.0);
    }

    /// Per-sample losses l_s (m×n).
    fn sample_losses(&self, _points: &[f64], _losses: &mut [f64]) {}

    /// Per-sample gradients g_s (component k of sample s at point i: `[(k·m + s)·n + i]`).
    fn sample_gradients(&self, _points: &[f64], _gradients: &mut [f64]) {}

    /// What is known of the residuals, for a regression with squared loss.
    fn regression(&self) -> Option<&dyn Regression> {
        None
    }

    /// Whether batches are drawn uniformly from the samples.
    fn uniform_sampling(&self) -> bool {
        true
    }

    /// Probabilities (m×n) that samples are drawn with at n points; for uniform sampling 1/m.
    fn sampling_probabilities(&self, _points: &[f64], probabilities: &mut [f64]) {
        probabilities.fill(1.0 / self.samples() as f64);
    }

    /// Mean gradient of one batch per point: `batch[b·n + i]` is the b-th sample of point i's batch; gradient d×n.
    fn batch_gradient(&self, _points: &[f64], _batch: &[u32], _gradient: &mut [f64]) {}

    /// Number u of parameters besides θ that are solved for at every θ: the amplitudes of a projected regression. Joint descent
    /// carries them along instead.
    fn projected_parameters(&self) -> usize {
        0
    }

    /// Their values on all data (u×n).
    fn solve_projected(&self, _points: &[f64], _values: &mut [f64]) {}

    /// Mean gradients of one batch per point at given values of these parameters: in θ (d×n) and in them (u×n).
    fn joint_gradient(
        &self,
        _points: &[f64],
        _values: &[f64],
        _batch: &[u32],
        _gradient: &mut [f64],
        _values_gradient: &mut [f64],
    ) {
    }

    /// Fields worth recording besides the loss, by name (for example `condition_number`), each one value per point.
    fn diagnostics(&self, _points: &[f64]) -> Vec<(&'static str, Vec<f64>)> {
        Vec::new()
    }
}

fn central_hessian<M: Model + ?Sized>(model: &M, points: &[f64], hessian: &mut [f64]) {
    let d = model.dimension();
    let n = points.len() / d;
    let mut moved = points.to_vec();
    let mut gradient = vec![0.0; d * n];
    hessian.fill(0.0);
    for j in 0..d {
        let steps: Vec<f64> = points[j * n..(j + 1) * n].iter().map(|x| 1e-3 * (1.0 + x.abs())).collect();
        for (shift, weight) in [(-2.0, 1.0), (-1.0, -8.0), (1.0, 8.0), (2.0, -1.0)] {
            for p in 0..n {
                moved[j * n + p] = points[j * n + p] + shift * steps[p];
            }
            model.gradient(&moved, &mut gradient);
            for i in 0..d {
                let half = if i == j { 1.0 } else { 0.5 }; // off the diagonal the mean of both differences
                let c = packed_index(d, i, j);
                for p in 0..n {
                    hessian[c * n + p] += half * weight / (12.0 * steps[p]) * gradient[i * n + p];
                }
            }
        }
        moved[j * n..(j + 1) * n].copy_from_slice(&points[j * n..(j + 1) * n]);
    }
}
