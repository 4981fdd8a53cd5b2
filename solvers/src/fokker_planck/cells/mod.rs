//! Cell averages and centre values of a density, from grid to grid.

pub mod averages;
pub mod probability_simplex;
pub(crate) mod prolongation;
