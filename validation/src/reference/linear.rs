//! Linear drift, constant diffusion: Ornstein–Uhlenbeck processes in 1 to 3 dimensions (B01, B08).
//!
//! Source: Gardiner, Handbook of Stochastic Methods, 4.4.6; Risken, The Fokker–Planck Equation, 6.5.

use fpsolve_solvers::Error;
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial;

use super::matrix::{exponential, inverse, lyapunov, product, transpose};

/// dθ = −Hθ dt + √(2T) S dW, S Sᵀ = D constant.
#[derive(Debug, Clone, PartialEq)]
pub struct OrnsteinUhlenbeck {
    dimension: usize,
    rate: Vec<f64>,
    diffusion: Vec<f64>,
    temperature: f64,
}

/// A Gaussian law: mean (d) and covariance (d×d, row-major).
#[derive(Debug, Clone, PartialEq)]
pub struct Law {
    /// Mean.
    pub mean: Vec<f64>,
    /// Covariance, full.
    pub covariance: Vec<f64>,
}

impl OrnsteinUhlenbeck {
    /// H (d×d, row-major), D (d×d, symmetric), temperature T.
    pub fn new(rate: &[f64], diffusion: &[f64], temperature: f64) -> Self {
        let dimension = (rate.len() as f64).sqrt().round() as usize;
        Self { dimension, rate: rate.to_vec(), diffusion: diffusion.to_vec(), temperature }
    }

    /// B01: λ = 1.5, 2TD = 0.2 with D = 1.
    pub fn b01() -> Self {
        Self::new(&[1.5], &[1.0], 0.1)
    }

    /// B08: H = diag(1, 3), D = [[1, 0.8], [0.8, 2]], T = 0.1: a rotating current.
    pub fn b08() -> Self {
        Self::new(&[1.0, 0.0, 0.0, 3.0], &[1.0, 0.8, 0.8, 2.0], 0.1)
    }

    /// Temperature T.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Stationary covariance C: HC + CHᵀ = 2TD.
    pub fn stationary_covariance(&self) -> Vec<f64> {
        let noise: Vec<f64> = self.diffusion.iter().map(|d| 2.0 * self.temperature * d).collect();
        lyapunov(self.dimension, &self.rate, &noise)
    }

    /// Ω = −H + T D C⁻¹ of the stationary current J = Ωθρ.
    pub fn rotation(&self) -> Vec<f64> {
        let d = self.dimension;
        let pull = product(d, &self.diffusion, &inverse(d, &self.stationary_covariance()));
        self.rate.iter().zip(pull).map(|(h, p)| -h + self.temperature * p).collect()
    }

    /// Stationary entropy production ∫ Jᵀ (TD)⁻¹ J/ρ = tr(Ωᵀ (TD)⁻¹ Ω C).
    pub fn entropy_production(&self) -> f64 {
        let d = self.dimension;
        let spread: Vec<f64> = self.diffusion.iter().map(|x| self.temperature * x).collect();
        let omega = self.rotation();
        let inner = product(d, &transpose(d, &omega), &product(d, &inverse(d, &spread), &omega));
        let all = product(d, &inner, &self.stationary_covariance());
        (0..d).map(|k| all[k * d + k]).sum()
    }

    /// Law at time t from a Gaussian start: m = e^{−Ht} m₀, C = C∞ + e^{−Ht}(C₀ − C∞)e^{−Hᵀt}.
    pub fn law(&self, start: &Law, time: f64) -> Law {
        let d = self.dimension;
        let flow = exponential(d, &self.rate.iter().map(|h| -h * time).collect::<Vec<_>>());
        let mean = (0..d).map(|i| (0..d).map(|j| flow[i * d + j] * start.mean[j]).sum()).collect();
        let limit = self.stationary_covariance();
        let off: Vec<f64> = start.covariance.iter().zip(&limit).map(|(c, l)| c - l).collect();
        let moved = product(d, &product(d, &flow, &off), &transpose(d, &flow));
        Law { mean, covariance: limit.iter().zip(moved).map(|(l, m)| l + m).collect() }
    }

    /// The stationary law.
    pub fn stationary(&self) -> Law {
        Law { mean: vec![0.0; self.dimension], covariance: self.stationary_covariance() }
    }
}

impl Law {
    /// All probability at one point.
    pub fn point(at: &[f64]) -> Self {
        Self { mean: at.to_vec(), covariance: vec![0.0; at.len() * at.len()] }
    }

    /// The law as an initial law of the engines.
    pub fn initial(&self) -> Initial {
        let d = self.mean.len();
        let mut covariance = vec![0.0; packed_len(d)];
        for i in 0..d {
            for j in i..d {
                covariance[packed_index(d, i, j)] = self.covariance[i * d + j];
            }
        }
        Initial::Gaussian { mean: self.mean.clone(), covariance }
    }

    /// Cell probabilities, normalised on the grid. Errors: a covariance that is not positive definite, a law off the grid.
    pub fn cell_probability(&self, grid: &Grid) -> Result<Vec<f64>, Error> {
        self.initial().cell_probability(grid)
    }

    /// Density of a one-dimensional law.
    pub fn density(&self, x: f64) -> f64 {
        let variance = self.covariance[0];
        (-0.5 * (x - self.mean[0]).powi(2) / variance).exp() / (std::f64::consts::TAU * variance).sqrt()
    }

    /// Kullback–Leibler divergence of a one-dimensional law to another.
    pub fn kullback_leibler(&self, other: &Self) -> f64 {
        let (v, w) = (self.covariance[0], other.covariance[0]);
        0.5 * (v / w - 1.0 - (v / w).ln() + (self.mean[0] - other.mean[0]).powi(2) / w)
    }
}

impl Dynamics for OrnsteinUhlenbeck {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let d = self.dimension;
        let n = points.len() / d;
        for i in 0..d {
            for p in 0..n {
                drift[i * n + p] = -(0..d).map(|j| self.rate[i * d + j] * points[j * n + p]).sum::<f64>();
            }
            for j in i..d {
                let c = packed_index(d, i, j);
                diffusion[c * n..(c + 1) * n].fill(self.diffusion[i * d + j]);
            }
        }
    }

    fn diffusion_divergence(&self, _points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.fill(0.0);
    }
}
