//! Nesterov's momentum in the variables where the gradient is taken: v' = μ v − η ĝ, θ' = θ + μ v' − η ĝ.

use super::momentum::stability_limit;
use super::{Entry, Optimizer, Parameter, Range};

pub(super) const ENTRY: Entry = Entry {
    name: "nesterov",
    formula: "v' = μ v − η ĝ, θ' = θ + μ v' − η ĝ; effective rate η/(1 − μ)",
    parameters: &[Parameter::new("mu", 0.9, Range::Fraction)],
    reference: "Sutskever et al. 2013, proceedings.mlr.press/v28/sutskever13",
    build: |values| Box::new(Nesterov { mu: values[0] }),
};

struct Nesterov {
    mu: f64,
}

impl Optimizer for Nesterov {
    fn memory(&self, d: usize) -> usize {
        d
    }
    fn effective_rate(&self, learning_rate: f64) -> f64 {
        learning_rate / (1.0 - self.mu)
    }
    /// η λ < 2(1 + μ)/(1 + 2μ), below the heavy ball's.
    fn stability_limit(&self) -> Option<f64> {
        Some(stability_limit(self.mu) / (1.0 + 2.0 * self.mu))
    }
    fn step(&self, learning_rate: f64, _step: u64, gradient: &[f64], points: &mut [f64], memory: &mut [f64]) {
        for ((x, v), g) in points.iter_mut().zip(memory).zip(gradient) {
            *v = self.mu * *v - learning_rate * g;
            *x += self.mu * *v - learning_rate * g;
        }
    }
}
