//! The long-step lattice chain: a transition matrix over a time τ with the SDE's conditional mean and covariance.
//!
//! From the cell x the next cell is drawn from a Gaussian of mean μ(x) and covariance S(x) sampled on the lattice; where the noise
//! of a step does not cover a cell, from independent integer laws along the offsets of Selling's decomposition of S, which have the
//! same mean and covariance ([`lattice_law`]). All entries are ≥ 0 and rows sum to 1; mean and covariance evolve exactly
//! where the drift is linear. It keeps its accuracy where the edge generator does not: strong anisotropy, high cell Péclet
//! numbers with a current, singular D. Reflecting, periodic and absorbing walls, uniform axes.
//!
//! Declared: positive, mass-conserving; for multiplicative noise the neglected third cumulant makes one chain first order in τ,
//! two of them extrapolated ([`extrapolation`]) are second order, and fourth in h with τ ∝ h².
//!
//! * [`moments`], [`lattice_law`], [`integer_law`], `gaussian`, `rows`: μ and S of a step, the law of a cell, its row with walls;
//! * `uncovered`: the law of a cell on grids whose cells no step covers, where D vanishes;
//! * [`transition`]: the matrix P; [`extrapolation`]: the chains of steps τ and 2τ; `solve`: πᵀP = πᵀ and (1 − P)u = b;
//! * [`step_choice`], [`long_steps`]: which steps, and the chain as an integrator; `errors`: by coarser chains;
//! * [`first_passage`], `surfaces`, [`slow_modes`], [`observables`]: what is asked of it;
//! * [`planning`], [`effort`]: what is known of it before it is built, what it takes; [`discretisation`]: the chain as a [`Discretisation`](super::discretisation::Discretisation).

pub mod discretisation;
pub mod effort;
mod errors;
pub mod extrapolation;
pub mod first_passage;
mod gaussian;
pub mod integer_law;
pub mod lattice_law;
pub mod long_steps;
pub mod moments;
pub mod observables;
pub mod planning;
mod rows;
pub mod slow_modes;
mod solve;
pub mod step_choice;
mod surfaces;
#[cfg(test)]
mod tests;
pub mod transition;
mod uncovered;

pub use transition::Chain;
