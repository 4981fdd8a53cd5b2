//! Manufactured equilibria in two dimensions: chosen density and diffusion, drift made to fit, with or without a current.
//!
//! For a density e^{−V}/Z, a diffusion D and a divergence-free current J = ρ j the drift b = T(∇·D − D∇V) + j keeps the
//! density stationary (Salari & Knupp, SAND2000-1444, manufacture the data, not a source term).

use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;

use super::quadrature;

/// D (components 00, 01, 11) and ∇·D at a point.
type Tensor = ([f64; 3], [f64; 2]);

/// An equilibrium of known density, diffusion and current.
#[derive(Clone, Copy)]
pub struct Equilibrium {
    /// Temperature T.
    pub temperature: f64,
    /// Strength of the rotating current; 0 is detailed balance.
    pub rotation: f64,
    /// Where it is from.
    pub source: &'static str,
    /// V and ∇V.
    potential: fn([f64; 2]) -> (f64, [f64; 2]),
    /// Diffusion and its divergence.
    diffusion: fn([f64; 2]) -> Tensor,
    /// Current over density at strength 1, given the point, V and ∇V.
    swirl: fn([f64; 2], f64, [f64; 2]) -> [f64; 2],
}

impl Equilibrium {
    /// Two unequal bumps, D turning with the place and of condition number 10, current ∝ ∇⊥ρ.
    pub fn turning(rotation: f64) -> Self {
        Self {
            temperature: 1.0,
            rotation,
            source: "numerics of a full tensor of condition 10, chosen here",
            potential: |[x, y]| {
                let (s, c) = (x + 0.5 * y).sin_cos();
                (0.5 * (x * x + y * y) + 0.5 * c, [x - 0.5 * s, y - 0.25 * s])
            },
            diffusion: |[x, y]| {
                // ½(1 + κ⁻¹) I + ½(1 − κ⁻¹)(cos 2φ, sin 2φ), φ = 0.4 + 0.5 sin x + 0.3 y
                let (mean, half) = (0.55, 0.45);
                let (s, c) = (2.0 * (0.4 + 0.5 * x.sin() + 0.3 * y)).sin_cos();
                let (px, py) = (0.5 * x.cos(), 0.3);
                let divergence = [2.0 * half * (-s * px + c * py), 2.0 * half * (c * px + s * py)];
                ([mean + half * c, half * s, mean - half * c], divergence)
            },
            swirl: |_, _, [vx, vy]| [vy, -vx],
        }
    }

    /// B10: Example 19 of Chaudhari & Soatto: Φ = (x² − 1)²/4 + y²/2, drift −∇Φ + λ e^Φ J, J = e^{−r⁴/4}(−y, x), T = 1.
    pub fn b10(rotation: f64) -> Self {
        Self {
            temperature: 1.0,
            rotation,
            source: "Chaudhari & Soatto, arXiv 1710.11029, Example 19",
            potential: |[x, y]| (0.25 * (x * x - 1.0).powi(2) + 0.5 * y * y, [x * (x * x - 1.0), y]),
            diffusion: |_| ([1.0, 0.0, 1.0], [0.0, 0.0]),
            swirl: |[x, y], potential, _| {
                let weight = (potential - 0.25 * (x * x + y * y).powi(2)).exp();
                [-y * weight, x * weight]
            },
        }
    }

    /// Stationary cell probabilities, normalised on the grid.
    pub fn stationary(&self, grid: &Grid) -> Vec<f64> {
        quadrature::normalised_cells(grid, |x| (-(self.potential)([x[0], x[1]]).0).exp())
    }
}

impl Dynamics for Equilibrium {
    fn dimension(&self) -> usize {
        2
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let n = points.len() / 2;
        for p in 0..n {
            let x = [points[p], points[n + p]];
            let (potential, [vx, vy]) = (self.potential)(x);
            let ([d00, d01, d11], divergence) = (self.diffusion)(x);
            let swirl = (self.swirl)(x, potential, [vx, vy]);
            let t = self.temperature;
            drift[p] = t * (divergence[0] - d00 * vx - d01 * vy) + self.rotation * swirl[0];
            drift[n + p] = t * (divergence[1] - d01 * vx - d11 * vy) + self.rotation * swirl[1];
            (diffusion[p], diffusion[n + p], diffusion[2 * n + p]) = (d00, d01, d11);
        }
    }

    fn diffusion_divergence(&self, points: &[f64], _lengths: &[f64], divergence: &mut [f64]) {
        let n = points.len() / 2;
        for p in 0..n {
            let (_, d) = (self.diffusion)([points[p], points[n + p]]);
            (divergence[p], divergence[n + p]) = (d[0], d[1]);
        }
    }
}
