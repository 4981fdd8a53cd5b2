//! Stochastic gradient descent itself: exact stationary variances of the discrete chain (B12, B13), covariances of
//! minibatch gradients by enumeration (B15).
//!
//! Source: the moment equations of θ' = θ − η ĝ for quadratic losses, with the mean gradient ĝ of B samples drawn with
//! replacement; Liu, Ziyin & Ueda, ICML 2021, for the additive case and heavy ball.

use std::sync::Arc;

use fpsolve_solvers::model::{Model, SampleModel};
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};

use super::matrix::{identity, kronecker, solve};

/// A quadratic loss of curvature λ in one dimension with per-sample gradient variance s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quadratic {
    /// Curvature λ.
    pub curvature: f64,
    /// Variance s of the per-sample gradients.
    pub variance: f64,
    /// Learning rate η.
    pub learning_rate: f64,
    /// Batch size B.
    pub batch_size: f64,
}

impl Quadratic {
    fn unit(&self) -> f64 {
        self.learning_rate * self.variance / (self.batch_size * self.curvature)
    }

    /// Stationary variance of SGD: ηs/(Bλ(2 − ηλ)); stable for ηλ < 2.
    pub fn sgd(&self) -> f64 {
        self.unit() / (2.0 - self.learning_rate * self.curvature)
    }

    /// Stationary variance of the SDE: ηs/(2Bλ) = T s/λ.
    pub fn sde(&self) -> f64 {
        0.5 * self.unit()
    }

    /// Stationary variance of the stochastic modified equation of order 2: ηs/(Bλ(2 + ηλ)).
    pub fn modified(&self) -> f64 {
        self.unit() / (2.0 + self.learning_rate * self.curvature)
    }

    /// What the slides' Fokker–Planck equation gives, with η/B in the place of T: twice the SDE's variance.
    pub fn twice_too_hot(&self) -> f64 {
        self.unit()
    }

    /// Stationary variance of θ and v of heavy ball v' = μv − ηĝ, θ' = θ + v'.
    pub fn heavy_ball(&self, momentum: f64) -> (f64, f64) {
        let (eta, mu) = (self.learning_rate, momentum);
        let room = (1.0 - mu) * (2.0 * (1.0 + mu) - eta * self.curvature);
        (self.unit() * (1.0 + mu) / room, 2.0 * eta * eta * self.variance / (self.batch_size * room))
    }
}

/// Least squares l_i = ½(x_i·θ − y_i)² in 1 to 3 dimensions: multiplicative gradient noise with exact moments.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearRegression {
    dimension: usize,
    /// Inputs, sample by sample.
    inputs: Vec<f64>,
    targets: Vec<f64>,
}

impl LinearRegression {
    /// Inputs x_i (m×d, sample by sample) and targets y_i (m).
    pub fn new(inputs: &[f64], targets: &[f64]) -> Self {
        Self { dimension: inputs.len() / targets.len(), inputs: inputs.to_vec(), targets: targets.to_vec() }
    }

    /// B13: four samples in two dimensions.
    pub fn b13() -> Self {
        Self::new(&[1.0, 0.5, 0.0, 1.0, 1.0, -1.0, 0.5, 2.0], &[1.0, -1.0, 0.5, 2.0])
    }

    /// B12 as a regression on constants: l_i = ½λ(θ − c_i)², c_i = ±√s/λ.
    pub fn b12(quadratic: &Quadratic) -> Self {
        let root = quadratic.curvature.sqrt();
        let target = quadratic.variance.sqrt() / root;
        Self::new(&[root, root], &[-target, target])
    }

    /// Mean of x xᵀ: the Hessian H.
    pub fn hessian(&self) -> Vec<f64> {
        self.mean_over_samples(|x, _| outer(x, x))
    }

    /// The minimum θ*.
    pub fn minimum(&self) -> Vec<f64> {
        let right = self.mean_over_samples(|x, y| x.iter().map(|x| x * y).collect());
        solve(self.dimension, &self.hessian(), &right)
    }

    /// Covariance (d×d) of the per-sample gradients at a point, divisor m.
    pub fn gradient_covariance_at(&self, point: &[f64]) -> Vec<f64> {
        let gradient = |x: &[f64], y: f64| -> Vec<f64> {
            let residual = x.iter().zip(point).map(|(x, t)| x * t).sum::<f64>() - y;
            x.iter().map(|x| x * residual).collect()
        };
        let mean = self.mean_over_samples(gradient);
        let square = self.mean_over_samples(|x, y| outer(&gradient(x, y), &gradient(x, y)));
        square.iter().zip(outer(&mean, &mean)).map(|(s, m)| s - m).collect()
    }

    /// Stationary covariance (d×d) of SGD:
    /// vec C = [I − (I−ηH)⊗(I−ηH) − (η²/B)(E[xxᵀ⊗xxᵀ] − H⊗H)]⁻¹ (η²/B) vec Σ(θ*).
    pub fn sgd_covariance(&self, learning_rate: f64, batch_size: f64) -> Vec<f64> {
        let d = self.dimension;
        let step: Vec<f64> = identity(d).iter().zip(self.hessian()).map(|(one, h)| one - learning_rate * h).collect();
        let kept = kronecker(d, &step, &step);
        let noise = learning_rate * learning_rate / batch_size;
        self.balance(identity(d * d).iter().zip(kept).map(|(one, k)| one - k), noise)
    }

    /// Stationary covariance (d×d) of the Itô equation with D(θ): vec C = [H⊗I + I⊗H − (η/B)(…)]⁻¹ (η/B) vec Σ(θ*).
    pub fn sde_covariance(&self, learning_rate: f64, batch_size: f64) -> Vec<f64> {
        let (d, h) = (self.dimension, self.hessian());
        let one = identity(d);
        let flow = kronecker(d, &h, &one);
        self.balance(flow.iter().zip(kronecker(d, &one, &h)).map(|(a, b)| a + b), learning_rate / batch_size)
    }

    fn balance(&self, left: impl Iterator<Item = f64>, noise: f64) -> Vec<f64> {
        let (d, h) = (self.dimension, self.hessian());
        let fourth = self.mean_over_samples(|x, _| kronecker(d, &outer(x, x), &outer(x, x)));
        let spread = fourth.iter().zip(kronecker(d, &h, &h)).map(|(f, h)| noise * (f - h));
        let matrix: Vec<f64> = left.zip(spread).map(|(l, s)| l - s).collect();
        let right: Vec<f64> = self.gradient_covariance_at(&self.minimum()).iter().map(|s| noise * s).collect();
        solve(d * d, &matrix, &right)
    }

    fn mean_over_samples(&self, f: impl Fn(&[f64], f64) -> Vec<f64>) -> Vec<f64> {
        let mut sum: Vec<f64> = Vec::new();
        for (x, &y) in self.inputs.chunks(self.dimension).zip(&self.targets) {
            let term = f(x, y);
            sum.resize(term.len(), 0.0);
            sum.iter_mut().zip(term).for_each(|(s, t)| *s += t / self.targets.len() as f64);
        }
        sum
    }

    fn residual(&self, sample: usize, points: &[f64], n: usize, p: usize) -> f64 {
        let d = self.dimension;
        (0..d).map(|k| self.inputs[sample * d + k] * points[k * n + p]).sum::<f64>() - self.targets[sample]
    }
}

impl Model for LinearRegression {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn loss(&self, points: &[f64], loss: &mut [f64]) {
        let (n, m) = (loss.len(), self.samples());
        for p in 0..n {
            loss[p] = (0..m).map(|s| 0.5 * self.residual(s, points, n, p).powi(2)).sum::<f64>() / m as f64;
        }
    }

    fn gradient(&self, points: &[f64], gradient: &mut [f64]) {
        let (d, m) = (self.dimension, self.samples());
        let n = points.len() / d;
        gradient.fill(0.0);
        for s in 0..m {
            for p in 0..n {
                let residual = self.residual(s, points, n, p) / m as f64;
                (0..d).for_each(|k| gradient[k * n + p] += self.inputs[s * d + k] * residual);
            }
        }
    }

    fn data(&self) -> Option<&dyn SampleModel> {
        Some(self)
    }

    fn shared_data(self: Arc<Self>) -> Option<Arc<dyn SampleModel>> {
        Some(self)
    }
}

impl SampleModel for LinearRegression {
    fn samples(&self) -> usize {
        self.targets.len()
    }

    fn gradient_covariance(&self, points: &[f64], gradient: &mut [f64], covariance: &mut [f64]) {
        self.gradient(points, gradient);
        let (d, m) = (self.dimension, self.samples());
        let n = points.len() / d;
        covariance.fill(0.0);
        for s in 0..m {
            for p in 0..n {
                let residual = self.residual(s, points, n, p);
                let off = |k: usize| self.inputs[s * d + k] * residual - gradient[k * n + p];
                for i in 0..d {
                    for j in i..d {
                        covariance[packed_index(d, i, j) * n + p] += off(i) * off(j) / m as f64;
                    }
                }
            }
        }
    }

    fn sample_losses(&self, points: &[f64], losses: &mut [f64]) {
        let n = points.len() / self.dimension;
        for s in 0..self.samples() {
            (0..n).for_each(|p| losses[s * n + p] = 0.5 * self.residual(s, points, n, p).powi(2));
        }
    }

    fn sample_gradients(&self, points: &[f64], gradients: &mut [f64]) {
        let (d, m) = (self.dimension, self.samples());
        let n = points.len() / d;
        for s in 0..m {
            for p in 0..n {
                let residual = self.residual(s, points, n, p);
                (0..d).for_each(|k| gradients[(k * m + s) * n + p] = self.inputs[s * d + k] * residual);
            }
        }
    }

    fn batch_gradient(&self, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
        let d = self.dimension;
        let n = points.len() / d;
        let size = batch.len() / n;
        gradient.fill(0.0);
        for b in 0..size {
            for p in 0..n {
                let s = batch[b * n + p] as usize;
                let residual = self.residual(s, points, n, p) / size as f64;
                (0..d).for_each(|k| gradient[k * n + p] += self.inputs[s * d + k] * residual);
            }
        }
    }
}

/// Covariance (packed) of the mean gradient of a batch of `size` by enumerating all batches (B15): per-sample gradients
/// `gradients` (m×d, sample by sample), drawn with or without replacement.
pub fn enumerated_covariance(gradients: &[f64], dimension: usize, size: usize, replacement: bool) -> Vec<f64> {
    let (d, m) = (dimension, gradients.len() / dimension);
    let (mut count, mut first, mut second) = (0.0, vec![0.0; d], vec![0.0; packed_len(d)]);
    for code in 0..m.pow(size as u32) {
        let draw: Vec<usize> = (0..size).map(|b| code / m.pow(b as u32) % m).collect();
        let repeats = (0..size).any(|b| draw[..b].contains(&draw[b]));
        if repeats && !replacement {
            continue;
        }
        let mean: Vec<f64> =
            (0..d).map(|k| draw.iter().map(|s| gradients[s * d + k]).sum::<f64>() / size as f64).collect();
        count += 1.0;
        for i in 0..d {
            first[i] += mean[i];
            (i..d).for_each(|j| second[packed_index(d, i, j)] += mean[i] * mean[j]);
        }
    }
    for i in 0..d {
        for j in i..d {
            let at = packed_index(d, i, j);
            second[at] = second[at] / count - first[i] * first[j] / (count * count);
        }
    }
    second
}

fn outer(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().flat_map(|a| b.iter().map(move |b| a * b)).collect()
}
