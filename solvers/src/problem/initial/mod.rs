//! Initial densities, for all engines alike: each is restricted to the grid's box and normalised there.

use super::grid::Grid;
use crate::Error;

mod gaussian;
mod sampler;

pub use sampler::Sampler;

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

/// The share of a Gaussian that must lie on the grid.
const LEAST_SHARE: f64 = 1e-3;

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

    /// Probability of every cell, sum 1: the integrals of the density over the cells, divided by their sum.
    ///
    /// Along the last axis Gaussians are integrated exactly by differences of erfc, which keep full relative accuracy in
    /// the tails; correlated ones along the other axes by Gauss–Legendre quadrature, to 1e-12 of the largest cell.
    ///
    /// Errors: a point off the grid, less than 1/1000 of a Gaussian on the grid, a covariance that is not positive
    /// definite, cells that are negative, not finite, empty or not as many as the grid has.
    pub fn cell_probability(&self, grid: &Grid) -> Result<Vec<f64>, Error> {
        match self {
            Self::Gaussian { mean, covariance } => {
                let mut probability = gaussian::Gaussian::new(mean, covariance)?.cell_probability(grid);
                let share: f64 = probability.iter().sum();
                if share.is_nan() || share < LEAST_SHARE {
                    return Err(Error::invalid(
                        format!("only {share:.1e} of the initial Gaussian lies on the grid"),
                        "move its mean into the box or widen the grid",
                    ));
                }
                probability.iter_mut().for_each(|p| *p /= share);
                Ok(probability)
            }
            Self::Point { at } => {
                let cell = point_on_grid(at, grid)?;
                let mut probability = vec![0.0; grid.len()];
                probability[cell] = 1.0;
                Ok(probability)
            }
            Self::Uniform => {
                let volume = grid.total_volume();
                Ok(grid.volumes().iter().map(|v| v / volume).collect())
            }
            Self::Cells { probability } => normalised_cells(probability, grid),
        }
    }

    /// A sampler of the same law (a point stays the point itself). Errors as for [`Initial::cell_probability`].
    pub fn sampler(&self, grid: &Grid) -> Result<Sampler, Error> {
        Ok(match self {
            Self::Gaussian { mean, covariance } => {
                self.cell_probability(grid)?; // enough of it on the grid for rejection to end soon
                Sampler::gaussian(gaussian::Gaussian::new(mean, covariance)?, grid)
            }
            Self::Point { at } => {
                point_on_grid(at, grid)?;
                Sampler::point(at, grid)
            }
            Self::Uniform => Sampler::uniform(grid),
            Self::Cells { probability } => Sampler::cells(&normalised_cells(probability, grid)?, grid),
        })
    }
}

fn point_on_grid(at: &[f64], grid: &Grid) -> Result<usize, Error> {
    let located = if at.len() == grid.dimension() { grid.locate(at) } else { None };
    located.ok_or_else(|| {
        Error::invalid(format!("the initial point {at:?} is not on the grid"), "move it into the box or widen the grid")
    })
}

fn normalised_cells(probability: &[f64], grid: &Grid) -> Result<Vec<f64>, Error> {
    let sum: f64 = probability.iter().sum();
    let sound =
        probability.len() == grid.len() && probability.iter().all(|&p| p >= 0.0) && sum > 0.0 && sum.is_finite();
    if !sound {
        return Err(Error::invalid(
            "the initial density is negative, not finite or zero everywhere on the grid",
            "write a density that is finite and not negative on every cell",
        ));
    }
    Ok(probability.iter().map(|p| p / sum).collect())
}

#[cfg(test)]
mod tests;
