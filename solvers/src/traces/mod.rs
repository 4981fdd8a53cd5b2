//! Drift and diffusion from trajectories: what the coefficients of a stochastic differential equation must be to have made them.
//!
//! ```text
//! Δ = θ_{k+1} − θ_k,   b̂(θ) = E[Δ | θ]/τ,   Â(θ) = Var[Δ | θ]/(2τ) = T D̂,   τ the time between two rows
//! ```
//!
//! The conditional variance and not the mean square of Δ: that is too large by τ b². For stochastic gradient descent seen at every step these are the exact
//! moments of its chain. Regression is local-linear, which has no bias of first order at the rim of the data.
//!
//! | file | holds |
//! |---|---|
//! | `trajectories.rs` | [`Trajectories`]: walkers × rows × variables, and the time between rows |
//! | `local_linear.rs` | local-linear regression on the nodes of a lattice, with standard errors |
//! | `estimate.rs` | [`Estimate`]: bandwidth, drift, A, where there are too few data |
//! | `regions.rs` | regions that no walker was seen to go between |
//! | `fields.rs` | values between nodes, and where there are none |
//! | `lag.rs` | moments over several steps of the chain with given drift and A |
//! | `stride/` | drift and A of one step from rows several steps apart |
//! | `markov.rs` | [`Markov`]: whether the projection can be a diffusion at all |
//!
//! References: S. Siegert, R. Friedrich & J. Peinke 1998, doi:10.1016/S0375-9601(98)00283-7; J. Fan & I. Gijbels 1996, *Local Polynomial
//! Modelling and Its Applications*; M. Ragwitz & H. Kantz 2001, doi:10.1103/PhysRevLett.87.254501 (finite steps).

mod estimate;
mod fields;
mod lag;
mod local_linear;
mod markov;
mod regions;
mod stride;
#[cfg(test)]
mod tests;
mod trajectories;

pub use estimate::Estimate;
pub use lag::LineChain;
pub use markov::{Evidence, Markov, Nature};
pub use trajectories::Trajectories;
