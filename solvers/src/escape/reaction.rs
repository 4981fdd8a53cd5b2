//! Transition-path theory: the stationary process on its way from one set to another.
//!
//! With the committor q⁺ (probability to reach B before A) and its counterpart q⁻ of the time-reversed process (probability to have been in A
//! after B last), the transitions from A to B have
//!
//! ```text
//! density  ∝ ρ q⁻ q⁺,     current  J q⁻q⁺ + A ρ (q⁻∇q⁺ − q⁺∇q⁻),     rate  J_AB = ∫ current through any surface between A and B
//! ```
//!
//! (W. E & E. Vanden-Eijnden 2010, doi:10.1146/annurev.physchem.040808.090412.) They are entered as often as left: J_AB = J_BA.

/// Transitions from a set A to a set B at rest.
#[derive(Debug, Clone, Default)]
pub struct Reaction {
    /// q⁺ in each cell (n).
    pub forward: Vec<f64>,
    /// q⁻ in each cell (n).
    pub backward: Vec<f64>,
    /// Probabilities of the cells on a transition (n), sum 1.
    pub probability: Vec<f64>,
    /// Current of the transitions (d×n); empty where it is not known.
    pub current: Vec<f64>,
    /// J_AB: transitions per unit time.
    pub flux: f64,
    /// Estimated |error| of it by the grid.
    pub flux_error: Option<f64>,
    /// |J_AB seen at B − J_AB seen at A|/J_AB.
    pub residual: f64,
    /// Probability to have been in A last: J_AB over it is the rate from A to B.
    pub from_share: f64,
    /// Mean duration of a transition.
    pub duration: f64,
}

impl Reaction {
    /// Transitions per unit time spent since A.
    pub fn rate(&self) -> f64 {
        self.flux / self.from_share
    }

    /// The sum of the rates there and back, the slowest relaxation rate where two metastable sets hold nearly all probability.
    pub fn relaxation(&self) -> f64 {
        self.flux / self.from_share + self.flux / (1.0 - self.from_share)
    }
}
