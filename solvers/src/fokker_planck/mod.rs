//! The Fokker–Planck engine: a Markov jump process on the cells of the grid.
//!
//! [`edge_generator()`] makes the generator Q of drift and diffusion; a [`stepper`] follows
//! dp/dt = Qᵀp with a [`linear`] solver; [`stationary`] solves Qᵀπ = 0.

pub mod accuracy;
pub mod bounds;
pub mod cells;
pub mod chain;
mod choice;
mod discretisation;
pub mod edges;
mod engine;
pub mod generator;
pub mod integrator;
pub mod linear;
pub mod options;
pub mod quasi_stationary;
pub mod spectrum;
pub mod start;
pub mod stationary;
pub mod stencil;
pub mod testing;

pub use edges::{Discretization, edge_generator};
pub use engine::FokkerPlanck;
pub use generator::Generator;
pub use options::{FokkerPlanckOptions, SpaceMethod};
pub use spectrum::Spectrum;
pub use stationary::Stationary;

#[cfg(test)]
mod tests;
