//! Exact solutions with their sources, as dynamics or models that the engines run and as probabilities of grid cells.
//!
//! The convention is the project's: dθ = b dt + √(2T) S dW with S Sᵀ = D, T = η/(2B).

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
