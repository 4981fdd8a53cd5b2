//! From a grid to the one twice as fine: logarithms of densities, interpolated.

use crate::problem::grid::{Axis, Grid};

/// ln of cell probabilities on `fine` by multilinear interpolation of the log density between the cell centres of its coarsening;
/// −∞ is read as far below everything else.
pub(crate) fn refined_log(fine: &Grid, coarse: &Grid, log: &[f64]) -> Vec<f64> {
    let top = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut shape = coarse.shape().to_vec();
    let mut values: Vec<f64> =
        log.iter().enumerate().map(|(cell, l)| l.max(top - 700.0) - coarse.volume(cell).ln()).collect();
    for k in 0..fine.dimension() {
        let places = places(&fine.axes()[k], &coarse.axes()[k]);
        let (outer, inner): (usize, usize) = (shape[..k].iter().product(), shape[k + 1..].iter().product());
        let mut next = Vec::with_capacity(2 * values.len());
        for slab in values.chunks_exact(shape[k] * inner).take(outer) {
            for &(a, b, t) in &places {
                let (a, b) = (&slab[a * inner..(a + 1) * inner], &slab[b * inner..(b + 1) * inner]);
                next.extend(a.iter().zip(b).map(|(a, b)| a + t * (b - a)));
            }
        }
        shape[k] = places.len();
        values = next;
    }
    values.iter_mut().enumerate().for_each(|(cell, v)| *v += fine.volume(cell).ln());
    values
}

/// For each fine cell: the coarse cell it lies in, a neighbour, and the fraction of the way to it.
fn places(fine: &Axis, coarse: &Axis) -> Vec<(usize, usize, f64)> {
    let n = coarse.cells();
    (0..fine.cells())
        .map(|i| {
            let inside = i / 2;
            if coarse.is_periodic() {
                return (inside, (inside + if i % 2 == 0 { n - 1 } else { 1 }) % n, 0.25);
            }
            let beside = if (i % 2 == 0 && inside > 0) || inside + 1 == n { inside - 1 } else { inside + 1 };
            let (x, a, b) = (fine.center(i), coarse.center(inside), coarse.center(beside));
            (inside, beside, (x - a) / (b - a))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::problem::grid::Boundary;

    #[test]
    fn exponentials_of_linear_functions_are_exact_up_to_the_walls() {
        let graded: Vec<f64> = (0..=12).map(|i| f64::from(i) + 0.05 * f64::from(i * i)).collect();
        let fine = Grid::new(vec![
            Axis::uniform("x", -1.0, 2.0, 8, [Boundary::Reflecting; 2]).unwrap(),
            Axis::graded("y", graded, [Boundary::Reflecting; 2]).unwrap(),
        ])
        .unwrap();
        let coarse = fine.coarsened().unwrap();
        let log = |grid: &Grid| -> Vec<f64> {
            let value = |cell| {
                let center = grid.center(cell);
                2.0 * center[0] - 3.0 * center[1] + grid.volume(cell).ln()
            };
            (0..grid.len()).map(value).collect()
        };
        let found = refined_log(&fine, &coarse, &log(&coarse));
        assert!(found.iter().zip(log(&fine)).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn periodic_axes_are_interpolated_across_the_end() {
        let fine = Grid::new(vec![Axis::uniform("x", 0.0, 1.0, 8, [Boundary::Periodic; 2]).unwrap()]).unwrap();
        let found = refined_log(&fine, &fine.coarsened().unwrap(), &[0.0, 1.0, 2.0, 4.0]);
        let density: Vec<f64> = found.iter().map(|l| l - 0.125f64.ln() + 0.25f64.ln()).collect();
        assert!((density[0] - 1.0).abs() < 1e-14 && (density[7] - 3.0).abs() < 1e-14, "{density:?}");
    }
}
