//! Exact solutions with their sources, as dynamics or models that the engines run and as probabilities of grid cells.
//!
//! [`mod@line`]: one dimension, ρ ∝ (1/D) exp(−(1/T) ∫ L′/D). [`linear`]: Ornstein–Uhlenbeck processes, Gaussian at all times.
//! [`manufactured`]: a density and a D are chosen, the drift made to fit. [`pushed_forward`]: images x = φ(y) of an
//! Ornstein–Uhlenbeck process, exact transients with a D that varies. [`descent`]: the discrete chain θ′ = θ − η ĝ itself. Beside
//! them [`grids`], [`quadrature`] and small dense matrices ([`mod@matrix`]).
//!
#![doc = include_str!("table.md")]

pub mod descent;
pub mod grids;
pub mod line;
pub mod linear;
pub mod manufactured;
pub mod matrix;
pub mod pushed_forward;
pub mod quadrature;

#[cfg(test)]
mod tests;
