//! Gauss–Legendre quadrature, composite on intervals and over grid cells.

use fpsolve_solvers::numerics::quadrature::GAUSS_8_POSITIVE;
use fpsolve_solvers::problem::grid::Grid;

/// Nodes and weights on [a, b].
pub fn nodes(a: f64, b: f64) -> impl Iterator<Item = (f64, f64)> {
    let (centre, half) = (0.5 * (a + b), 0.5 * (b - a));
    GAUSS_8_POSITIVE.iter().flat_map(move |&(x, w)| [(centre - half * x, half * w), (centre + half * x, half * w)])
}

/// ∫_a^b f dx with the 8-point rule on `panels` equal panels.
pub fn integrate(f: impl Fn(f64) -> f64, a: f64, b: f64, panels: usize) -> f64 {
    let width = (b - a) / panels as f64;
    let panel = |k: usize| -> f64 {
        let from = a + width * k as f64;
        nodes(from, from + width).map(|(x, w)| w * f(x)).sum()
    };
    (0..panels).map(panel).sum()
}

/// Integrals of a density over the cells of a grid by the 8-point rule along each axis (not normalised).
pub fn cells(grid: &Grid, density: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    (0..grid.len()).map(|cell| over_cell(grid, cell, 0, &mut [0.0; 3], &density)).collect()
}

fn over_cell(grid: &Grid, cell: usize, k: usize, at: &mut [f64; 3], density: &impl Fn(&[f64]) -> f64) -> f64 {
    if k == grid.dimension() {
        return density(&at[..k]);
    }
    let (edges, i) = (grid.axes()[k].edges(), grid.multi_index(cell)[k]);
    let mut sum = 0.0;
    for (x, w) in nodes(edges[i], edges[i + 1]) {
        at[k] = x;
        sum += w * over_cell(grid, cell, k + 1, at, density);
    }
    sum
}

/// Cell probabilities of a density on a grid, normalised to 1 there.
pub fn normalised_cells(grid: &Grid, density: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut p = cells(grid, density);
    let mass: f64 = p.iter().sum();
    p.iter_mut().for_each(|x| *x /= mass);
    p
}
