//! Which discretisation suits a problem, and which step suits the chain.

use super::moments::conditional_moments;
use super::{applies, decomposed, lattice_basis};
use crate::dynamics::Dynamics;
use crate::fokker_planck::edge_generator::Discretization;
use crate::grid::Grid;

/// Share of the probability at high cell Péclet numbers above which the chain is chosen.
const SHARE: f64 = 0.05;
/// Cell Péclet number above which exponential fitting is a diffusive first-order scheme where there is a current.
const PECLET: f64 = 2.0;
/// Variance along each basis direction, in cells, that makes every shift feasible (¼) with some room.
const VARIANCE: f64 = 0.3;
/// Cells looked at, spread evenly over the probability.
const SAMPLES: usize = 256;

/// What was chosen, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Step of the chain; None for the edge generator.
    pub step: Option<f64>,
    /// The reason, as a sentence.
    pub reason: String,
}

/// Chooses between the edge generator (already made) and the chain, from the laws that matter (initial, stationary).
pub fn choose(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    edges: &Discretization,
    reversible: bool,
    laws: &[&[f64]],
) -> Choice {
    let edge = |reason: String| Choice { step: None, reason };
    if reversible {
        return edge("edge generator: detailed balance holds, so it keeps the stationary density".into());
    }
    let high = |law: &&[f64]| -> f64 {
        law.iter().zip(&edges.peclet).filter(|(_, peclet)| **peclet > PECLET).map(|(p, _)| p).sum()
    };
    let share = laws.iter().map(high).fold(0.0, f64::max);
    if share <= SHARE {
        return edge(format!(
            "edge generator: the cell Péclet number exceeds {PECLET} on {:.1} % of the probability only",
            100.0 * share
        ));
    }
    if let Err(error) = applies(grid) {
        return edge(format!("edge generator, though the cell Péclet number is high: {error}"));
    }
    match suitable_step(dynamics, temperature, grid, laws) {
        Some(step) => Choice {
            step: Some(step),
            reason: format!(
                "long-step chain: the cell Péclet number exceeds {PECLET} on {:.0} % of the probability and there is a current",
                100.0 * share
            ),
        },
        None => edge("edge generator: no step of the long-step chain resolves the noise on this grid".into()),
    }
}

/// The shortest step (among doublings) for which nearly all probability has enough variance for every shift.
pub fn suitable_step(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, laws: &[&[f64]]) -> Option<f64> {
    let cells: Vec<usize> = laws.iter().flat_map(|law| quantiles(law, SAMPLES / laws.len().max(1))).collect();
    let (d, n) = (grid.dimension(), cells.len());
    let mut points = vec![0.0; d * n];
    for (i, &cell) in cells.iter().enumerate() {
        let center = grid.center(cell);
        (0..d).for_each(|k| points[k * n + i] = center[k]);
    }
    let mut step = first_step(dynamics, temperature, grid, &points)?;
    for _ in 0..40 {
        let moments = conditional_moments(dynamics, temperature, grid, &points, step)?;
        let enough =
            |i: &usize| lattice_basis(d, &decomposed(grid, &moments, *i, n)).0[..d].iter().all(|b| b.1 >= VARIANCE);
        let share = (0..n).filter(enough).count() as f64 / n as f64;
        if share >= 0.98 {
            return Some(step);
        }
        step *= 2.0;
    }
    None
}

/// The time in which the largest diffusion spreads over about a cell.
fn first_step(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, points: &[f64]) -> Option<f64> {
    let d = grid.dimension();
    let n = points.len() / d;
    let (_, a, _) = super::super::coefficients::at_points(dynamics, temperature, points, false);
    let mut largest: f64 = 0.0;
    for k in 0..d {
        let c = crate::symmetric::packed_index(d, k, k);
        let h = grid.axes()[k].spacing();
        largest = a[c * n..(c + 1) * n].iter().fold(largest, |m, a| m.max(2.0 * a / (h * h)));
    }
    (largest > 0.0 && largest.is_finite()).then(|| 0.5 / largest)
}

/// Cells at evenly spaced quantiles of a law.
fn quantiles(law: &[f64], count: usize) -> Vec<usize> {
    let total: f64 = law.iter().sum();
    let mut out = Vec::with_capacity(count);
    let (mut sum, mut next) = (0.0, 0.5);
    for (cell, p) in law.iter().enumerate() {
        sum += p / total * count as f64;
        while sum > next && out.len() < count {
            out.push(cell);
            next += 1.0;
        }
    }
    out
}
