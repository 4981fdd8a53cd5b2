//! What can be chosen about a Fokker–Planck run.

use std::time::Duration;

use super::discretisation::DiscretisationKind;
use super::integrator::system::IntegratorOptions;

/// Options of [`FokkerPlanck`](super::FokkerPlanck).
#[derive(Debug, Clone, PartialEq)]
pub struct FokkerPlanckOptions {
    /// How space is made discrete: an entry of [`DISCRETISATIONS`](super::choice::DISCRETISATIONS); None: the one with the smaller
    /// estimated error, see [`super::choice`].
    pub discretisation: Option<&'static DiscretisationKind>,
    /// A name of [`INTEGRATORS`](super::integrator::table::INTEGRATORS), or "auto" for the one with the least estimated cost. A name
    /// needs a discretisation without steps of its own.
    pub method: String,
    /// L1 error of the time integration to stay below over the whole run.
    pub tolerance: f64,
    /// Whether to compute the stationary density.
    pub stationary: bool,
    /// Whether to run coarser discretisations beside, for the estimate of the grid error.
    pub error_estimate: bool,
    /// Whether all walls belong to the problem, so that they cut no tail; else those do where neither noise nor drift leads out.
    pub physical_walls: bool,
    /// Whether a density that the grid does not resolve is accepted.
    pub accept_unresolved: bool,
    /// Wall time that building and advancing may take together, of which the choice of a discretisation gets half; None for no bound.
    pub budget: Option<Duration>,
}

impl FokkerPlanckOptions {
    /// What concerns the integrator.
    pub fn integrator(&self) -> IntegratorOptions<'_> {
        IntegratorOptions { name: &self.method, tolerance: self.tolerance }
    }
}

impl Default for FokkerPlanckOptions {
    fn default() -> Self {
        Self {
            discretisation: None,
            method: "auto".into(),
            tolerance: 1e-6,
            stationary: true,
            error_estimate: true,
            physical_walls: false,
            accept_unresolved: false,
            budget: None,
        }
    }
}
