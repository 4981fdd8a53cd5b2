//! Which step suits the chain.

use super::lattice_law::{COVERED, coverage};
use super::moments::{Moments, conditional_moments};
use crate::dynamics::coordinates::in_coordinates;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// Ratio of the steps that are tried.
const LADDER: f64 = std::f64::consts::SQRT_2;
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
    while step <= longest && !enough(&free(2.0 * step)) {
        step *= LADDER;
    }
    for _ in 0..40 {
        if step > longest {
            return None;
        }
        if enough(&conditional_moments(dynamics, temperature, grid, &points, step, FEW)?) {
            return Some(step);
        }
        step *= LADDER;
    }
    None
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
    let cells: Vec<usize> = laws.iter().flat_map(|law| quantiles(law, SAMPLES / laws.len().max(1))).collect();
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
        let c = crate::numerics::symmetric::packed_index(d, k, k);
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
