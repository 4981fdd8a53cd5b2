//! The noise of minibatch gradients beyond its covariance D(θ): parts, moments, cumulants, reach.

pub mod cumulants;
pub mod decomposition;
pub mod reach;

pub use cumulants::Cumulants;
pub use cumulants::batch_cumulants;
pub use decomposition::Decomposition;
pub use decomposition::Part;
pub use decomposition::Weights;

pub(crate) mod residual_moments;
