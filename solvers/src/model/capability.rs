//! What models can do: all of them ([`Model`]), those with data ([`SampleModel`]), those that solve for parameters ([`ProjectedModel`]).

use std::sync::Arc;

use super::regression::Regression;
use super::tabulated::Tabulated;
use crate::numerics::difference::{STEP, stencils};
use crate::numerics::symmetric::{packed_index, packed_len};

/// A loss (or a general drift), evaluated over batches of points.
///
/// n points in d dimensions are coordinate-major: θ_k of point i is `points[k·n + i]`; gradients likewise. Packed
/// symmetric matrices as in [`crate::numerics::symmetric`].
pub trait Model: Send + Sync {
    /// Number of dimensions d.
    fn dimension(&self) -> usize;

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
    /// The default takes fourth-order central differences of the gradient with the step 10⁻³ ℓ_j, ℓ = `lengths` (d), good to
    /// about 10⁻¹¹ relative where the gradient is smooth on that scale.
    fn hessian(&self, points: &[f64], lengths: &[f64], hessian: &mut [f64]) {
        central_hessian(self, points, lengths, hessian);
    }

    /// Its samples; None for a model without data.
    fn data(&self) -> Option<&dyn SampleModel> {
        None
    }

    /// The same of a shared model; a model that has [`Model::data`] has these too.
    fn shared_data(self: Arc<Self>) -> Option<Arc<dyn SampleModel>> {
        None
    }

    /// The parameters besides θ that it solves for at every θ; None where there are none.
    fn projected(&self) -> Option<Arc<dyn ProjectedModel>> {
        None
    }

    /// What is known of the residuals, for a regression with squared loss.
    fn regression(&self) -> Option<&dyn Regression> {
        None
    }

    /// The table that it is interpolated from, for a model that is.
    fn table(&self) -> Option<&dyn Tabulated> {
        None
    }

    /// Fields worth recording besides the loss, by name (for example `condition_number`), each one value per point; often none.
    fn diagnostics(&self, _points: &[f64]) -> Vec<(&'static str, Vec<f64>)> {
        Vec::new()
    }
}

impl dyn Model + '_ {
    /// Number of samples m; 0 for a model without data.
    pub fn sample_count(&self) -> usize {
        self.data().map_or(0, SampleModel::samples)
    }
}

fn central_hessian<M: Model + ?Sized>(model: &M, points: &[f64], lengths: &[f64], hessian: &mut [f64]) {
    let d = model.dimension();
    let n = points.len() / d;
    hessian.fill(0.0);
    let gradient = |points: &[f64], gradient: &mut [f64]| model.gradient(points, gradient);
    stencils(d, points, lengths, STEP, d, gradient, |j, weights, gradient| {
        for i in 0..d {
            let half = if i == j { 1.0 } else { 0.5 }; // off the diagonal the mean of both differences
            let c = packed_index(d, i, j);
            for p in 0..n {
                hessian[c * n + p] += half * weights[p] * gradient[i * n + p];
            }
        }
    });
}

/// A model whose loss is a mean over m samples, L = (1/m) Σ_s l_s.
///
/// Points as for [`Model`]. Per-sample arrays have the samples outside: sample s, point i at `[s·n + i]`.
pub trait SampleModel: Model {
    /// Number of samples m > 0.
    fn samples(&self) -> usize;

    /// Whether the losses of the samples are known, not their gradients alone.
    fn has_losses(&self) -> bool {
        true
    }

    /// Per-sample losses l_s (m×n); NaN where [`SampleModel::has_losses`] is false.
    fn sample_losses(&self, points: &[f64], losses: &mut [f64]);

    /// Per-sample gradients g_s (component k of sample s at point i: `[(k·m + s)·n + i]`).
    fn sample_gradients(&self, points: &[f64], gradients: &mut [f64]);

    /// ∇L (d×n) and the covariance of the per-sample gradients (packed × n), divisor m; models that find both in one pass over
    /// their samples override it.
    fn gradient_covariance(&self, points: &[f64], gradient: &mut [f64], covariance: &mut [f64]) {
        let (d, m) = (self.dimension(), self.samples());
        let n = points.len() / d;
        let mut all = vec![0.0; d * m * n];
        self.sample_gradients(points, &mut all);
        self.gradient(points, gradient);
        let pairs = (0..d).flat_map(|k| (k..d).map(move |l| (k, l)));
        debug_assert_eq!(covariance.len(), packed_len(d) * n);
        for ((k, l), out) in pairs.zip(covariance.chunks_exact_mut(n)) {
            for (i, out) in out.iter_mut().enumerate() {
                let off = |k: usize, s: usize| all[(k * m + s) * n + i] - gradient[k * n + i];
                *out = (0..m).map(|s| off(k, s) * off(l, s)).sum::<f64>() / m as f64;
            }
        }
    }

    /// Mean gradient of one batch per point: `batch[b·n + i]` is the b-th sample of point i's batch; gradient d×n. Models that
    /// need not evaluate all samples for it override it.
    fn batch_gradient(&self, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
        let (d, m) = (self.dimension(), self.samples());
        let n = points.len() / d;
        let size = batch.len() / n;
        let mut all = vec![0.0; d * m * n];
        self.sample_gradients(points, &mut all);
        for k in 0..d {
            for i in 0..n {
                let drawn = (0..size).map(|b| all[(k * m + batch[b * n + i] as usize) * n + i]);
                gradient[k * n + i] = drawn.sum::<f64>() / size as f64;
            }
        }
    }

    /// Whether batches are drawn uniformly from the samples.
    fn uniform_sampling(&self) -> bool {
        true
    }

    /// Probabilities (m×n) that samples are drawn with at n points; for uniform sampling 1/m.
    fn sampling_probabilities(&self, _points: &[f64], probabilities: &mut [f64]) {
        probabilities.fill(1.0 / self.samples() as f64);
    }

    /// Weights in proportion to [`SampleModel::sampling_probabilities`], each added to those of the samples before (m×n): a uniform
    /// number u draws the sample where they pass u times the last of them. Models that find them without the probabilities override it.
    fn cumulative_weights(&self, points: &[f64], sums: &mut [f64]) {
        self.sampling_probabilities(points, sums);
        accumulate(sums, points.len() / self.dimension());
    }
}

/// Partial sums over the samples in the place of the numbers (m×n) of n points.
pub(super) fn accumulate(numbers: &mut [f64], n: usize) {
    for s in n..numbers.len() {
        numbers[s] += numbers[s - n];
    }
}

/// What a model solves for at every θ: u further parameters, such as the amplitudes of a projected regression. Joint descent
/// carries them along instead.
pub trait ProjectedModel: Send + Sync {
    /// Number u of these parameters.
    fn parameters(&self) -> usize;

    /// Their values on all data (u×n).
    fn solve(&self, points: &[f64], values: &mut [f64]);

    /// Mean gradients of one batch per point at given values of these parameters: in θ (d×n) and in them (u×n).
    fn joint_gradient(
        &self,
        points: &[f64],
        values: &[f64],
        batch: &[u32],
        gradient: &mut [f64],
        values_gradient: &mut [f64],
    );
}
