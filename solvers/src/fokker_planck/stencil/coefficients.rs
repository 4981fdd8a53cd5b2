//! Drift and A = T·D at points, checked: every value finite, every diffusion matrix positive semidefinite.

use rayon::prelude::*;

use crate::Error;
use crate::fault::{Fault, planted};
use crate::numerics::symmetric::{packed_index, packed_len, products};
use crate::problem::dynamics::{Dynamics, lengths};
use crate::problem::grid::Grid;

/// Cells per task.
pub const CHUNK: usize = 2048;

/// Drift and A at every cell centre, cell by cell (d and d(d+1)/2 numbers each).
pub struct CellCoefficients {
    /// Drift b_k of cell i at `[i·d + k]`.
    pub drift: Vec<f64>,
    /// A = T·D packed, component c of cell i at `[i·d(d+1)/2 + c]`.
    pub diffusion: Vec<f64>,
    /// (∇·A)_k of cell i at `[i·d + k]`; empty where A is diagonal in every cell and it is not needed.
    pub divergence: Vec<f64>,
    /// Whether A is diagonal in every cell.
    pub diagonal: bool,
}

/// Drift, A and, where `divergence` gives the lengths (d) on which differences are based, ∇·A at points given coordinate-major; results coordinate-major.
pub fn at_points(
    dynamics: &dyn Dynamics,
    temperature: f64,
    points: &[f64],
    divergence: Option<&[f64]>,
) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let d = dynamics.dimension();
    let n = points.len() / d;
    let mut drift = vec![0.0; d * n];
    let mut diffusion = vec![0.0; packed_len(d) * n];
    let mut div = vec![0.0; if divergence.is_some() { d * n } else { 0 }];
    dynamics.drift_diffusion(points, &mut drift, &mut diffusion);
    if let Some(lengths) = divergence {
        divergence_of(dynamics, points, lengths, &mut div);
    }
    diffusion.iter_mut().chain(&mut div).for_each(|v| *v *= temperature);
    (drift, diffusion, div)
}

/// ∇·D (d×n) at points.
fn divergence_of(dynamics: &dyn Dynamics, points: &[f64], lengths: &[f64], divergence: &mut [f64]) {
    dynamics.diffusion_divergence(points, lengths, divergence);
    if planted(Fault::NoDivergence) {
        divergence.fill(0.0);
    }
}

/// Evaluates all cell centres. Errors: a value that is not finite or an indefinite D, with the point.
pub fn at_cells(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid) -> Result<CellCoefficients, Error> {
    let d = grid.dimension();
    let pairs = packed_len(d);
    let n = grid.len();
    let mut out = CellCoefficients {
        drift: vec![0.0; d * n],
        diffusion: vec![0.0; pairs * n],
        divergence: Vec::new(),
        diagonal: true,
    };
    let drift = out.drift.par_chunks_mut(d * CHUNK);
    let diffusion = out.diffusion.par_chunks_mut(pairs * CHUNK);
    drift.zip(diffusion).enumerate().try_for_each(|(chunk, (drift, diffusion))| {
        let first = chunk * CHUNK;
        let points = centers(grid, first, drift.len() / d);
        let (b, a, _) = at_points(dynamics, temperature, &points, None);
        to_cell_major(&b, d, drift);
        to_cell_major(&a, pairs, diffusion);
        check(grid, first, drift, diffusion)
    })?;
    let off = |c: usize| (0..d).all(|k| packed_index(d, k, k) != c);
    out.diagonal = out.diffusion.par_chunks(pairs).all(|a| (0..pairs).all(|c| !off(c) || a[c] == 0.0));
    if !out.diagonal {
        out.divergence = vec![0.0; d * n];
        let lengths = lengths(grid);
        out.divergence.par_chunks_mut(d * CHUNK).enumerate().try_for_each(|(chunk, divergence)| {
            let first = chunk * CHUNK;
            let points = centers(grid, first, divergence.len() / d);
            let mut values = vec![0.0; divergence.len()];
            divergence_of(dynamics, &points, &lengths, &mut values);
            values.iter_mut().for_each(|v| *v *= temperature);
            to_cell_major(&values, d, divergence);
            finite(grid, first, d, divergence, "divergence of the diffusion matrix")
        })?;
    }
    Ok(out)
}

/// Centres of `count` cells from `first`, coordinate-major.
fn centers(grid: &Grid, first: usize, count: usize) -> Vec<f64> {
    let mut points = vec![0.0; grid.dimension() * count];
    for i in 0..count {
        let center = grid.center(first + i);
        for k in 0..grid.dimension() {
            points[k * count + i] = center[k];
        }
    }
    points
}

fn to_cell_major(values: &[f64], components: usize, out: &mut [f64]) {
    let n = values.len() / components;
    for i in 0..n {
        for c in 0..components {
            out[i * components + c] = values[c * n + i];
        }
    }
}

/// The point of a cell in words.
pub fn place(grid: &Grid, cell: usize) -> String {
    let center = grid.center(cell);
    let words = grid.axes().iter().enumerate().map(|(k, axis)| format!("{} = {}", axis.variable(), center[k]));
    words.collect::<Vec<_>>().join(", ")
}

fn finite(grid: &Grid, first: usize, components: usize, values: &[f64], what: &str) -> Result<(), Error> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Error::invalid(
            format!("the {what} is {} at {}", values[at], place(grid, first + at / components)),
            "choose bounds inside which the model is finite",
        )),
    }
}

fn check(grid: &Grid, first: usize, drift: &[f64], diffusion: &[f64]) -> Result<(), Error> {
    let d = grid.dimension();
    let pairs = packed_len(d);
    finite(grid, first, d, drift, "drift")?;
    finite(grid, first, pairs, diffusion, "diffusion matrix")?;
    let units = products(&lengths(grid));
    for (i, a) in diffusion.chunks_exact(pairs).enumerate() {
        if !is_semidefinite(d, &a.iter().zip(&units).map(|(a, unit)| a / unit).collect::<Vec<f64>>()) {
            return Err(Error::invalid(
                format!("the diffusion matrix is not positive semidefinite at {}", place(grid, first + i)),
                "a diffusion matrix needs eigenvalues ≥ 0: correct the formula, or choose bounds inside which it holds",
            ));
        }
    }
    Ok(())
}

/// Whether no eigenvalue of a matrix in units of the axes is below −10⁻¹⁰ times its trace (rounding is forgiven).
fn is_semidefinite(d: usize, a: &[f64]) -> bool {
    let mut m = [[0.0; 3]; 3];
    let trace: f64 = (0..d).map(|k| a[packed_index(d, k, k)]).sum();
    if trace < 0.0 || (trace == 0.0 && a.iter().any(|&v| v != 0.0)) {
        return false;
    }
    if trace == 0.0 {
        return true;
    }
    for i in 0..d {
        for j in 0..d {
            m[i][j] = a[packed_index(d, i, j)] / trace + if i == j { 1e-10 } else { 0.0 };
        }
    }
    // Gaussian elimination of m + 10⁻¹⁰: all pivots positive
    for k in 0..d {
        if m[k][k] <= 0.0 {
            return false;
        }
        for i in k + 1..d {
            let factor = m[i][k] / m[k][k];
            for j in k + 1..d {
                m[i][j] -= factor * m[k][j];
            }
        }
    }
    true
}
