//! The stationary density: Qᵀπ = 0, in logs, with relative accuracy in the tails.
//!
//! Φ = −T ln ρ is the potential, J = b ρ − ∇·(A ρ) the current, ∫ Jᵀ A⁻¹ J/ρ the entropy production.
//!
//! * [`law`]: π and ln π of any discretisation;
//! * [`solve`]: of a generator, by detailed balance, recursion, elimination or multigrid;
//! * [`density`]: what a user sees of it, on the grid;
//! * `extended_range`: elimination where floating-point numbers end.

pub mod density;
pub(crate) mod extended_range;
pub mod law;
pub mod solve;
