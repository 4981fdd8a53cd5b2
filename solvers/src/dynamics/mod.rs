//! Drift and diffusion of the Itô equation that a loss and a noise make together.
//!
//! dθ = b dt + √(2T) S dW: b = −∇L and corrections for another sense of the integral or for the finite step of SGD.

pub mod functions;
pub mod interpretation;
pub mod modified_equation;
pub mod semidefinite;

pub use functions::FromFunctions;
pub use gradient::GradientDynamics;
pub use interpretation::Interpretation;
pub use modified_equation::ModifiedDynamics;
pub use modified_equation::Order;
pub use semidefinite::check_dynamics;

pub(crate) mod gradient;
