//! Drift and diffusion of the Itô equation that a loss and a noise make together.
//!
//! ```text
//! dθ = b dt + √(2T) S dW,   S Sᵀ = D,   b = −∇L
//!      + T·½ (…) where the noise is meant in another sense (interpretation.rs)
//!      − ½η H∇L − …  for the finite step of SGD (modified_equation.rs)
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `gradient.rs` | b = −∇L with a noise, a floor of D and a sense of the integral |
//! | `formula.rs` | b and D of formulas in one program |
//! | `interpretation.rs` | Stratonovich and Hänggi–Klimontovich to Itô (C. Gardiner 2009, section 4.3) |
//! | `modified_equation.rs` | stochastic modified equations (Q. Li, C. Tai & W. E 2017, arXiv:1511.06251) |
//! | `table/` | b and D interpolated between nodes, for models with data |
//! | `coordinates.rs` | b and D in other coordinates of the axes, by Itô's formula |
//! | `semidefinite.rs` | the check that D is positive semidefinite where the engines look |
//!
//! The trait that engines see is [`crate::problem::dynamics::Dynamics`].

pub mod coordinates;
mod formula;
pub mod functions;
mod gradient;
pub mod interpretation;
pub mod modified_equation;
pub mod semidefinite;
pub mod table;

pub use formula::FormulaDynamics;
pub use functions::FromFunctions;
pub use gradient::GradientDynamics;
pub use interpretation::Interpretation;
pub use modified_equation::{ModifiedDynamics, Order};
pub use semidefinite::{Unusable, check_dynamics};
pub use table::{Coefficients, TabulatedDynamics, WithTable};
