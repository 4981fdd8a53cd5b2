//! Linear drift, constant diffusion: Ornstein–Uhlenbeck processes in 1 to 3 dimensions (B01, B08).
//!
//! Source: Gardiner, Handbook of Stochastic Methods, 4.4.6; Risken, The Fokker–Planck Equation, 6.5.

use fpsolve_solvers::Error;
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial;

use super::laplace::bisect;
use super::matrix::{exponential, inverse, lyapunov, product, transpose};
use super::natural_scale::NaturalScale;

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

    /// Noise on the velocity alone, singular D: dx = v dt, dv = −(ω²x + γv) dt + √(2T) dW (Risken 10.2).
    pub fn kinetic(stiffness: f64, friction: f64, temperature: f64) -> Self {
        Self::new(&[0.0, -1.0, stiffness, friction], &[0.0, 0.0, 0.0, 1.0], temperature)
    }

    /// Temperature T.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Eigenvalues of H as (real, imaginary), those of a complex pair after each other.
    pub fn rates(&self) -> Vec<(f64, f64)> {
        let h = &self.rate;
        match self.dimension {
            1 => vec![(h[0], 0.0)],
            2 => quadratic(h[0] + h[3], h[0] * h[3] - h[1] * h[2]).to_vec(),
            _ => {
                let minor = |i: usize, j: usize| h[i * 3 + i] * h[j * 3 + j] - h[i * 3 + j] * h[j * 3 + i];
                let (trace, minors) = (h[0] + h[4] + h[8], minor(0, 1) + minor(0, 2) + minor(1, 2));
                let cofactor = |i: usize, j: usize| h[3 + i] * h[6 + j] - h[3 + j] * h[6 + i];
                let determinant = h[0] * cofactor(1, 2) - h[1] * cofactor(0, 2) + h[2] * cofactor(0, 1);
                let p = |x: f64| ((x - trace) * x + minors) * x - determinant;
                let size = h.iter().map(|x| x.abs()).sum::<f64>() + 1.0;
                let real = bisect(p, -size, size);
                let pair = quadratic(trace - real, determinant / real);
                [&[(real, 0.0)], &pair[..]].concat()
            }
        }
    }

    /// The slowest `count` eigenvalues of the Fokker–Planck operator, Σ n_i λ_i with n_i ≥ 0, ascending in the real part, 0 among them
    /// (Risken 6.5). Of pairs the one with Im λ > 0 comes first.
    pub fn eigenvalues(&self, count: usize) -> Vec<(f64, f64)> {
        let rates = self.rates();
        let mut found = vec![(0.0, 0.0)];
        for (re, im) in rates {
            let more = (0..count as i32).map(|n| (f64::from(n) * re, f64::from(n) * im));
            found = more
                .flat_map(|(a, b)| found.iter().map(move |&(re, im)| (re + a, im + b)).collect::<Vec<_>>())
                .collect();
        }
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9 * (1.0 + a.abs());
        found.sort_by(|a, b| if close(a.0, b.0) { b.1.total_cmp(&a.1) } else { a.0.total_cmp(&b.0) });
        found.truncate(count);
        found
    }

    /// A coordinate whose drift does not depend on the others, as a process on a line; None for one whose drift does.
    pub fn coordinate(&self, k: usize) -> Option<Coordinate> {
        let d = self.dimension;
        let alone = (0..d).all(|j| j == k || self.rate[k * d + j] == 0.0);
        let spread = self.temperature * self.diffusion[k * d + k];
        alone.then(|| Coordinate { rate: self.rate[k * d + k], spread })
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

/// Roots of λ² − pλ + q.
fn quadratic(p: f64, q: f64) -> [(f64, f64); 2] {
    let (half, inside) = (0.5 * p, 0.25 * p * p - q);
    if inside < 0.0 {
        return [(half, (-inside).sqrt()), (half, -(-inside).sqrt())];
    }
    let large = half + half.signum() * inside.sqrt();
    [(q / large, 0.0), (large, 0.0)]
}

/// dx = −λx dt + √(2A) dW.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coordinate {
    /// λ.
    pub rate: f64,
    /// A.
    pub spread: f64,
}

impl NaturalScale for Coordinate {
    fn ends(&self) -> [f64; 2] {
        let far = 12.0 * (self.spread / self.rate).sqrt();
        [-far, far]
    }

    fn breaks(&self) -> Vec<f64> {
        (-3..=3).map(|k| 2.0 * f64::from(k) * (self.spread / self.rate).sqrt()).collect()
    }

    fn weight(&self, x: f64) -> f64 {
        (-0.5 * self.rate * x * x / self.spread).exp()
    }

    fn spread(&self, _x: f64) -> f64 {
        self.spread
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
