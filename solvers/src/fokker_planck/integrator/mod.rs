//! Time integrators for dp/dt = Qᵀp: one file per method, each with its promises in the [`table`].
//!
//! * [`system`]: generator, task, stepper, what an entry of the table is;
//! * `polynomial`: Chebyshev sums of products, with `product` and `tiles`;
//! * `rational`: a contour integral on one axis (`contour`, `shifted_lanes`), else shift-and-invert Krylov spaces (`shift_invert`,
//!   `small_exponential`), e^{tQᵀ} ≈ Σ w_k (z_k − tQᵀ)⁻¹;
//! * [`active`]: any of them on the cells that hold probability;
//! * `implicit_euler`, `tr_bdf2`: steps with error control (`one_step`); `estimate`: errors of Krylov spaces over spans of time.

pub mod active;
mod contour;
#[cfg(test)]
mod effectivity;
mod estimate;
mod implicit_euler;
mod one_step;
mod polynomial;
mod product;
mod rational;
mod shift_invert;
mod shifted_lanes;
mod small_exponential;
pub mod system;
pub mod table;
#[cfg(test)]
mod tests;
mod tiles;
mod tr_bdf2;

pub use system::{Integrator, Stepper, System, Task, Work};
