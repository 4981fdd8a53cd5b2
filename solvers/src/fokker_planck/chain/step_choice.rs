//! Which step suits the chain.

use super::lattice_law::{COVERED, coverage};
use super::moments::{Moments, conditional_moments};
use crate::dynamics::coordinates::in_coordinates;
use crate::fokker_planck::stencil::coefficients::at_points;
use crate::numerics::symmetric::packed_index;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// Ratio of the steps that are tried.
const LADDER: f64 = std::f64::consts::SQRT_2;
/// Most steps that are tried.
const RUNGS: usize = 40;
/// Share of the probability where it must.
const ENOUGH: f64 = 0.98;
/// Runge–Kutta steps that a choice may cost.
pub const FEW: usize = 32;
/// Cells looked at, spread evenly over the probability.
const SAMPLES: usize = 256;

/// The shortest step of a ladder whose noise covers a cell in every direction on nearly all probability; None where there is none up to `longest`, or
/// `stop` says so, which is told the evaluations of drift and D that every rung took.
pub fn suitable_step(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    laws: &[&[f64]],
    longest: f64,
    stop: &dyn Fn(f64) -> bool,
) -> Option<f64> {
    if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
        return suitable_step(&dynamics, temperature, &flat, laws, longest, stop);
    }
    let points = sample(grid, laws, SAMPLES);
    let enough = |moments: &Moments| enough(grid, moments, COVERED);
    let first = first_step(dynamics, temperature, grid, &points)?;
    // without drift the covariance would be 2Aτ: a cheap guess, a little below which the search begins; none where D is singular
    let (_, a, _) = at_points(dynamics, temperature, &points, None);
    let free = |step: f64| Moments {
        mean: points.clone(),
        covariance: a.iter().map(|a| 2.0 * a * step).collect(),
        evaluations: 0.0,
        unsettled: 0,
    };
    let rungs: Vec<f64> = std::iter::successors(Some(first), |step| Some(step * LADDER)).take(RUNGS).collect();
    let mut local = rungs.iter().take_while(|&&step| step <= longest && !fills(grid, &free(2.0 * step)));
    let guess = local.position(|&step| enough(&free(2.0 * step)));
    let after = |step: f64| {
        let found = conditional_moments(dynamics, temperature, grid, &points, step, FEW)?;
        (!stop(found.evaluations)).then_some(found)
    };
    let mut rung = guess.unwrap_or(0);
    let mut moments = after(*rungs.get(rung)?)?;
    // a drift that turns the noise covers sooner than the noise alone would
    while rung > 0 && enough(&moments) {
        match after(rungs[rung - 1]).filter(|before| enough(before)) {
            Some(before) => (rung, moments) = (rung - 1, before),
            None => break,
        }
    }
    while rungs[rung] <= longest && !fills(grid, &moments) {
        if enough(&moments) {
            return Some(rungs[rung]);
        }
        rung += 1;
        let next = after(*rungs.get(rung)?)?;
        if settled(grid.dimension(), &moments, &next) {
            return None;
        }
        moments = next;
    }
    None
}

/// Change of a variance by a rung below which it has settled.
const SETTLED: f64 = 0.01;

/// Whether longer steps have no more noise, from half of the points.
fn settled(d: usize, before: &Moments, now: &Moments) -> bool {
    let n = now.mean.len() / d;
    let same = |i: usize| {
        (0..d).map(|k| packed_index(d, k, k) * n + i).all(|c| {
            let (before, now) = (before.covariance[c], now.covariance[c]);
            (now - before).abs() <= SETTLED * now
        })
    };
    2 * (0..n).filter(|&i| same(i)).count() > n
}

/// Length of a step that contracts what steps have too much of, in relaxation times: longer ones leave less of it, and mean and covariance close worse.
/// In phase retrieval with D = 0 at the minima 3 does best of 0.75, 1.5 and 3.
const RELAXATIONS: f64 = 3.0;

/// A step for a grid whose cells no noise covers: `RELAXATIONS` over the median of ‖∂b/∂θ‖/√d (Frobenius) on the laws; None where the drift is
/// constant.
pub fn relaxing_step(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, laws: &[&[f64]]) -> Option<f64> {
    if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
        return relaxing_step(&dynamics, temperature, &flat, laws);
    }
    let (d, points) = (grid.dimension(), sample(grid, laws, SAMPLES));
    let n = points.len() / d;
    let mut square = vec![0.0; n];
    for (k, axis) in grid.axes().iter().enumerate() {
        let at = |distance: f64| {
            let mut moved = points.clone();
            moved[k * n..(k + 1) * n].iter_mut().for_each(|x| *x = (*x + distance).clamp(axis.lower(), axis.upper()));
            let (drift, _, _) = at_points(dynamics, temperature, &moved, None);
            (moved, drift)
        };
        let ((up, above), (down, below)) = (at(0.5 * axis.spacing()), at(-0.5 * axis.spacing()));
        for i in 0..n {
            let distance = up[k * n + i] - down[k * n + i];
            for j in 0..d {
                // in cells of the axes, as the noise is
                let unit = axis.spacing() / grid.axes()[j].spacing();
                square[i] += ((above[j * n + i] - below[j * n + i]) / distance * unit).powi(2);
            }
        }
    }
    square.sort_by(f64::total_cmp);
    let rate = (square.get(n / 2)? / d as f64).sqrt();
    (rate > 0.0 && rate.is_finite()).then(|| RELAXATIONS / rate)
}

/// Least coverage of a coarser chain: below it, its errors are no longer those of the law that its steps obey on finer grids.
const COVERED_COARSER: f64 = 0.55;

/// Whether a coarser chain of steps `tau` covers its cells well enough on nearly all probability.
pub fn covers(dynamics: &dyn Dynamics, temperature: f64, grid: &Grid, laws: &[&[f64]], tau: f64) -> bool {
    if let Some((dynamics, flat)) = in_coordinates(dynamics, temperature, grid) {
        return covers(&dynamics, temperature, &flat, laws, tau);
    }
    let moments = conditional_moments(dynamics, temperature, grid, &sample(grid, laws, SAMPLES), tau, FEW);
    moments.is_some_and(|moments| enough(grid, &moments, COVERED_COARSER))
}

fn enough(grid: &Grid, moments: &Moments, least: f64) -> bool {
    let n = moments.mean.len() / grid.dimension();
    let fits = |i: &usize| coverage(grid, moments, *i, n) >= least;
    (0..n).filter(fits).count() as f64 >= ENOUGH * n as f64
}

/// Standard deviation of a step, in lengths of the axis, from which on a step is no longer local.
const WHOLE: f64 = 0.5;

/// Whether the noise of a step reaches through the box along some axis from half of the points.
fn fills(grid: &Grid, moments: &Moments) -> bool {
    let (d, n) = (grid.dimension(), moments.mean.len() / grid.dimension());
    let wide = |i: usize| {
        (0..d).any(|k| {
            let variance = moments.covariance[packed_index(d, k, k) * n + i];
            variance > (WHOLE * grid.axes()[k].length()).powi(2)
        })
    };
    2 * (0..n).filter(|&i| wide(i)).count() > n
}

/// Centres of about `count` cells spread evenly over the probability of the laws (d×n).
pub fn sample(grid: &Grid, laws: &[&[f64]], count: usize) -> Vec<f64> {
    let cells: Vec<usize> = laws.iter().flat_map(|law| quantiles(law, count / laws.len().max(1))).collect();
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
    let (_, a, _) = at_points(dynamics, temperature, points, None);
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
