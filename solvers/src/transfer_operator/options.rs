//! What a scenario says about the transfer operator.

use super::assignment::Rows;
use super::samples::Rule;

/// Options of the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferOperatorOptions {
    /// What the rows keep in densities; passages and exit rates always use [`Rows::Fitted`].
    pub rows: Rows,
    /// Plain SGD, SVAG or momentum.
    pub rule: Rule,
    /// Whether the laws of the long run are wanted.
    pub stationary: bool,
    /// Entries up to which an operator is built (12 bytes each).
    pub max_entries: usize,
}

impl Default for TransferOperatorOptions {
    fn default() -> Self {
        Self { rows: Rows::Moments, rule: Rule::Sgd, stationary: true, max_entries: 40_000_000 }
    }
}
