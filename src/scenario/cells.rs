//! Centres of cells block by block, and points in words.

use std::ops::Range;

use fpsolve_solvers::problem::grid::Grid;

/// Cells that are looked at together.
pub const BLOCK: usize = 4096;

/// The cells of a grid in blocks of bounded size.
pub fn blocks(grid: &Grid) -> Vec<Range<usize>> {
    (0..grid.len()).step_by(BLOCK).map(|start| start..grid.len().min(start + BLOCK)).collect()
}

/// Centres of n cells (d×n, coordinate-major).
pub fn centres(grid: &Grid, cells: impl ExactSizeIterator<Item = usize>) -> Vec<f64> {
    let n = cells.len();
    let mut points = vec![0.0; grid.dimension() * n];
    for (i, cell) in cells.enumerate() {
        for (k, x) in grid.center(cell)[..grid.dimension()].iter().enumerate() {
            points[k * n + i] = *x;
        }
    }
    points
}

/// Point number `i` of points (d×n, coordinate-major) in words: "x = 0.5, y = 2".
pub fn place(grid: &Grid, points: &[f64], i: usize) -> String {
    let n = points.len() / grid.dimension();
    let axes = grid.axes().iter().enumerate();
    let words: Vec<String> = axes.map(|(k, axis)| format!("{} = {}", axis.variable(), points[k * n + i])).collect();
    words.join(", ")
}
