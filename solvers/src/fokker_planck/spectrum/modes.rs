//! Slow modes as values: eigenvalues with right and left vectors, and what a second discretisation says of them.

use crate::Error;
use crate::engine::{RefinedSpectrum, Spectrum};
use crate::fokker_planck::accuracy::richardson::Extrapolated;
use crate::fokker_planck::integrator::system::System;

impl Spectrum {
    /// Takes the leading error off the eigenvalues by those of one or two coarser discretisations, each paired with the nearest of the
    /// others. `extrapolated` says how a number follows from the three.
    pub(in crate::fokker_planck) fn refine(
        &mut self,
        coarse: &Spectrum,
        coarsest: Option<&Spectrum>,
        extrapolated: impl Fn(f64, f64, Option<f64>) -> Extrapolated,
    ) {
        let mut refined = RefinedSpectrum { real: Vec::new(), imaginary: Vec::new(), error: Vec::new() };
        for (&re, &im) in self.real.iter().zip(&self.imaginary) {
            let Some(near) = coarse.nearest(re, im) else { return };
            let far = coarsest.and_then(|coarsest| coarsest.nearest(near[0], near[1]));
            let [real, imaginary] =
                [(re, 0), (im, 1)].map(|(fine, part)| extrapolated(fine, near[part], far.map(|far| far[part])));
            refined.real.push(real.value);
            refined.imaginary.push(imaginary.value);
            refined.error.push(real.error.hypot(imaginary.error));
        }
        self.refined = Some(refined);
    }

    /// Real and imaginary part of the eigenvalue next to this one.
    fn nearest(&self, re: f64, im: f64) -> Option<[f64; 2]> {
        let all = self.real.iter().zip(&self.imaginary).map(|(&re, &im)| [re, im]);
        let distance = |[x, y]: &[f64; 2]| (x - re).hypot(y - im);
        all.min_by(|a, b| distance(a).total_cmp(&distance(b)))
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
