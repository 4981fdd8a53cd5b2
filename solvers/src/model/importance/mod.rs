//! Importance sampling: samples drawn with probabilities p_i(θ) of a [`Scheme`], (1 − ε) p + ε/m with a share ε of uniform draws.
//!
//! ```text
//! biased       mean F = Σ p_i g_i,  covariance Σ p g gᵀ − F Fᵀ
//! reweighted   mean ∇L,             covariance (1/m²) Σ g gᵀ/p − ∇L ∇Lᵀ      (weights 1/(m p_i): unbiased)
//! ```
//!
//! Reweighted, tr D ≥ (mean ‖g‖)² − ‖∇L‖² for every p, with equality for p ∝ ‖g‖ alone (Cauchy & Schwarz). Biased, p ∝ e^{∓l/τ} with a
//! constant τ descends the soft-min and the soft-max loss; with τ(θ) = U(θ)·c the mean is no gradient in two and more dimensions, nor is
//! that of p ∝ l^α or ‖g‖. Clipped gradients, g min(1, c/‖g‖), bias every scheme. With projected amplitudes the gradients g_i are those
//! that the model declares, its amplitudes fitted to all samples alike.

mod scheme;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::error::{Error, Setting};
use crate::model::capability::{Model, SampleModel, accumulate};
use crate::numerics::lanes::dispatch;
use crate::numerics::symmetric::packed_len;
pub(crate) use scheme::LANES;
use scheme::{BLOCK, accumulated, norms};
pub use scheme::{LossScale, Sampling, Scheme};

/// A model whose samples are drawn by importance: the mean and the covariance of its sampled gradients in the place of ∇L and D,
/// so that every noise and every engine can use it.
#[derive(Clone)]
pub struct ImportanceSampled {
    model: Arc<dyn SampleModel>,
    sampling: Sampling,
}

/// Losses (m×n), gradients (clipped) and probabilities (m×n) of one block of n points.
struct Sampled {
    n: usize,
    losses: Vec<f64>,
    gradients: Vec<f64>,
    probabilities: Vec<f64>,
    temperature: Vec<f64>,
}

impl ImportanceSampled {
    /// The model seen through soft-min sampling with smoothing c; `reweight` makes it unbiased. Errors: those of
    /// [`ImportanceSampled::by`].
    pub fn new(model: Arc<dyn Model>, scale: LossScale, smoothing: f64, reweight: bool) -> Result<Self, Error> {
        Self::by(model, Sampling::of(Scheme::SoftMin { scale, smoothing }, reweight))
    }

    /// The model seen through a sampling.
    ///
    /// # Errors
    /// A number of the sampling that is out of range; a model without samples, or without their losses where the scheme needs them.
    pub fn by(model: Arc<dyn Model>, sampling: Sampling) -> Result<Self, Error> {
        sampling.check()?;
        let model = model.shared_data().ok_or_else(|| {
            Error::invalid(
                "importance sampling of a model without samples",
                "give a model with data, or do without importance sampling",
            )
            .set_by(&[Setting::Importance])
        })?;
        if sampling.scheme.needs_losses() && !model.has_losses() {
            return Err(Error::invalid(
                "importance sampling of samples whose losses are not known: the table has their gradients alone",
                "tabulate the losses of the samples, or sample by the norm of the gradients",
            )
            .set_by(&[Setting::Importance]));
        }
        Ok(Self { model, sampling })
    }

    /// How samples are drawn.
    pub fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    /// Probabilities p_s (m×n) at n points.
    pub fn probabilities(&self, points: &[f64], out: &mut [f64]) {
        let m = self.model.samples();
        self.blocks(points, false, |first, n, block| scatter(&block.probabilities, block.n, out, n, first, m));
    }

    /// Effective sample size 1/Σp² at n points: m for uniform sampling, 1 where one sample takes all.
    pub fn effective_sample_size(&self, points: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; points.len() / self.model.dimension()];
        self.blocks(points, false, |first, _, block| {
            for i in 0..block.n {
                let sum: f64 = block.probabilities.iter().skip(i).step_by(block.n).map(|p| p * p).sum();
                out[first + i] = 1.0 / sum;
            }
        });
        out
    }

    /// The loss that biased sampling descends, where it is known ([`Model::has_loss`]): the soft-min loss lies between the smallest loss
    /// (τ → 0) and the mean loss (τ → ∞), the soft-max loss between the mean and the largest; a share ε of L is mixed in.
    pub fn sampled_loss(&self, points: &[f64], out: &mut [f64]) {
        let share = if self.sampling.scheme == Scheme::Uniform { 1.0 } else { self.sampling.uniform };
        if share > 0.0 {
            self.model.loss(points, out);
        }
        if share < 1.0 {
            self.blocks(points, false, |first, _, block| {
                for i in 0..block.n {
                    let soft = self.sampling.potential(&block.losses, block.temperature[i], block.n, i);
                    let all = &mut out[first + i];
                    *all = if share > 0.0 { (1.0 - share) * soft + share * *all } else { soft };
                }
            });
        }
    }

    /// ‖F − ∇L‖, the bias of the mean, and (mean ‖g‖)² − ‖∇L‖², below which no reweighted sampling has its trace of D, at n points.
    pub fn bias_and_bound(&self, points: &[f64]) -> [Vec<f64>; 2] {
        let (d, m) = (self.dimension(), self.samples());
        let n = points.len() / d;
        let (mut drawn, mut mean) = (vec![0.0; d * n], vec![0.0; d * n]);
        self.gradient(points, &mut drawn);
        let (mut bias, mut bound) = (vec![0.0; n], vec![0.0; n]);
        self.model.gradient(points, &mut mean);
        for i in 0..n {
            bias[i] = (0..d).map(|k| (drawn[k * n + i] - mean[k * n + i]).powi(2)).sum::<f64>().sqrt();
        }
        let plain = Self { model: Arc::clone(&self.model), sampling: Sampling { clip: None, ..self.sampling } };
        let mut lengths = vec![0.0; m * BLOCK];
        plain.blocks(points, true, |first, _, block| {
            let all = &mut lengths[..m * block.n];
            norms(&block.gradients, m * block.n, all);
            for i in 0..block.n {
                let length = all.iter().skip(i).step_by(block.n).sum::<f64>() / m as f64;
                let slope = (0..d).map(|k| mean[k * n + first + i].powi(2)).sum::<f64>();
                bound[first + i] = length * length - slope;
            }
        });
        [bias, bound]
    }

    /// Dynamic outliers at level q: 1 where m·p_s < q, else 0 (m×n); the same as l_s > L_τ + τ log(1/q).
    pub fn outliers(&self, points: &[f64], level: f64, out: &mut [f64]) {
        self.probabilities(points, out);
        let m = self.model.samples() as f64;
        out.iter_mut().for_each(|p| *p = if m * *p < level { 1.0 } else { 0.0 });
    }

    /// What a gradient that is drawn with probability p is multiplied by.
    fn weight(&self, p: f64) -> f64 {
        match self.sampling.reweight {
            true if p > 0.0 => 1.0 / (self.samples() as f64 * p),
            true => 0.0,
            false => 1.0,
        }
    }

    /// Calls `work(first, all points, block)` for blocks of points.
    fn blocks(&self, points: &[f64], gradients: bool, mut work: impl FnMut(usize, usize, &Sampled)) {
        let (d, m) = (self.model.dimension(), self.model.samples());
        let (n, scheme) = (points.len() / d, self.sampling.scheme);
        let gradients = gradients || scheme.needs_gradients();
        for first in (0..n).step_by(BLOCK) {
            let count = BLOCK.min(n - first);
            let here: Vec<f64> = (0..d).flat_map(|k| points[k * n + first..k * n + first + count].to_vec()).collect();
            let mut block = Sampled {
                n: count,
                losses: vec![0.0; if scheme.needs_losses() { m * count } else { 0 }],
                gradients: vec![0.0; if gradients { d * m * count } else { 0 }],
                probabilities: vec![0.0; m * count],
                temperature: vec![1.0; count],
            };
            if scheme.needs_losses() {
                self.model.sample_losses(&here, &mut block.losses);
            }
            if gradients {
                self.model.sample_gradients(&here, &mut block.gradients);
            }
            let Sampled { losses, gradients, temperature, probabilities, .. } = &mut block;
            self.sampling.weigh(losses, gradients, temperature, probabilities);
            self.sampling.clip(gradients, m * count);
            work(first, n, &block);
        }
    }
}

dispatch! {
    /// Mean (d×n) and covariance (packed × n) of one sampled gradient at n points.
    /// Biased: F = Σ p g and Σ p (g − F)(g − F)ᵀ; reweighted: ∇L and Σ p (g/(mp) − ∇L)(g/(mp) − ∇L)ᵀ.
    fn sampled_moments(
        d: usize,
        reweight: bool,
        gradients: &[f64],
        probabilities: &[f64],
        mean: &mut [f64],
        covariance: &mut [f64],
    ) {
        let n = mean.len() / d;
        let m = probabilities.len() / n;
        let share = 1.0 / m as f64;
        for (mean, g) in mean.chunks_exact_mut(n).zip(gradients.chunks_exact(m * n)) {
            for (g, p) in g.chunks_exact(n).zip(probabilities.chunks_exact(n)) {
                for i in 0..n {
                    mean[i] += g[i] * if reweight { share } else { p[i] };
                }
            }
        }
        let mut c = 0;
        for k in 0..d {
            for l in k..d {
                let (row, column) = (&gradients[k * m * n..(k + 1) * m * n], &gradients[l * m * n..(l + 1) * m * n]);
                let (f, h) = (&mean[k * n..(k + 1) * n], &mean[l * n..(l + 1) * n]);
                let out = &mut covariance[c * n..(c + 1) * n];
                for s in 0..m {
                    let (a, b, p) = (&row[s * n..][..n], &column[s * n..][..n], &probabilities[s * n..][..n]);
                    for i in 0..n {
                        // what is never drawn has no share in D
                        let weight = if !reweight { 1.0 } else if p[i] > 0.0 { share / p[i] } else { 0.0 };
                        out[i] += p[i] * (weight * a[i] - f[i]) * (weight * b[i] - h[i]);
                    }
                }
                c += 1;
            }
        }
    }
}

fn scatter(rows: &[f64], count: usize, out: &mut [f64], n: usize, first: usize, number: usize) {
    for row in 0..number {
        out[row * n + first..row * n + first + count].copy_from_slice(&rows[row * count..(row + 1) * count]);
    }
}

impl Model for ImportanceSampled {
    fn dimension(&self) -> usize {
        self.model.dimension()
    }

    /// Only where the mean gradient is the gradient of something that is known: reweighted, or τ is constant.
    fn has_loss(&self) -> bool {
        self.sampling.has_potential()
    }

    /// L reweighted, the soft-min or soft-max loss biased with a constant scale, else NaN.
    fn loss(&self, points: &[f64], loss: &mut [f64]) {
        if !self.has_loss() {
            loss.fill(f64::NAN);
        } else if self.sampling.reweight {
            self.model.loss(points, loss);
        } else {
            self.sampled_loss(points, loss);
        }
    }

    fn gradient(&self, points: &[f64], gradient: &mut [f64]) {
        if self.sampling.reweight && self.sampling.clip.is_none() {
            self.model.gradient(points, gradient);
        } else {
            let n = points.len() / self.dimension();
            self.gradient_covariance(points, gradient, &mut vec![0.0; packed_len(self.dimension()) * n]);
        }
    }

    fn data(&self) -> Option<&dyn SampleModel> {
        Some(self)
    }

    fn shared_data(self: Arc<Self>) -> Option<Arc<dyn SampleModel>> {
        Some(self)
    }

    /// Those of the model, `effective_sample_size`, `sampling_bias` and `trace_bound`.
    fn diagnostics(&self, points: &[f64]) -> Vec<(&'static str, Vec<f64>)> {
        let mut fields = self.model.diagnostics(points);
        let [bias, bound] = self.bias_and_bound(points);
        fields.push(("effective_sample_size", self.effective_sample_size(points)));
        fields.push(("sampling_bias", bias));
        fields.push(("trace_bound", bound));
        fields
    }
}

impl SampleModel for ImportanceSampled {
    fn samples(&self) -> usize {
        self.model.samples()
    }

    fn gradient_covariance(&self, points: &[f64], gradient: &mut [f64], covariance: &mut [f64]) {
        let d = self.dimension();
        self.blocks(points, true, |first, n, block| {
            let (mut mean, mut spread) = (vec![0.0; d * block.n], vec![0.0; packed_len(d) * block.n]);
            let Sampled { gradients, probabilities, .. } = block;
            sampled_moments(d, self.sampling.reweight, gradients, probabilities, &mut mean, &mut spread);
            scatter(&mean, block.n, gradient, n, first, d);
            scatter(&spread, block.n, covariance, n, first, packed_len(d));
        });
    }

    fn sample_losses(&self, points: &[f64], losses: &mut [f64]) {
        self.model.sample_losses(points, losses);
    }

    /// Clipped, and reweighted: g/(m p), 0 where a sample is never drawn.
    fn sample_gradients(&self, points: &[f64], gradients: &mut [f64]) {
        let (d, m) = (self.dimension(), self.samples());
        if !self.sampling.reweight && self.sampling.clip.is_none() {
            return self.model.sample_gradients(points, gradients);
        }
        self.blocks(points, true, |first, n, block| {
            let mut weighted = block.gradients.clone();
            for row in weighted.chunks_mut(m * block.n) {
                row.iter_mut().zip(&block.probabilities).for_each(|(g, p)| *g *= self.weight(*p));
            }
            scatter(&weighted, block.n, gradients, n, first, d * m);
        });
    }

    fn uniform_sampling(&self) -> bool {
        false
    }

    fn sampling_probabilities(&self, points: &[f64], probabilities: &mut [f64]) {
        self.probabilities(points, probabilities);
    }

    fn cumulative_weights(&self, points: &[f64], sums: &mut [f64]) {
        let n = points.len() / self.dimension();
        if let (LANES, Some((sign, scale, smoothing))) = (n, self.sampling.scheme.exponential()) {
            self.model.sample_losses(points, sums);
            return accumulated(sums, sign, scale, smoothing, self.sampling.uniform);
        }
        self.sampling_probabilities(points, sums);
        accumulate(sums, n);
    }

    /// The batch must have been drawn with [`ImportanceSampled::probabilities`]; reweighted: mean of g/(m p).
    fn batch_gradient(&self, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
        if !self.sampling.reweight && self.sampling.clip.is_none() {
            return self.model.batch_gradient(points, batch, gradient);
        }
        if self.model.projected().is_some() {
            return self.batch_gradient_of_all(points, batch, gradient);
        }
        let (d, n) = (self.dimension(), points.len() / self.dimension());
        let mut probabilities = vec![0.0; if self.sampling.reweight { self.samples() * n } else { 0 }];
        if self.sampling.reweight {
            self.probabilities(points, &mut probabilities);
        }
        let (mut own, share) = (vec![0.0; d * n], n as f64 / batch.len() as f64);
        gradient.fill(0.0);
        for drawn in batch.chunks_exact(n) {
            self.model.batch_gradient(points, drawn, &mut own);
            self.sampling.clip(&mut own, n);
            for i in 0..n {
                let p = if self.sampling.reweight { probabilities[drawn[i] as usize * n + i] } else { 1.0 };
                let weight = share * self.weight(p);
                (0..d).for_each(|k| gradient[k * n + i] += weight * own[k * n + i]);
            }
        }
    }
}

impl ImportanceSampled {
    /// [`SampleModel::batch_gradient`] of a model that solves for parameters: one sample costs as much as all.
    fn batch_gradient_of_all(&self, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
        let (d, m) = (self.dimension(), self.samples());
        self.blocks(points, true, |first, n, block| {
            let size = batch.len() / n;
            for i in 0..block.n {
                for k in 0..d {
                    let term = |b: usize| {
                        let s = batch[b * n + first + i] as usize;
                        block.gradients[(k * m + s) * block.n + i] * self.weight(block.probabilities[s * block.n + i])
                    };
                    gradient[k * n + first + i] = (0..size).map(term).sum::<f64>() / size as f64;
                }
            }
        });
    }
}
