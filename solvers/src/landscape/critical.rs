//! All critical points of a loss inside a grid, and the basins of its minima.

use rayon::prelude::*;

use super::minima::{minima, zeros_nearby};
use super::point::{CriticalPoint, Local, Minimum, length, same_place, widths};
use crate::model::Model;
use crate::numerics::symmetric::eigen;
use crate::problem::dynamics::lengths;
use crate::problem::grid::Grid;

/// Newton steps, halvings of one.
const STEPS: usize = 50;
const HALVINGS: usize = 12;

/// The critical points inside the grid, by index, then by loss; `loss` are the values at the cell centres (n).
///
/// Minima as for [`minima`]; the others by Newton's method for ∇L = 0 from every cell whose Newton step is shorter than two cells,
/// halved until |∇L| falls. In one dimension also the maxima at kinks. Points in the same place count once; a search that leaves the grid or does not arrive counts nothing.
pub fn critical_points(model: &dyn Model, grid: &Grid, loss: &[f64]) -> Vec<CriticalPoint> {
    let of_minimum = |m: Minimum| CriticalPoint { position: m.position, loss: m.loss, eigenvalues: m.eigenvalues };
    let mut points: Vec<CriticalPoint> = minima(model, grid, loss).into_iter().map(of_minimum).collect();
    let starts: Vec<usize> = zeros_nearby(model, grid).into_iter().map(|(cell, _)| cell).collect();
    let mut found: Vec<CriticalPoint> = starts.into_par_iter().filter_map(|cell| zero(model, grid, cell)).collect();
    if grid.dimension() == 1 {
        let kinks = super::kinks::on_a_line(model, grid);
        points.extend(
            kinks.iter().filter(|kink| kink.index() == 0 && !known(&points, grid, kink)).cloned().collect::<Vec<_>>(),
        );
        points.sort_by(|a, b| a.loss.total_cmp(&b.loss));
        found.extend(kinks);
    }
    found.sort_by(|a, b| a.index().cmp(&b.index()).then(a.loss.total_cmp(&b.loss)));
    for point in found.into_iter().filter(|point| point.index() > 0) {
        if !known(&points, grid, &point) {
            points.push(point);
        }
    }
    points
}

fn known(points: &[CriticalPoint], grid: &Grid, point: &CriticalPoint) -> bool {
    points.iter().any(|other| same_place(grid, &point.position, &other.position))
}

/// The zero of ∇L that Newton's method reaches from a cell.
pub(crate) fn zero(model: &dyn Model, grid: &Grid, cell: usize) -> Option<CriticalPoint> {
    let (d, scale, lengths) = (grid.dimension(), widths(grid), lengths(grid));
    let mut theta = grid.center(cell)[..d].to_vec();
    let mut here = Local::at(model, &lengths, &theta);
    let mut arrived = false;
    'steps: for _ in 0..STEPS {
        let mut step = here.step(&scale, |value| value);
        let long = length(&step);
        if long > 1.0 {
            step.iter_mut().for_each(|s| *s /= long);
        }
        arrived = long < 1e-7;
        for halving in 0..HALVINGS {
            let part = 0.5_f64.powi(halving as i32);
            let next: Vec<f64> = theta.iter().zip(&step).zip(&scale).map(|((t, s), h)| t + part * s * h).collect();
            let there = Local::at(model, &lengths, &next);
            if there.slope(&scale) < here.slope(&scale) {
                (theta, here) = (next, there);
                continue 'steps;
            }
        }
        break; // no step lowers the gradient: as exact as rounding allows, or stuck
    }
    for (t, axis) in theta.iter_mut().zip(grid.axes()) {
        *t = if axis.is_periodic() { axis.wrap(*t) } else { *t };
    }
    let inside = grid.axes().iter().zip(&theta).all(|(axis, &t)| t > axis.lower() && t < axis.upper());
    let (values, _) = eigen(d, &here.hessian);
    (arrived && inside && here.loss.is_finite()).then(|| CriticalPoint {
        position: theta,
        loss: here.loss,
        eigenvalues: values[..d].to_vec(),
    })
}

/// For each cell the number of the minimum that it drains to, going from cell to lowest neighbour; −1 where the way ends at a wall or
/// in a cell that belongs to no minimum. `minima` are the positions, `loss` the values at the cell centres (n).
pub fn basins(grid: &Grid, loss: &[f64], minima: &[&[f64]]) -> Vec<i64> {
    let n = grid.len();
    let next: Vec<usize> =
        (0..n).into_par_iter().map(|cell| super::minima::lowest_neighbour(grid, loss, cell)).collect();
    let owner = |cell: usize| -> i64 {
        let index = grid.multi_index(cell);
        let near = |theta: &&[f64]| {
            (0..grid.dimension()).all(|k| {
                let axis = &grid.axes()[k];
                let at = axis.locate(theta[k]).map_or(i64::MIN, |i| i as i64);
                let apart = (at - index[k] as i64).abs();
                let around = if axis.is_periodic() { axis.cells() as i64 - apart } else { apart };
                apart.min(around) <= 2
            })
        };
        minima.iter().position(near).map_or(-1, |k| k as i64)
    };
    let mut basin = vec![i64::MIN; n];
    let mut path = Vec::new();
    for start in 0..n {
        let mut cell = start;
        while basin[cell] == i64::MIN && next[cell] != cell {
            path.push(cell);
            cell = next[cell];
        }
        if basin[cell] == i64::MIN {
            basin[cell] = owner(cell);
        }
        let label = basin[cell];
        path.drain(..).for_each(|cell| basin[cell] = label);
    }
    basin
}
