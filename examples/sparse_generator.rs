//! The generator as a sparse matrix: Q of dp/dt = Qᵀp in compressed rows, rates off the diagonal and rows that sum to 0.
//!
//! Here it is used for a transient of one's own, by uniformisation: e^{tQᵀ} p = Σ_k e^{−Λt} (Λt)^k/k! (I + Qᵀ/Λ)^k p.

use fpsolve_solvers::Error;
use fpsolve_solvers::dynamics::FromFunctions;
use fpsolve_solvers::fokker_planck::edge_generator;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;

pub(crate) fn main() -> Result<(), Error> {
    let process =
        FromFunctions::new(1, |x: &[f64], b: &mut [f64]| b[0] = -1.5 * x[0], |_: &[f64], d: &mut [f64]| d[0] = 1.0);
    let grid = Grid::new(vec![Axis::uniform("x", -1.51, 2.49, 200, [Boundary::Reflecting; 2])?])?;
    let q = edge_generator(&process, 0.1, &grid)?.generator.to_csr();
    println!("{} × {} matrix with {} entries", q.rows(), q.cols(), q.nnz());
    let rows_sum_to =
        q.outer_iterator().map(|row| row.iter().map(|(_, rate)| rate).sum::<f64>().abs()).fold(0.0, f64::max);
    let fastest = q.diag().iter().map(|(_, rate)| -rate).fold(0.0, f64::max);
    assert!(rows_sum_to < 1e-12 * fastest, "probability is neither made nor lost: {rows_sum_to:e}");

    let time = 0.7;
    let mut p = Initial::Point { at: vec![1.0] }.cell_probability(&grid)?;
    let mut weight = (-fastest * time).exp();
    let mut law: Vec<f64> = p.iter().map(|p| weight * p).collect();
    for k in 1..2 * (fastest * time) as usize {
        let before = p.clone();
        for (rate, (i, j)) in q.iter() {
            p[j] += rate / fastest * before[i];
        }
        weight *= fastest * time / k as f64;
        law.iter_mut().zip(&p).for_each(|(law, p)| *law += weight * p);
    }
    let mean: f64 = law.iter().enumerate().map(|(cell, p)| p * grid.center(cell)[0]).sum();
    println!("mean at t = {time}: {mean:.6}");
    assert!((mean - 0.349_937_749).abs() < 1e-3, "B01 of the reference problems: e^(−1.5·0.7)");
    Ok(())
}
