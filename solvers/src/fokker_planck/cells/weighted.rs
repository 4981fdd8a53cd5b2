//! Cells of a grid on which the noise vanishes at a wall: there the density is a power of the distance to the wall, and what a scheme
//! holds along that axis is the probability of a cell, Σ w over it, instead of a centre value.
//!
//! With W = exp(∫ b/a) along the axis and the weight w = W/a, a cell has the ratio r = ∫w/(h w(centre)), the node x̄ = ∫x w/∫w, and the
//! spread ∫(x − x̄)² w/∫w: a density u·w with a smooth u has in that cell the mass, mean and variance of w up to O(h²).

use super::averages::{averages_along, centre_values_along};
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::density;
use crate::problem::grid::Grid;

/// Mean (d) and covariance (packed).
type Moments = (Vec<f64>, Vec<f64>);

/// What the weight makes of a cell along one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted {
    /// ln r; infinite where the weight cannot be integrated up to the wall.
    pub log_ratio: f64,
    /// x̄.
    pub node: f64,
    /// Variance about x̄.
    pub spread: f64,
    /// ln of W(edge)/∫w at the lower and the upper edge.
    pub log_rate: [f64; 2],
    /// ln W(edge)/W(x̄) at both.
    pub rise: [f64; 2],
}

/// The cells of a grid, with what the weight makes of them along those axes at whose walls the noise vanishes.
#[derive(Debug, Clone)]
pub struct WeightedCells {
    /// Per axis the cells (n), None where the weight could not be integrated; an empty axis holds centre values.
    axes: Vec<Vec<Option<Weighted>>>,
}

impl WeightedCells {
    /// From one list an axis, empty or of one entry a cell; None if all are empty.
    pub fn new(axes: Vec<Vec<Option<Weighted>>>) -> Option<Self> {
        axes.iter().any(|axis| !axis.is_empty()).then_some(Self { axes })
    }

    /// Cell `cell` along axis k; None where centre values stand.
    pub fn get(&self, k: usize, cell: usize) -> Option<&Weighted> {
        self.axes[k].get(cell)?.as_ref()
    }

    /// Whether axis k holds cell probabilities.
    pub fn holds(&self, k: usize) -> bool {
        !self.axes[k].is_empty()
    }

    /// ln of the ratio of mass to centre value, over all axes but `without`; 0 where it is infinite.
    pub fn log_ratio(&self, cell: usize, without: Option<usize>) -> f64 {
        let ratio = |k: usize| self.get(k, cell).map_or(0.0, |w| w.log_ratio);
        let sum: f64 = (0..self.axes.len()).filter(|&k| Some(k) != without).map(ratio).sum();
        if sum.is_finite() { sum } else { 0.0 }
    }

    /// Where the probability of a cell sits along axis k, and its variance about it.
    pub fn node(&self, grid: &Grid, k: usize, cell: usize) -> (f64, f64) {
        self.get(k, cell).map_or_else(|| (grid.center(cell)[k], 0.0), |w| (w.node, w.spread))
    }

    /// Cell probabilities from what the scheme holds.
    pub fn averages(&self, grid: &Grid, held: &[f64]) -> Vec<f64> {
        averages_along(grid, held, |k| !self.holds(k))
    }

    /// What the scheme holds for the given cell probabilities.
    pub fn held(&self, grid: &Grid, average: &[f64]) -> Vec<f64> {
        centre_values_along(grid, average, |k| !self.holds(k))
    }

    /// Mean and covariance of what the scheme holds.
    pub fn moments(&self, grid: &Grid, held: &[f64]) -> Moments {
        let d = grid.dimension();
        let mass: f64 = held.iter().sum();
        let (mut mean, mut covariance) = (vec![0.0; d], vec![0.0; packed_len(d)]);
        for (cell, p) in held.iter().enumerate() {
            (0..d).for_each(|k| mean[k] += p * self.node(grid, k, cell).0 / mass);
        }
        for (cell, p) in held.iter().enumerate() {
            let nodes: Vec<(f64, f64)> = (0..d).map(|k| self.node(grid, k, cell)).collect();
            for i in 0..d {
                for j in i..d {
                    let own = if i == j { nodes[i].1 } else { 0.0 };
                    let product = (nodes[i].0 - mean[i]) * (nodes[j].0 - mean[j]);
                    covariance[packed_index(d, i, j)] += p * (product + own) / mass;
                }
            }
        }
        (mean, covariance)
    }
}

/// [`WeightedCells::averages`], or those of centre values.
pub fn averages(cells: Option<&WeightedCells>, grid: &Grid, held: &[f64]) -> Vec<f64> {
    cells.map_or_else(|| super::averages::averages(grid, held), |cells| cells.averages(grid, held))
}

/// [`WeightedCells::moments`], or those of centre values.
pub fn moments(cells: Option<&WeightedCells>, grid: &Grid, held: &[f64]) -> Moments {
    cells.map_or_else(|| density::moments(grid, held), |cells| cells.moments(grid, held))
}
