//! Initial densities, for all engines alike: each is restricted to the grid's box and normalised there.

use crate::grid::Grid;

/// The law of θ at time 0.
#[derive(Debug, Clone)]
pub enum Initial {
    /// Gaussian with mean (d) and covariance (packed), cut off at the walls of the grid.
    Gaussian {
        /// Mean, d.
        mean: Vec<f64>,
        /// Covariance, packed d(d+1)/2.
        covariance: Vec<f64>,
    },
    /// All probability at one point, d.
    Point {
        /// The point.
        at: Vec<f64>,
    },
    /// Uniform on the box of the grid.
    Uniform,
    /// Given as cell probabilities (from a formula), uniform inside each cell.
    Cells {
        /// Probability of each cell, sum 1.
        probability: Vec<f64>,
    },
}

impl Initial {
    /// Whether all probability sits at one point.
    pub fn is_point(&self) -> bool {
        matches!(self, Self::Point { .. })
    }

    /// Cell that holds a point start.
    pub fn point_cell(&self, grid: &Grid) -> Option<usize> {
        match self {
            Self::Point { at } => grid.locate(at),
            _ => None,
        }
    }
}
