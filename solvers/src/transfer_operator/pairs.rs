//! Descent with momentum as a chain on pairs of nodes (θ_k, θ_{k−1}) = (x_i, x_{i−k}).
//!
//! θ_{k+1} = θ_k + μ(θ_k − θ_{k−1}) − ηĝ(θ_k). The second component is a node already, so only the first is put on nodes, by the same
//! rows as without momentum: nothing is smeared along the velocity, the variances of θ and v are exact.

use super::assignment::Rows;
use super::batch_law::BatchLaws;
use super::line::{Nodes, Operator, Part, Scratch, for_nodes, joined};
use super::samples::{Rule, Samples, Step};
use crate::Error;
use crate::engine::Interrupt;

/// The chain on pairs: state number i·(2K+1) + k + K is θ = x_i with the velocity v = k·h, |k| ≤ K.
#[derive(Debug, Clone)]
pub struct PairChain {
    /// P over the pairs; clamped and excess one value for each pair.
    pub operator: Operator,
    /// The nodes x_i.
    pub nodes: Nodes,
    /// K, the largest velocity in nodes a step.
    pub reach: usize,
}

/// Standard deviations of the velocity that the pairs must hold.
pub const VELOCITY_RANGE: f64 = 7.0;

/// The range of velocities to be kept for noise D (the largest variance of a sample's gradient) and curvature λ:
/// 7 √(2η²D/(B(1−μ)(2(1+μ)−ηλ))).
pub fn velocity_range(step: &Step, mu: f64, noise: f64, curvature: f64) -> f64 {
    let eta = step.learning_rate;
    let stiffness = (2.0 * (1.0 + mu) - eta * curvature).max(0.1);
    VELOCITY_RANGE * (2.0 * eta * eta * noise / (step.batch_size as f64 * (1.0 - mu) * stiffness)).sqrt()
}

impl PairChain {
    /// The chain of a step with momentum on nodes of a line, velocities up to `range`.
    ///
    /// Errors: those of [`Step::check`]; a rule without momentum; gradients that are not finite; [`Error::Interrupted`].
    pub fn new(
        nodes: &Nodes,
        samples: &dyn Samples,
        step: &Step,
        range: f64,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        step.check(samples.count())?;
        let Rule::Momentum { mu } = step.rule else {
            return Err(Error::invalid("a chain on pairs without momentum", "use the operator on nodes"));
        };
        let reach = ((range / nodes.spacing).ceil() as usize).clamp(1, nodes.count - 1);
        let laws = BatchLaws::new(step, samples.count());
        let last = nodes.count as i64 - 1;
        let (k_max, width) = (reach as i64, 2 * reach as i64 + 1);
        let row = |i: usize, shift: f64, p: Option<&[f64]>, scratch: &mut Scratch, part: &mut Part| {
            laws.find(&scratch.x, p, &mut scratch.work);
            let law = &scratch.work.law;
            for k in -k_max..=k_max {
                let node = &mut scratch.node;
                node.assign(law, shift + mu * k as f64, Rows::Moments, 0.0);
                let place = |j: usize| node.first + j as i64;
                let inside = |j: usize| place(j).abs() <= k_max && (0..=last).contains(&(i as i64 + place(j)));
                let state = |j: usize| {
                    let next = (i as i64 + place(j)).clamp(0, last);
                    (next * width + place(j).clamp(-k_max, k_max) + k_max) as u32
                };
                part.matrix.push(node.weights.iter().enumerate().map(|(j, w)| (state(j), *w)));
                let beyond = node.weights.iter().enumerate().filter(|(j, _)| !inside(*j));
                part.clamped.push(beyond.map(|(_, w)| w).sum());
                part.excess.push(node.variance() - law.variance);
                part.cells.push(law.variance.sqrt());
            }
        };
        let operator = joined(for_nodes(nodes, samples, step, interrupt, row, Part::new)?);
        Ok(Self { operator, nodes: *nodes, reach })
    }

    /// Number of velocities 2K+1.
    pub fn velocities(&self) -> usize {
        2 * self.reach + 1
    }

    /// The law of θ (N) of a law on pairs.
    pub fn positions(&self, law: &[f64]) -> Vec<f64> {
        law.chunks_exact(self.velocities()).map(|chunk| chunk.iter().sum()).collect()
    }

    /// The law of v = k·h (2K+1) of a law on pairs.
    pub fn speeds(&self, law: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.velocities()];
        law.chunks_exact(self.velocities()).for_each(|chunk| out.iter_mut().zip(chunk).for_each(|(o, p)| *o += p));
        out
    }

    /// The pairs at rest (v = 0) of a law of θ.
    pub fn at_rest(&self, law: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; law.len() * self.velocities()];
        law.iter().enumerate().for_each(|(i, p)| out[i * self.velocities() + self.reach] = *p);
        out
    }
}
