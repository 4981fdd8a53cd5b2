//! Minima of a loss inside a grid: the cells that lie below their neighbours, refined by Newton's method.

use rayon::prelude::*;

use super::kinks;
use super::point::{Local, Minimum, length, same_place, widths};
use crate::model::Model;
use crate::numerics::symmetric::{eigen, packed_len};
use crate::problem::dynamics::lengths;
use crate::problem::fields::tabulate;
use crate::problem::grid::Grid;

/// Steps of the search that lowers the loss, and of the one that lowers the gradient.
const DESCENTS: usize = 200;
const POLISHES: usize = 20;
/// Most cells whose ∇²L is looked at.
pub(crate) const CURVED: usize = 300_000;

/// The minima of a model's loss inside the grid, lowest first; `loss` are its values at the cell centres (n).
///
/// A search starts from every cell that is not above any of its 3^d − 1 neighbours, and (up to 300 000 cells) from every cell
/// where ∇²L is positive and the Newton step is shorter than two cells: valleys narrower than a cell hide minima from their
/// neighbours, not from Newton's method. A search takes Newton steps with the eigenvalues of ∇²L turned
/// positive, no longer than a trust region that begins at two cells, each accepted only if it lowers L; then plain Newton steps as
/// long as |∇L| falls. Minima at a wall are none, searches that end in the same place count once.
pub fn minima(model: &dyn Model, grid: &Grid, loss: &[f64]) -> Vec<Minimum> {
    let lowest = |&cell: &usize| lowest_neighbour(grid, loss, cell) == cell;
    let starts: Vec<usize> = (0..grid.len()).into_par_iter().filter(lowest).collect();
    let near = zeros_nearby(model, grid).into_iter().filter(|(_, convex)| *convex).map(|(cell, _)| cell);
    let mut found: Vec<Minimum> = starts.into_par_iter().filter_map(|cell| search(model, grid, cell)).collect();
    let near: Vec<usize> = near.collect();
    let centre = |cell: usize| grid.center(cell)[..grid.dimension()].to_vec();
    found.par_extend(near.into_par_iter().filter_map(|cell| smooth(model, grid, centre(cell))));
    found.sort_by(|a, b| a.loss.total_cmp(&b.loss));
    let mut distinct: Vec<Minimum> = Vec::new();
    for minimum in found {
        if !distinct.iter().any(|other| same_place(grid, &minimum.position, &other.position)) {
            distinct.push(minimum);
        }
    }
    distinct
}

/// Cells whose Newton step to a zero of ∇L is shorter than two cells, each with whether ∇²L is positive there; none where the
/// grid has more than [`CURVED`] cells.
pub(crate) fn zeros_nearby(model: &dyn Model, grid: &Grid) -> Vec<(usize, bool)> {
    if grid.len() > CURVED {
        return Vec::new();
    }
    let (d, scale) = (grid.dimension(), widths(grid));
    let packed = packed_len(d);
    let kinds = tabulate(grid, 1, 2 * packed + d, |points, out| {
        let n = out.len();
        let (mut gradient, mut hessian) = (vec![0.0; d * n], vec![0.0; packed * n]);
        model.gradient(points, &mut gradient);
        model.hessian(points, &lengths(grid), &mut hessian);
        for i in 0..n {
            let row = |values: &[f64], rows: usize| (0..rows).map(|k| values[k * n + i]).collect::<Vec<f64>>();
            let here = Local { loss: 0.0, gradient: row(&gradient, d), hessian: row(&hessian, packed) };
            let convex = eigen(d, &here.hessian).0[0] > 0.0;
            let near = length(&here.step(&scale, |value| value)) < 2.0;
            out[i] = if near { 1.0 + f64::from(u8::from(convex)) } else { 0.0 };
        }
    });
    kinds.into_iter().enumerate().filter(|(_, kind)| *kind > 0.0).map(|(cell, kind)| (cell, kind == 2.0)).collect()
}

/// A cell and its up to 3^d − 1 neighbours.
pub(crate) fn neighbours(grid: &Grid, cell: usize) -> impl Iterator<Item = usize> + '_ {
    let (d, shape, index) = (grid.dimension(), grid.shape(), grid.multi_index(cell));
    let neighbour = move |code: usize| {
        let (mut rest, mut other) = (code, [0; 3]);
        for k in 0..d {
            let (n, step) = (shape[k] as i64, (rest % 3) as i64 - 1);
            rest /= 3;
            let to = index[k] as i64 + step;
            let to = if grid.axes()[k].is_periodic() { to.rem_euclid(n) } else { to };
            other[k] = usize::try_from(to).ok().filter(|_| to < n)?;
        }
        Some(grid.cell(&other[..d]))
    };
    (0..3_usize.pow(d as u32)).filter_map(neighbour)
}

/// The lowest of a cell and its neighbours; of equal ones the first.
pub(crate) fn lowest_neighbour(grid: &Grid, loss: &[f64], cell: usize) -> usize {
    neighbours(grid, cell).min_by(|&a, &b| loss[a].total_cmp(&loss[b]).then(a.cmp(&b))).unwrap_or(cell)
}

/// The minimum that is reached from a cell, if it lies inside the grid.
fn search(model: &dyn Model, grid: &Grid, cell: usize) -> Option<Minimum> {
    descend(model, grid, grid.center(cell)[..grid.dimension()].to_vec())
}

/// The minimum that is reached from a point, if it lies inside the grid.
pub(crate) fn descend(model: &dyn Model, grid: &Grid, theta: Vec<f64>) -> Option<Minimum> {
    let found = smooth(model, grid, theta.clone()).or_else(|| kinks::descend(model, grid, theta))?;
    Some(kinks::across_kinks(model, grid, found))
}

/// The minimum with ∇L = 0 that is reached from a point.
fn smooth(model: &dyn Model, grid: &Grid, mut theta: Vec<f64>) -> Option<Minimum> {
    let (d, scale, lengths) = (grid.dimension(), widths(grid), lengths(grid));
    let moved = |theta: &[f64], step: &[f64]| -> Vec<f64> {
        theta.iter().zip(step).zip(&scale).map(|((t, s), h)| t + s * h).collect()
    };
    let mut here = Local::at(model, &lengths, &theta);
    let mut radius = 2.0; // cells
    for _ in 0..DESCENTS {
        let mut step = here.step(&scale, f64::abs);
        let long = length(&step);
        if long < 1e-4 || radius < 1e-6 {
            break;
        }
        if long > radius {
            step.iter_mut().for_each(|s| *s *= radius / long);
        }
        let next = moved(&theta, &step);
        let there = Local::at(model, &lengths, &next);
        if there.loss < here.loss {
            (theta, here, radius) = (next, there, 2.0 * radius.min(long));
        } else {
            radius = 0.25 * radius.min(long);
        }
    }
    for _ in 0..POLISHES {
        let next = moved(&theta, &here.step(&scale, |value| value));
        let there = Local::at(model, &lengths, &next);
        if there.slope(&scale) >= here.slope(&scale)
            || there.slope(&scale).is_nan()
            || there.loss > here.loss + 1e-9 * (here.loss.abs() + here.rise(&scale))
        {
            break;
        }
        (theta, here) = (next, there);
    }
    for (t, axis) in theta.iter_mut().zip(grid.axes()) {
        *t = if axis.is_periodic() { axis.wrap(*t) } else { *t };
    }
    let inside = grid.axes().iter().zip(&theta).all(|(axis, &t)| t > axis.lower() && t < axis.upper());
    // what is left of the way to a zero of the gradient: more than a tenth of a cell is no minimum
    let arrived = length(&here.step(&scale, f64::abs)) < 0.1;
    let (values, _) = eigen(d, &here.hessian);
    (inside && arrived && here.loss.is_finite() && values[0] >= 0.0).then(|| Minimum {
        position: theta,
        loss: here.loss,
        eigenvalues: values[..d].to_vec(),
    })
}
