//! Interpolation between cell centres: linear for probabilities, cubic for smooth fields.

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

/// Cells and weights of a field at a point: cubic through four cells an axis that are `outside` (1, else 0) a set at whose surface the
/// field has a kink, through three or two where there are no four; linear between the nodes of weighted `cells`, and on from the outermost
/// one to the wall.
pub fn of_field(grid: &Grid, cells: Option<&WeightedCells>, outside: &[f64], point: &[f64]) -> Vec<(usize, f64)> {
    let cubic = || (2..=4).rev().find_map(|count| through(grid, outside, point, count));
    let smooth = if cells.is_none() { cubic() } else { None };
    smooth.unwrap_or_else(|| weights(grid, cells, point, true))
}

/// Lagrange interpolation through `count` cells an axis, the most central ones that lie outside; None where there are none.
fn through(grid: &Grid, outside: &[f64], point: &[f64], count: usize) -> Option<Vec<(usize, f64)>> {
    let along = |(axis, &x): (&Axis, &f64)| windows(axis, x, count);
    let axes: Vec<Vec<Window>> = grid.axes().iter().zip(point).map(along).collect();
    let mut products: Vec<(f64, Vec<(usize, f64)>)> = vec![(0.0, vec![(0, 1.0)])];
    for (windows, axis) in axes.iter().zip(grid.axes()) {
        let n = axis.cells();
        let with = |(off, cells): &(f64, Vec<(usize, f64)>), window: &Window| {
            let next = cells.iter().flat_map(|&(c, w)| window.weights.iter().map(move |&(i, v)| (c * n + i, w * v)));
            (off + window.off_centre, next.collect())
        };
        products = products.iter().flat_map(|before| windows.iter().map(move |window| with(before, window))).collect();
    }
    products.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all_outside = |(_, cells): &(f64, Vec<(usize, f64)>)| cells.iter().all(|&(cell, _)| outside[cell] > 0.0);
    products.into_iter().find(all_outside).map(|(_, cells)| cells)
}

/// Consecutive cells of an axis with their weights, and how far the middle of their centres is from the point, in cells.
struct Window {
    weights: Vec<(usize, f64)>,
    off_centre: f64,
}

/// The windows of `count` cells of an axis from which `x` is at most a cell away.
fn windows(axis: &Axis, x: f64, count: usize) -> Vec<Window> {
    let (n, at, count) = (axis.cells() as isize, nearest(axis, x) as isize, count as isize);
    let x = if axis.is_periodic() { axis.wrap(x) } else { x };
    // a cell beyond the end of a periodic axis is that of the other end, a period away
    let centre = |i: isize| axis.center(i.rem_euclid(n) as usize) + axis.length() * i.div_euclid(n) as f64;
    let fits = |first: isize| count <= n && (axis.is_periodic() || (first >= 0 && first + count <= n));
    let window = |first: isize| {
        let cells: Vec<(usize, f64)> = (first..first + count).map(|i| (i.rem_euclid(n) as usize, centre(i))).collect();
        let weight = |&(cell, c): &(usize, f64)| {
            let others = cells.iter().filter(|other| other.1 != c);
            (cell, others.map(|other| (x - other.1) / (c - other.1)).product())
        };
        let middle = cells.iter().map(|(_, c)| c).sum::<f64>() / count as f64;
        Window { weights: cells.iter().map(weight).collect(), off_centre: (x - middle).abs() / axis.width(at as usize) }
    };
    (at - count..=at + 1).filter(|&first| fits(first)).map(window).collect()
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
