//! Heston's logarithmic price x and variance v: dx = −v/2 dt + √v dW, dv = κ(θ − v) dt + σ√v dW′, corr(dW, dW′) = ρ, from x = 0, v = θ.
//!
//! The moments are closed: C_vv′ = −2κ C_vv + σ²θ, C_xv′ = −κ C_xv − C_vv/2 + ρσθ, C_xx′ = −C_xv + θ. Noise vanishes at the wall v = 0, where
//! the density is infinite for 2κθ < σ². Source: S. L. Heston, Rev. Financ. Stud. 6, 327 (1993), doi:10.1093/rfs/6.2.327.

use fpsolve_solvers::problem::dynamics::Dynamics;

/// The process at temperature 1/2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heston {
    /// Rate κ of the variance.
    pub rate: f64,
    /// Mean variance θ, where it starts.
    pub mean: f64,
    /// Volatility σ of the variance.
    pub volatility: f64,
    /// Correlation ρ.
    pub correlation: f64,
}

impl Heston {
    /// Mean (x, v) and covariance (xx, xv, vv) at time t.
    pub fn moments(&self, time: f64) -> ([f64; 2], [f64; 3]) {
        let Self { rate, mean, volatility, correlation } = *self;
        let rest = 0.5 * volatility * volatility * mean / rate;
        let [once, twice] = [1.0, 2.0].map(|n| -(-n * rate * time).exp_m1());
        let steady = (correlation * volatility * mean - 0.5 * rest) / rate;
        let passing = 0.5 * rest / rate;
        let both = steady * once + passing * (twice - once);
        let sum = steady * (time - once / rate) + passing * (once - 0.5 * twice) / rate;
        ([-0.5 * mean * time, mean], [mean * time - sum, both, rest * twice])
    }
}

impl Dynamics for Heston {
    fn dimension(&self) -> usize {
        2
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let n = points.len() / 2;
        let (cross, own) = (self.correlation * self.volatility, self.volatility * self.volatility);
        for i in 0..n {
            let v = points[n + i];
            (drift[i], drift[n + i]) = (-0.5 * v, self.rate * (self.mean - v));
            (diffusion[i], diffusion[n + i], diffusion[2 * n + i]) = (v, cross * v, own * v);
        }
    }

    fn diffusion_divergence(&self, points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        let n = points.len() / 2;
        divergence[..n].fill(self.correlation * self.volatility);
        divergence[n..].fill(self.volatility * self.volatility);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_follow_their_equations() {
        let process = Heston { rate: 2.0, mean: 0.04, volatility: 0.5, correlation: -0.7 };
        let (mean, covariance) = process.moments(1.0);
        assert!((mean[0] + 0.02).abs() < 1e-15 && (covariance[2] - 0.002_454_210_9).abs() < 1e-10);
        for time in [0.1, 0.7] {
            let h = 1e-4;
            let [before, after] = [-h, h].map(|h| process.moments(time + h).1);
            let [_, xv, vv] = process.moments(time).1;
            let slope = |c: usize| (after[c] - before[c]) / (2.0 * h);
            let wanted = [0.04 - xv, -2.0 * xv - 0.5 * vv - 0.7 * 0.5 * 0.04, -4.0 * vv + 0.25 * 0.04];
            assert!((0..3).all(|c| (slope(c) - wanted[c]).abs() < 1e-9), "{time}");
        }
    }
}
