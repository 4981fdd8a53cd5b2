//! Centre values and cell averages of a density on the grid.
//!
//! * [`averages`]: a_i = u_i + F_{i+½} − F_{i−½}, and back; `prolongation`: values of a coarse grid on a fine one;
//! * [`maximum_entropy`]: a law on the centres with a given mean and covariance; [`interpolation`]: a field at a point;
//! * [`weighted`]: masses, nodes and spreads of cells beside walls at which the noise vanishes;
//! * [`probability_simplex`]: projection of p onto p ≥ 0, Σp = 1.

pub mod averages;
pub mod interpolation;
pub mod maximum_entropy;
pub mod probability_simplex;
pub(crate) mod prolongation;
pub mod weighted;
