//! Heavy ball: v' = μ v − η ĝ, θ' = θ + v'. A gradient acts for 1/(1 − μ) steps, so the rate of descent is η/(1 − μ).

use super::{Entry, Optimizer, Parameter, Range};
use crate::numerics::lanes::{dispatch, fma};
use crate::transfer_operator::Rule;

pub(super) const ENTRY: Entry = Entry {
    name: "momentum",
    formula: "heavy ball, v' = μ v − η ĝ, θ' = θ + v'; effective rate η/(1 − μ)",
    parameters: &[Parameter::new("mu", 0.9, Range::Fraction)],
    reference: "Polyak 1964, doi:10.1016/0041-5553(64)90137-5",
    build: |values| Box::new(Momentum { mu: values[0] }),
};

struct Momentum {
    mu: f64,
}

impl Optimizer for Momentum {
    fn chain(&self) -> Option<Rule> {
        Some(Rule::Momentum { mu: self.mu })
    }
    fn memory(&self, d: usize) -> usize {
        d
    }
    fn effective_rate(&self, learning_rate: f64) -> f64 {
        learning_rate / (1.0 - self.mu)
    }
    fn stability_limit(&self) -> Option<f64> {
        Some(stability_limit(self.mu))
    }
    fn step(&self, learning_rate: f64, _step: u64, gradient: &[f64], points: &mut [f64], memory: &mut [f64]) {
        roll(self.mu, learning_rate, gradient, points, memory);
    }
}

/// η λ < 2(1 + μ), in units of the effective rate.
pub(super) fn stability_limit(mu: f64) -> f64 {
    2.0 * (1.0 + mu) / (1.0 - mu)
}

dispatch! {
    /// v' = μ v − rate·g, θ' = θ + v'.
    pub(super) fn roll(mu: f64, rate: f64, gradient: &[f64], points: &mut [f64], velocity: &mut [f64]) {
        for ((x, v), g) in points.iter_mut().zip(velocity).zip(gradient) {
            *v = fma(mu, *v, -rate * g);
            *x += *v;
        }
    }
}
