//! What an operator on a grid says besides densities at output times: the stationary density and the slowest modes.

use ndarray::{ArrayD, ArrayViewD};

use super::observation::RefinedMoments;
use crate::Error;
use crate::problem::density::density_array;
use crate::problem::grid::Grid;

/// The stationary density of a problem and what follows from it.
#[derive(Debug, Clone)]
pub struct Stationary {
    /// ln of the centre values of the density times volumes.
    pub log_probability: Vec<f64>,
    /// Cell probabilities, sum 1; see [`crate::fokker_planck`].
    pub probability: Vec<f64>,
    /// Potential Φ = −T ln ρ at every cell's centre, shifted to minimum 0; from the logs, so finite in deep tails.
    pub potential: Vec<f64>,
    /// Mean (d).
    pub mean: Vec<f64>,
    /// Covariance (packed).
    pub covariance: Vec<f64>,
    /// Probability current J (d×n).
    pub current: Vec<f64>,
    /// Entropy production ∫ Jᵀ A⁻¹ J/ρ per unit time.
    pub entropy_production: f64,
    /// Estimated ∫ Σ_k |δJ_k|/L_k dθ by the grid, L the lengths of its axes; not a number: unknown.
    pub current_error: f64,
    /// Estimated |error| of the entropy production by the grid; not a number: unknown.
    pub entropy_production_error: f64,
    /// Σ|Qᵀπ| relative to the total rate of jumps Σ π·leaving.
    pub residual: f64,
    /// Estimated L1 error of the density by discretisation.
    pub error_grid: Option<f64>,
    /// Extrapolated moments, where something coarser was solved beside.
    pub refined: Option<RefinedMoments>,
    /// Estimated probability beyond the reflecting walls; see [`crate::fokker_planck`].
    pub error_truncation: f64,
    /// Whether detailed balance holds.
    pub reversible: bool,
    /// How it was computed.
    pub method: &'static str,
    /// Where it may not be trusted.
    pub warnings: Vec<String>,
}

impl Stationary {
    /// The density ρ as cell averages, an array over the axes of the grid. Errors: a grid of another number of cells.
    pub fn density(&self, grid: &Grid) -> Result<ArrayD<f64>, Error> {
        density_array(grid, &self.probability)
    }

    /// The current J as an array of shape `[d, n₁, …]`; in one dimension `[n₁]`. Errors: as for [`Stationary::density`].
    pub fn current_field(&self, grid: &Grid) -> Result<ArrayViewD<'_, f64>, Error> {
        grid.view(&self.current)
    }
}

/// What the chain of minibatch descent does in the long run: its invariant laws, of which bounded noise may leave several.
#[derive(Debug, Clone, Default)]
pub struct LongRun {
    /// Cell probabilities of the law that remains, from the initial one.
    pub probability: Vec<f64>,
    /// Its mean (d).
    pub mean: Vec<f64>,
    /// Its covariance (packed).
    pub covariance: Vec<f64>,
    /// Its third central moment along each axis (d).
    pub third_moment: Vec<f64>,
    /// Estimated |error| of mean, covariance and third moment by the grid, one after the other; empty where it is unknown.
    pub moment_errors: Vec<f64>,
    /// Estimated L1 error of the density by the grid.
    pub error_grid: Option<f64>,
    /// Σ|πP − π|.
    pub residual: f64,
    /// Probability of ending in each set that is never left, from the initial law.
    pub class_probability: Vec<f64>,
    /// Cell probabilities of the law on each of these sets.
    pub class_laws: Vec<Vec<f64>>,
}

/// A number for each cell of the grid that an engine tells of itself.
#[derive(Debug, Clone)]
pub struct ByCell {
    /// Name in a record.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its values (n).
    pub values: Vec<f64>,
}

/// Slow modes, ascending in the real part of λ; the first is λ = 0 with u = 1 and v = π where probability is conserved. Where it leaves at
/// absorbing walls, the first is the slowest decay and v the quasi-stationary law, Σ v = 1.
///
/// Vectors have one value per cell; those of a complex pair λ, λ̄ stand in two places: the real parts of u and v where Im λ > 0,
/// their imaginary parts in the next, where Im λ < 0.
#[derive(Debug, Clone, Default)]
pub struct Spectrum {
    /// Re λ: relaxation rates.
    pub real: Vec<f64>,
    /// Im λ: angular frequencies.
    pub imaginary: Vec<f64>,
    /// Right vectors u (functions), Σ π|u|² = 1.
    pub right: Vec<Vec<f64>>,
    /// Left vectors v (cell probabilities), Σ u v = 1 (no conjugation).
    pub left: Vec<Vec<f64>>,
    /// Estimated relative error of each eigenvalue by the iteration (not by the grid).
    pub error: Vec<f64>,
    /// What a coarser grid or longer steps say of the eigenvalues, where there are any.
    pub refined: Option<RefinedSpectrum>,
    /// Whether probability is conserved.
    pub conserved: bool,
}

/// Eigenvalues with the leading error of the discretisation taken off.
#[derive(Debug, Clone)]
pub struct RefinedSpectrum {
    /// Extrapolated Re λ.
    pub real: Vec<f64>,
    /// Extrapolated Im λ.
    pub imaginary: Vec<f64>,
    /// Estimated |error| of the eigenvalues that were not extrapolated.
    pub error: Vec<f64>,
}

impl Spectrum {
    /// Relaxation times 1/Re λ; infinite for the stationary mode.
    pub fn relaxation_times(&self) -> Vec<f64> {
        self.real.iter().map(|rate| 1.0 / rate).collect()
    }
}
