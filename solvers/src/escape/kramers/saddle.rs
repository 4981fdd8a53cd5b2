//! Kramers' law in two and three dimensions: the lowest saddle between a minimum and the target, the highest point of the minimax path on the grid,
//! refined by Newton's method.

use super::minimax_path::{barriers, minimax_path};
use super::pass::{Kramers, PARALLEL, Pass, SHARE, place, share_at_surface};
use crate::escape::passage::Passage;
use crate::landscape::critical::zero;
use crate::landscape::minima::{descend, neighbours};
use crate::landscape::point::{CriticalPoint, Local, Minimum, same_place, widths};
use crate::numerics::symmetric::{eigen, packed_index, packed_len};
use crate::problem::Problem;
use crate::problem::dynamics::lengths;
use crate::problem::fields::tabulate;
use crate::problem::grid::Grid;

/// A loss on the grid, descended with a constant isotropic D.
#[derive(Debug, Clone)]
pub struct Slopes {
    loss: Vec<f64>,
    /// T σ².
    diffusivity: f64,
}

/// Relative differences that count as none.
const SAME: f64 = 1e-9;
/// Cells between the highest cell of a way and its saddle, at most.
const NEAR: f64 = 4.0;
/// Passes looked for.
const PASSES: usize = 8;

/// Values that [`look`] takes at a point, and points that are looked at first.
const ROWS: usize = 5;
const FEW: usize = 16;

/// Loss, |b + ∇L|, |∇L|, largest |D_ij − D_00 δ_ij|, D_00 at n points (5×n).
fn look(problem: &Problem, points: &[f64], out: &mut [f64]) {
    let d = problem.dimension();
    let (n, packed) = (points.len() / d, packed_len(d));
    let (mut slope, mut drift, mut diffusion) = (vec![0.0; d * n], vec![0.0; d * n], vec![0.0; packed * n]);
    problem.model.loss(points, &mut out[..n]);
    problem.model.gradient(points, &mut slope);
    problem.dynamics.drift_diffusion(points, &mut drift, &mut diffusion);
    for i in 0..n {
        let largest = |f: &dyn Fn(usize) -> f64| (0..d).map(|k| f(k * n + i).abs()).fold(0.0, f64::max);
        out[n + i] = largest(&|at| drift[at] + slope[at]);
        out[2 * n + i] = largest(&|at| slope[at]);
        let sigma = diffusion[i];
        let off = |row: usize, column: usize| {
            let wanted = if row == column { sigma } else { 0.0 };
            (diffusion[packed_index(d, row, column) * n + i] - wanted).abs()
        };
        out[3 * n + i] = (0..d).flat_map(|row| (row..d).map(move |column| off(row, column))).fold(0.0, f64::max);
        out[4 * n + i] = sigma;
    }
}

/// T σ² from what was looked at. Errors: why Kramers' law does not apply.
fn diffusivity(problem: &Problem, rows: &[f64]) -> Result<f64, String> {
    let n = rows.len() / ROWS;
    let largest = |row: usize| rows[row * n..(row + 1) * n].iter().copied().fold(0.0, f64::max);
    if largest(1) > SAME * largest(2) {
        return Err("in more than one dimension it needs the drift −∇L, and this one differs from it".into());
    }
    let sigma = &rows[4 * n..];
    let spread = sigma.iter().map(|s| (s - sigma[0]).abs()).fold(largest(3), f64::max);
    if sigma[0].is_nan() || sigma[0] <= 0.0 || spread > SAME * sigma[0] {
        return Err("in more than one dimension it needs D = σ²I, the same everywhere, and this D is not".into());
    }
    Ok(problem.temperature * sigma[0])
}

impl Slopes {
    /// Evaluates loss, drift and D on the grid. Errors: why there is no law.
    pub(crate) fn new(problem: &Problem) -> Result<Self, String> {
        let (grid, d, packed) = (&problem.grid, problem.dimension(), packed_len(problem.dimension()));
        if !problem.model.has_loss() {
            return Err("in more than one dimension it needs a loss, and this drift is not the gradient of one".into());
        }
        let few: Vec<usize> = (0..FEW).map(|k| k * (grid.len() - 1) / (FEW - 1)).collect();
        let points: Vec<f64> = (0..d).flat_map(|k| few.iter().map(move |&cell| grid.center(cell)[k])).collect();
        let mut rows = vec![0.0; ROWS * FEW];
        look(problem, &points, &mut rows);
        diffusivity(problem, &rows)?; // most problems end here, without a look at the whole grid
        let rows = tabulate(grid, ROWS, 2 * d + packed, |points, out| look(problem, points, out));
        Ok(Self { diffusivity: diffusivity(problem, &rows)?, loss: rows[..grid.len()].to_vec() })
    }

    pub(crate) fn kramers(&self, problem: &Problem, passage: &Passage) -> Result<Kramers, String> {
        let (grid, model) = (&problem.grid, &*problem.model);
        let Some(minimum) = descend(model, grid, passage.from.clone()) else {
            return Err("the start drains to a wall, not to a minimum".into());
        };
        let at = place(&minimum.position);
        if minimum.eigenvalues.iter().any(|value| value.is_infinite()) {
            return Err(format!("the minimum {at} is a kink of the loss: the law needs second derivatives"));
        }
        if passage.target.contains(&minimum.position)[0] {
            return Err(format!("the start drains to the minimum {at} in the target"));
        }
        let (goal, mut closed) = (passage.target.cells(grid), vec![false; grid.len()]);
        let Some(start) = grid.locate(&minimum.position).filter(|&cell| !goal[cell]) else {
            return Err(format!("the minimum {at} and the target lie in the same cell"));
        };
        let mut found: Vec<(CriticalPoint, Pass)> = Vec::new();
        while found.len() < PASSES {
            let Some(way) = minimax_path(grid, &self.loss, start, &goal, &closed) else { break };
            let crossing = self.crossing(problem, passage, &minimum, &way);
            let lowest = found.first().map(|(_, pass)| pass.barrier);
            match crossing {
                Ok((saddle, pass)) => {
                    let known = found.iter().any(|(other, _)| same_place(grid, &other.position, &saddle.position));
                    if known || lowest.is_some_and(|lowest| pass.barrier > lowest + PARALLEL) {
                        break;
                    }
                    self.close(problem, &saddle, &mut closed);
                    found.push((saddle, pass));
                }
                Err(why) if found.is_empty() => return Err(why),
                Err(_) => break,
            }
        }
        match found.is_empty() {
            true => Err(format!("no way leads from the minimum {at} to the target")),
            false => {
                Ok(Kramers { minimum: minimum.position, passes: found.into_iter().map(|(_, pass)| pass).collect() })
            }
        }
    }

    /// The saddle at the highest cell of a way, and the law over it.
    fn crossing(
        &self,
        problem: &Problem,
        passage: &Passage,
        minimum: &Minimum,
        way: &[usize],
    ) -> Result<(CriticalPoint, Pass), String> {
        let grid = &problem.grid;
        let highest = (0..way.len()).max_by(|&i, &j| self.loss[way[i]].total_cmp(&self.loss[way[j]])).unwrap_or(0);
        let cells = (0..=3).flat_map(|k| [highest.checked_sub(k), highest.checked_add(k)]).flatten();
        let saddles = cells.filter_map(|k| zero(&*problem.model, grid, *way.get(k)?));
        let here = &grid.center(way[highest])[..grid.dimension()];
        let saddle = saddles.into_iter().find(|saddle| saddle.index() == 1 && near(grid, here, &saddle.position));
        let begins_uphill = format!(
            "no barrier between the minimum {} and the target: the target begins on the way up",
            place(&minimum.position)
        );
        let Some(saddle) = saddle else {
            let last = highest + 2 >= way.len();
            return Err(if last {
                begins_uphill
            } else {
                format!("no saddle near {}, the highest cell of the lowest way", place(here))
            });
        };
        let (values, vectors) =
            eigen(grid.dimension(), &Local::at(&*problem.model, &lengths(&problem.grid), &saddle.position).hessian);
        let falling: Vec<f64> = (0..grid.dimension()).map(|k| vectors[k][0]).collect();
        let width = (self.diffusivity / values[0].abs()).sqrt();
        let surface = share_at_surface(grid, &passage.target, &saddle.position, &falling, width);
        if surface <= SHARE {
            return Err(begins_uphill);
        }
        let barrier = (saddle.loss - minimum.loss) / self.diffusivity;
        let stiffness: f64 =
            minimum.eigenvalues.iter().product::<f64>() / saddle.eigenvalues.iter().product::<f64>().abs();
        let rate = values[0].abs() / std::f64::consts::TAU * stiffness.sqrt() * (-barrier).exp();
        let barriers = barriers(way.iter().map(|&cell| self.loss[cell]), 0.5 * self.diffusivity).max(1);
        Ok((saddle.clone(), Pass { position: saddle.position, barrier, rate, barriers, surface }))
    }

    /// Closes the ridge through a saddle, up to where it falls again, so that the next way goes over another pass.
    fn close(&self, problem: &Problem, saddle: &CriticalPoint, closed: &mut [bool]) {
        let (grid, d) = (&problem.grid, problem.dimension());
        let (values, vectors) =
            eigen(d, &Local::at(&*problem.model, &lengths(&problem.grid), &saddle.position).hessian);
        let along = |cell: usize| -> f64 {
            let apart = difference(grid, &saddle.position, &grid.center(cell)[..d]);
            (0..d).map(|k| vectors[k][0] * apart[k]).sum()
        };
        // without what it falls to both sides, the loss rises along the ridge
        let ridge = |cell: usize| self.loss[cell] + 0.5 * values[0].abs() * along(cell).powi(2);
        let thick: f64 = widths(grid).iter().enumerate().map(|(k, h)| 0.75 * h * vectors[k][0].abs()).sum();
        let Some(first) = grid.locate(&saddle.position) else { return };
        closed[first] = true;
        let mut front = vec![first];
        while let Some(cell) = front.pop() {
            for next in neighbours(grid, cell) {
                let close = cells_apart(grid, &saddle.position, &grid.center(next)[..d]) < 2.0;
                if !closed[next] && along(next).abs() <= thick && (close || ridge(next) >= ridge(cell)) {
                    closed[next] = true;
                    front.push(next);
                }
            }
        }
    }
}

/// b − a, across the ends of periodic axes where that is shorter.
fn difference(grid: &Grid, a: &[f64], b: &[f64]) -> Vec<f64> {
    let apart = |(axis, (a, b)): (&crate::problem::grid::Axis, (&f64, &f64))| match axis.is_periodic() {
        true => (b - a) - axis.length() * ((b - a) / axis.length()).round(),
        false => b - a,
    };
    grid.axes().iter().zip(a.iter().zip(b)).map(apart).collect()
}

/// Largest distance along an axis, in cells.
fn cells_apart(grid: &Grid, a: &[f64], b: &[f64]) -> f64 {
    let apart = difference(grid, a, b);
    apart.iter().zip(widths(grid)).map(|(x, h)| x.abs() / h).fold(0.0, f64::max)
}

fn near(grid: &Grid, a: &[f64], b: &[f64]) -> bool {
    cells_apart(grid, a, b) < NEAR
}
