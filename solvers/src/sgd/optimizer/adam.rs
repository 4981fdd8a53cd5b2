//! Adam: averages of the gradients and of their squares, both with bias correction, coordinate by coordinate.

use super::{Entry, Limit, Optimizer, Parameter, Range};
use crate::numerics::lanes::{dispatch, fma};

pub(super) const ENTRY: Entry = Entry {
    name: "adam",
    formula: "v' = β₁ v + (1 − β₁) ĝ, s' = β₂ s + (1 − β₂) ĝ², θ' = θ − η v̂/(√ŝ + ε), v̂ = v'/(1 − β₁ᵏ), ŝ = s'/(1 − β₂ᵏ)",
    parameters: &[
        Parameter::new("beta1", 0.9, Range::Fraction),
        Parameter::new("beta2", 0.999, Range::Fraction),
        Parameter::new("epsilon", 1e-8, Range::Positive),
    ],
    reference: "Kingma & Ba 2015, arXiv 1412.6980",
    build: |values| Box::new(Adam { beta: [values[0], values[1]], epsilon: values[2] }),
};

struct Adam {
    beta: [f64; 2],
    epsilon: f64,
}

impl Optimizer for Adam {
    fn memory(&self, d: usize) -> usize {
        2 * d
    }
    fn limit(&self) -> Limit {
        Limit::Other(
            "adam divides by the size of the gradients that it remembers: its diffusion lives in θ and both memories, with \
             t = η² k, not in θ alone (Malladi et al. 2022, arXiv 2205.10287)",
        )
    }
    fn stability_limit(&self) -> Option<f64> {
        None
    }
    fn counts_steps(&self) -> bool {
        true
    }
    fn step(&self, learning_rate: f64, step: u64, gradient: &[f64], points: &mut [f64], memory: &mut [f64]) {
        let corrections = self.beta.map(|beta| 1.0 / (1.0 - beta.powf(step as f64 + 1.0)));
        let (means, squares) = memory.split_at_mut(points.len());
        adapt(self.beta, corrections, self.epsilon, learning_rate, gradient, points, means, squares);
    }
}

dispatch! {
    fn adapt(
        beta: [f64; 2],
        corrections: [f64; 2],
        epsilon: f64,
        rate: f64,
        gradient: &[f64],
        points: &mut [f64],
        means: &mut [f64],
        squares: &mut [f64],
    ) {
        for (((x, v), s), g) in points.iter_mut().zip(means).zip(squares).zip(gradient) {
            *v = fma(beta[0], *v, (1.0 - beta[0]) * g);
            *s = fma(beta[1], *s, (1.0 - beta[1]) * (g * g));
            *x -= rate * (*v * corrections[0]) / ((*s * corrections[1]).sqrt() + epsilon);
        }
    }
}
