//! The Fokker–Planck engine: a Markov jump process on the cells of the grid.

pub mod bernoulli;
mod coefficients;
mod connectivity;
pub mod current;
mod edge_diagonal;
pub mod edge_generator;
mod edge_integral;
mod edge_tensor;
pub mod edge_weight;
pub mod generator;
pub mod lattice;
mod quasi_potential;
pub mod selling;

pub use edge_generator::{Discretization, edge_generator};
pub use generator::Generator;

#[cfg(test)]
mod edge_tests;
#[cfg(test)]
pub(crate) mod test_fields;
