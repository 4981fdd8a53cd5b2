//! Slow modes as values: eigenvalues with right and left vectors, and what a second discretisation says of them.

use crate::Error;
use crate::engine::{RefinedSpectrum, Spectrum};
use crate::fokker_planck::accuracy::richardson::Extrapolated;
use crate::fokker_planck::accuracy::truncation::truncation;
use crate::fokker_planck::integrator::system::System;
use crate::problem::density::marginal;
use crate::problem::grid::Grid;

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
    pub(in crate::fokker_planck) fn nearest(&self, re: f64, im: f64) -> Option<[f64; 2]> {
        let all = self.real.iter().zip(&self.imaginary).map(|(&re, &im)| [re, im]);
        let distance = |[x, y]: &[f64; 2]| (x - re).hypot(y - im);
        all.min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }

    /// What the reflecting walls of a box change each eigenvalue by. A wall that moves outwards by dL changes λ by −λ π|u|² dL (J. Hadamard's
    /// formula): for each side that is not `physical` |λ| times |u|² there times the probability beyond it.
    pub(in crate::fokker_planck) fn cut_by_walls(&self, grid: &Grid, physical: &[[bool; 2]]) -> Vec<f64> {
        let Some(law) = self.left.first() else { return vec![0.0; self.real.len()] };
        let alone = |k: usize, side: usize| {
            let mut others = vec![[true; 2]; grid.dimension()];
            others[k][side] = physical.get(k).is_some_and(|sides| sides[side]);
            let line = marginal(grid, law, k);
            let cell = if side == 0 { 0 } else { line.len() - 1 };
            (k, cell, truncation(grid, law, &others) / line[cell])
        };
        let sides = (0..grid.dimension()).flat_map(|k| [alone(k, 0), alone(k, 1)]);
        let sides: Vec<_> = sides.filter(|(_, _, beyond)| *beyond > 0.0).collect();
        let size = |vectors: &[Vec<f64>], k: usize, cell: usize| {
            // the second part of a complex pair stands beside the first
            let other = if self.imaginary[k] > 0.0 { k + 1 } else { k.saturating_sub(1) };
            let second = if self.imaginary[k] == 0.0 { 0.0 } else { vectors.get(other).map_or(0.0, |v| v[cell]) };
            vectors[k][cell].hypot(second)
        };
        let one = |k: usize| {
            let weight: Vec<f64> =
                (0..grid.len()).map(|cell| size(&self.right, k, cell) * size(&self.left, k, cell)).collect();
            let inside: f64 = weight.iter().sum();
            let rate = self.real[k].hypot(self.imaginary[k]);
            let at_walls = sides.iter().map(|&(axis, cell, beyond)| beyond * marginal(grid, &weight, axis)[cell]);
            if rate > 0.0 && inside > 0.0 { rate * at_walls.sum::<f64>() / inside } else { 0.0 }
        };
        (0..self.real.len()).map(one).collect()
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
