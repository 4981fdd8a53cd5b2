//! The chain of a problem on one grid: operator, law, and what it answers there.

use super::assignment::{LEAST_VARIANCE, Rows};
use super::averages::{to_cells, to_nodes};
use super::inverse::Solver;
use super::iterate::by_power_steps;
use super::line::{Nodes, Operator, build, law_from};
use super::pairs::{PairChain, velocity_range};
use super::plane::{self, PlaneOperator};
use super::samples::{Rule, Samples, Step};
use super::shares::shares;
use super::solve::invariant_laws;
use crate::Error;
use crate::engine::{Archive, Interrupt};
use crate::escape::passage::Target;
use crate::problem::grid::Grid;

/// A grid with the chain on its cell centres.
pub(super) struct Level {
    pub grid: Grid,
    step: Step,
    chain: Chain,
    /// The law over the states now.
    law: Vec<f64>,
    /// The exact law of the first step, where all walkers start from one point and none was taken.
    first: Option<Vec<f64>>,
    pub steps: u64,
}

/// What the states of a chain are.
enum Chain {
    Line(Operator),
    Pairs(PairChain),
    Plane(PlaneOperator),
}

impl Chain {
    /// Errors: gradients that are not finite, too many entries, [`Error::Interrupted`].
    fn new(
        grid: &Grid,
        samples: &dyn Samples,
        step: &Step,
        rows: Rows,
        most: usize,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        let axes = grid.axes();
        let nodes = |k: usize| Nodes { first: axes[k].center(0), spacing: axes[k].spacing(), count: axes[k].cells() };
        if grid.dimension() == 2 {
            return Ok(Self::Plane(PlaneOperator::new([nodes(0), nodes(1)], samples, step, most, interrupt)?));
        }
        let nodes = nodes(0);
        match step.rule {
            Rule::Sgd | Rule::Svag { .. } => Ok(Self::Line(build(&nodes, samples, step, rows, interrupt)?)),
            Rule::Momentum { mu } => {
                let plain = build(&nodes, samples, &Step { rule: Rule::Sgd, ..*step }, Rows::Linear, interrupt)?;
                let most = plain.step_cells.iter().fold(0.0f64, |a, c| a.max(*c));
                let noise = (most * nodes.spacing / step.learning_rate).powi(2) * step.batch_size as f64;
                let range = velocity_range(step, mu, noise, 0.0);
                Ok(Self::Pairs(PairChain::new(&nodes, samples, step, range, interrupt)?))
            }
        }
    }

    fn operator(&self) -> &Operator {
        match self {
            Self::Line(operator) => operator,
            Self::Pairs(pairs) => &pairs.operator,
            Self::Plane(plane) => &plane.operator,
        }
    }
}

/// Where descent starts.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    /// Cell probabilities.
    pub cells: &'a [f64],
    /// The point (d) where all walkers are.
    pub point: Option<&'a [f64]>,
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
    /// Errors: gradients that are not finite, more than `most` entries, [`Error::Interrupted`].
    pub fn new(
        grid: &Grid,
        samples: &dyn Samples,
        step: &Step,
        rows: Rows,
        most: usize,
        start: Start,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        let chain = Chain::new(grid, samples, step, rows, most, interrupt)?;
        let nodes = to_nodes(start.cells, grid.shape());
        let (law, point) = match &chain {
            Chain::Pairs(pairs) => (pairs.at_rest(&nodes), None),
            Chain::Line(_) | Chain::Plane(_) => (nodes, start.point),
        };
        let mut level = Self { grid: grid.clone(), step: *step, chain, law, first: None, steps: 0 };
        level.first = point.map(|x| level.first_step(samples, rows, x)).transpose()?;
        Ok(level)
    }

    /// The chain and what was given up to put it on the grid.
    pub fn operator(&self) -> &Operator {
        self.chain.operator()
    }

    /// The chain as what its answers are solved with.
    pub fn solver(&self) -> &dyn Solver {
        match &self.chain {
            Chain::Plane(plane) => plane,
            Chain::Line(_) | Chain::Pairs(_) => &self.operator().matrix,
        }
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
                    self.operator().matrix.forward(&self.law, &mut next);
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

    /// The exact law of one step from a point (d) that need not be a node. Errors: batches that cannot be listed in a plane.
    pub fn first_step(&self, samples: &dyn Samples, rows: Rows, point: &[f64]) -> Result<Vec<f64>, Error> {
        let axes = self.grid.axes();
        let place = |k: usize| (point[k] - axes[k].center(0)) / axes[k].spacing();
        let node = |k: usize| place(k).round();
        let mut out = vec![0.0; self.grid.len()];
        let to = |k: usize, j: i64| (node(k) as i64 + j).clamp(0, axes[k].cells() as i64 - 1) as usize;
        if let Chain::Plane(plane) = &self.chain {
            let offset = [node(0) - place(0), node(1) - place(1)];
            let law = plane::law_from(&plane.axes, samples, &self.step, [point[0], point[1]], offset)?;
            for (k, w) in law.weights.iter().enumerate() {
                let at = |axis: usize, j: usize| to(axis, law.first[axis] + j as i64);
                out[at(0, k / law.shape[1]) * axes[1].cells() + at(1, k % law.shape[1])] += w;
            }
            return Ok(out);
        }
        let law = law_from(samples, &self.step, rows, axes[0].spacing(), point[0], node(0) - place(0));
        law.weights.iter().enumerate().for_each(|(k, w)| out[to(0, law.first + k as i64)] += w);
        Ok(out)
    }

    /// Node probabilities of a law over the states.
    fn positions(&self, law: &[f64]) -> Vec<f64> {
        match &self.chain {
            Chain::Pairs(pairs) => pairs.positions(law),
            Chain::Line(_) | Chain::Plane(_) => law.to_vec(),
        }
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
        let (laws, shares, limit) = match &self.chain {
            Chain::Pairs(pairs) => {
                let (law, _) = by_power_steps(&pairs.operator.matrix, now, 1e-13, MOST_STEPS, interrupt)?;
                (vec![self.positions(&law)], vec![1.0], law)
            }
            Chain::Line(_) | Chain::Plane(_) => {
                let found = invariant_laws(self.solver(), interrupt)?;
                let (shares, limit) = (found.probabilities(now), found.limit(now));
                (found.laws, shares, limit)
            }
        };
        let mut next = vec![0.0; limit.len()];
        self.operator().matrix.forward(&limit, &mut next);
        let residual = next.iter().zip(&limit).map(|(a, b)| (a - b).abs()).sum();
        Ok(Invariant { laws, shares, clamped: self.clamped_of(&limit), residual })
    }

    fn clamped_of(&self, law: &[f64]) -> f64 {
        law.iter().zip(&self.operator().clamped).map(|(p, c)| p * c).sum()
    }

    /// Probability that leaves the box in a step from the law now.
    pub fn clamped_now(&self) -> f64 {
        self.clamped_of(&self.law)
    }

    /// Largest value of each node's states.
    pub fn by_node(&self, values: &[f64]) -> Vec<f64> {
        let states = values.len() / self.grid.len();
        values.chunks(states).map(|states| states.iter().fold(0.0f64, |a, v| a.max(*v))).collect()
    }

    /// Share of a law on the nodes where a step is too short to be put on nodes with its variance.
    pub fn unresolved(&self, nodes: &[f64]) -> f64 {
        let cells = self.by_node(&self.operator().step_cells);
        nodes.iter().zip(cells).filter(|(_, c)| c * c < LEAST_VARIANCE).map(|(p, _)| p).sum()
    }

    /// Places of fitted rows that fall short of E e^{qX} = 1 on the ways between wells, from `from` and to a target (its shares), on a line.
    pub fn unfitted(&self, from: Option<f64>, shares: &[f64]) -> Vec<f64> {
        let (operator, axis) = (self.operator(), &self.grid.axes()[0]);
        if operator.unfitted.iter().all(|missed| !missed) {
            return Vec::new();
        }
        let n = operator.unfitted.len();
        let drift = |j: usize| {
            let (columns, values) = operator.matrix.row(j);
            columns.iter().zip(values).map(|(c, v)| (f64::from(*c) - j as f64) * v).sum::<f64>()
        };
        let drift: Vec<f64> = (0..n).map(drift).collect();
        let mut ends: Vec<usize> = (1..n).filter(|j| drift[j - 1] > 0.0 && drift[*j] <= 0.0).collect();
        if let Some(from) = from {
            let start = (((from - axis.center(0)) / axis.spacing()).round().max(0.0) as usize).min(n - 1);
            let inside = |j: &usize| shares.get(*j).is_some_and(|share| *share > 0.0);
            ends.push(start);
            ends.extend((0..start).rev().find(inside).into_iter().chain((start..n).find(inside)));
        }
        let (Some(first), Some(last)) = (ends.iter().min(), ends.iter().max()) else { return Vec::new() };
        let missed = |j: &usize| operator.unfitted[*j] && shares.get(*j).is_none_or(|share| *share < 1.0);
        (*first..=*last).filter(missed).map(|j| axis.center(j)).collect()
    }

    /// The part of every cell that lies in a target.
    pub fn shares(&self, target: &Target) -> Vec<f64> {
        shares(&self.grid, target)
    }
}
