//! Heavy ball: v' = μ v − η ĝ, θ' = θ + v'.

use super::{Entry, Optimizer};
use crate::Error;
use crate::lanes::{dispatch, fma};

pub(super) const ENTRY: Entry = Entry {
    name: "momentum",
    parameters: &[("mu", 0.9)],
    reference: "Polyak 1964, doi:10.1016/0041-5553(64)90137-5",
    build: |values| {
        if !(0.0..1.0).contains(&values[0]) {
            return Err(Error::invalid(format!("momentum mu = {} is not in [0, 1)", values[0]), "write mu = 0.9"));
        }
        Ok(Box::new(Momentum { mu: values[0] }))
    },
};

struct Momentum {
    mu: f64,
}

impl Optimizer for Momentum {
    fn memory(&self, d: usize) -> usize {
        d
    }
    fn step(&self, learning_rate: f64, _step: u64, gradient: &[f64], points: &mut [f64], memory: &mut [f64]) {
        roll(self.mu, learning_rate, gradient, points, memory);
    }
}

dispatch! {
    fn roll(mu: f64, rate: f64, gradient: &[f64], points: &mut [f64], velocity: &mut [f64]) {
        for ((x, v), g) in points.iter_mut().zip(velocity).zip(gradient) {
            *v = fma(mu, *v, -rate * g);
            *x += *v;
        }
    }
}
