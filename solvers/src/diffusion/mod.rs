//! Diffusion matrices D(θ), without the temperature: the noise dθ = … + √(2T) S dW with S Sᵀ = D.
//!
//! ```text
//! minibatch    D = (1/m) Σ_s g_s g_sᵀ − ∇L ∇Lᵀ           covariance of the per-sample gradients, T = η/(2B)
//! table        D of the table that the model is read from
//! isotropic    D = σ² I
//! formula      D_ij(θ) of formulas, (∇·D)_i = Σ_j ∂_j D_ij symbolic
//! decomposed   D = E_ε of the minibatch covariance, or some of its parts
//! ```
//!
//! The trait is [`Diffusion`] (`matrix.rs`); one file for each kind. What a loss and a noise make together is in
//! [`crate::dynamics`]. Reference: S. Mandt, M. Hoffman & D. Blei 2017, arXiv:1704.04289.

pub mod decomposed;
pub mod formula;
pub mod isotropic;
pub mod matrix;
pub mod minibatch;
pub mod table;
#[cfg(test)]
mod tests;

pub use decomposed::Decomposed;
pub use formula::FormulaDiffusion;
pub use isotropic::Isotropic;
pub use matrix::Diffusion;
pub use minibatch::Minibatch;
pub use table::Table;
