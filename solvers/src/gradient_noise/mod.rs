//! The noise of minibatch gradients beyond its covariance D(θ).
//!
//! ```text
//! ĝ = (1/B) Σ_b g_{s_b},   E ĝ = ∇L,   Cov ĝ = D/B,   D = intrinsic + exploration + mean-gradient part
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `decomposition/` | the parts of E_ε D for data with noise ε |
//! | `residual_moments.rs` | the moments of residuals and slopes that they are made of (L. Isserlis 1918, doi:10.1093/biomet/12.1-2.134) |
//! | `cumulants.rs` | skewness and excess kurtosis of ĝ, which no diffusion carries |
//! | `reach.rs` | the box that bounded gradients keep SGD in |

pub mod cumulants;
pub mod decomposition;
pub mod reach;

pub use cumulants::Cumulants;
pub use cumulants::batch_cumulants;
pub use decomposition::Decomposition;
pub use decomposition::Part;
pub use decomposition::Weights;

pub(crate) mod residual_moments;
