//! The law of minibatch descent itself: its transition operator on nodes, without sampling noise.
//!
//! One step of SGD is a Markov chain, θ' = θ − (η/B) Σ_b g_{i_b}(θ). Row j of the transition matrix P is the law of one step from
//! the node x_j, put on nodes so that it is positive, conserves mass and keeps mean and variance exactly; ρ_{k+1} = ρ_k P. All that
//! the Fokker–Planck equation answers is linear algebra with P: densities, stationary laws, relaxation modes, first passages.
//!
//! Node probabilities are a *sampled* density times h, not integrals over cells: see [`averages`].

pub mod action;
mod answers;
pub mod assignment;
pub mod averages;
pub mod batch_law;
mod batches;
mod check;
pub mod classes;
pub mod elimination;
mod engine;
pub mod fft;
pub mod inverse;
pub mod iterate;
mod level;
pub mod line;
mod long_run;
pub mod matrix;
pub mod modes;
mod options;
pub mod pairs;
pub mod plane;
mod plane_batches;
mod plane_inverse;
pub mod plane_law;
mod reaction;
pub mod samples;
mod shares;
mod smooth_law;
pub mod solve;
mod tilt;
mod tilted_law;
mod without_replacement;

pub use assignment::Rows;
pub use check::exponents;
pub use engine::{NAME, TransferOperator};
pub use line::{Nodes, Operator};
pub use matrix::TransitionMatrix;
pub use options::TransferOperatorOptions;
pub use samples::{Draws, Rule, Samples, Step};

#[cfg(test)]
mod tables;
#[cfg(test)]
mod tests;
