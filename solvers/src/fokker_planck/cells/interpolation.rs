//! Linear interpolation between cell centres.

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
        let distance = match weighted {
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
