//! The Fokker–Planck engine: ∂ρ/∂t = −∇·(b ρ) + ∇·∇·(A ρ), A = T·D, on the cells of a grid.
//!
//! A [`Discretisation`] makes the operator a matrix: [`edges`] the generator Q of a Markov jump process, dp/dt = Qᵀp, Qᵀπ = 0;
//! [`chain`] the transition matrix P of steps in time, p(t + τ) = Pᵀp(t). All matrices have non-negative rates or probabilities, so
//! that densities stay non-negative and their sum is kept.
//!
//! * [`engine`]: the engine, from output time to output time; [`transient`]: a density on its way; [`start`]: where it starts;
//! * [`discretisation`]: the trait; [`choice`]: the table [`DISCRETISATIONS`] and the choice by estimated errors, `carried`: where the drift leads; [`options`];
//! * [`stencil`]: coefficients, Selling's decomposition, steps on the lattice; [`cells`]: centre values and cell averages;
//! * [`generator`]: Q, filled edge by edge; [`edges`], [`chain`]: the two discretisations;
//! * [`stationary`], [`spectrum`]: π, slow modes; [`integrator`], [`linear`]: e^{tQᵀ} and (c − γQᵀ)⁻¹;
//! * [`accuracy`]: how far a density is from the true one; [`bounds`], [`grading`], [`refinement`]: the box,
//!   the widths of the cells and their number, where the program finds them, with a `pilot`; `budget`: the time that all this may take.

pub mod accuracy;
pub mod bounds;
mod budget;
mod carried;
pub mod cells;
pub mod chain;
pub mod choice;
pub mod discretisation;
pub mod edges;
pub mod engine;
pub mod generator;
pub mod grading;
pub mod integrator;
pub mod linear;
pub mod options;
mod pilot;
pub mod quasi_stationary;
pub mod reaction;
pub mod refinement;
pub mod spectrum;
pub mod start;
pub mod stationary;
pub mod stencil;
pub mod testing;
pub mod transient;

pub use crate::engine::Stationary;
pub use chain::discretisation::CHAIN;
pub use choice::DISCRETISATIONS;
pub use discretisation::{Discretisation, DiscretisationKind};
pub use edges::discretisation::EDGES;
pub use edges::{EdgeGenerator, edge_generator};
pub use engine::FokkerPlanck;
pub use generator::Generator;
pub use options::FokkerPlanckOptions;
pub use spectrum::Spectrum;

#[cfg(test)]
mod choice_tests;
#[cfg(test)]
mod tests;
