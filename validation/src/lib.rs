//! Distances between densities, each with the noise floor its samples must show; exact references; verdicts.
//!
//! Engines give cell probabilities on one grid. [`compare::compare`] takes every pair of engines (and each engine against
//! the stationary density) at every common time through the table [`metric::METRICS`]; every reading carries what the
//! sampling noise of the walkers alone would show, so that a difference is told from noise. [`verdict`] turns limits and
//! expectations into rows that pass or fail and say why. [`mod@reference`] holds exact solutions with their sources.

pub mod compare;
pub mod metric;
pub mod reference;
pub mod statistics;
pub mod suite;
pub mod verdict;
