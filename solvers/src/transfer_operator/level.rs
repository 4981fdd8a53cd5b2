//! The chain of a problem on one grid: operator, law, and what it answers there.

use super::assignment::{LEAST_VARIANCE, Rows};
use super::averages::{to_cells, to_nodes};
use super::iterate::by_power_steps;
use super::line::{Nodes, Operator, build, law_from};
use super::pairs::{PairChain, velocity_range};
use super::samples::{Rule, Samples, Step};
use super::solve::invariant_laws;
use crate::Error;
use crate::engine::{Archive, Interrupt};
use crate::escape::passage::Target;
use crate::problem::grid::Grid;

/// A grid of one axis with the chain on its cell centres.
pub(super) struct Level {
    pub grid: Grid,
    pub nodes: Nodes,
    step: Step,
    pub operator: Operator,
    pairs: Option<PairChain>,
    /// The law over the states now.
    law: Vec<f64>,
    /// The exact law of the first step, where all walkers start from one point and none was taken.
    first: Option<Vec<f64>>,
    pub steps: u64,
}

/// Where descent starts.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    /// Cell probabilities.
    pub cells: &'a [f64],
    /// The point where all walkers are.
    pub point: Option<f64>,
}

/// The invariant laws over the nodes.
pub(super) struct Invariant {
    /// One for each closed class.
    pub laws: Vec<Vec<f64>>,
    /// Probability to end in each, from the law now.
    pub shares: Vec<f64>,
    /// Probability that leaves the box in a step in the long run.
    pub clamped: f64,
    /// Σ|πP − π| of the law of the long run.
    pub residual: f64,
}

/// Power steps at most to the invariant law of pairs.
const MOST_STEPS: usize = 50_000;

impl Level {
    /// Errors: gradients that are not finite; [`Error::Interrupted`].
    pub fn new(
        grid: &Grid,
        samples: &dyn Samples,
        step: &Step,
        rows: Rows,
        start: Start,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        let axis = &grid.axes()[0];
        let nodes = Nodes { first: axis.center(0), spacing: axis.spacing(), count: axis.cells() };
        let (operator, pairs) = match step.rule {
            Rule::Sgd | Rule::Svag { .. } => (build(&nodes, samples, step, rows, interrupt)?, None),
            Rule::Momentum { mu } => {
                let plain = build(&nodes, samples, &Step { rule: Rule::Sgd, ..*step }, Rows::Linear, interrupt)?;
                let most = plain.step_cells.iter().fold(0.0f64, |a, c| a.max(*c));
                let noise = (most * nodes.spacing / step.learning_rate).powi(2) * step.batch_size as f64;
                let range = velocity_range(step, mu, noise, 0.0);
                let pairs = PairChain::new(&nodes, samples, step, range, interrupt)?;
                (pairs.operator.clone(), Some(pairs))
            }
        };
        let law = to_nodes(start.cells, grid.shape());
        let law = pairs.as_ref().map_or(law.clone(), |pairs| pairs.at_rest(&law));
        let mut level = Self { grid: grid.clone(), nodes, step: *step, operator, pairs, law, first: None, steps: 0 };
        let point = start.point.filter(|_| level.pairs.is_none());
        level.first = point.map(|x| level.first_step(samples, rows, x));
        Ok(level)
    }

    /// Moves on to step number `to`. Errors: [`Error::Interrupted`].
    pub fn advance(&mut self, to: u64, interrupt: Interrupt) -> Result<(), Error> {
        let mut next = vec![0.0; self.law.len()];
        while self.steps < to {
            if interrupt() {
                return Err(Error::Interrupted { time: self.steps as f64 * self.step.time() });
            }
            match self.first.take() {
                Some(first) => self.law = first,
                None => {
                    self.operator.matrix.forward(&self.law, &mut next);
                    std::mem::swap(&mut self.law, &mut next);
                }
            }
            self.steps += 1;
        }
        Ok(())
    }

    /// Notes its state, or puts it back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.array("law", &mut self.law)?;
        archive.count("steps", &mut self.steps)?;
        if self.steps > 0 {
            self.first = None;
        }
        Ok(())
    }

    /// The exact law of one step from a point that need not be a node.
    pub fn first_step(&self, samples: &dyn Samples, rows: Rows, x: f64) -> Vec<f64> {
        let place = (x - self.nodes.first) / self.nodes.spacing;
        let node = place.round();
        let law = law_from(samples, &self.step, rows, self.nodes.spacing, x, node - place);
        let mut out = vec![0.0; self.nodes.count];
        let last = self.nodes.count as i64 - 1;
        for (k, w) in law.weights.iter().enumerate() {
            out[(node as i64 + law.first + k as i64).clamp(0, last) as usize] += w;
        }
        out
    }

    /// Node probabilities of a law over the states.
    fn positions(&self, law: &[f64]) -> Vec<f64> {
        self.pairs.as_ref().map_or_else(|| law.to_vec(), |pairs| pairs.positions(law))
    }

    /// Node probabilities now.
    pub fn at_nodes(&self) -> Vec<f64> {
        self.positions(&self.law)
    }

    /// Cell probabilities of a law on the nodes.
    pub fn cells_of(&self, nodes: &[f64]) -> Vec<f64> {
        to_cells(nodes, self.grid.shape())
    }

    /// Whether all walkers are still at the point where they start.
    pub fn is_at_start(&self) -> bool {
        self.first.is_some()
    }

    /// The invariant laws, and where the law now ends. Errors: [`Error::Interrupted`], no convergence of pairs.
    pub fn invariant(&self, interrupt: Interrupt) -> Result<Invariant, Error> {
        let now = self.first.as_ref().unwrap_or(&self.law);
        let (laws, shares, limit) = if self.pairs.is_some() {
            let (law, _) = by_power_steps(&self.operator.matrix, now, 1e-13, MOST_STEPS, interrupt)?;
            (vec![self.positions(&law)], vec![1.0], law)
        } else {
            let found = invariant_laws(&self.operator.matrix, interrupt)?;
            let (shares, limit) = (found.probabilities(now), found.limit(now));
            (found.laws, shares, limit)
        };
        let mut next = vec![0.0; limit.len()];
        self.operator.matrix.forward(&limit, &mut next);
        let residual = next.iter().zip(&limit).map(|(a, b)| (a - b).abs()).sum();
        Ok(Invariant { laws, shares, clamped: self.clamped_of(&limit), residual })
    }

    fn clamped_of(&self, law: &[f64]) -> f64 {
        law.iter().zip(&self.operator.clamped).map(|(p, c)| p * c).sum()
    }

    /// Probability that leaves the box in a step from the law now.
    pub fn clamped_now(&self) -> f64 {
        self.clamped_of(&self.law)
    }

    /// Largest value of each node's states.
    pub fn by_node(&self, values: &[f64]) -> Vec<f64> {
        let states = values.len() / self.nodes.count;
        values.chunks(states).map(|states| states.iter().fold(0.0f64, |a, v| a.max(*v))).collect()
    }

    /// Share of a law on the nodes where a step is too short to be put on nodes with its variance.
    pub fn unresolved(&self, nodes: &[f64]) -> f64 {
        let cells = self.by_node(&self.operator.step_cells);
        nodes.iter().zip(cells).filter(|(_, c)| c * c < LEAST_VARIANCE).map(|(p, _)| p).sum()
    }

    /// The part of every cell that lies in a target, with the edges found by bisection.
    pub fn shares(&self, target: &Target) -> Vec<f64> {
        let h = self.nodes.spacing;
        (0..self.nodes.count).map(|j| share(target, self.nodes.at(j) - 0.5 * h, self.nodes.at(j) + 0.5 * h)).collect()
    }
}

/// Pieces of a cell in which one edge of a target is looked for.
const PIECES: usize = 8;

fn share(target: &Target, low: f64, high: f64) -> f64 {
    // a hair inside, so that conditions at the edge itself count for the side they belong to
    let at = |k: usize| low + (high - low) * (1e-12 + (1.0 - 2e-12) * k as f64 / PIECES as f64);
    let points: Vec<f64> = (0..=PIECES).map(at).collect();
    let inside = target.contains(&points);
    let mut total = 0.0;
    for k in 0..PIECES {
        match (inside[k], inside[k + 1]) {
            (true, true) => total += 1.0,
            (false, false) => {}
            (first, _) => {
                let (mut a, mut b) = (points[k], points[k + 1]);
                for _ in 0..40 {
                    let middle = 0.5 * (a + b);
                    if target.contains(&[middle])[0] == first { a = middle } else { b = middle }
                }
                let part = (a - points[k]) / (points[k + 1] - points[k]);
                total += if first { part } else { 1.0 - part };
            }
        }
    }
    total / PIECES as f64
}
