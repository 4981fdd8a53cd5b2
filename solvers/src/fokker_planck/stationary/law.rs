//! The stationary law π of a discretisation, in logs: relative accuracy in the tails.

/// The stationary law π of a discretisation: πᵀQ = 0 of a generator, πᵀP = πᵀ of a chain.
#[derive(Debug, Clone)]
pub struct StationaryLaw {
    /// ln of the centre values of the density times volumes, Σ exp = 1; −∞ on cells that are left for ever.
    pub log_probability: Vec<f64>,
    /// The same without the logarithm (0 where they underflow).
    pub probability: Vec<f64>,
    /// Whether detailed balance holds on every edge.
    pub reversible: bool,
    /// How it was computed.
    pub method: &'static str,
}

impl StationaryLaw {
    /// A law with a current, from its probabilities; logs of 0 are −∞.
    pub fn from_probability(probability: Vec<f64>, method: &'static str) -> Self {
        let log_probability = probability.iter().map(|p| p.ln()).collect();
        Self { log_probability, probability, reversible: false, method }
    }
}
