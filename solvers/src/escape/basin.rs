//! A basin to stay in, and the law of what has not left it for a long time.

use super::passage::Target;
use crate::Error;
use crate::problem::grid::Grid;

/// A set to stay in, with what is outside of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Basin {
    /// Where θ stays.
    pub inside: Target,
    /// The rest.
    pub outside: Target,
}

impl Basin {
    /// Errors: values that are neither 0 nor 1 (or not finite), no cell whose centre is inside, none outside.
    pub fn check(&self, grid: &Grid) -> Result<(), Error> {
        let (text, values) = (self.inside.text(), self.inside.values(&grid.centers()));
        if let Some(value) = values.iter().find(|v| **v != 0.0 && **v != 1.0) {
            let what = format!("the basin \"{text}\" is not a condition: it has the value {value}");
            return Err(Error::invalid(
                what,
                "write comparisons, joined by * (both) or max (either): \"(x > 1)*(y < 0)\"",
            ));
        }
        let (share, help) = match (values.contains(&1.0), values.contains(&0.0)) {
            (true, true) => return Ok(()),
            (false, _) => ("no cell", "move the basin into the grid, or use more cells"),
            (true, false) => ("every cell", "leave some cells outside the basin"),
        };
        Err(Error::invalid(format!("the basin \"{text}\" covers {share} of the grid"), help))
    }
}

/// The quasi-stationary density of a basin and its exit rate.
#[derive(Debug, Clone, PartialEq)]
pub struct QuasiStationary {
    /// Cell probabilities ν (n), 0 outside the basin; centre values times volumes.
    pub probability: Vec<f64>,
    /// Exit rate λ in units of 1/t.
    pub rate: f64,
    /// Estimated |error| of the rate by the grid; None where the grid cannot be coarsened.
    pub rate_error: Option<f64>,
    /// ‖Qᵀν + λν‖₁/λ.
    pub residual: f64,
}
