//! A first-passage problem as a grid sees it, and what it answers.

use super::passage::Target;

/// What the grid says about the time to a target.
#[derive(Debug, Clone)]
pub struct GridPassage {
    /// Mean first-passage time τ from each cell, 0 in the target (n).
    pub mean_time: Vec<f64>,
    /// Probability to reach the target before the set that is avoided or an absorbing wall (n); None where nothing else can
    /// happen.
    pub committor: Option<Vec<f64>>,
    /// τ at the starting point, by linear interpolation between cell centres.
    pub from_value: f64,
    /// Committor at the starting point.
    pub from_committor: Option<f64>,
    /// Probability not to have arrived at each output time, from the starting point.
    pub survival: Vec<f64>,
    /// Estimated error of the survival by the time integration.
    pub error_time: f64,
    /// Estimated error of τ at the starting point by the grid, where it can be coarsened.
    pub error_grid: Option<f64>,
    /// τ at the starting point with the leading error of the grid taken off.
    pub from_value_extrapolated: Option<f64>,
    /// Estimated error of the committor at the starting point by the grid, where it can be coarsened.
    pub from_committor_error_grid: Option<f64>,
}

/// τ and the committor at the starting point alone, each where it could be computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtStart {
    /// Mean first-passage time.
    pub mean_time: Option<f64>,
    /// Committor.
    pub committor: Option<f64>,
}

impl GridPassage {
    /// Estimates the errors from what a coarser discretisation says, whose errors are `growth` times as large.
    pub fn see_coarse(&mut self, coarse: &AtStart, growth: f64) {
        let error = |fine: f64, coarse: f64| (fine - coarse).abs() / (growth - 1.0);
        let known = self.error_grid.unwrap_or(0.0);
        let seen = coarse.mean_time.map(|coarse| error(self.from_value, coarse).max(known));
        self.error_grid = seen.or(self.error_grid);
        self.from_value_extrapolated =
            coarse.mean_time.map(|coarse| self.from_value + (self.from_value - coarse) / (growth - 1.0));
        let known = self.from_committor_error_grid.unwrap_or(0.0);
        let seen = self.from_committor.zip(coarse.committor).map(|(f, c)| error(f, c).max(known));
        self.from_committor_error_grid = seen.or(self.from_committor_error_grid);
    }
}

/// The problem: from where to which set.
pub struct PassageProblem<'a> {
    /// Starting point (d), outside the target.
    pub from: &'a [f64],
    /// The set to be reached.
    pub target: &'a Target,
    /// A set that ends the passage without arrival, for the committor only.
    pub avoid: Option<&'a Target>,
    /// Output times of the survival, the first is 0.
    pub times: &'a [f64],
}
