//! Importance sampling: samples drawn with the probabilities p_i(θ) = e^{−l_i/τ} / Σ_j e^{−l_j/τ}, τ = U·c.
//!
//! U is the scale of the loss (a constant, the mean loss or the largest loss at θ), c a smoothing without dimension; c → ∞ is
//! uniform sampling. With F = Σ p_i g_i:
//!
//! ```text
//! biased       mean F,  covariance Σ p g gᵀ − F Fᵀ
//! reweighted   mean ∇L, covariance (1/m²) Σ g gᵀ/p − ∇L ∇Lᵀ      (weights 1/(m p_i): unbiased)
//! ```
//!
//! For constant U the biased mean is the gradient of the soft-min loss L_τ = −τ log( (1/m) Σ e^{−l_i/τ} ); for U(θ) it is no
//! gradient in two and more dimensions. With projected amplitudes the gradients g_i are those that the model declares.

use std::sync::Arc;

use crate::error::{Error, Setting};
use crate::model::capability::{Model, SampleModel};
use crate::numerics::lanes::{dispatch, exp};
use crate::numerics::symmetric::packed_len;

/// The scale U of the loss in τ = U·c.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LossScale {
    /// A constant: a frozen scale.
    Constant(f64),
    /// The mean loss L(θ).
    MeanLoss,
    /// The largest sample loss at θ.
    MaxLoss,
}

/// A model whose samples are drawn by importance: the mean and the covariance of its sampled gradients in the place of ∇L and D,
/// so that every noise and every engine can use it.
#[derive(Clone)]
pub struct ImportanceSampled {
    model: Arc<dyn SampleModel>,
    scale: LossScale,
    smoothing: f64,
    reweight: bool,
}

/// Points that are worked on together: bounds the m·d·n numbers held at a time.
const BLOCK: usize = 64;

/// Losses (m×n), gradients and probabilities (m×n) of one block of n points.
struct Sampled {
    n: usize,
    losses: Vec<f64>,
    gradients: Vec<f64>,
    probabilities: Vec<f64>,
    temperature: Vec<f64>,
}

impl ImportanceSampled {
    /// The model seen through importance sampling with smoothing c; `reweight` makes it unbiased.
    ///
    /// # Errors
    /// A smoothing or a constant scale that is not positive; a model without samples.
    pub fn new(model: Arc<dyn Model>, scale: LossScale, smoothing: f64, reweight: bool) -> Result<Self, Error> {
        if !(smoothing > 0.0 && smoothing.is_finite()) {
            return Err(Error::invalid(format!("the smoothing c is {smoothing}"), "c must be a positive number"));
        }
        if let LossScale::Constant(u) = scale
            && !(u > 0.0 && u.is_finite())
        {
            return Err(Error::invalid(format!("the loss scale is {u}"), "the scale must be a positive number"));
        }
        let model = model.shared_data().ok_or_else(|| {
            Error::invalid(
                "importance sampling of a model without samples",
                "give a model with data, or do without importance sampling",
            )
            .set_by(&[Setting::Importance])
        })?;
        if !model.has_losses() {
            return Err(Error::invalid(
                "importance sampling of samples whose losses are not known: the table has their gradients alone",
                "tabulate the losses of the samples, or do without importance sampling",
            )
            .set_by(&[Setting::Importance]));
        }
        Ok(Self { model, scale, smoothing, reweight })
    }

    /// Whether the sampled gradients are reweighted to be unbiased.
    pub fn reweighted(&self) -> bool {
        self.reweight
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

    /// Soft-min loss L_τ at n points; between the smallest loss (τ → 0) and the mean loss (τ → ∞).
    pub fn soft_min_loss(&self, points: &[f64], out: &mut [f64]) {
        let m = self.model.samples() as f64;
        self.blocks(points, false, |first, _, block| {
            for i in 0..block.n {
                let tau = block.temperature[i];
                let losses = || block.losses.iter().skip(i).step_by(block.n);
                let least = losses().fold(f64::INFINITY, |a, &l| a.min(l));
                let sum: f64 = losses().map(|l| ((least - l) / tau).exp_m1()).sum();
                out[first + i] = least - tau * (sum / m).ln_1p();
            }
        });
    }

    /// Dynamic outliers at level q: 1 where m·p_s < q, else 0 (m×n); the same as l_s > L_τ + τ log(1/q).
    pub fn outliers(&self, points: &[f64], level: f64, out: &mut [f64]) {
        self.probabilities(points, out);
        let m = self.model.samples() as f64;
        out.iter_mut().for_each(|p| *p = if m * *p < level { 1.0 } else { 0.0 });
    }

    /// Calls `work(first, all points, block)` for blocks of points.
    fn blocks(&self, points: &[f64], gradients: bool, mut work: impl FnMut(usize, usize, &Sampled)) {
        let (d, m) = (self.model.dimension(), self.model.samples());
        let n = points.len() / d;
        for first in (0..n).step_by(BLOCK) {
            let count = BLOCK.min(n - first);
            let here: Vec<f64> = (0..d).flat_map(|k| points[k * n + first..k * n + first + count].to_vec()).collect();
            let mut block = Sampled {
                n: count,
                losses: vec![0.0; m * count],
                gradients: vec![0.0; if gradients { d * m * count } else { 0 }],
                probabilities: vec![0.0; m * count],
                temperature: vec![0.0; count],
            };
            self.model.sample_losses(&here, &mut block.losses);
            if gradients {
                self.model.sample_gradients(&here, &mut block.gradients);
            }
            let Sampled { losses, temperature, probabilities, .. } = &mut block;
            weigh(losses, self.scale, self.smoothing, temperature, probabilities);
            work(first, n, &block);
        }
    }
}

dispatch! {
    /// τ (n) and the probabilities (m×n) of n points from their losses (m×n).
    fn weigh(
        losses: &[f64],
        scale: LossScale,
        smoothing: f64,
        temperature: &mut [f64],
        probabilities: &mut [f64],
    ) {
        let n = temperature.len();
        let (mut least, mut sum, mut largest) = ([f64::INFINITY; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
        for row in losses.chunks_exact(n) {
            for i in 0..n {
                least[i] = if row[i] < least[i] { row[i] } else { least[i] };
                largest[i] = if row[i] > largest[i] { row[i] } else { largest[i] };
                sum[i] += row[i];
            }
        }
        let m = (losses.len() / n) as f64;
        for i in 0..n {
            let scale = match scale {
                LossScale::Constant(u) => u,
                LossScale::MeanLoss => sum[i] / m,
                LossScale::MaxLoss => largest[i],
            };
            temperature[i] = (scale * smoothing).max(f64::MIN_POSITIVE); // every loss 0: uniform
        }
        sum.fill(0.0);
        for (row, p) in losses.chunks_exact(n).zip(probabilities.chunks_exact_mut(n)) {
            for i in 0..n {
                p[i] = exp((least[i] - row[i]) / temperature[i]);
                sum[i] += p[i];
            }
        }
        for p in probabilities.chunks_exact_mut(n) {
            for i in 0..n {
                p[i] /= sum[i];
            }
        }
    }
}

dispatch! {
    /// Losses (m×n) become sums over the samples up to each of e^{(l_min − l)/τ}; n ≤ BLOCK points.
    fn accumulate_weights(rows: &mut [f64], n: usize, scale: LossScale, smoothing: f64) {
        let (mut least, mut sum, mut largest) = ([f64::INFINITY; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
        for row in rows.chunks_exact(n) {
            for i in 0..n {
                least[i] = if row[i] < least[i] { row[i] } else { least[i] };
                largest[i] = if row[i] > largest[i] { row[i] } else { largest[i] };
                sum[i] += row[i];
            }
        }
        let m = (rows.len() / n) as f64;
        let mut rate = [0.0; BLOCK];
        for i in 0..n {
            let scale = match scale {
                LossScale::Constant(u) => u,
                LossScale::MeanLoss => sum[i] / m,
                LossScale::MaxLoss => largest[i],
            };
            rate[i] = 1.0 / (scale * smoothing).max(f64::MIN_POSITIVE); // every loss 0: uniform
        }
        sum.fill(0.0);
        for row in rows.chunks_exact_mut(n) {
            for i in 0..n {
                sum[i] += exp((least[i] - row[i]) * rate[i]);
            }
            row.copy_from_slice(&sum[..n]);
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
                        let weight = if reweight { share / p[i] } else { 1.0 };
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

    /// Only where the mean gradient is the gradient of something: reweighted, or a constant scale.
    fn has_loss(&self) -> bool {
        self.reweight || matches!(self.scale, LossScale::Constant(_))
    }

    /// L reweighted, L_τ biased with a constant scale, else NaN.
    fn loss(&self, points: &[f64], loss: &mut [f64]) {
        if self.reweight {
            self.model.loss(points, loss);
        } else if self.has_loss() {
            self.soft_min_loss(points, loss);
        } else {
            loss.fill(f64::NAN);
        }
    }

    fn gradient(&self, points: &[f64], gradient: &mut [f64]) {
        if self.reweight {
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

    /// Those of the model, and `effective_sample_size`.
    fn diagnostics(&self, points: &[f64]) -> Vec<(&'static str, Vec<f64>)> {
        let mut fields = self.model.diagnostics(points);
        fields.push(("effective_sample_size", self.effective_sample_size(points)));
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
            sampled_moments(d, self.reweight, gradients, probabilities, &mut mean, &mut spread);
            scatter(&mean, block.n, gradient, n, first, d);
            scatter(&spread, block.n, covariance, n, first, packed_len(d));
        });
    }

    fn sample_losses(&self, points: &[f64], losses: &mut [f64]) {
        self.model.sample_losses(points, losses);
    }

    /// Reweighted: g/(m p).
    fn sample_gradients(&self, points: &[f64], gradients: &mut [f64]) {
        self.model.sample_gradients(points, gradients);
        if self.reweight {
            let mut probabilities = vec![0.0; gradients.len() / self.dimension()];
            self.probabilities(points, &mut probabilities);
            let m = self.samples() as f64;
            for row in gradients.chunks_mut(probabilities.len()) {
                row.iter_mut().zip(&probabilities).for_each(|(g, p)| *g /= m * p);
            }
        }
    }

    fn uniform_sampling(&self) -> bool {
        false
    }

    fn sampling_probabilities(&self, points: &[f64], probabilities: &mut [f64]) {
        self.probabilities(points, probabilities);
    }

    /// Neither normalised nor divided by τ: the draws are those of the probabilities but where u falls on a rounding of their sums.
    fn cumulative_weights(&self, points: &[f64], sums: &mut [f64]) {
        let (d, m) = (self.model.dimension(), self.model.samples());
        let n = points.len() / d;
        if n <= BLOCK {
            self.model.sample_losses(points, sums);
            return accumulate_weights(sums, n, self.scale, self.smoothing);
        }
        let mut here = vec![0.0; m * BLOCK];
        for first in (0..n).step_by(BLOCK) {
            let count = BLOCK.min(n - first);
            let block: Vec<f64> = (0..d).flat_map(|k| points[k * n + first..k * n + first + count].to_vec()).collect();
            self.cumulative_weights(&block, &mut here[..m * count]);
            scatter(&here[..m * count], count, sums, n, first, m);
        }
    }

    /// The batch must have been drawn with [`ImportanceSampled::probabilities`]; reweighted: mean of g/(m p).
    fn batch_gradient(&self, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
        if !self.reweight {
            return self.model.batch_gradient(points, batch, gradient);
        }
        let (d, m) = (self.dimension(), self.samples());
        self.blocks(points, true, |first, n, block| {
            let size = batch.len() / n;
            for i in 0..block.n {
                for k in 0..d {
                    let term = |b: usize| {
                        let s = batch[b * n + first + i] as usize;
                        block.gradients[(k * m + s) * block.n + i] / block.probabilities[s * block.n + i]
                    };
                    gradient[k * n + first + i] = (0..size).map(term).sum::<f64>() / (m * size) as f64;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::tanh_regression::{Amplitudes, SampleGradient, TanhRegression};

    fn genesis() -> Arc<dyn SampleModel> {
        let x: Vec<f64> = (0..10).map(|i| -2.25 + 0.5 * i as f64).collect();
        let y = [3.5, 3.22, 1.69, -0.9, -2.43, -5.54, -3.61, -3.63, -3.67, -3.65];
        let units = TanhRegression::units(&[-1.5, -0.9, -0.2], &[0, 0, 0]);
        Arc::new(TanhRegression::new(&x, &y, &units, Amplitudes::Projected, SampleGradient::Total).unwrap())
    }

    fn sampled(tau: f64, reweight: bool) -> ImportanceSampled {
        ImportanceSampled::new(genesis(), LossScale::Constant(1.0), tau, reweight).unwrap()
    }

    fn close(a: f64, b: f64, digits: f64) {
        assert!((a / b - 1.0).abs() < digits, "{a} against {b}");
    }

    #[test]
    fn the_reference_table_is_reproduced() {
        // IS-1 at w = 1: τ, L_τ, F, biased D, unbiased D, effective sample size
        let table: [[f64; 6]; 3] = [
            [0.1, 0.0452651421318, -0.00278183817915, 0.00703476182242, 4.7465354872e10, 7.590475817],
            [1.0, 0.178546772861, -0.0109636466973, 0.0577096087082, 5.48020374586, 8.912530812],
            [5.0, 0.296599053509, 0.104520719903, 0.320165708921, 0.769426606671, 9.837745175],
        ];
        for [tau, soft, force, biased, unbiased, size] in table {
            let (mut l, mut g, mut d) = ([0.0], [0.0], [0.0]);
            let model = sampled(tau, false);
            model.loss(&[1.0], &mut l);
            model.gradient_covariance(&[1.0], &mut g, &mut d);
            close(l[0], soft, 5e-12);
            close(g[0], force, 5e-12);
            close(d[0], biased, 5e-12);
            close(model.effective_sample_size(&[1.0])[0], size, 2e-10);
            let model = sampled(tau, true);
            model.gradient_covariance(&[1.0], &mut g, &mut d);
            close(g[0], 0.185569230673, 5e-12);
            close(d[0], unbiased, 2e-11);
        }
        let (mut l, mut g, mut d) = ([0.0], [0.0], [0.0]);
        let uniform = sampled(1e13, false);
        uniform.loss(&[1.0], &mut l);
        uniform.gradient_covariance(&[1.0], &mut g, &mut d);
        close(l[0], 0.349022255725, 2e-12);
        close(g[0], 0.185569230673, 2e-12);
        close(d[0], 0.480108991863, 2e-12);
    }

    #[test]
    fn the_soft_min_loss_loses_a_minimum() {
        for (tau, expected) in
            [(0.5, vec![3.4796]), (1.0, vec![3.5760]), (2.0, vec![0.8247, 3.9919]), (20.0, vec![0.7189, 4.6694])]
        {
            let points: Vec<f64> = (0..2381).map(|i| 0.1 + 0.005 * i as f64).collect();
            let mut loss = vec![0.0; points.len()];
            sampled(tau, false).loss(&points, &mut loss);
            let minima: Vec<f64> = (1..points.len() - 1)
                .filter(|&i| loss[i] < loss[i - 1] && loss[i] <= loss[i + 1])
                .map(|i| points[i])
                .collect();
            assert_eq!(minima.len(), expected.len(), "τ = {tau}: {minima:?}");
            for (found, expected) in minima.iter().zip(expected) {
                assert!((found - expected).abs() < 0.003, "τ = {tau}: {found}");
            }
        }
    }

    #[test]
    fn the_biased_mean_is_the_gradient_of_the_soft_min_loss() {
        let model = sampled(1.3, false);
        let (w, h) = (0.9, 1e-3);
        let points = [w - 2.0 * h, w - h, w + h, w + 2.0 * h];
        let (mut loss, mut g) = ([0.0; 4], [0.0]);
        model.loss(&points, &mut loss);
        model.gradient(&[w], &mut g);
        close((loss[0] - 8.0 * loss[1] + 8.0 * loss[2] - loss[3]) / (12.0 * h), g[0], 1e-8);
    }

    #[test]
    fn batches_have_the_declared_mean_and_covariance() {
        for reweight in [false, true] {
            for scale in [LossScale::Constant(0.7), LossScale::MeanLoss, LossScale::MaxLoss] {
                let model = ImportanceSampled::new(genesis(), scale, 1.5, reweight).unwrap();
                let (mut p, mut g, mut d) = ([0.0; 10], [0.0], [0.0]);
                model.probabilities(&[1.2], &mut p);
                close(p.iter().sum::<f64>(), 1.0, 1e-14);
                model.gradient_covariance(&[1.2], &mut g, &mut d);
                // batches of two, independent draws: all hundred pairs
                let (mut mean, mut square) = (0.0, 0.0);
                for a in 0..10 {
                    for b in 0..10 {
                        let mut batch = [0.0];
                        model.batch_gradient(&[1.2], &[a as u32, b as u32], &mut batch);
                        mean += p[a] * p[b] * batch[0];
                        square += p[a] * p[b] * batch[0] * batch[0];
                    }
                }
                close(mean, g[0], 1e-11);
                close(square - mean * mean, d[0] / 2.0, 1e-10);
            }
        }
    }

    #[test]
    fn outliers_are_those_above_the_soft_min_loss() {
        let (tau, level) = (2.0, 0.5_f64);
        let model = sampled(tau, false);
        let (mut losses, mut soft, mut outliers) = ([0.0; 10], [0.0], [0.0; 10]);
        model.sample_losses(&[4.758], &mut losses);
        model.loss(&[4.758], &mut soft);
        model.outliers(&[4.758], level, &mut outliers);
        for s in 0..10 {
            assert_eq!(outliers[s] == 1.0, losses[s] > soft[0] + tau * (1.0 / level).ln());
        }
        assert_eq!(outliers, [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(ImportanceSampled::new(genesis(), LossScale::MeanLoss, 0.0, false).is_err());
        assert!(ImportanceSampled::new(genesis(), LossScale::Constant(-1.0), 1.0, false).is_err());
    }

    /// Mean time from w = 0.7116 to `to` by the quadrature τ = ∫ e^ψ ∫ e^{−ψ}/(T D), ψ' = F/(T D), reflecting at 0.1.
    fn passage_time(model: &dyn SampleModel, temperature: f64, to: f64) -> f64 {
        let n = 20_001;
        let h = (to - 0.1) / (n - 1) as f64;
        let points: Vec<f64> = (0..n).map(|i| 0.1 + h * i as f64).collect();
        let (mut force, mut noise) = (vec![0.0; n], vec![0.0; n]);
        model.gradient_covariance(&points, &mut force, &mut noise);
        let (mut psi, mut inner, mut total) = (0.0, 0.0, 0.0);
        for i in 1..n {
            let slope = |i: usize| force[i] / (temperature * noise[i]);
            let next = psi + 0.5 * h * (slope(i - 1) + slope(i));
            let weight = |i: usize, psi: f64| (-psi).exp() / (temperature * noise[i]);
            let before = psi.exp() * inner;
            inner += 0.5 * h * (weight(i - 1, psi) + weight(i, next));
            psi = next;
            if points[i] > 0.7115671623104967 {
                total += 0.5 * h * (before + psi.exp() * inner);
            }
        }
        total
    }

    /// B17: from one minimum to the other in 507.075 (T = 0.1) and 2826.9 (T = 0.05) with uniform sampling. At T = 0.025 the time to 0.02
    /// before the good minimum falls by three orders of magnitude while τ falls to 1, and grows again below: samples that are
    /// not drawn make no noise.
    #[test]
    fn the_time_to_the_good_minimum_falls_with_the_barrier() {
        let plain = genesis();
        for (temperature, expected) in [(0.1, 507.075404673), (0.05, 2826.94500099)] {
            close(passage_time(&*plain, temperature, 4.758392164878343), expected, 2e-3);
        }
        let table = [
            (20.0, 4.67, 314_234.0),
            (5.0, 4.42, 11_850.0),
            (2.0, 3.994, 802.2),
            (1.0, 3.578, 688.6),
            (0.5, 3.48, 935.8),
        ];
        close(passage_time(&*plain, 0.025, 4.739), 1_266_329.0, 2e-2);
        for (tau, minimum, expected) in table {
            close(passage_time(&sampled(tau, false), 0.025, minimum - 0.02), expected, 2e-2);
        }
    }
}
