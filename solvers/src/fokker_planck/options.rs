//! What can be chosen about a Fokker–Planck run.

/// Options of [`FokkerPlanck`](super::FokkerPlanck).
#[derive(Debug, Clone, PartialEq)]
pub struct FokkerPlanckOptions {
    /// A name of [`stepper::METHODS`](super::stepper::METHODS), or "auto" for the one with the least estimated cost.
    pub method: String,
    /// L1 error of the time integration to stay below over the whole run.
    pub tolerance: f64,
    /// Whether to compute the stationary density.
    pub stationary: bool,
    /// Whether to run the grid coarsened by 2 beside, for the estimate of the grid error.
    pub error_estimate: bool,
}

impl Default for FokkerPlanckOptions {
    fn default() -> Self {
        Self { method: "auto".into(), tolerance: 1e-6, stationary: true, error_estimate: true }
    }
}
