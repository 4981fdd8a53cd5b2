//! Minima and maxima at kinks, where no gradient vanishes: 0 lies among the subgradients.
//!
//! The curvature across a kink is infinite, and is given as such: +∞ where the loss rises to both sides, −∞ where it falls.

use super::point::{CriticalPoint, Local, Minimum, same_place, widths};
use crate::model::Model;
use crate::numerics::symmetric::{eigen, packed_index, packed_len};
use crate::problem::dynamics::lengths;
use crate::problem::grid::Grid;

/// Shortest step of the search, in cells; and steps at most.
const SHORTEST: f64 = 1e-9;
const STEPS: usize = 4000;
/// Steps of the differences that tell a kink, in cells: far apart, since a difference over a kink goes as one over the step.
const NEAR: [f64; 2] = [1e-7, 1e-2];
/// Halvings of an interval with a change of sign.
const HALVINGS: usize = 60;

fn loss(model: &dyn Model, theta: &[f64]) -> f64 {
    let mut out = [f64::NAN];
    model.loss(theta, &mut out);
    out[0]
}

/// θ + Σ steps_k h_k.
fn moved(theta: &[f64], steps: &[f64], scale: &[f64]) -> Vec<f64> {
    theta.iter().zip(steps).zip(scale).map(|((t, s), h)| t + s * h).collect()
}

/// The minimum at a kink that is reached from a point by steps along axes and diagonals, halved when none goes down; None where
/// it leaves the grid or is smooth.
pub(super) fn descend(model: &dyn Model, grid: &Grid, mut theta: Vec<f64>) -> Option<Minimum> {
    let (d, scale) = (grid.dimension(), widths(grid));
    let directions: Vec<Vec<f64>> = (0..3_usize.pow(d as u32))
        .map(|code| (0..d).map(|k| (code / 3_usize.pow(k as u32) % 3) as f64 - 1.0).collect())
        .filter(|step: &Vec<f64>| step.iter().any(|s| *s != 0.0))
        .collect();
    let (mut here, mut size) = (loss(model, &theta), 1.0);
    for _ in 0..STEPS {
        let tries = directions.iter().map(|step| {
            let next = moved(&theta, &step.iter().map(|s| s * size).collect::<Vec<_>>(), &scale);
            (loss(model, &next), next)
        });
        match tries.filter(|(there, _)| *there < here).min_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((there, next)) => (here, theta) = (there, next),
            None if size < SHORTEST => break,
            None => size *= 0.5,
        }
    }
    for (t, axis) in theta.iter_mut().zip(grid.axes()) {
        *t = if axis.is_periodic() { axis.wrap(*t) } else { *t };
    }
    let inside = grid.axes().iter().zip(&theta).all(|(axis, &t)| t > axis.lower() && t < axis.upper());
    let eigenvalues = curvatures(model, &theta, &scale, &lengths(grid));
    let kink = eigenvalues.iter().all(|value| *value >= 0.0) && eigenvalues.contains(&f64::INFINITY);
    (inside && size < SHORTEST && kink && here.is_finite()).then_some(Minimum {
        position: theta,
        loss: here,
        eigenvalues,
    })
}

/// Eigenvalues of ∇²L, ascending: ±∞ where differences of ∇L grow without bound as their step becomes shorter, else those of the model's
/// Hessian, the largest of them.
fn curvatures(model: &dyn Model, theta: &[f64], scale: &[f64], lengths: &[f64]) -> Vec<f64> {
    let d = theta.len();
    let slope = |k: usize, step: f64| {
        let mut point = theta.to_vec();
        point[k] += step * scale[k];
        let mut out = vec![f64::NAN; d];
        model.gradient(&point, &mut out);
        out.iter_mut().zip(scale).for_each(|(g, h)| *g *= h);
        out
    };
    // in units of the cells
    let along = |step: f64| -> Vec<f64> {
        let mut packed = vec![0.0; packed_len(d)];
        for k in 0..d {
            let (before, after) = (slope(k, -step), slope(k, step));
            for (i, (after, before)) in after.iter().zip(&before).enumerate() {
                let share = if i == k { 1.0 } else { 0.5 };
                packed[packed_index(d, i.min(k), i.max(k))] += share * (after - before) / (2.0 * step);
            }
        }
        eigen(d, &packed).0[..d].to_vec()
    };
    let steepest =
        (0..d).flat_map(|k| [slope(k, 1.0), slope(k, -1.0)]).flatten().fold(0.0f64, |most, g| most.max(g.abs()));
    let [short, long] = NEAR.map(along);
    let kink =
        |(short, long): &(&f64, &f64)| short.abs() > 100.0 * long.abs() && short.abs() * NEAR[0] > 1e-6 * steepest;
    let kinks: Vec<f64> =
        short.iter().zip(&long).filter(kink).map(|(short, _)| short.signum() * f64::INFINITY).collect();
    let smooth = eigen(d, &Local::at(model, lengths, theta).hessian).0;
    let mut out: Vec<f64> = smooth[kinks.len()..d].iter().copied().chain(kinks).collect();
    out.sort_by(f64::total_cmp);
    out
}

/// A minimum with the curvatures ∞ across the kinks that it lies on, which second derivatives do not show.
pub(super) fn across_kinks(model: &dyn Model, grid: &Grid, mut minimum: Minimum) -> Minimum {
    let found = curvatures(model, &minimum.position, &widths(grid), &lengths(grid));
    if found.contains(&f64::INFINITY) {
        minimum.eigenvalues = found;
    }
    minimum
}

/// On a line: all places where the slope changes its sign at a kink.
pub(super) fn on_a_line(model: &dyn Model, grid: &Grid) -> Vec<CriticalPoint> {
    let (axis, scale, lengths) = (&grid.axes()[0], widths(grid), lengths(grid));
    let slope = |x: f64| {
        let mut out = [f64::NAN];
        model.gradient(&[x], &mut out);
        out[0]
    };
    let mut found: Vec<CriticalPoint> = Vec::new();
    // intervals between edges and centres, none of whose ends is likely to lie on a kink
    let ends: Vec<f64> =
        axis.edges().windows(2).flat_map(|w| [0.731, 0.269].map(|s| w[1] - s * (w[1] - w[0]))).collect();
    for pair in ends.windows(2) {
        let (mut low, mut high) = (pair[0], pair[1]);
        let (first, last) = (slope(low), slope(high));
        if first * last >= 0.0 || (first * last).is_nan() {
            continue;
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if slope(middle) * last > 0.0 { high = middle } else { low = middle }
        }
        let step = 1e-6 * scale[0];
        let jump = (slope(high + step) - slope(low - step)).abs();
        let kink = jump > 0.1 * (last - first).abs();
        let x = if slope(low) == 0.0 { low } else { high };
        if kink && !found.iter().any(|other| same_place(grid, &other.position, &[x])) {
            let here = Local::at(model, &lengths, &[x]);
            let rises = last > 0.0;
            let eigenvalues = vec![if rises { f64::INFINITY } else { f64::NEG_INFINITY }];
            found.push(CriticalPoint { position: vec![x], loss: here.loss, eigenvalues });
        }
    }
    found
}
