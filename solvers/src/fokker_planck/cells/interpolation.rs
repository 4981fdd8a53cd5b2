//! Interpolation between cell centres: linear and cubic.

use crate::problem::grid::{Axis, Grid};

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

/// Cells and weights of cubic (Lagrange) interpolation by four centres in a row along each axis, all of which may be `used`: the four
/// nearest on a line, beyond the outermost of them extrapolated; None where there are no such cells.
pub fn cubic(grid: &Grid, point: &[f64], used: &dyn Fn(usize) -> bool) -> Option<Vec<(usize, f64)>> {
    let rows: Vec<Vec<[(usize, f64); 4]>> =
        grid.axes().iter().zip(point).map(|(axis, &x)| windows(axis, x)).collect::<Option<_>>()?;
    let tried = if rows.len() == 1 { rows[0].len() } else { 1 };
    (0..tried).find_map(|choice| {
        let mut corners: Vec<(usize, f64)> = vec![(0, 1.0)];
        for (row, axis) in rows.iter().zip(grid.axes()) {
            let window = row[choice];
            let along = |(c, w): &(usize, f64)| window.map(|(k, weight)| (c * axis.cells() + k, w * weight));
            corners = corners.iter().flat_map(along).collect();
        }
        corners.iter().all(|(cell, _)| used(*cell)).then_some(corners)
    })
}

/// Four cells in a row along an axis with their Lagrange weights at x, those about x first; None where there are not four.
fn windows(axis: &Axis, x: f64) -> Option<Vec<[(usize, f64); 4]>> {
    let periodic = axis.is_periodic();
    let x = if periodic { axis.wrap(x) } else { x };
    let (n, here) = (axis.cells() as i64, axis.locate(x)? as i64);
    let cell = |k: i64| k.rem_euclid(n) as usize;
    let place = |k: i64| axis.center(cell(k)) + axis.length() * k.div_euclid(n) as f64;
    let mut firsts: Vec<i64> =
        (here - 4..=here + 1).filter(|first| n >= 4 && (periodic || (*first >= 0 && first + 4 <= n))).collect();
    let distance = |first: &i64| (0.5 * (place(first + 1) + place(first + 2)) - x).abs();
    firsts.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    let weight = |first: i64, k: i64| -> f64 {
        let others = (first..first + 4).filter(|&l| l != k);
        others.map(|l| (x - place(l)) / (place(k) - place(l))).product()
    };
    let window = |first: i64| [0, 1, 2, 3].map(|k| (cell(first + k), weight(first, first + k)));
    (!firsts.is_empty()).then(|| firsts.into_iter().map(window).collect())
}
