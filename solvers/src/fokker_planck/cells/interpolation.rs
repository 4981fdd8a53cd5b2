//! Interpolation between cell centres: linear and cubic.

use crate::fokker_planck::cells::weighted::WeightedCells;
use crate::problem::grid::{Axis, Grid};

/// A field at the point of these interpolation weights.
pub fn at(weights: &[(usize, f64)], field: &[f64]) -> f64 {
    weights.iter().map(|&(cell, w)| w * field[cell]).sum()
}

/// Cells and weights of linear interpolation between cell centres, or the nodes of weighted `cells`; constant beyond the outermost ones.
pub fn interpolation(grid: &Grid, cells: Option<&WeightedCells>, point: &[f64]) -> Vec<(usize, f64)> {
    weights(grid, cells, point, false)
}

/// The same for a field, which goes on linearly between the outermost node of weighted `cells` and the wall.
pub fn of_field(grid: &Grid, cells: Option<&WeightedCells>, point: &[f64]) -> Vec<(usize, f64)> {
    weights(grid, cells, point, true)
}

fn weights(grid: &Grid, cells: Option<&WeightedCells>, point: &[f64], beyond: bool) -> Vec<(usize, f64)> {
    let mut corners: Vec<(usize, f64)> = vec![(0, 1.0)];
    let located: Vec<usize> = grid.axes().iter().zip(point).map(|(axis, &x)| nearest(axis, x)).collect();
    // along axis k, with the other coordinates where the point is
    let node = |k: usize, i: usize| {
        let cell =
            |(sum, l): (usize, usize), axis: &Axis| (sum * axis.cells() + if l == k { i } else { located[l] }, l + 1);
        let weighted = cells.filter(|cells| cells.holds(k));
        let cell = grid.axes().iter().fold((0, 0), cell).0;
        weighted.map_or_else(|| grid.axes()[k].center(i), |weighted| weighted.node(grid, k, cell).0)
    };
    for (k, (axis, &x)) in grid.axes().iter().zip(point).enumerate() {
        let x = if axis.is_periodic() { axis.wrap(x) } else { x };
        let (n, at) = (axis.cells(), located[k]);
        let offset = x - node(k, at);
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
        let weighted = cells.is_some_and(|cells| cells.holds(k));
        if next == at && beyond && weighted && n > 1 {
            let inner = if at == 0 { 1 } else { at - 1 };
            let t = offset / (node(k, inner) - node(k, at));
            corners =
                corners.iter().flat_map(|&(c, w)| [(c * n + at, w * (1.0 - t)), (c * n + inner, w * t)]).collect();
            continue;
        }
        let distance = match weighted || !axis.scale().is_linear() {
            true => (node(k, next) - node(k, at)).abs(),
            false => 0.5 * (axis.width(at) + axis.width(next)),
        };
        let t = if next == at { 0.0 } else { offset.abs() / distance };
        corners = corners.iter().flat_map(|&(c, w)| [(c * n + at, w * (1.0 - t)), (c * n + next, w * t)]).collect();
    }
    corners.retain(|&(_, w)| w != 0.0);
    corners
}

/// The cell of `x` along an axis, or the one at that end.
fn nearest(axis: &Axis, x: f64) -> usize {
    let x = if axis.is_periodic() { axis.wrap(x) } else { x };
    axis.locate(x).unwrap_or(if x < axis.lower() { 0 } else { axis.cells() - 1 })
}

/// Cells and weights of cubic (Lagrange) interpolation by four centres in a row along each axis, all of which may be `used`: the four
/// nearest on a line (or the nodes of weighted `cells`), beyond the outermost of them extrapolated; None where there are no such cells.
pub fn cubic(
    grid: &Grid,
    cells: Option<&WeightedCells>,
    point: &[f64],
    used: &dyn Fn(usize) -> bool,
) -> Option<Vec<(usize, f64)>> {
    if cells.is_some() && grid.dimension() > 1 {
        return None;
    }
    let row = |(axis, &x): (&Axis, &f64)| match cells {
        Some(cells) => windows(axis, x, &|cell| cells.node(grid, 0, cell).0),
        None => windows(axis, x, &|cell| axis.center(cell)),
    };
    let rows: Vec<Vec<[(usize, f64); 4]>> = grid.axes().iter().zip(point).map(row).collect::<Option<_>>()?;
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
fn windows(axis: &Axis, x: f64, node: &dyn Fn(usize) -> f64) -> Option<Vec<[(usize, f64); 4]>> {
    let periodic = axis.is_periodic();
    let x = if periodic { axis.wrap(x) } else { x };
    let (n, here) = (axis.cells() as i64, axis.locate(x)? as i64);
    let cell = |k: i64| k.rem_euclid(n) as usize;
    let place = |k: i64| node(cell(k)) + axis.length() * k.div_euclid(n) as f64;
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
