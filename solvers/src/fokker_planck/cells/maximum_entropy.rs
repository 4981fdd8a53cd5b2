//! The law on the cell centres that has a given mean and covariance and the largest entropy: p ∝ exp(λ·u + uᵀMu).
//!
//! Positive, and a Gaussian sampled at the centres where the cells are narrow; near walls, and where a few cells hold everything, still
//! exact in both moments. λ and M minimise the convex ln Σ exp(λ·(f − f̄)), f the products of offsets, by a damped Newton method.

use crate::fokker_planck::cells::weighted::WeightedCells;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::grid::Grid;

/// Standard deviations that are looked at.
const REACH: f64 = 7.0;
/// Newton steps at most.
const ITERATIONS: usize = 60;
/// Deviation of the moments, in cells and squared cells, that counts as none.
const EXACT: f64 = 1e-11;
/// Cells that are looked at, at most.
const MOST_CELLS: usize = 200_000;

/// Centre values times volumes (n) with the mean (d) and covariance (packed); None where no positive ones have them, as for a variance
/// below δ(1 − δ)h² with the mean a fraction δ of a cell beside a centre, or where too many cells would be needed.
///
/// With weighted `cells` they are probabilities at the nodes, each with its spread.
pub fn maximum_entropy(
    grid: &Grid,
    weighted: Option<&WeightedCells>,
    mean: &[f64],
    covariance: &[f64],
) -> Option<Vec<f64>> {
    let d = grid.dimension();
    let units = mean.iter().zip(grid.axes()).map(|(&m, axis)| Some(axis.width(axis.locate(m)?)));
    let units: Vec<f64> = units.collect::<Option<_>>()?;
    let of = |k: usize, l: usize| covariance[packed_index(d, k, l)] / (units[k] * units[l]);
    let mut cells = window(grid, mean, &units, &(0..d).map(|k| of(k, k)).collect::<Vec<_>>());
    if cells.is_empty() || cells.len() > MOST_CELLS {
        return None;
    }
    let m = d + packed_len(d);
    let mut features = Vec::with_capacity(m * cells.len());
    for (cell, u) in &mut cells {
        let mut spread = [0.0; 3];
        for k in (0..d).filter(|&k| weighted.is_some_and(|weighted| weighted.holds(k))) {
            let (node, own) = weighted.map_or((0.0, 0.0), |weighted| weighted.node(grid, k, *cell));
            (u[k], spread[k]) = ((node - mean[k]) / units[k], own / (units[k] * units[k]));
        }
        features.extend_from_slice(&u[..d]);
        let own = |k: usize, l: usize| if k == l { spread[k] } else { 0.0 };
        (0..d).for_each(|k| (k..d).for_each(|l| features.push(u[k] * u[l] + own(k, l) - of(k, l))));
    }
    let mut start = vec![0.0; m];
    (0..d).for_each(|k| start[d + packed_index(d, k, k)] = -0.5 / (of(k, k) + 0.1));
    let law = minimised(&features, start)?;
    let mut out = vec![0.0; grid.len()];
    cells.iter().zip(law).for_each(|((cell, _), p)| out[*cell] = p);
    Some(out)
}

/// Cells near the mean and their offsets from it in cells.
fn window(grid: &Grid, mean: &[f64], units: &[f64], variance: &[f64]) -> Vec<(usize, [f64; 3])> {
    let mut cells = vec![(0usize, [0.0; 3])];
    for (k, axis) in grid.axes().iter().enumerate() {
        let reach = REACH * variance[k].max(0.0).sqrt() + 2.0;
        let offset = |i: usize| {
            let x = axis.center(i) - mean[k];
            let length = axis.length();
            (if axis.is_periodic() { x - length * (x / length).round() } else { x }) / units[k]
        };
        let line: Vec<(usize, f64)> =
            (0..axis.cells()).map(|i| (i, offset(i))).filter(|(_, u)| u.abs() <= reach).collect();
        if cells.len() * line.len() > MOST_CELLS {
            return Vec::new();
        }
        let with = |&(cell, u): &(usize, [f64; 3])| {
            let add = move |&(i, x): &(usize, f64)| {
                let mut u = u;
                u[k] = x;
                (cell * axis.cells() + i, u)
            };
            line.iter().map(add).collect::<Vec<_>>()
        };
        cells = cells.iter().flat_map(with).collect();
    }
    cells
}

/// p ∝ exp(λ·f) with Σ p f = 0, f given cell by cell.
fn minimised(features: &[f64], mut lambda: Vec<f64>) -> Option<Vec<f64>> {
    let mut now = Tilted::new(features, &lambda);
    for _ in 0..ITERATIONS {
        let (gradient, hessian) = now.derivatives(features, lambda.len());
        if gradient.iter().all(|g| g.abs() < EXACT) {
            return Some(now.law);
        }
        let step = solved(hessian, &gradient)?;
        let slope: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
        let mut share = 1.0;
        let next = loop {
            let trial: Vec<f64> = lambda.iter().zip(&step).map(|(l, s)| l - share * s).collect();
            let tilted = Tilted::new(features, &trial);
            // near the minimum the value itself has no digits left
            if tilted.value <= now.value - 1e-4 * share * slope + 1e-14 {
                break Some((trial, tilted));
            }
            share *= 0.5;
            if share < 1e-9 {
                break None;
            }
        };
        (lambda, now) = next?;
    }
    None
}

struct Tilted {
    law: Vec<f64>,
    value: f64,
}

impl Tilted {
    fn new(features: &[f64], lambda: &[f64]) -> Self {
        let exponents = features.chunks_exact(lambda.len()).map(|f| f.iter().zip(lambda).map(|(f, l)| f * l).sum());
        let mut law: Vec<f64> = exponents.collect();
        let top = law.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        law.iter_mut().for_each(|p| *p = (*p - top).exp());
        let sum: f64 = law.iter().sum();
        law.iter_mut().for_each(|p| *p /= sum);
        Self { law, value: top + sum.ln() }
    }

    /// Mean (m) and covariance (m×m) of the features.
    fn derivatives(&self, features: &[f64], m: usize) -> (Vec<f64>, Vec<f64>) {
        let (mut mean, mut second) = (vec![0.0; m], vec![0.0; m * m]);
        for (f, p) in features.chunks_exact(m).zip(&self.law) {
            for i in 0..m {
                mean[i] += p * f[i];
                (0..=i).for_each(|j| second[i * m + j] += p * f[i] * f[j]);
            }
        }
        for i in 0..m {
            for j in 0..=i {
                second[i * m + j] -= mean[i] * mean[j];
                second[j * m + i] = second[i * m + j];
            }
        }
        (mean, second)
    }
}

/// x with (H + small multiple of the identity) x = g, by Cholesky's method; None where H is not positive definite.
fn solved(mut h: Vec<f64>, g: &[f64]) -> Option<Vec<f64>> {
    let m = g.len();
    let mut x = g.to_vec();
    for i in 0..m {
        for j in 0..=i {
            let inner: f64 = (0..j).map(|k| h[i * m + k] * h[j * m + k]).sum();
            let rest = h[i * m + j] - inner + if i == j { 1e-15 } else { 0.0 };
            if i == j && !(rest > 0.0 && rest.is_finite()) {
                return None;
            }
            h[i * m + j] = if i == j { rest.sqrt() } else { rest / h[j * m + j] };
        }
        x[i] = (x[i] - (0..i).map(|k| h[i * m + k] * x[k]).sum::<f64>()) / h[i * m + i];
    }
    for i in (0..m).rev() {
        x[i] = (x[i] - (i + 1..m).map(|k| h[k * m + i] * x[k]).sum::<f64>()) / h[i * m + i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::problem::density::moments;
    use crate::problem::grid::{Axis, Boundary};

    #[test]
    fn both_moments_are_exact_in_the_middle_and_beside_a_wall() {
        let axis = |name| Axis::uniform(name, 0.0, 5.0, 100, [Boundary::Reflecting; 2]).unwrap();
        let line = Grid::new(vec![axis("x")]).unwrap();
        for (mean, deviation) in [(0.075, 0.03), (0.1, 0.04), (2.51, 0.026), (2.5, 0.4), (0.3, 0.12)] {
            let p = maximum_entropy(&line, None, &[mean], &[deviation * deviation]).unwrap();
            let (m, c) = moments(&line, &p);
            assert!((m[0] - mean).abs() < 1e-11 && (c[0] - deviation * deviation).abs() < 1e-11, "{mean} {m:?} {c:?}");
            assert!(p.iter().all(|&p| p >= 0.0));
        }
        let plane = Grid::new(vec![axis("x"), axis("y")]).unwrap();
        let wanted = [4e-3, 3e-3, 5e-3];
        let p = maximum_entropy(&plane, None, &[1.01, 0.2], &wanted).unwrap();
        let (m, c) = moments(&plane, &p);
        assert!((m[0] - 1.01).abs() < 1e-11 && (m[1] - 0.2).abs() < 1e-11, "{m:?}");
        assert!(c.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-11), "{c:?}");
    }

    #[test]
    fn variances_that_no_lattice_has_are_refused() {
        let line = Grid::new(vec![Axis::uniform("x", 0.0, 10.0, 10, [Boundary::Reflecting; 2]).unwrap()]).unwrap();
        assert!(maximum_entropy(&line, None, &[5.0], &[0.2]).is_none());
        assert!(maximum_entropy(&line, None, &[0.2], &[0.04]).is_none()); // below the first centre
        assert!(maximum_entropy(&line, None, &[5.0], &[0.3]).is_some());
    }
}
