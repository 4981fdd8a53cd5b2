//! One-dimensional problems with a closed stationary density ρ ∝ (1/D) exp(−(1/T)∫L'/D) (B02, B05, B06).

use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;
use statrs::function::gamma::ln_gamma;

use super::quadrature;

/// dx = −L'(x) dt + √(2T D(x)) dW with its stationary density.
#[derive(Clone, Copy)]
pub struct Line {
    /// Temperature T.
    pub temperature: f64,
    slope: fn(f64) -> f64,
    diffusion: fn(f64) -> f64,
    divergence: fn(f64) -> f64,
    /// −Φ/T up to a constant: the logarithm of the density.
    ln_density: fn(f64, f64) -> f64,
}

impl Line {
    /// B02: quartic double well L = x⁴/4 − x²/2, D = 1.
    ///
    /// Z = (π/2) e^{1/8T} [I_{−1/4} + I_{1/4}](1/8T); ⟨x⁴⟩ = ⟨x²⟩ + T.
    pub fn b02(temperature: f64) -> Self {
        Self {
            temperature,
            slope: |x| x * (x * x - 1.0),
            diffusion: |_| 1.0,
            divergence: |_| 0.0,
            ln_density: |x, t| -(0.25 * x.powi(4) - 0.5 * x * x) / t,
        }
    }

    /// B05: the same loss with D = 1 + x²: ρ ∝ (1 + x²)^{1/T − 1} e^{−x²/2T}, modes at √(1 − 2T), not at ±1.
    pub fn b05(temperature: f64) -> Self {
        Self {
            temperature,
            slope: |x| x * (x * x - 1.0),
            diffusion: |x| 1.0 + x * x,
            divergence: |x| 2.0 * x,
            ln_density: |x, t| (1.0 / t - 1.0) * (x * x).ln_1p() - 0.5 * x * x / t,
        }
    }

    /// B06: L = x²/2, D = 0.5 x² + 0.3, T = 0.2: Student's t with ν = 1 + 1/(0.5 T) = 11, scale² = 0.3/(0.5 ν), variance 1/15.
    ///
    /// Source: Pearson's differential equation; Wong, Proc. Symp. Appl. Math. 16, 1964.
    pub fn b06() -> Self {
        Self {
            temperature: 0.2,
            slope: |x| x,
            diffusion: |x| 0.5 * x * x + 0.3,
            divergence: |x| x,
            ln_density: |x, t| -(1.0 + 0.5 / (0.5 * t)) * (0.5 * x * x / 0.3).ln_1p(),
        }
    }

    /// The density without its factor 1/Z, as the benchmark tables state Z: 1 at x = 0.
    pub fn weight(&self, x: f64) -> f64 {
        (self.ln_density)(x, self.temperature).exp()
    }

    /// ∫ xᵏ ρ dx without 1/Z over [−reach, reach].
    pub fn raw_moment(&self, k: i32, reach: f64) -> f64 {
        quadrature::integrate(|x| x.powi(k) * self.weight(x), -reach, reach, 2000)
    }

    /// Stationary cell probabilities with reflecting walls.
    pub fn stationary(&self, grid: &Grid) -> Vec<f64> {
        quadrature::normalised_cells(grid, |x| self.weight(x[0]))
    }
}

/// Density of the Student t law with ν degrees of freedom and this scale.
pub fn student_t(x: f64, nu: f64, scale: f64) -> f64 {
    let ln_norm = ln_gamma(0.5 * (nu + 1.0)) - ln_gamma(0.5 * nu) - 0.5 * (nu * std::f64::consts::PI).ln() - scale.ln();
    (ln_norm - 0.5 * (nu + 1.0) * ((x / scale).powi(2) / nu).ln_1p()).exp()
}

impl Dynamics for Line {
    fn dimension(&self) -> usize {
        1
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        for (p, &x) in points.iter().enumerate() {
            drift[p] = -(self.slope)(x);
            diffusion[p] = (self.diffusion)(x);
        }
    }

    fn diffusion_divergence(&self, points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        divergence.iter_mut().zip(points).for_each(|(out, &x)| *out = (self.divergence)(x));
    }
}
