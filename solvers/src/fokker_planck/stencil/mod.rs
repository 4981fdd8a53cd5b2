//! The stencil: drift and diffusion at the cells, and the lattice directions that a tensor is written in.

pub(crate) mod coefficients;
pub mod lattice;
pub mod selling;
