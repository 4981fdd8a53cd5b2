//! Square-root (Cox–Ingersoll–Ross) process on [0, ∞): dx = κ(μ − x) dt + √(2T x) dW.
//!
//! Stationary law Gamma of shape k = κμ/T and scale T/κ; eigenvalues κn with Laguerre polynomials. From a Gamma law of the same shape
//! and scale s₀ the law stays one, of scale s(t) = T/κ + (s₀ − T/κ) e^{−κt}, as its Laplace transform shows.
//! Source: J. C. Cox, J. E. Ingersoll & S. A. Ross 1985, doi:10.2307/1911242; W. Feller 1951, doi:10.2307/1969318.

use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;

use super::natural_scale::NaturalScale;

/// The process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SquareRoot {
    /// Rate κ of the mean.
    pub rate: f64,
    /// Mean μ at rest.
    pub mean: f64,
    /// Temperature T.
    pub temperature: f64,
}

/// A Gamma law on [0, ∞), by its shape and scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gamma {
    /// Shape k.
    pub shape: f64,
    /// Scale s.
    pub scale: f64,
}

impl SquareRoot {
    /// The law at time t from the Gamma law of the shape at rest and this scale.
    pub fn law(&self, scale: f64, time: f64) -> Gamma {
        let rest = self.temperature / self.rate;
        let scale = rest + (scale - rest) * (-self.rate * time).exp();
        Gamma { shape: self.mean / rest, scale }
    }

    /// The law at rest.
    pub fn stationary(&self) -> Gamma {
        self.law(self.temperature / self.rate, 0.0)
    }

    /// Mean and variance at time t from a point x₀.
    pub fn from_point(&self, at: f64, time: f64) -> (f64, f64) {
        let decay = (-self.rate * time).exp();
        let rest = self.temperature / self.rate;
        let mean = self.mean + (at - self.mean) * decay;
        let variance = 2.0 * at * rest * decay * (1.0 - decay) + self.mean * rest * (1.0 - decay) * (1.0 - decay);
        (mean, variance)
    }
}

impl Gamma {
    /// Mean k s and variance k s².
    pub fn moments(&self) -> (f64, f64) {
        (self.shape * self.scale, self.shape * self.scale * self.scale)
    }

    /// Cell probabilities.
    pub fn cells(&self, grid: &Grid) -> Vec<f64> {
        self.cell_probability(grid, &|_| 1.0)
    }
}

impl NaturalScale for Gamma {
    fn ends(&self) -> [f64; 2] {
        [0.0, self.scale * (self.shape + 40.0 * self.shape.sqrt() + 80.0)]
    }

    fn powers(&self) -> [f64; 2] {
        [self.shape, 1.0]
    }

    fn breaks(&self) -> Vec<f64> {
        [0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0].map(|share| share * self.shape.max(1.0) * self.scale).to_vec()
    }

    fn weight(&self, x: f64) -> f64 {
        let x = x / self.scale;
        ((self.shape - 1.0) * (x / self.shape).ln() - x + self.shape).exp()
    }

    /// That of the square-root process with T/κ = s, for κ = 1.
    fn spread(&self, x: f64) -> f64 {
        self.scale * x
    }
}

impl NaturalScale for SquareRoot {
    fn ends(&self) -> [f64; 2] {
        self.stationary().ends()
    }

    fn powers(&self) -> [f64; 2] {
        self.stationary().powers()
    }

    fn breaks(&self) -> Vec<f64> {
        self.stationary().breaks()
    }

    fn weight(&self, x: f64) -> f64 {
        self.stationary().weight(x)
    }

    fn spread(&self, x: f64) -> f64 {
        self.temperature * x
    }
}

impl Dynamics for SquareRoot {
    fn dimension(&self) -> usize {
        1
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        for (p, &x) in points.iter().enumerate() {
            drift[p] = self.rate * (self.mean - x);
            diffusion[p] = x;
        }
    }

    fn diffusion_divergence(&self, _points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.fill(1.0);
    }
}
