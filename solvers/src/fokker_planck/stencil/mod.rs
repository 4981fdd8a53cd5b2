//! The stencil: drift and diffusion at the cells, and the lattice directions that a tensor is written in.
//!
//! * [`selling`]: A = Σ_e λ_e e eᵀ with integer offsets e and λ_e ≥ 0; [`lattice`]: where an offset leads, walls included;
//! * `coefficients`: b and A = T·D at the cell centres and at points.

pub(crate) mod coefficients;
pub mod lattice;
pub mod selling;
