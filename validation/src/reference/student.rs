//! Student's diffusion: dx = −λx dt + √(2T(c + a x²)) dW, heavy tails at rest (B06 among them).
//!
//! Stationary law Student's t, ν = 1 + λ/(aT), scale √(c/(aν)); eigenvalues nλ − aT n(n − 1) for n < ν/2, then a continuum; Romanovski
//! polynomials x and x² − m₂ with m₂ = Tc/(λ − aT). Source: E. Wong, Proc. Symp. Appl. Math. 16, 1964; J. L. Forman & M. Sørensen 2008,
//! doi:10.1111/j.1467-9469.2007.00592.x.

use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;

use super::natural_scale::NaturalScale;

/// The process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Student {
    /// Rate λ.
    pub rate: f64,
    /// Temperature T.
    pub temperature: f64,
    /// c of D = c + a x².
    pub constant: f64,
    /// a.
    pub growth: f64,
}

/// A start π (1 + p x + q (x² − m₂)), with 1 − q m₂ ≥ p²/(4q) so that it is a density.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixture {
    /// Share p of the first polynomial.
    pub first: f64,
    /// Share q of the second.
    pub second: f64,
}

impl Student {
    /// Degrees of freedom ν.
    pub fn freedom(&self) -> f64 {
        1.0 + self.rate / (self.growth * self.temperature)
    }

    /// λ_n for n < ν/2.
    pub fn eigenvalue(&self, n: u32) -> f64 {
        let n = f64::from(n);
        n * self.rate - self.growth * self.temperature * n * (n - 1.0)
    }

    /// m₂ = E x² at rest.
    pub fn variance(&self) -> f64 {
        self.temperature * self.constant / (self.rate - self.growth * self.temperature)
    }

    /// What is left of a mixture at time t.
    pub fn mixture(&self, start: Mixture, time: f64) -> Mixture {
        let left = |n: u32| (-self.eigenvalue(n) * time).exp();
        Mixture { first: start.first * left(1), second: start.second * left(2) }
    }

    /// Cell probabilities of a mixture, normalised on the whole line.
    pub fn cells(&self, grid: &Grid, Mixture { first, second }: Mixture) -> Vec<f64> {
        let variance = self.variance();
        self.cell_probability(grid, &|x| 1.0 + first * x + second * (x * x - variance))
    }

    /// Mean p m₂ and variance of a mixture; needs ν > 4.
    pub fn moments(&self, Mixture { first, second }: Mixture) -> (f64, f64) {
        let (variance, nu) = (self.variance(), self.freedom());
        let fourth = 3.0 * variance * variance * (nu - 2.0) / (nu - 4.0);
        let mean = first * variance;
        (mean, variance + second * (fourth - variance * variance) - mean * mean)
    }
}

impl NaturalScale for Student {
    fn ends(&self) -> [f64; 2] {
        let far = 1e6 * (self.constant / self.growth).sqrt();
        [-far, far]
    }

    fn breaks(&self) -> Vec<f64> {
        let scale = (self.constant / self.growth).sqrt();
        let places = (-2..24).map(|k| scale * 2f64.powf(0.8 * f64::from(k)));
        places.flat_map(|x| [x, -x]).chain([0.0]).collect()
    }

    fn weight(&self, x: f64) -> f64 {
        let power = 1.0 + 0.5 * self.rate / (self.growth * self.temperature);
        (-power * (self.growth * x * x / self.constant).ln_1p()).exp()
    }

    fn spread(&self, x: f64) -> f64 {
        self.temperature * (self.constant + self.growth * x * x)
    }
}

impl Dynamics for Student {
    fn dimension(&self) -> usize {
        1
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        for (p, &x) in points.iter().enumerate() {
            drift[p] = -self.rate * x;
            diffusion[p] = self.constant + self.growth * x * x;
        }
    }

    fn diffusion_divergence(&self, points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.iter_mut().zip(points).for_each(|(out, &x)| *out = 2.0 * self.growth * x);
    }
}
