//! Exact solutions with their sources, as dynamics or models that the engines run and as probabilities of grid cells.
//!
//! [`mod@line`]: one dimension, ρ ∝ (1/D) exp(−(1/T) ∫ L′/D). [`linear`]: Ornstein–Uhlenbeck processes, Gaussian at all times.
//! [`manufactured`]: a density and a D are chosen, the drift made to fit. [`pushed_forward`]: images x = φ(y) of an
//! Ornstein–Uhlenbeck process, exact transients with a D that varies. [`descent`]: the discrete chain θ′ = θ − η ĝ itself.
//!
//! Families of processes, exact at rest, in time, in their eigenvalues and mean first-passage times: [`jacobi`], [`square_root`],
//! [`student`], [`bessel`] and [`laplace`] on a line, [`washboard`] on a circle, [`hopf`] in the plane, [`torus`] flows, [`balls`], [`heston`].
//! Beside them [`grids`], [`quadrature`], first passages by [`natural_scale`], [`fourier`] series and small dense matrices
//! ([`mod@matrix`]).
//!
#![doc = include_str!("table.md")]

pub mod balls;
pub mod bessel;
pub mod descent;
pub mod fourier;
pub mod grids;
pub mod heston;
pub mod hopf;
pub mod jacobi;
pub mod laplace;
pub mod line;
pub mod linear;
pub mod manufactured;
pub mod matrix;
pub mod natural_scale;
pub mod pushed_forward;
pub mod quadrature;
pub mod square_root;
pub mod student;
pub mod torus;
pub mod washboard;

#[cfg(test)]
mod family_tests;
#[cfg(test)]
mod tests;
