//! Slow modes as values: eigenvalues with right and left vectors, and what a second discretisation says of them.

use crate::Error;
use crate::fokker_planck::integrator::system::System;

/// Slow modes, ascending in the real part of λ; the first is λ = 0 with u = 1 and v = π.
///
/// Vectors have one value per cell; those of a complex pair λ, λ̄ stand in two places: the real parts of u and v where Im λ > 0,
/// their imaginary parts in the next, where Im λ < 0.
#[derive(Debug, Clone)]
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
    pub refined: Option<Refined>,
}

/// Eigenvalues with the leading error of the discretisation taken off.
#[derive(Debug, Clone)]
pub struct Refined {
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

impl Spectrum {
    /// Takes the leading error off the eigenvalues by those of another discretisation, whose error is `growth` times this one's;
    /// each is paired with the nearest of the others.
    pub(in crate::fokker_planck) fn refine(&mut self, other: &Spectrum, growth: f64) {
        let mut refined = Refined { real: Vec::new(), imaginary: Vec::new(), error: Vec::new() };
        for (&re, &im) in self.real.iter().zip(&self.imaginary) {
            let distance = |&k: &usize| (other.real[k] - re).hypot(other.imaginary[k] - im);
            let near = (0..other.real.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0);
            let step = [re - other.real[near], im - other.imaginary[near]].map(|d| d / (growth - 1.0));
            refined.real.push(re + step[0]);
            refined.imaginary.push(im + step[1]);
            refined.error.push(step[0].hypot(step[1]));
        }
        self.refined = Some(refined);
    }
}

/// A shift of the size of the slow rates: the leaving rate of a typical cell over the square of the longest axis.
pub(super) fn first_shift(system: &System) -> f64 {
    let mut leaving = system.generator().leaving().to_vec();
    let middle = leaving.len() / 2;
    let (_, median, _) = leaving.select_nth_unstable_by(middle, f64::total_cmp);
    let longest = system.shape().iter().copied().max().unwrap_or(1) as f64;
    (*median / (longest * longest)).max(f64::MIN_POSITIVE)
}

pub(super) fn not_converged(vectors: usize) -> Error {
    Error::numerical(
        "the slow modes",
        format!("after {vectors} Krylov vectors"),
        "they did not converge",
        "ask for fewer modes",
    )
}
