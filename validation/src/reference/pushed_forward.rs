//! Pushed-forward Ornstein–Uhlenbeck processes: exact transient laws with a state-dependent, full-tensor D.
//!
//! With y an Ornstein–Uhlenbeck process (rates λ, D = I) and x = φ(y) a fixed bijection, Itô's formula gives
//! D_x = φ' φ'ᵀ and b_x = φ' b_y + T ∇²φ; the law of x is the image of a Gaussian at every time.

use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;
use libm::erfc;

use super::quadrature;

/// One dimension, x = sinh y: D = 1 + x², drift −λ asinh(x) √(1 + x²) + T x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sinh {
    /// Rate λ of y.
    pub rate: f64,
    /// Temperature T.
    pub temperature: f64,
}

/// Two dimensions, x₁ = y₁, x₂ = y₂ + a sin y₁: D = [[1, a cos x₁], [a cos x₁, 1 + a² cos² x₁]].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wave {
    /// Rates λ of y₁ and y₂ (y is reversible, hence x too).
    pub rates: [f64; 2],
    /// Amplitude a.
    pub amplitude: f64,
    /// Temperature T.
    pub temperature: f64,
}

/// Three dimensions, x₁ = y₁, x₂ = y₂ + a sin y₁, x₃ = y₃ + a sin y₂: a full tensor that turns with the place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Helix {
    /// Rates λ of y₁, y₂ and y₃.
    pub rates: [f64; 3],
    /// Amplitude a.
    pub amplitude: f64,
    /// Temperature T.
    pub temperature: f64,
}

/// Mean and variance at time t of dy = −λy dt + √(2T) dW from mean m and variance v.
pub fn coordinate(rate: f64, temperature: f64, (mean, variance): (f64, f64), time: f64) -> (f64, f64) {
    let decay = (-rate * time).exp();
    let limit = temperature / rate;
    (mean * decay, limit + (variance - limit) * decay * decay)
}

impl Sinh {
    /// Cell probabilities at time t when y started from this mean and variance (t = ∞: stationary), not normalised.
    pub fn cell_probability(&self, grid: &Grid, start: (f64, f64), time: f64) -> Vec<f64> {
        let (mean, variance) = coordinate(self.rate, self.temperature, start, time);
        let edges: Vec<f64> = grid.axes()[0].edges().iter().map(|x| (x.asinh() - mean) / variance.sqrt()).collect();
        edges.windows(2).map(|ends| normal_between(ends[0], ends[1])).collect()
    }
}

impl Wave {
    /// Cell probabilities at time t when y₁ and y₂ started independent with these means and variances, not normalised.
    pub fn cell_probability(&self, grid: &Grid, start: [(f64, f64); 2], time: f64) -> Vec<f64> {
        let at = |k: usize| coordinate(self.rates[k], self.temperature, start[k], time);
        let ((m1, v1), (m2, v2)) = (at(0), at(1));
        let (first, second) = (grid.axes()[0].edges(), grid.axes()[1].edges());
        let mut out = vec![0.0; grid.len()];
        for (i, row) in out.chunks_mut(second.len() - 1).enumerate() {
            for (x, w) in quadrature::nodes(first[i], first[i + 1]) {
                let weight = w * (-0.5 * (x - m1).powi(2) / v1).exp() / (std::f64::consts::TAU * v1).sqrt();
                let z = |edge: f64| (edge - self.amplitude * x.sin() - m2) / v2.sqrt();
                for (out, ends) in row.iter_mut().zip(second.windows(2)) {
                    *out += weight * normal_between(z(ends[0]), z(ends[1]));
                }
            }
        }
        out
    }
}

impl Helix {
    /// Cell probabilities at time t when the y_k started independent with these means and variances, not normalised.
    pub fn cell_probability(&self, grid: &Grid, start: [(f64, f64); 3], time: f64) -> Vec<f64> {
        let at = |k: usize| coordinate(self.rates[k], self.temperature, start[k], time);
        let normal =
            |y: f64, (m, v): (f64, f64)| (-0.5 * (y - m).powi(2) / v).exp() / (std::f64::consts::TAU * v).sqrt();
        let (one, two, (m3, v3)) = (at(0), at(1), at(2));
        let edges: Vec<&[f64]> = grid.axes().iter().map(|axis| axis.edges()).collect();
        let last = edges[2].len() - 1;
        let mut out = vec![0.0; grid.len()];
        for (row, out) in out.chunks_mut(last).enumerate() {
            let (i, j) = (row / (edges[1].len() - 1), row % (edges[1].len() - 1));
            for (x1, w1) in quadrature::nodes(edges[0][i], edges[0][i + 1]) {
                for (x2, w2) in quadrature::nodes(edges[1][j], edges[1][j + 1]) {
                    let y2 = x2 - self.amplitude * x1.sin();
                    let weight = w1 * w2 * normal(x1, one) * normal(y2, two);
                    let z = |edge: f64| (edge - self.amplitude * y2.sin() - m3) / v3.sqrt();
                    for (out, ends) in out.iter_mut().zip(edges[2].windows(2)) {
                        *out += weight * normal_between(z(ends[0]), z(ends[1]));
                    }
                }
            }
        }
        out
    }
}

impl Dynamics for Helix {
    fn dimension(&self) -> usize {
        3
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let n = points.len() / 3;
        for p in 0..n {
            let y1 = points[p];
            let (first, s) = (self.amplitude * y1.sin(), self.amplitude * y1.cos());
            let y2 = points[n + p] - first;
            let (second, r) = (self.amplitude * y2.sin(), self.amplitude * y2.cos());
            let y3 = points[2 * n + p] - second;
            let (b1, b2) = (-self.rates[0] * y1, -self.rates[1] * y2);
            drift[p] = b1;
            drift[n + p] = b2 + s * b1 - self.temperature * first;
            drift[2 * n + p] = -self.rates[2] * y3 + r * b2 - self.temperature * second;
            for (c, value) in [1.0, s, 0.0, 1.0 + s * s, r, 1.0 + r * r].into_iter().enumerate() {
                diffusion[c * n + p] = value;
            }
        }
    }
}

/// Probability of a standard normal variable between a < b, with full relative accuracy in both tails.
pub(crate) fn normal_between(a: f64, b: f64) -> f64 {
    let upper = |z: f64| 0.5 * erfc(z / std::f64::consts::SQRT_2);
    if a > 0.0 { upper(a) - upper(b) } else { upper(-b) - upper(-a) }
}

impl Dynamics for Sinh {
    fn dimension(&self) -> usize {
        1
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        for (p, &x) in points.iter().enumerate() {
            drift[p] = -self.rate * x.asinh() * (1.0 + x * x).sqrt() + self.temperature * x;
            diffusion[p] = 1.0 + x * x;
        }
    }

    fn diffusion_divergence(&self, points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.iter_mut().zip(points).for_each(|(out, x)| *out = 2.0 * x);
    }
}

impl Dynamics for Wave {
    fn dimension(&self) -> usize {
        2
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let n = points.len() / 2;
        for p in 0..n {
            let (x1, x2) = (points[p], points[n + p]);
            let (wave, slope) = (self.amplitude * x1.sin(), self.amplitude * x1.cos());
            let drift1 = -self.rates[0] * x1;
            drift[p] = drift1;
            drift[n + p] = -self.rates[1] * (x2 - wave) + slope * drift1 - self.temperature * wave;
            diffusion[p] = 1.0;
            diffusion[n + p] = slope;
            diffusion[2 * n + p] = 1.0 + slope * slope;
        }
    }

    fn diffusion_divergence(&self, points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        let n = points.len() / 2;
        for p in 0..n {
            divergence[p] = 0.0;
            divergence[n + p] = -self.amplitude * points[p].sin();
        }
    }
}
