//! Jacobi (Wright–Fisher) diffusion on [0, 1]: dx = θ(μ − x) dt + √(2T x(1 − x)) dW.
//!
//! Stationary law Beta(a, b), a = θμ/T, b = θ(1 − μ)/T; eigenvalues λ_n = nθ + T n(n − 1) with Jacobi polynomials. Near a wall where
//! a < 1 the density is infinite. Source: E. Wong, Proc. Symp. Appl. Math. 16, 1964; Karlin & Taylor 1981, 15.13.

use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;

use super::natural_scale::NaturalScale;

/// The process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jacobi {
    /// Rate θ of the mean.
    pub rate: f64,
    /// Mean μ at rest.
    pub mean: f64,
    /// Temperature T.
    pub temperature: f64,
}

impl Jacobi {
    /// a and b of the Beta law at rest.
    pub fn shapes(&self) -> [f64; 2] {
        let scale = self.rate / self.temperature;
        [scale * self.mean, scale * (1.0 - self.mean)]
    }

    /// λ_n.
    pub fn eigenvalue(&self, n: u32) -> f64 {
        let n = f64::from(n);
        n * self.rate + self.temperature * n * (n - 1.0)
    }

    /// Mean and variance at time t from this mean and variance: m′ = θ(μ − m), (E x²)′ = 2θμ m + 2T m − 2(θ + T) E x².
    pub fn moments(&self, (mean, variance): (f64, f64), time: f64) -> (f64, f64) {
        let (first, second) = (self.eigenvalue(1), self.eigenvalue(2));
        let slope = 2.0 * (self.rate * self.mean + self.temperature);
        let rest = slope * self.mean / second;
        let away = mean - self.mean;
        let follows = slope * away / (second - first); // the part of E x² that goes as e^{−λ₁t}
        let (fast, slow) = ((-second * time).exp(), (-first * time).exp());
        let square = rest + follows * slow + (variance + mean * mean - rest - follows) * fast;
        let now = self.mean + away * slow;
        (now, square - now * now)
    }

    /// Mean and variance of π (1 + c (x − μ)), the law of [`Jacobi::tilted`] at time 0.
    pub fn tilted_moments(&self, tilt: f64) -> (f64, f64) {
        let f = |x: f64| 1.0 + tilt * (x - self.mean);
        let mean = self.expectation(&|x| x * f(x));
        (mean, self.expectation(&|x| (x - mean) * (x - mean) * f(x)))
    }

    /// Cell probabilities at time t from the density π (1 + c (x − μ)): π (1 + c e^{−λ₁t} (x − μ)). |c| at most 1.
    pub fn tilted(&self, grid: &Grid, tilt: f64, time: f64) -> Vec<f64> {
        let left = tilt * (-self.eigenvalue(1) * time).exp();
        self.cell_probability(grid, &|x| 1.0 + left * (x - self.mean))
    }
}

impl NaturalScale for Jacobi {
    fn ends(&self) -> [f64; 2] {
        [0.0, 1.0]
    }

    fn powers(&self) -> [f64; 2] {
        self.shapes()
    }

    fn weight(&self, x: f64) -> f64 {
        let [a, b] = self.shapes();
        x.powf(a - 1.0) * (1.0 - x).powf(b - 1.0)
    }

    fn weight_below_upper(&self, distance: f64) -> f64 {
        let [a, b] = self.shapes();
        (1.0 - distance).powf(a - 1.0) * distance.powf(b - 1.0)
    }

    fn spread(&self, x: f64) -> f64 {
        self.temperature * x * (1.0 - x)
    }
}

impl Dynamics for Jacobi {
    fn dimension(&self) -> usize {
        1
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        for (p, &x) in points.iter().enumerate() {
            drift[p] = self.rate * (self.mean - x);
            diffusion[p] = x * (1.0 - x);
        }
    }

    fn diffusion_divergence(&self, points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.iter_mut().zip(points).for_each(|(out, &x)| *out = 1.0 - 2.0 * x);
    }
}
