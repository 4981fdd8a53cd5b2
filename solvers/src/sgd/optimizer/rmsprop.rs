//! RMSProp: s' = ρ s + (1 − ρ) ĝ², θ' = θ − η ĝ/(√s' + ε), coordinate by coordinate.

use super::{Entry, Limit, Optimizer, Parameter, Range};
use crate::numerics::lanes::{dispatch, fma};

pub(super) const ENTRY: Entry = Entry {
    name: "rmsprop",
    formula: "s' = ρ s + (1 − ρ) ĝ², θ' = θ − η ĝ/(√s' + ε)",
    parameters: &[Parameter::new("rho", 0.99, Range::Fraction), Parameter::new("epsilon", 1e-8, Range::Positive)],
    reference: "Tieleman & Hinton 2012, Coursera lecture 6.5",
    build: |values| Box::new(RmsProp { rho: values[0], epsilon: values[1] }),
};

struct RmsProp {
    rho: f64,
    epsilon: f64,
}

impl Optimizer for RmsProp {
    fn memory(&self, d: usize) -> usize {
        d
    }
    fn limit(&self) -> Limit {
        Limit::Other(
            "rmsprop divides by the size of the gradients that it remembers: its diffusion lives in θ and that memory, with \
             t = η² k, not in θ alone (Malladi et al. 2022, arXiv 2205.10287)",
        )
    }
    fn stability_limit(&self) -> Option<f64> {
        None
    }
    fn step(&self, learning_rate: f64, _step: u64, gradient: &[f64], points: &mut [f64], memory: &mut [f64]) {
        scale(self.rho, self.epsilon, learning_rate, gradient, points, memory);
    }
}

dispatch! {
    fn scale(rho: f64, epsilon: f64, rate: f64, gradient: &[f64], points: &mut [f64], squares: &mut [f64]) {
        for ((x, s), g) in points.iter_mut().zip(squares).zip(gradient) {
            *s = fma(rho, *s, (1.0 - rho) * (g * g));
            *x -= rate * g / (s.sqrt() + epsilon);
        }
    }
}
