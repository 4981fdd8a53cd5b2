//! Centre values and cell averages of a density on the grid.
//!
//! * [`averages`]: a_i = u_i + F_{i+½} − F_{i−½}, and back; [`prolongation`]: values of a coarse grid on a fine one;
//! * [`interpolation`]: a field at a point; [`probability_simplex`]: projection of p onto p ≥ 0, Σp = 1.

pub mod averages;
pub mod interpolation;
pub mod probability_simplex;
pub(crate) mod prolongation;
