//! The functions of a problem tabulated at the cell centres of its grid.

use rayon::prelude::*;

use super::grid::Grid;
use crate::numerics::symmetric::packed_len;
use crate::problem::Problem;

/// Loss, drift, diffusion and the model's diagnostics at the cell centres, one value per cell, coordinate-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// Loss L (n); None for a general drift.
    pub loss: Option<Vec<f64>>,
    /// Drift b (d×n).
    pub drift: Vec<f64>,
    /// Diffusion matrix D (packed × n).
    pub diffusion: Vec<f64>,
    /// Further fields of the model by name (n each).
    pub diagnostics: Vec<(&'static str, Vec<f64>)>,
}

const CHUNK: usize = 1024;

/// A function of `components` values per point at all cell centres (component c of cell i at `[c·n + i]`), in parallel.
///
/// `f` takes the points of a chunk (coordinate-major) and the values to fill (components × points); `work` is how many numbers
/// it holds per point meanwhile, so that chunks of many samples are short.
pub fn tabulate(grid: &Grid, components: usize, work: usize, f: impl Fn(&[f64], &mut [f64]) + Sync) -> Vec<f64> {
    let n = grid.len();
    let size = ((1 << 20) / work.max(1)).clamp(8, CHUNK);
    let chunk = |c: usize| {
        let points = grid.centers_of(c * size..n.min((c + 1) * size));
        let mut values = vec![0.0; components * points.len() / grid.dimension()];
        f(&points, &mut values);
        values
    };
    let chunks: Vec<Vec<f64>> = (0..n.div_ceil(size)).into_par_iter().map(chunk).collect();
    let mut out = vec![0.0; components * n];
    for (k, values) in chunks.iter().enumerate() {
        let len = values.len() / components;
        for (c, row) in values.chunks_exact(len).enumerate() {
            out[c * n + k * size..][..len].copy_from_slice(row);
        }
    }
    out
}

impl Fields {
    /// Evaluates everything, in parallel over chunks of cells.
    pub fn on_grid(problem: &Problem) -> Self {
        let (d, n) = (problem.dimension(), problem.grid.len());
        let chunks: Vec<(usize, Self)> =
            (0..n.div_ceil(CHUNK)).into_par_iter().map(|c| Self::chunk(problem, c * CHUNK)).collect();
        let mut all = Self {
            loss: problem.model.has_loss().then(|| vec![0.0; n]),
            drift: vec![0.0; d * n],
            diffusion: vec![0.0; packed_len(d) * n],
            diagnostics: chunks[0].1.diagnostics.iter().map(|&(name, _)| (name, vec![0.0; n])).collect(),
        };
        for (start, part) in &chunks {
            let len = part.drift.len() / d;
            let copy = |to: &mut [f64], from: &[f64]| {
                for component in 0..from.len() / len {
                    let at = component * n + start;
                    to[at..at + len].copy_from_slice(&from[component * len..(component + 1) * len]);
                }
            };
            copy(&mut all.drift, &part.drift);
            copy(&mut all.diffusion, &part.diffusion);
            if let (Some(to), Some(from)) = (&mut all.loss, &part.loss) {
                copy(to, from);
            }
            for (to, from) in all.diagnostics.iter_mut().zip(&part.diagnostics) {
                copy(&mut to.1, &from.1);
            }
        }
        all
    }

    fn chunk(problem: &Problem, start: usize) -> (usize, Self) {
        let d = problem.dimension();
        let len = CHUNK.min(problem.grid.len() - start);
        let points = problem.grid.centers_of(start..start + len);
        let mut part = Self {
            loss: None,
            drift: vec![0.0; d * len],
            diffusion: vec![0.0; packed_len(d) * len],
            diagnostics: problem.model.diagnostics(&points),
        };
        problem.dynamics.drift_diffusion(&points, &mut part.drift, &mut part.diffusion);
        if problem.model.has_loss() {
            let mut loss = vec![0.0; len];
            problem.model.loss(&points, &mut loss);
            part.loss = Some(loss);
        }
        (start, part)
    }
}
