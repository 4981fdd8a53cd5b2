//! Full-batch gradient descent: θ' = θ − η ∇L, no noise.

use super::plain::descend;
use super::{Entry, Gradient, Limit, Optimizer};

pub(super) const ENTRY: Entry = Entry {
    name: "gd",
    formula: "θ' = θ − η ∇L over all samples: no noise",
    parameters: &[],
    reference: "Cauchy 1847, C. R. Acad. Sci. Paris 25, 536",
    build: |_| Box::new(GradientDescent),
};

struct GradientDescent;

impl Optimizer for GradientDescent {
    fn gradient(&self) -> Gradient {
        Gradient::Full
    }
    fn limit(&self) -> Limit {
        Limit::Other("gradient descent has no noise: its limit is the flow dθ = −∇L dt at T = 0")
    }
    fn step(&self, learning_rate: f64, _step: u64, gradient: &[f64], points: &mut [f64], _memory: &mut [f64]) {
        descend(learning_rate, gradient, points);
    }
}
