//! Momentum as an exponential moving average: v' = μ v + (1 − μ) ĝ, θ' = θ − η v'. It is the heavy ball with the rate η(1 − μ),
//! so that the rate of descent is η.

use super::momentum::{roll, stability_limit};
use super::{Entry, Optimizer, Parameter, Range};

pub(super) const ENTRY: Entry = Entry {
    name: "ema",
    formula: "averaged gradients, v' = μ v + (1 − μ) ĝ, θ' = θ − η v'; effective rate η",
    parameters: &[Parameter::new("mu", 0.9, Range::Fraction)],
    reference: "Polyak 1964 in other units; Kingma & Ba 2015, arXiv 1412.6980, without its division",
    build: |values| Box::new(Ema { mu: values[0] }),
};

struct Ema {
    mu: f64,
}

impl Optimizer for Ema {
    fn memory(&self, d: usize) -> usize {
        d
    }
    fn stability_limit(&self) -> Option<f64> {
        Some(stability_limit(self.mu))
    }
    fn step(&self, learning_rate: f64, _step: u64, gradient: &[f64], points: &mut [f64], memory: &mut [f64]) {
        roll(self.mu, learning_rate * (1.0 - self.mu), gradient, points, memory); // memory holds −η v
    }
}
