//! A Gaussian put on the nodes of a plane where it does not cover them: thin, or nearly a point.
//!
//! The Gaussian is taken at atoms along its principal axes, five Gauss–Hermite points across, a fine lattice along; the atoms go to their nodes
//! bilinearly and limited contraction takes out the variance that this adds, as far as the weights stay ≥ 0
//! ([`plane_law`](crate::numerics::plane_law)). Mass and mean are exact; what is left of the variance is the numerical diffusion of a step, at most ¼
//! squared cell along each axis.

use super::rows::Entry;
use crate::numerics::plane_law::PlaneLaw;
use crate::numerics::symmetric::eigen;

/// Nodes and weights of the Gauss–Hermite rule of five points for a Gaussian of variance 1.
const HERMITE: [(f64, f64); 5] = [
    (-2.856_970_013_872_806, 0.011_257_411_327_720_691),
    (-1.355_626_179_974_266, 0.222_075_922_005_612_64),
    (0.0, 0.533_333_333_333_333_3),
    (1.355_626_179_974_266, 0.222_075_922_005_612_64),
    (2.856_970_013_872_806, 0.011_257_411_327_720_691),
];
/// Standard deviation in cells up to which five points are close enough together.
const NARROW: f64 = 0.6;
/// Distance of the atoms along a longer axis, in cells and in standard deviations at most.
const SPACING: f64 = 0.9;
/// Standard deviations that they reach.
const REACH: f64 = 5.5;
/// Weights that are left out.
const NEGLIGIBLE: f64 = 1e-13;

/// Points and probabilities (sum 1) of the Gaussian of mean `mean` and covariance `s` (cells), and the variance along both axes together
/// beyond that of `s`.
pub fn deposited(mean: [f64; 2], s: [f64; 3]) -> (Vec<Entry>, f64) {
    let (values, vectors) = eigen(2, &s);
    let lines = [0, 1].map(|k| line(values[k].max(0.0).sqrt()));
    let (mut atoms, mut weights) = (Vec::new(), Vec::new());
    for (a, wa) in &lines[0] {
        for (b, wb) in lines[1].iter().filter(|(_, wb)| wa * wb > NEGLIGIBLE) {
            atoms.push([0, 1].map(|k| a * vectors[k][0] + b * vectors[k][1]));
            weights.push(wa * wb);
        }
    }
    let all: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= all);
    let mut law = PlaneLaw::default();
    law.assign(&atoms, &weights, mean, s);
    let width = law.shape[1];
    let place = |i: usize| [law.first[0] + (i / width) as i64, law.first[1] + (i % width) as i64];
    let kept = law.weights.iter().enumerate().filter(|(_, w)| **w > NEGLIGIBLE);
    let mut entries: Vec<Entry> = kept.map(|(i, w)| ([place(i)[0] as i32, place(i)[1] as i32, 0], *w)).collect();
    let all: f64 = entries.iter().map(|entry| entry.1).sum();
    entries.iter_mut().for_each(|entry| entry.1 /= all);
    (entries, law.left[0].max(0.0) + law.left[1].max(0.0))
}

/// Atoms of a Gaussian of standard deviation `sigma` and their weights: variance exact.
fn line(sigma: f64) -> Vec<(f64, f64)> {
    if sigma <= NARROW {
        return HERMITE.iter().map(|(x, w)| (sigma * x, *w)).collect();
    }
    let spacing = SPACING * sigma.min(1.0);
    let n = (REACH * sigma / spacing).ceil() as i32;
    let weight = |x: f64| (-0.5 * (x / sigma) * (x / sigma)).exp();
    let mut out: Vec<(f64, f64)> = (-n..=n).map(|i| spacing * f64::from(i)).map(|x| (x, weight(x))).collect();
    let all: f64 = out.iter().map(|atom| atom.1).sum();
    out.iter_mut().for_each(|atom| atom.1 /= all);
    let found: f64 = out.iter().map(|(x, w)| x * x * w).sum();
    out.iter_mut().for_each(|atom| atom.0 *= sigma / found.sqrt());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mass_and_mean_are_exact_and_variance_where_there_is_enough_of_it() {
        // a point, a line along an axis, an oblique line, hardly and well covered cells
        let cases = [
            ([0.0, 0.0, 0.0], 0.5),
            ([9.0, 0.0, 0.0], 0.26),
            ([0.75, 0.433, 0.25], 0.5),
            ([4.0, 1.9, 1.0], 0.5),
            ([0.3, 0.05, 0.2], 0.2),
            ([0.9, 0.3, 0.8], 1e-10),
        ];
        for (s, most) in cases {
            for mean in [[0.3, -0.4], [0.0, 0.0], [7.5, 0.1]] {
                let (law, excess) = deposited(mean, s);
                let moment = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
                    law.iter().map(|(p, w)| w * f(f64::from(p[0]), f64::from(p[1]))).sum()
                };
                assert!(law.iter().all(|entry| entry.1 >= 0.0));
                assert!((moment(&|_, _| 1.0) - 1.0).abs() < 1e-14);
                assert!((moment(&|x, _| x) - mean[0]).abs() < 1e-9 && (moment(&|_, y| y) - mean[1]).abs() < 1e-9);
                let (dx, dy) = (|x: f64| x - mean[0], |y: f64| y - mean[1]);
                let found =
                    [moment(&|x, _| dx(x) * dx(x)), moment(&|x, y| dx(x) * dy(y)), moment(&|_, y| dy(y) * dy(y))];
                assert!((found[1] - s[1]).abs() < 1e-8, "{s:?} {found:?}");
                assert!((found[0] + found[2] - s[0] - s[2] - excess).abs() < 1e-8, "{s:?} {found:?} {excess}");
                assert!(excess <= most && excess >= 0.0, "{s:?} {mean:?}: {excess}");
            }
        }
    }
}
