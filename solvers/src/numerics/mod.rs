//! Numerical building blocks without a physical meaning: lanes, random numbers, small matrices, Krylov spaces.

pub(crate) mod aligned;
pub mod bernoulli;
pub mod difference;
pub(crate) mod krylov;
pub mod lanes;
pub mod random;
pub mod small_matrix;
pub mod symmetric;
