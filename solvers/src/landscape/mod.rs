//! The shape of a loss: its minima, saddles and maxima, and the basins of the minima.

pub(crate) mod critical;
pub(crate) mod minima;
#[cfg(test)]
mod tests;

pub use critical::{CriticalPoint, basins, critical_points};
pub use minima::{Minimum, minima};
