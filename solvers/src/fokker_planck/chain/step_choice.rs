//! Which step suits the chain.

use super::lattice_law::{COVERED, coverage, lattice_law};
use super::moments::{Moments, conditional_moments, continued, settled_moments};
use crate::dynamics::coordinates::in_coordinates;
use crate::numerics::symmetric::packed_index;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// Ratio of the steps that are tried.
const LADDER: f64 = std::f64::consts::SQRT_2;
/// Steps that are guessed at most; where D is singular no length covers the cells without drift.
const MOST_GUESSES: usize = 80;
/// Share of the probability where it must.
const ENOUGH: f64 = 0.98;
/// Runge–Kutta steps that a choice may cost.
const FEW: usize = 32;
/// Cells looked at, spread evenly over the probability.
const SAMPLES: usize = 256;

/// The shortest step of a ladder whose noise covers a cell in every direction on nearly all probability; None where there is none up to
/// `longest`.
pub fn suitable_step(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    laws: &[&[f64]],
    longest: f64,
) -> Option<f64> {
    if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
        return suitable_step(&dynamics, temperature, &flat, laws, longest);
    }
    let points = sample(grid, laws);
    let enough = |moments: &Moments| enough(grid, moments, COVERED);
    let mut step = first_step(dynamics, temperature, grid, &points)?;
    // without drift the covariance would be 2Aτ: a cheap guess, a little below which the search begins
    let (_, a, _) = crate::fokker_planck::stencil::coefficients::at_points(dynamics, temperature, &points, None);
    let free = |step: f64| Moments {
        mean: points.clone(),
        covariance: a.iter().map(|a| 2.0 * a * step).collect(),
        evaluations: 0.0,
    };
    for _ in 0..MOST_GUESSES {
        if step > longest || enough(&free(2.0 * step)) {
            break;
        }
        step *= LADDER;
    }
    for _ in 0..40 {
        if step > longest {
            return None;
        }
        if enough(&settled(dynamics, temperature, grid, &points, step)?) {
            return Some(step);
        }
        step *= LADDER;
    }
    None
}

/// Cells looked at where no step covers them.
const FEW_SAMPLES: usize = 96;
/// Doublings of the shortest step that are tried.
const RUNGS: usize = 24;

/// The step of a chain where no step covers the cells: the one of a ladder up to `longest` whose laws have the least variance too much in a unit
/// of time, by the lattice (at most ¼ squared cell a step along an axis, so less the longer the steps, and hardly more than once within the time in
/// which the flow contracts) and by the Gaussian closure of a step (the moments after it against those after two of half the length, which
/// grows with the step). None without diffusion, and in three dimensions.
pub fn thin_step(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, laws: &[&[f64]], longest: f64) -> Option<f64> {
    if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
        return thin_step(&dynamics, temperature, &flat, laws, longest);
    }
    if grid.dimension() > 2 {
        return None;
    }
    let points = sample_of(grid, laws, FEW_SAMPLES);
    let mut step = first_step(dynamics, temperature, grid, &points)?;
    let mut half = conditional_moments(dynamics, temperature, grid, &points, step, FEW)?;
    let mut best: Option<(f64, f64)> = None;
    for _ in 0..RUNGS {
        let Some(twice) = continued(dynamics, temperature, grid, &half, step, FEW) else { break };
        step *= 2.0;
        let Some(whole) = settled(dynamics, temperature, grid, &points, step) else { break };
        if step > longest {
            break;
        }
        let wrong = (excess(grid, &whole) + difference(grid, &whole, &twice)) / step;
        if best.is_none_or(|(least, _)| wrong < least) {
            best = Some((wrong, step));
        }
        half = whole;
    }
    best.map(|(_, step)| step)
}

/// Mean variance that steps `tau` have too much on the second of two grids, in its squared cells, over cells of the first that are spread evenly over
/// the laws. None where the flow does not stay finite.
pub fn mean_excess(
    dynamics: &dyn Dynamics,
    temperature: f64,
    [at, on]: [&Grid; 2],
    laws: &[&[f64]],
    tau: f64,
) -> Option<f64> {
    if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, at) {
        let on = on.in_coordinates()?;
        return mean_excess(&dynamics, temperature, [&flat, &on], laws, tau);
    }
    let points = sample_of(at, laws, FEW_SAMPLES);
    Some(excess(on, &conditional_moments(dynamics, temperature, on, &points, tau, FEW)?))
}

/// Mean variance of the laws on the lattice beyond the given one, in squared cells.
fn excess(grid: &Grid, moments: &Moments) -> f64 {
    let n = moments.mean.len() / grid.dimension();
    (0..n).map(|i| lattice_law(grid, moments, i, n).excess).sum::<f64>() / n as f64
}

/// Mean difference of two sets of moments: of the variances in squared cells, and of the means in cells.
fn difference(grid: &Grid, a: &Moments, b: &Moments) -> f64 {
    let d = grid.dimension();
    let n = a.mean.len() / d;
    let along = |k: usize| {
        let (h, c) = (grid.axes()[k].spacing(), packed_index(d, k, k));
        let means = a.mean[k * n..(k + 1) * n].iter().zip(&b.mean[k * n..(k + 1) * n]);
        let variances = a.covariance[c * n..(c + 1) * n].iter().zip(&b.covariance[c * n..(c + 1) * n]);
        means.map(|(a, b)| (a - b).abs() / h).sum::<f64>()
            + variances.map(|(a, b)| (a - b).abs() / (h * h)).sum::<f64>()
    };
    (0..d).map(along).sum::<f64>() / n as f64
}

/// Moments after a step; None where it is so long that few Runge–Kutta steps do not follow the flow of nearly all points.
fn settled(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, points: &[f64], step: f64) -> Option<Moments> {
    let (found, unsettled) = settled_moments(dynamics, temperature, grid, points, step, FEW);
    let n = points.len() / grid.dimension();
    let finite = found.mean.iter().chain(&found.covariance).all(|v| v.is_finite());
    (finite && unsettled.len() as f64 <= (1.0 - ENOUGH) * n as f64).then_some(found)
}

/// Least coverage of a coarser chain: below it, its errors are no longer those of the law that its steps obey on finer grids.
const COVERED_COARSER: f64 = 0.55;

/// Whether a coarser chain of steps `tau` covers its cells well enough on nearly all probability.
pub fn covers(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, laws: &[&[f64]], tau: f64) -> bool {
    if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
        return covers(&dynamics, temperature, &flat, laws, tau);
    }
    let moments = conditional_moments(dynamics, temperature, grid, &sample(grid, laws), tau, FEW);
    moments.is_some_and(|moments| enough(grid, &moments, COVERED_COARSER))
}

fn enough(grid: &Grid, moments: &Moments, least: f64) -> bool {
    let n = moments.mean.len() / grid.dimension();
    let fits = |i: &usize| coverage(grid, moments, *i, n) >= least;
    (0..n).filter(fits).count() as f64 >= ENOUGH * n as f64
}

/// Centres of cells spread evenly over the probability of the laws (d×n).
fn sample(grid: &Grid, laws: &[&[f64]]) -> Vec<f64> {
    sample_of(grid, laws, SAMPLES)
}

/// Numbers of cells spread evenly over the probability of the laws.
pub fn spread(laws: &[&[f64]], count: usize) -> Vec<usize> {
    laws.iter().flat_map(|law| quantiles(law, count / laws.len().max(1))).collect()
}

fn sample_of(grid: &Grid, laws: &[&[f64]], count: usize) -> Vec<f64> {
    let cells = spread(laws, count);
    let (d, n) = (grid.dimension(), cells.len());
    let mut points = vec![0.0; d * n];
    for (i, &cell) in cells.iter().enumerate() {
        let center = grid.center(cell);
        (0..d).for_each(|k| points[k * n + i] = center[k]);
    }
    points
}

/// The time in which the largest diffusion spreads over about a cell; None where there is no diffusion.
fn first_step(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, points: &[f64]) -> Option<f64> {
    let d = grid.dimension();
    let n = points.len() / d;
    let (_, a, _) = crate::fokker_planck::stencil::coefficients::at_points(dynamics, temperature, points, None);
    let mut largest: f64 = 0.0;
    for k in 0..d {
        let c = packed_index(d, k, k);
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
