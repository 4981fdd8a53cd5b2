//! Brownian motion in balls: dθ = √(2T) dW in d = 1 to 3 dimensions, first passages to spheres about 0.
//!
//! From radius r the sphere R takes (R² − r²)/(2dT); the decay rate inside is T(j_{d/2−1,1}/R)²; between spheres a < r < b the outer one
//! comes first with probability (f(r) − f(a))/(f(b) − f(a)), f = ln r in the plane and −1/r in space.
//! Source: S. Redner, A Guide to First-Passage Processes, 2001, 6.2.

use fpsolve_solvers::problem::dynamics::Dynamics;

use super::bessel::bessel_zero;

/// Brownian motion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ball {
    /// Dimensions d.
    pub dimension: usize,
    /// Temperature T.
    pub temperature: f64,
}

impl Ball {
    /// Mean time from radius r to the sphere R around it.
    pub fn mean_time(&self, r: f64, radius: f64) -> f64 {
        (radius * radius - r * r) / (2.0 * self.dimension as f64 * self.temperature)
    }

    /// Decay rate of what has not reached the sphere R.
    pub fn decay_rate(&self, radius: f64) -> f64 {
        self.temperature * (bessel_zero(0.5 * self.dimension as f64 - 1.0, 1) / radius).powi(2)
    }

    /// Probability of the sphere b before a, from a < r < b.
    pub fn outer_first(&self, r: f64, [a, b]: [f64; 2]) -> f64 {
        let f = |r: f64| match self.dimension {
            1 => r,
            2 => r.ln(),
            _ => -1.0 / r,
        };
        (f(r) - f(a)) / (f(b) - f(a))
    }

    /// Mean time to either sphere, from a < r < b.
    pub fn exit_time(&self, r: f64, [a, b]: [f64; 2]) -> f64 {
        let outer = self.outer_first(r, [a, b]);
        (outer * b * b + (1.0 - outer) * a * a - r * r) / (2.0 * self.dimension as f64 * self.temperature)
    }
}

impl Dynamics for Ball {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let d = self.dimension;
        let n = points.len() / d;
        drift.fill(0.0);
        diffusion.fill(0.0);
        for k in 0..d {
            let c = fpsolve_solvers::numerics::symmetric::packed_index(d, k, k);
            diffusion[c * n..(c + 1) * n].fill(1.0);
        }
    }

    fn diffusion_divergence(&self, _points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.fill(0.0);
    }
}
