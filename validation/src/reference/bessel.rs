//! Radial Ornstein–Uhlenbeck and Bessel processes of dimension δ: dr = (T(δ − 1)/r − κr) dt + √(2T) dW on r > 0.
//!
//! With κ > 0 the law at rest is that of σχ_δ, σ² = T/κ, its eigenvalues are 2κn, and from sχ_δ it stays one with
//! s² = σ² + (s₀² − σ²) e^{−2κt}. With κ = 0 and a reflecting wall at R the density at rest is ∝ r^{δ−1}, ν = δ/2 − 1, and
//!
//! ```text
//! λ_n = T (j_{ν+1,n}/R)²,   u_n = z^{−ν} J_ν(z), z = j_{ν+1,n} r/R;        r → R takes (R² − r²)/(2δT)
//! ```
//!
//! Source: A. N. Borodin & P. Salminen, Handbook of Brownian Motion, 2002, IV.16 and App. 1; Abramowitz & Stegun 9.1.10.

use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;
use statrs::function::gamma::ln_gamma;

use super::laplace::bisect;
use super::natural_scale::NaturalScale;

/// The process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bessel {
    /// Dimension δ > 0.
    pub dimension: f64,
    /// Pull κ ≥ 0.
    pub pull: f64,
    /// Temperature T.
    pub temperature: f64,
    /// The reflecting wall R; where κ > 0 so far out that nothing lies beyond.
    pub wall: f64,
}

/// The law of sχ_δ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chi {
    /// Dimension δ.
    pub dimension: f64,
    /// Scale s.
    pub scale: f64,
}

impl Bessel {
    /// The law at time t from s₀ χ_δ, for κ > 0.
    pub fn law(&self, scale: f64, time: f64) -> Chi {
        let rest = self.temperature / self.pull;
        let square = rest + (scale * scale - rest) * (-2.0 * self.pull * time).exp();
        Chi { dimension: self.dimension, scale: square.sqrt() }
    }

    /// λ_n: 2κn, or for κ = 0 the one of the wall.
    pub fn eigenvalue(&self, n: u32) -> f64 {
        if self.pull > 0.0 {
            return 2.0 * self.pull * f64::from(n);
        }
        self.temperature * (bessel_zero(0.5 * self.dimension, n) / self.wall).powi(2)
    }

    /// The mode u_n of κ = 0, 1 at r = 0.
    pub fn eigenfunction(&self, n: u32, r: f64) -> f64 {
        let (order, zero) = (0.5 * self.dimension - 1.0, bessel_zero(0.5 * self.dimension, n));
        entire_bessel(order, zero * r / self.wall)
    }

    /// Cell probabilities at time t for κ = 0 from the density at rest times 1 + Σ c_n u_n, c_n the n-th of `start`.
    pub fn mixture(&self, grid: &Grid, start: &[f64], time: f64) -> Vec<f64> {
        self.cell_probability(grid, &self.ratio(start, time))
    }

    /// 1 + Σ c_n e^{−λ_n t} u_n.
    pub fn ratio(&self, start: &[f64], time: f64) -> impl Fn(f64) -> f64 {
        let decays = |(c, n): (&f64, u32)| (n, c * (-self.eigenvalue(n) * time).exp());
        let left: Vec<(u32, f64)> = start.iter().zip(1..).map(decays).collect();
        let process = *self;
        move |r| 1.0 + left.iter().map(|&(n, c)| c * process.eigenfunction(n, r)).sum::<f64>()
    }
}

impl Chi {
    /// Mean √2 s Γ((δ + 1)/2)/Γ(δ/2) and variance δs² − mean².
    pub fn moments(&self) -> (f64, f64) {
        let half = 0.5 * self.dimension;
        let mean = self.scale * (0.5 * 2f64.ln() + ln_gamma(half + 0.5) - ln_gamma(half)).exp();
        (mean, self.dimension * self.scale * self.scale - mean * mean)
    }
}

/// z^{−ν} J_ν(z) Γ(ν + 1) 2^ν = Σ (−z²/4)^k/(k! (ν + 1)_k): an entire function of z², 1 at z = 0.
pub fn entire_bessel(order: f64, z: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..200 {
        let k = f64::from(k);
        term *= -0.25 * z * z / (k * (order + k));
        sum += term;
        if term.abs() < 1e-18 * sum.abs() {
            break;
        }
    }
    sum
}

/// The n-th positive zero of J_ν, ν > −1 and n small, by bisection between signs on a step of 0.1.
pub fn bessel_zero(order: f64, n: u32) -> f64 {
    let f = |z: f64| entire_bessel(order, z);
    let step = 0.1;
    let changes = (0..1000).map(|k| step * f64::from(k)).filter(|&z| f(z) * f(z + step) < 0.0);
    changes.take(n as usize).last().map_or(f64::NAN, |z| bisect(f, z, z + step))
}

impl NaturalScale for Chi {
    fn ends(&self) -> [f64; 2] {
        [0.0, self.scale * (self.dimension.sqrt() + 12.0)]
    }

    fn powers(&self) -> [f64; 2] {
        [self.dimension, 1.0]
    }

    fn weight(&self, r: f64) -> f64 {
        let z = r / self.scale;
        z.powf(self.dimension - 1.0) * (-0.5 * z * z).exp()
    }

    /// That of the radial process with T = s², κ = 1.
    fn spread(&self, _r: f64) -> f64 {
        self.scale * self.scale
    }
}

impl NaturalScale for Bessel {
    fn ends(&self) -> [f64; 2] {
        [0.0, self.wall]
    }

    fn powers(&self) -> [f64; 2] {
        [self.dimension, 1.0]
    }

    fn weight(&self, r: f64) -> f64 {
        r.powf(self.dimension - 1.0) * (-0.5 * self.pull * r * r / self.temperature).exp()
    }

    fn spread(&self, _r: f64) -> f64 {
        self.temperature
    }
}

impl Dynamics for Bessel {
    fn dimension(&self) -> usize {
        1
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        for (p, &r) in points.iter().enumerate() {
            drift[p] = self.temperature * (self.dimension - 1.0) / r - self.pull * r;
            diffusion[p] = 1.0;
        }
    }

    fn diffusion_divergence(&self, _points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.fill(0.0);
    }
}
