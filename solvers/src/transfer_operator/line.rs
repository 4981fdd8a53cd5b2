//! The operator in one dimension: equidistant nodes, one row for each.

use rayon::prelude::*;

use super::assignment::{NodeLaw, Rows};
use super::batch_law::{BatchLaws, Workspace};
use super::matrix::TransitionMatrix;
use super::samples::{Samples, Step};
use super::tilt::Tilt;
use crate::Error;
use crate::engine::Interrupt;

/// Equidistant nodes x_j = first + j·spacing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nodes {
    /// The first node.
    pub first: f64,
    /// Distance h of neighbours.
    pub spacing: f64,
    /// Number of nodes N.
    pub count: usize,
}

impl Nodes {
    /// N nodes from `first` to `last`, both included.
    pub fn between(first: f64, last: f64, count: usize) -> Self {
        Self { first, spacing: (last - first) / (count - 1) as f64, count }
    }
    /// x_j.
    pub fn at(&self, j: usize) -> f64 {
        self.first + j as f64 * self.spacing
    }
    /// All nodes.
    pub fn all(&self) -> Vec<f64> {
        (0..self.count).map(|j| self.at(j)).collect()
    }
    /// The share of each node's cell that lies in [low, high].
    pub fn shares(&self, low: f64, high: f64) -> Vec<f64> {
        let half = 0.5 * self.spacing;
        let share = |x: f64| {
            let share = ((x + half).min(high) - (x - half).max(low)) / self.spacing;
            // whole cells are whole: 1 − 1e-13 would let a walker pass through the target
            if share < 1e-9 {
                0.0
            } else if share > 1.0 - 1e-9 {
                1.0
            } else {
                share
            }
        };
        (0..self.count).map(|j| share(self.at(j))).collect()
    }
    /// The value at `x` of a function given at the nodes, by linear interpolation; at the ends beyond them.
    pub fn interpolate(&self, values: &[f64], x: f64) -> f64 {
        let place = ((x - self.first) / self.spacing).clamp(0.0, (self.count - 1) as f64);
        let j = (place as usize).min(self.count.saturating_sub(2));
        let a = place - j as f64;
        if a == 0.0 { values[j] } else { values[j] + a * (values[(j + 1).min(self.count - 1)] - values[j]) }
    }
}

/// A chain on nodes and what was given up to put it there.
#[derive(Debug, Clone)]
pub struct Operator {
    /// P.
    pub matrix: TransitionMatrix,
    /// Probability of a step beyond the last nodes, which was put on them (N).
    pub clamped: Vec<f64>,
    /// Variance that a step has on the nodes beyond the exact one, in cells² (d×N).
    pub variance_excess: Vec<f64>,
    /// Standard deviation of a step in cells, the smallest over the directions (N).
    pub step_cells: Vec<f64>,
    /// Whether a fitted row falls short of E e^{qX} = 1 (N); empty where rows are not fitted.
    pub unfitted: Vec<bool>,
}

/// What E e^{qX} of a fitted row may be off.
const MOST_LEFT: f64 = 1e-6;

/// Points whose gradients are asked for together, for m samples.
pub(super) fn block(m: usize) -> usize {
    ((1 << 16) / m.max(1)).clamp(1, 32)
}

/// Rows of one point: gradients centred and in cells.
#[derive(Default)]
pub(super) struct Scratch {
    pub work: Workspace,
    pub node: NodeLaw,
    pub x: Vec<f64>,
    pub p: Vec<f64>,
    pub powers: Vec<f64>,
}

/// Centred displacements of one draw in cells, −(η/(Bh))(g − ḡ), into `x`; returns the mean displacement −ηḡ/h of a step.
pub(super) fn centred(
    g: impl Iterator<Item = f64> + Clone,
    p: Option<&[f64]>,
    step: &Step,
    h: f64,
    x: &mut Vec<f64>,
) -> f64 {
    x.clear();
    x.extend(g);
    let mean: f64 = match p {
        Some(p) => x.iter().zip(p).map(|(g, p)| g * p).sum::<f64>() / p.iter().sum::<f64>(),
        None => x.iter().sum::<f64>() / x.len() as f64,
    };
    let scale = -step.factor() / (step.batch_size as f64 * h);
    x.iter_mut().for_each(|g| *g = scale * (*g - mean));
    -step.factor() * mean / h
}

/// The law of one step from `x` on nodes at x + (j + offset)·h: for a start between nodes.
pub fn law_from(samples: &dyn Samples, step: &Step, rows: Rows, spacing: f64, x: f64, offset: f64) -> NodeLaw {
    let m = samples.count();
    let laws = BatchLaws::new(step, m);
    let (mut gradients, mut probabilities) = (vec![0.0; m], vec![0.0; m]);
    samples.gradients(&[x], &mut gradients);
    let p = samples.probabilities(&[x], &mut probabilities).then_some(&probabilities[..]);
    let mut scratch = Scratch::default();
    let shift = centred(gradients.iter().copied(), p, step, spacing, &mut scratch.x) - offset;
    laws.find(&scratch.x, p, &mut scratch.work);
    scratch.node.assign(&scratch.work.law, shift, if rows == Rows::Linear { rows } else { Rows::Moments }, 0.0);
    scratch.node
}

/// Calls `row(node, mean displacement, probabilities, scratch)` for every node, the centred displacements of its draws in `scratch.x`, blocks in
/// parallel; what leaves is put together in order.
///
/// Errors: gradients that are not finite; [`Error::Interrupted`].
pub(super) fn for_nodes<T: Send>(
    nodes: &Nodes,
    samples: &dyn Samples,
    step: &Step,
    interrupt: Interrupt,
    row: impl Fn(usize, f64, Option<&[f64]>, &mut Scratch, &mut T) + Sync,
    new: impl Fn() -> T + Sync,
) -> Result<Vec<T>, Error> {
    let m = samples.count();
    let size = block(m);
    let blocks = nodes.count.div_ceil(size);
    (0..blocks)
        .into_par_iter()
        .map_init(Scratch::default, |scratch, b| {
            if interrupt() {
                return Err(Error::Interrupted { time: 0.0 });
            }
            let range = b * size..((b + 1) * size).min(nodes.count);
            let points: Vec<f64> = range.clone().map(|j| nodes.at(j)).collect();
            let n = points.len();
            let (mut gradients, mut probabilities) = (vec![0.0; m * n], vec![0.0; m * n]);
            samples.gradients(&points, &mut gradients);
            let weighted = samples.probabilities(&points, &mut probabilities);
            if let Some(bad) = gradients.iter().position(|g| !g.is_finite()) {
                return Err(not_finite(bad / n, &format!("{}", points[bad % n])));
            }
            let mut out = new();
            for (i, j) in range.enumerate() {
                let mut p = std::mem::take(&mut scratch.p);
                p.clear();
                if weighted {
                    p.extend(probabilities.iter().skip(i).step_by(n));
                }
                let weights = weighted.then_some(&p[..]);
                let column = gradients.iter().skip(i).step_by(n).copied();
                let shift = centred(column, weights, step, nodes.spacing, &mut scratch.x);
                row(j, shift, weights, scratch, &mut out);
                scratch.p = p;
            }
            Ok(out)
        })
        .collect()
}

pub(super) fn not_finite(sample: usize, place: &str) -> Error {
    Error::numerical(
        "the transfer operator",
        format!("at θ = {place}"),
        format!("the gradient of sample {sample} is not finite"),
        "narrow the grid to where the gradients are finite",
    )
}

/// Rows of some neighbouring nodes.
pub(super) struct Part {
    pub matrix: TransitionMatrix,
    pub clamped: Vec<f64>,
    pub excess: Vec<f64>,
    pub cells: Vec<f64>,
    pub unfitted: Vec<bool>,
}

impl Part {
    pub fn new() -> Self {
        Self {
            matrix: TransitionMatrix::with_capacity(0, 0),
            clamped: Vec::new(),
            excess: Vec::new(),
            cells: Vec::new(),
            unfitted: Vec::new(),
        }
    }
}

/// The parts as one operator.
pub(super) fn joined(parts: Vec<Part>) -> Operator {
    let states = parts.iter().map(|p| p.matrix.states()).sum();
    let entries = parts.iter().map(|p| p.matrix.entries()).sum();
    let mut all = Operator {
        matrix: TransitionMatrix::with_capacity(states, entries),
        clamped: Vec::with_capacity(states),
        variance_excess: Vec::with_capacity(states),
        step_cells: Vec::with_capacity(states),
        unfitted: Vec::new(),
    };
    for part in parts {
        all.matrix.append(&part.matrix);
        all.clamped.extend(part.clamped);
        all.variance_excess.extend(part.excess);
        all.step_cells.extend(part.cells);
        all.unfitted.extend(part.unfitted);
    }
    all
}

/// The operator of SGD or SVAG on nodes of a line.
///
/// Errors: those of [`Step::check`]; gradients that are not finite; [`Error::Interrupted`].
pub fn build(
    nodes: &Nodes,
    samples: &dyn Samples,
    step: &Step,
    rows: Rows,
    interrupt: Interrupt,
) -> Result<Operator, Error> {
    step.check(samples.count())?;
    let laws = BatchLaws::new(step, samples.count());
    build_with(nodes, samples, step, rows, &laws, interrupt)
}

/// [`build`] with batch laws that were chosen before, and its errors.
pub fn build_with(
    nodes: &Nodes,
    samples: &dyn Samples,
    step: &Step,
    rows: Rows,
    laws: &BatchLaws,
    interrupt: Interrupt,
) -> Result<Operator, Error> {
    let last = nodes.count as i64 - 1;
    let row = |j: usize, shift: f64, p: Option<&[f64]>, scratch: &mut Scratch, part: &mut Part| {
        let found = match rows {
            Rows::Fitted => laws.fit(&scratch.x, p, shift, &mut scratch.powers, &mut scratch.work),
            Rows::Linear | Rows::Moments => {
                laws.find(&scratch.x, p, &mut scratch.work);
                Tilt::None
            }
        };
        let q = if let Tilt::At(q) = found { q } else { 0.0 };
        let law = &scratch.work.law;
        let node = &mut scratch.node;
        node.assign(law, shift, rows, q);
        let place = |k: usize| j as i64 + node.first + k as i64;
        part.matrix.push(node.weights.iter().enumerate().map(|(k, w)| (place(k).clamp(0, last) as u32, *w)));
        let beyond = node.weights.iter().enumerate().filter(|(k, _)| !(0..=last).contains(&place(*k)));
        part.clamped.push(beyond.map(|(_, w)| w).sum());
        part.excess.push(node.variance() - law.variance);
        part.cells.push(law.variance.sqrt());
        part.unfitted.push(found == Tilt::Beyond || (q != 0.0 && node.left.abs() > MOST_LEFT));
    };
    Ok(joined(for_nodes(nodes, samples, step, interrupt, row, Part::new)?))
}
