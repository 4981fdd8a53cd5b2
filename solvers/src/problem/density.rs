//! Densities on a grid as cell probabilities, and what is computed from them.

use super::grid::Grid;
use crate::numerics::symmetric::{packed_index, packed_len};

/// Mean (d) and covariance (packed, d(d+1)/2) of cell probabilities, conditional on being on the grid.
///
/// Every cell counts at its centre; the covariance has no Sheppard correction.
pub fn moments(grid: &Grid, probability: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let d = grid.dimension();
    let mass: f64 = probability.iter().sum();
    let mut mean = vec![0.0; d];
    for (cell, &p) in probability.iter().enumerate() {
        let center = grid.center(cell);
        for k in 0..d {
            mean[k] += p * center[k];
        }
    }
    mean.iter_mut().for_each(|m| *m /= mass);
    let mut covariance = vec![0.0; packed_len(d)];
    for (cell, &p) in probability.iter().enumerate() {
        let center = grid.center(cell);
        for i in 0..d {
            for j in i..d {
                covariance[packed_index(d, i, j)] += p * (center[i] - mean[i]) * (center[j] - mean[j]);
            }
        }
    }
    covariance.iter_mut().for_each(|c| *c /= mass);
    (mean, covariance)
}

/// Differential entropy −Σ p ln(p/volume) of cell probabilities.
pub fn entropy(grid: &Grid, probability: &[f64]) -> f64 {
    let terms = probability.iter().enumerate().filter(|&(_, &p)| p > 0.0);
    -terms.map(|(cell, &p)| p * (p / grid.volume(cell)).ln()).sum::<f64>()
}

/// Kullback–Leibler divergence Σ p ln(p/q) of cell probabilities; a q below the range of floating-point numbers counts at
/// its lower end, 2.2e-308, so that the sum stays finite.
pub fn kullback_leibler(p: &[f64], q: &[f64]) -> f64 {
    let term = |(&p, &q): (&f64, &f64)| if p > 0.0 { p * (p / q.max(f64::MIN_POSITIVE)).ln() - p + q } else { q };
    p.iter().zip(q).map(term).sum::<f64>().max(0.0)
}

/// Σ |p − q| of cell probabilities.
pub fn l1(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum()
}

/// Total variation ½ Σ |p − q| of cell probabilities.
pub fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    0.5 * l1(p, q)
}

/// Cell averages of the density: probability over volume.
pub fn from_probability(grid: &Grid, probability: &[f64]) -> Vec<f64> {
    probability.iter().enumerate().map(|(cell, &p)| p / grid.volume(cell)).collect()
}

/// Marginal cell probabilities along one axis.
pub fn marginal(grid: &Grid, probability: &[f64], axis: usize) -> Vec<f64> {
    let mut out = vec![0.0; grid.shape()[axis]];
    for (cell, &p) in probability.iter().enumerate() {
        out[grid.multi_index(cell)[axis]] += p;
    }
    out
}
