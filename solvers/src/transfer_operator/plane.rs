//! The operator in two dimensions: nodes of a plane, one row for each.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::line::{Nodes, Operator, Part, block, centred, joined, not_finite};
use super::plane_batches::{PlaneBatches, Workspace};
use super::plane_law::{PlaneLaw, Symmetric};
use super::samples::{Samples, Step};
use crate::Error;
use crate::engine::Interrupt;

/// A chain on the nodes of a plane; state number i·n₂ + j.
#[derive(Debug, Clone)]
pub struct PlaneOperator {
    /// Nodes along each axis.
    pub axes: [Nodes; 2],
    /// P; excess is the larger one of the two axes.
    pub operator: Operator,
    /// Mean displacement of a step in cells, by axis (2×N).
    pub drift: Vec<[f64; 2]>,
    /// Variance of a step in cells², by axis (2×N).
    pub variance: Vec<[f64; 2]>,
}

/// Weights below it are left out of a row.
const LEAST_WEIGHT: f64 = 1e-15;

struct PlanePart {
    part: Part,
    drift: Vec<[f64; 2]>,
    variance: Vec<[f64; 2]>,
}

impl PlaneOperator {
    /// The operator of SGD or SVAG on the nodes of a plane.
    ///
    /// Errors: those of [`Step::check`]; too many distinct batches without replacement; more than `most` entries (with the grid
    /// that fits); gradients that are not finite; [`Error::Interrupted`].
    pub fn new(
        axes: [Nodes; 2],
        samples: &dyn Samples,
        step: &Step,
        most: usize,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        step.check(samples.count())?;
        let batches = PlaneBatches::new(step, samples.count())?;
        let states = axes[0].count * axes[1].count;
        let size = block(samples.count());
        let (entries, rows_done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let parts: Result<Vec<PlanePart>, Error> = (0..states.div_ceil(size))
            .into_par_iter()
            .map_init(Scratch::default, |scratch, b| {
                if interrupt() {
                    return Err(Error::Interrupted { time: 0.0 });
                }
                let range = b * size..((b + 1) * size).min(states);
                let part = rows(&axes, samples, step, &batches, range.clone(), scratch)?;
                let here = part.part.matrix.entries();
                let total = entries.fetch_add(here, Ordering::Relaxed) + here;
                let done = rows_done.fetch_add(range.len(), Ordering::Relaxed) + range.len();
                if total > most {
                    return Err(too_many(most, total as f64 / done as f64 * states as f64, &axes));
                }
                Ok(part)
            })
            .collect();
        let (mut drift, mut variance, mut plain) = (Vec::with_capacity(states), Vec::with_capacity(states), Vec::new());
        for part in parts? {
            drift.extend(part.drift);
            variance.extend(part.variance);
            plain.push(part.part);
        }
        Ok(Self { axes, operator: joined(plain), drift, variance })
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.axes[0].count * self.axes[1].count
    }
}

/// Refuses an operator of too many entries and names the grid that fits.
pub(super) fn too_many(most: usize, expected: f64, axes: &[Nodes; 2]) -> Error {
    let factor = (most as f64 / expected).powf(0.25);
    let fits = axes.map(|a| (a.count as f64 * factor).floor());
    Error::invalid(
        format!("the operator would have about {expected:.1e} entries, more than the limit of {most}"),
        format!("use at most {} by {} cells", fits[0], fits[1]),
    )
}

/// The law of one step from a point that need not be a node, on nodes at x + (j + offset)·h.
///
/// Errors: too many distinct batches without replacement.
pub(super) fn law_from(
    axes: &[Nodes; 2],
    samples: &dyn Samples,
    step: &Step,
    point: [f64; 2],
    offset: [f64; 2],
) -> Result<PlaneLaw, Error> {
    let batches = PlaneBatches::new(step, samples.count())?;
    let mut scratch = Scratch::default();
    let spacing = axes.map(|a| a.spacing);
    laws_at(spacing, samples, step, &batches, &point, offset, &mut scratch, |_, _, _, _| ())?;
    Ok(scratch.law)
}

#[derive(Default)]
struct Scratch {
    law: PlaneLaw,
    work: Workspace,
    x: [Vec<f64>; 2],
    p: Vec<f64>,
}

/// Calls `each(point number, law on nodes, mean displacement, covariance)` for points (coordinate-major, 2×n).
fn laws_at(
    spacing: [f64; 2],
    samples: &dyn Samples,
    step: &Step,
    batches: &PlaneBatches,
    points: &[f64],
    offset: [f64; 2],
    scratch: &mut Scratch,
    mut each: impl FnMut(usize, &PlaneLaw, [f64; 2], Symmetric),
) -> Result<(), Error> {
    let (m, n) = (samples.count(), points.len() / 2);
    let (mut gradients, mut probabilities) = (vec![0.0; 2 * m * n], vec![0.0; m * n]);
    samples.gradients(points, &mut gradients);
    let weighted = samples.probabilities(points, &mut probabilities);
    if let Some(bad) = gradients.iter().position(|g| !g.is_finite()) {
        let i = bad % n;
        return Err(not_finite(bad / n % m, &format!("({}, {})", points[i], points[n + i])));
    }
    let Scratch { law, work, x, p } = scratch;
    for i in 0..n {
        p.clear();
        if weighted {
            p.extend(probabilities.iter().skip(i).step_by(n));
        }
        let weights = weighted.then_some(&p[..]);
        let mut shift = [0.0; 2];
        for k in 0..2 {
            let column = gradients[k * m * n..(k + 1) * m * n].iter().skip(i).step_by(n).copied();
            shift[k] = centred(column, weights, step, spacing[k], &mut x[k]) - offset[k];
        }
        let covariance = batches.find(x, weights, work);
        law.assign(&work.atoms, &work.weights, shift, covariance);
        each(i, law, shift, covariance);
    }
    Ok(())
}

fn rows(
    axes: &[Nodes; 2],
    samples: &dyn Samples,
    step: &Step,
    batches: &PlaneBatches,
    range: std::ops::Range<usize>,
    scratch: &mut Scratch,
) -> Result<PlanePart, Error> {
    let (n, width) = (range.len(), axes[1].count);
    let mut points: Vec<f64> = range.clone().map(|i| axes[0].at(i / width)).collect();
    points.extend(range.clone().map(|i| axes[1].at(i % width)));
    let mut out = PlanePart { part: Part::new(), drift: Vec::with_capacity(n), variance: Vec::with_capacity(n) };
    let last = [axes[0].count as i64 - 1, axes[1].count as i64 - 1];
    let spacing = axes.map(|a| a.spacing);
    laws_at(spacing, samples, step, batches, &points, [0.0; 2], scratch, |i, law, shift, s| {
        let state = range.start + i;
        let here = [(state / width) as i64, (state % width) as i64];
        let place = |k: usize| {
            [here[0] + law.first[0] + (k / law.shape[1]) as i64, here[1] + law.first[1] + (k % law.shape[1]) as i64]
        };
        let column = |k: usize| {
            let z = place(k);
            (z[0].clamp(0, last[0]) * width as i64 + z[1].clamp(0, last[1])) as u32
        };
        let kept = || law.weights.iter().enumerate().filter(|(_, w)| **w > LEAST_WEIGHT);
        out.part.matrix.push(kept().map(|(k, w)| (column(k), *w)));
        let beyond = kept().filter(|(k, _)| (0..2).any(|a| !(0..=last[a]).contains(&place(*k)[a])));
        out.part.clamped.push(beyond.map(|(_, w)| w).sum());
        out.part.excess.push(law.left[0].max(law.left[1]));
        let half = (0.5 * (s[0] - s[2])).hypot(s[1]);
        out.part.cells.push((0.5 * (s[0] + s[2]) - half).max(0.0).sqrt());
        out.drift.push(shift);
        out.variance.push([s[0], s[2]]);
    })?;
    Ok(out)
}

/// Row sums, for tests: the largest distance from 1.
pub fn row_sum_error(matrix: &super::matrix::TransitionMatrix) -> f64 {
    (0..matrix.states()).map(|i| (matrix.row(i).1.iter().sum::<f64>() - 1.0).abs()).fold(0.0, f64::max)
}
