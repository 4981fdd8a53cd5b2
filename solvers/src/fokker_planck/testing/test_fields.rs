//! Dynamics from closures, and a small stationary solver, for tests.
#![allow(clippy::unwrap_used)]

use faer::linalg::solvers::Solve;
use faer::sparse::{SparseColMat, Triplet};

use crate::fokker_planck::generator::Generator;
use crate::model::Model;
use crate::numerics::symmetric::packed_len;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::{Axis, Boundary, Grid};

type PointFn = dyn Fn([f64; 3]) -> ([f64; 3], [f64; 6]) + Send + Sync;

/// Drift and packed diffusion of one point.
pub struct Field {
    pub dimension: usize,
    pub at: Box<PointFn>,
}

impl Field {
    pub fn new(dimension: usize, at: impl Fn([f64; 3]) -> ([f64; 3], [f64; 6]) + Send + Sync + 'static) -> Self {
        Self { dimension, at: Box::new(at) }
    }

    pub fn line(at: impl Fn(f64) -> (f64, f64) + Send + Sync + 'static) -> Self {
        Self::new(1, move |x| {
            let (b, a) = at(x[0]);
            ([b, 0.0, 0.0], [a, 0.0, 0.0, 0.0, 0.0, 0.0])
        })
    }
}

impl Dynamics for Field {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let d = self.dimension;
        let n = points.len() / d;
        for i in 0..n {
            let mut point = [0.0; 3];
            (0..d).for_each(|k| point[k] = points[k * n + i]);
            let (b, a) = (self.at)(point);
            (0..d).for_each(|k| drift[k * n + i] = b[k]);
            (0..packed_len(d)).for_each(|c| diffusion[c * n + i] = a[c]);
        }
    }
}

/// A model without a loss, of so many variables.
pub struct NoLoss(pub usize);

impl Model for NoLoss {
    fn dimension(&self) -> usize {
        self.0
    }

    fn loss(&self, _: &[f64], loss: &mut [f64]) {
        loss.fill(0.0);
    }

    fn gradient(&self, _: &[f64], gradient: &mut [f64]) {
        gradient.fill(0.0);
    }
}

/// A uniform grid with the same walls everywhere.
pub fn grid(bounds: &[(f64, f64, usize)], wall: Boundary) -> Grid {
    let axis = |(k, &(from, to, cells)): (usize, &(f64, f64, usize))| {
        Axis::uniform(["x", "y", "z"][k], from, to, cells, [wall; 2]).unwrap()
    };
    Grid::new(bounds.iter().enumerate().map(axis).collect()).unwrap()
}

/// Stationary cell probabilities by inverse iteration.
pub fn stationary(q: &Generator) -> Vec<f64> {
    let n = q.cells();
    let scale = q.leaving().iter().copied().fold(0.0, f64::max);
    let shift = |i: usize, j: usize| if i == j { 1e-13 * scale } else { 0.0 };
    let q = q.to_csr();
    let triplets: Vec<_> = q.iter().map(|(&rate, (i, j))| Triplet::new(j, i, shift(i, j) - rate)).collect();
    let lu = SparseColMat::try_new_from_triplets(n, n, &triplets).unwrap().sp_lu().unwrap();
    let mut v = faer::Mat::from_fn(n, 1, |_, _| 1.0 / n as f64);
    for _ in 0..6 {
        v = lu.solve(&v);
        let sum: f64 = (0..n).map(|i| v[(i, 0)]).sum();
        (0..n).for_each(|i| v[(i, 0)] /= sum);
    }
    (0..n).map(|i| v[(i, 0)]).collect()
}

/// Cell probabilities proportional to exp(ln ρ) at the centres.
pub fn nodal(grid: &Grid, log_density: impl Fn([f64; 3]) -> f64) -> Vec<f64> {
    let mut p: Vec<f64> = (0..grid.len()).map(|i| log_density(grid.center(i)).exp() * grid.volume(i)).collect();
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|v| *v /= sum);
    p
}

/// Q v by its sparse matrix, or Qᵀ v.
fn sparse_product(q: &Generator, transposed: bool, v: &[f64]) -> Vec<f64> {
    let (q, mut out) = (q.to_csr(), vec![0.0; v.len()]);
    let q = if transposed { q.transpose_into().to_csr() } else { q };
    sprs::prod::mul_acc_mat_vec_csr(q.view(), v, &mut out);
    out
}

/// Largest |Σ_j Q_ij + exit_i| relative to the leaving rate.
pub fn mass_defect(q: &Generator) -> f64 {
    let sums = sparse_product(q, false, &vec![1.0; q.cells()]);
    (0..q.cells()).map(|i| (sums[i] + q.exit()[i]).abs() / q.leaving()[i].max(1e-300)).fold(0.0, f64::max)
}

/// ‖Qᵀ p‖₁ / ‖leaving·p‖₁.
pub fn residual(q: &Generator, p: &[f64]) -> f64 {
    let norm: f64 = q.leaving().iter().zip(p).map(|(a, b)| a * b).sum();
    sparse_product(q, true, p).iter().map(|v| v.abs()).sum::<f64>() / norm
}
