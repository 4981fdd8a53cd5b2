//! Slow modes as values: eigenvalues with right and left vectors, and what a second discretisation says of them.

use crate::Error;
use crate::engine::{RefinedSpectrum, Spectrum};
use crate::fokker_planck::integrator::system::System;

impl Spectrum {
    /// Takes the leading error off the eigenvalues by those of another discretisation, whose error is `growth` times this one's;
    /// each is paired with the nearest of the others.
    pub(in crate::fokker_planck) fn refine(&mut self, other: &Spectrum, growth: f64) {
        let mut refined = RefinedSpectrum { real: Vec::new(), imaginary: Vec::new(), error: Vec::new() };
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
