//! Plain descent: θ' = θ − η ĝ.

use super::{Entry, Optimizer};
use crate::numerics::lanes::{dispatch, fma};
use crate::transfer_operator::Rule;

pub(super) const ENTRY: Entry = Entry {
    name: "sgd",
    formula: "θ' = θ − η ĝ",
    parameters: &[],
    reference: "Robbins & Monro 1951, doi:10.1214/aoms/1177729586",
    build: |_| Box::new(Plain),
};

struct Plain;

impl Optimizer for Plain {
    fn chain(&self) -> Option<Rule> {
        Some(Rule::Sgd)
    }
    fn step(&self, learning_rate: f64, _step: u64, gradient: &[f64], points: &mut [f64], _memory: &mut [f64]) {
        descend(learning_rate, gradient, points);
    }
}

dispatch! {
    /// θ' = θ − rate·g.
    pub(crate) fn descend(rate: f64, gradient: &[f64], points: &mut [f64]) {
        for (x, g) in points.iter_mut().zip(gradient) {
            *x = fma(-rate, *g, *x);
        }
    }
}
