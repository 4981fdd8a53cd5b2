//! The set that SGD stays in: batch gradients are bounded, those of the SDE are not.

use crate::model::SampleModel;
use crate::problem::Problem;
use crate::problem::grid::Grid;

/// A box that plain SGD cannot leave once it is inside, and that it enters from anywhere on the grid ([lower, upper] for every
/// axis); None where no box inside the grid is known to be one.
///
/// A step ends in θ_k − η [max_i g_ik, min_i g_ik], whatever the batch. The images of the grid's box, of that box, and so on
/// shrink onto the answer; gradients are looked at in the cells that touch the box (their extremes to the width of a cell).
/// Batches of several samples reach less far: for them it is an outer bound.
pub fn reach(problem: &Problem) -> Option<Vec<[f64; 2]>> {
    let eta = problem.minibatch?.learning_rate;
    let (d, grid) = (problem.dimension(), &problem.grid);
    let data = problem.model.data()?;
    if grid.axes().iter().any(|axis| axis.is_periodic()) {
        return None;
    }
    let extremes = gradient_extremes(data, grid);
    let mut inside: Vec<[f64; 2]> = grid.axes().iter().map(|axis| [axis.lower(), axis.upper()]).collect();
    for round in 0..MAX_ROUNDS {
        let mut image = vec![[f64::INFINITY, f64::NEG_INFINITY]; d];
        for (cell, extreme) in extremes.iter().enumerate() {
            let center = grid.center(cell);
            if !touches(grid, cell, &inside) {
                continue;
            }
            for k in 0..d {
                let x = center[k].clamp(inside[k][0], inside[k][1]);
                image[k][0] = image[k][0].min(x - eta * extreme[k][1]);
                image[k][1] = image[k][1].max(x - eta * extreme[k][0]);
            }
        }
        let leaves = |k: &usize| !(image[*k][0] >= inside[*k][0] && image[*k][1] <= inside[*k][1]);
        if round == 0 && (0..d).any(|k| leaves(&k)) {
            return None;
        }
        let mut moved = 0.0_f64;
        for k in 0..d {
            let next = [image[k][0].max(inside[k][0]), image[k][1].min(inside[k][1])];
            moved = moved.max(((next[0] - inside[k][0]) + (inside[k][1] - next[1])) / grid.axes()[k].length());
            inside[k] = next;
        }
        if moved < 1e-9 {
            break;
        }
    }
    Some(inside)
}

/// Rounds of shrinking; a box that is still shrinking then is an outer bound.
const MAX_ROUNDS: usize = 2000;

/// Whether a cell has a point in the box.
fn touches(grid: &Grid, cell: usize, inside: &[[f64; 2]]) -> bool {
    let center = grid.center(cell);
    (0..inside.len()).all(|k| {
        let axis = &grid.axes()[k];
        let index = axis.locate(center[k]).unwrap_or(0);
        axis.edges()[index + 1] >= inside[k][0] && axis.edges()[index] <= inside[k][1]
    })
}

/// Smallest and largest g_ik over the samples, for every cell centre and axis.
fn gradient_extremes(data: &dyn SampleModel, grid: &Grid) -> Vec<[[f64; 2]; 3]> {
    let (d, m, n) = (grid.dimension(), data.samples(), grid.len());
    let mut all = Vec::with_capacity(n);
    for first in (0..n).step_by(CHUNK) {
        let points = grid.centers_of(first..n.min(first + CHUNK));
        let count = points.len() / d;
        let mut gradients = vec![0.0; d * m * count];
        data.sample_gradients(&points, &mut gradients);
        for i in 0..count {
            let mut extreme = [[f64::INFINITY, f64::NEG_INFINITY]; 3];
            for k in 0..d {
                for s in 0..m {
                    let g = gradients[(k * m + s) * count + i];
                    extreme[k] = [extreme[k][0].min(g), extreme[k][1].max(g)];
                }
            }
            all.push(extreme);
        }
    }
    all
}

/// Cells that are looked at together.
const CHUNK: usize = 256;

/// Share of the cell probabilities whose cells have their centre outside the box.
pub fn beyond(grid: &Grid, reach: &[[f64; 2]], probability: &[f64]) -> f64 {
    let outside = |cell: usize| {
        let center = grid.center(cell);
        reach.iter().zip(center).any(|(&[lower, upper], x)| x < lower || x > upper)
    };
    probability.iter().enumerate().filter(|&(cell, _)| outside(cell)).map(|(_, p)| p).sum()
}
