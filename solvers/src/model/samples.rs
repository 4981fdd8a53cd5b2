//! Models with data: per-sample losses and gradients, batches, and parameters that are solved for.

use super::Model;
use crate::numerics::symmetric::packed_len;

/// A model whose loss is a mean over m samples, L = (1/m) Σ_s l_s.
///
/// Points as for [`Model`]. Per-sample arrays have the samples outside: sample s, point i at `[s·n + i]`.
pub trait SampleModel: Model {
    /// Number of samples m > 0.
    fn samples(&self) -> usize;

    /// Per-sample losses l_s (m×n).
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
