//! SVAG: the noise of steps of length η in steps of length η/l, so that l → ∞ gives the diffusion without any root of D.
//!
//! With two independent batches ĝ = ½(1 + √(2l − 1)) ĝ₁ + ½(1 − √(2l − 1)) ĝ₂ has the mean ∇L and l times the covariance of one.

use super::plain::descend;
use super::{Entry, Gradient, Optimizer, Parameter, Range};
use crate::transfer_operator::Rule;

pub(super) const ENTRY: Entry = Entry {
    name: "svag",
    formula: "θ' = θ − (η/l) (½(1 + √(2l − 1)) ĝ₁ + ½(1 − √(2l − 1)) ĝ₂): nearer to the SDE the larger l; l = 1 is sgd",
    parameters: &[Parameter::new("l", 4.0, Range::AtLeastOne)],
    reference: "Li, Malladi & Arora 2021, arXiv 2102.12470",
    build: |values| Box::new(Svag { l: values[0] }),
};

struct Svag {
    l: f64,
}

impl Optimizer for Svag {
    fn chain(&self) -> Option<Rule> {
        Some(Rule::Svag { l: self.l })
    }
    fn gradient(&self) -> Gradient {
        let root = (2.0 * self.l - 1.0).sqrt();
        Gradient::Pair([0.5 * (1.0 + root), 0.5 * (1.0 - root)])
    }
    fn step_time(&self, learning_rate: f64) -> f64 {
        learning_rate / self.l
    }
    fn step(&self, learning_rate: f64, _step: u64, gradient: &[f64], points: &mut [f64], _memory: &mut [f64]) {
        descend(learning_rate / self.l, gradient, points);
    }
}
