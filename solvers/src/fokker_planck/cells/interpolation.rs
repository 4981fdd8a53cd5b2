//! Linear interpolation between cell centres.

use crate::problem::grid::Grid;

/// A field at the point of these interpolation weights.
pub fn at(weights: &[(usize, f64)], field: &[f64]) -> f64 {
    weights.iter().map(|&(cell, w)| w * field[cell]).sum()
}

/// Cells and weights of linear interpolation between cell centres; constant beyond the outermost ones.
pub fn interpolation(grid: &Grid, point: &[f64]) -> Vec<(usize, f64)> {
    let mut corners: Vec<(usize, f64)> = vec![(0, 1.0)];
    for (axis, &x) in grid.axes().iter().zip(point) {
        let x = if axis.is_periodic() { axis.wrap(x) } else { x };
        let n = axis.cells();
        let at = axis.locate(x).unwrap_or(if x < axis.lower() { 0 } else { n - 1 });
        let offset = x - axis.center(at);
        let next = match (offset < 0.0, axis.is_periodic()) {
            (false, periodic) => {
                if at + 1 < n {
                    at + 1
                } else if periodic {
                    0
                } else {
                    at
                }
            }
            (true, periodic) => {
                if at > 0 {
                    at - 1
                } else if periodic {
                    n - 1
                } else {
                    at
                }
            }
        };
        let distance = 0.5 * (axis.width(at) + axis.width(next));
        let t = if next == at { 0.0 } else { offset.abs() / distance };
        corners = corners.iter().flat_map(|&(c, w)| [(c * n + at, w * (1.0 - t)), (c * n + next, w * t)]).collect();
    }
    corners.retain(|&(_, w)| w > 0.0);
    corners
}
