//! Densities on a grid as cell probabilities, and what is computed from them.

use ndarray::ArrayD;

use super::grid::Grid;
use crate::Error;
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

/// The same as an array over the axes of the grid. Errors: another number of probabilities than of cells.
pub fn density_array(grid: &Grid, probability: &[f64]) -> Result<ArrayD<f64>, Error> {
    let cells = grid.array(probability.to_vec())?;
    if cells.ndim() != grid.dimension() {
        let what = format!("{} probabilities on {} cells", probability.len(), grid.len());
        return Err(Error::invalid(what, "give one probability for each cell"));
    }
    let volumes = grid.array(grid.volumes())?;
    Ok(cells / volumes)
}

/// Marginal cell probabilities along one axis.
pub fn marginal(grid: &Grid, probability: &[f64], axis: usize) -> Vec<f64> {
    let mut out = vec![0.0; grid.shape()[axis]];
    for (cell, &p) in probability.iter().enumerate() {
        out[grid.multi_index(cell)[axis]] += p;
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::problem::grid::{Axis, Boundary};

    #[test]
    fn densities_are_arrays_over_the_axes() {
        let axis = |name, cells| Axis::uniform(name, 0.0, 1.0, cells, [Boundary::Reflecting; 2]).unwrap();
        let grid = Grid::new(vec![axis("x", 2), axis("y", 3)]).unwrap();
        let p: Vec<f64> = (1..=6).map(|i| f64::from(i) / 21.0).collect();
        let density = density_array(&grid, &p).unwrap();
        assert_eq!(density.shape(), [2, 3]);
        assert!((density[[1, 0]] - 6.0 * 4.0 / 21.0).abs() < 1e-15);
        let both = [p.clone(), p.clone()].concat();
        assert_eq!(grid.view(&both).unwrap().shape(), [2, 2, 3]);
        assert!(grid.view(&p[1..]).is_err() && density_array(&grid, &both).is_err());
    }
}
