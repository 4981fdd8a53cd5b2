//! What a scenario says about the transfer operator.

use super::assignment::Rows;
use super::samples::Rule;

/// Options of the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferOperatorOptions {
    /// What the rows keep in densities; passages and quasi-stationary laws of a line always use [`Rows::Fitted`].
    pub rows: Rows,
    /// Plain SGD, SVAG or momentum.
    pub rule: Rule,
    /// Whether invariant laws are wanted.
    pub stationary: bool,
    /// Whether a grid of twice the spacing runs beside for error estimates.
    pub error_estimate: bool,
    /// Entries up to which an operator is built (12 bytes each).
    pub max_entries: usize,
}

impl Default for TransferOperatorOptions {
    fn default() -> Self {
        let max_entries = 80_000_000;
        Self { rows: Rows::Moments, rule: Rule::Sgd, stationary: true, error_estimate: true, max_entries }
    }
}
