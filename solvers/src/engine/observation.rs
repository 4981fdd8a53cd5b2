//! What is seen of an engine: densities and moments at the output times, paths of walkers in between, attributes.

use ndarray::ArrayD;

use crate::Error;
use crate::problem::density::density_array;
use crate::problem::grid::Grid;

/// Asked once a step: true when the user wants the run to stop.
pub type Interrupt<'a> = &'a (dyn Fn() -> bool + Sync);

/// What an engine shows at an output time.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Time.
    pub time: f64,
    /// Probability of each grid cell; sums to 1 − outside.
    pub probability: Vec<f64>,
    /// Mean position (d). Ensembles: over all walkers, also those off the grid.
    pub mean: Vec<f64>,
    /// Standard error of the mean (d); zeros for the Fokker–Planck engine.
    pub mean_se: Vec<f64>,
    /// Covariance (packed, d(d+1)/2).
    pub covariance: Vec<f64>,
    /// Share of the probability that is off the grid (left it or was absorbed).
    pub outside: f64,
}

impl Snapshot {
    /// The density ρ as cell averages, an array over the axes of the grid. Errors: a grid of another number of cells.
    pub fn density(&self, grid: &Grid) -> Result<ArrayD<f64>, Error> {
        density_array(grid, &self.probability)
    }
}

/// Levels of the quantiles that ensembles show.
pub const QUANTILE_LEVELS: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// What only an ensemble shows at an output time, over the walkers that were not absorbed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    /// Quantiles (d × levels) at [`QUANTILE_LEVELS`]; empty when no walker is left.
    pub quantiles: Vec<f64>,
    /// Standard errors of the covariance (packed).
    pub covariance_se: Vec<f64>,
}

/// Moments of a density with the leading error of the discretisation taken off (Richardson).
#[derive(Debug, Clone, PartialEq)]
pub struct RefinedMoments {
    /// Extrapolated mean (d).
    pub mean: Vec<f64>,
    /// Estimated |error| of the mean that is not extrapolated (d).
    pub mean_error: Vec<f64>,
    /// Extrapolated covariance (packed).
    pub covariance: Vec<f64>,
    /// Estimated |error| of the covariance that is not extrapolated (packed).
    pub covariance_error: Vec<f64>,
}

impl RefinedMoments {
    /// Adds errors of another source to those of mean and covariance.
    pub(crate) fn count(&mut self, (mean, covariance): &(Vec<f64>, Vec<f64>)) {
        self.mean_error.iter_mut().zip(mean).for_each(|(error, more)| *error += more);
        self.covariance_error.iter_mut().zip(covariance).for_each(|(error, more)| *error += more);
    }
}

/// An attribute of an engine's group in the record.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A number.
    Float(f64),
    /// A count.
    Integer(i64),
    /// A word or a sentence.
    Text(String),
}

/// Positions of the first walkers of an ensemble at the output times and in between.
///
/// Between two outputs that lie a share s of the run apart, ⌈s·[`Trajectories::ROWS`]⌉ steps are kept (all of them where there
/// are fewer), so that a picture shows how walkers cross from one place to another; the step at each output is among them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trajectories {
    /// Number of walkers n.
    pub walkers: usize,
    /// Times, the first is 0.
    pub times: Vec<f64>,
    /// Positions: for each time the coordinate-major block (d×n).
    pub points: Vec<f64>,
}

impl Trajectories {
    /// Times kept over a whole run, roughly.
    pub const ROWS: f64 = 1000.0;

    /// The steps, of `steps` steps between two outputs, after which positions are kept; `share` of the run lies between them.
    pub fn kept_steps(steps: u64, share: f64) -> Vec<u64> {
        let rows = ((share * Self::ROWS).ceil().max(1.0) as u64).min(steps);
        (1..=rows).map(|row| (u128::from(row) * u128::from(steps) / u128::from(rows)) as u64).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_steps_are_spread_and_end_with_the_output() {
        assert_eq!(Trajectories::kept_steps(5, 1.0), [1, 2, 3, 4, 5]);
        assert_eq!(Trajectories::kept_steps(10, 0.004), [2, 5, 7, 10]);
        assert_eq!(Trajectories::kept_steps(1_000_000, 0.1).len(), 100);
        assert_eq!(Trajectories::kept_steps(3, 1e-9), [3]);
    }
}
