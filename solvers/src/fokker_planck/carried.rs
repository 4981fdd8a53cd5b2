//! Where the drift carries the law between its start and its rest.

use super::chain::step_choice::sample;
use super::edges::discretisation::EdgeDiscretisation;
use super::linear::solver::proceed;
use super::stencil::coefficients::at_points;
use crate::engine::Interrupt;
use crate::error::Error;

/// Points that are followed.
const POINTS: usize = 16;
/// Steps of a point across the box.
const ACROSS: f64 = 100.0;
/// Ways across the box after which a point is followed no farther.
const CROSSINGS: f64 = 2.0;

/// Share of a law (cell probabilities) that the lines of flow dθ/dt = b lead through a cell of Péclet number above `bound` within the time
/// `duration`, by points at its quantiles that move a hundredth of the box a step. Errors: [`Error::Interrupted`].
pub(super) fn carried_share(
    edges: &EdgeDiscretisation,
    law: &[f64],
    duration: f64,
    bound: f64,
    interrupt: Interrupt,
) -> Result<f64, Error> {
    let (grid, peclet) = (&edges.grid, &edges.edges.peclet);
    let (d, axes) = (grid.dimension(), grid.axes());
    let mut points = sample(grid, &[law], POINTS);
    let n = points.len() / d;
    let (mut left, mut met) = (vec![duration; n], vec![false; n]);
    // in the coordinates of the axes, where cells are equal
    let part: Vec<f64> = axes.iter().map(|axis| (axis.cells() as f64 / ACROSS).max(1.0)).collect();
    for _ in 0..(CROSSINGS * ACROSS) as usize * d {
        if (0..n).all(|i| met[i] || left[i] <= 0.0) {
            break;
        }
        proceed(interrupt)?;
        let (b, _, _) = at_points(edges.dynamics.as_ref(), edges.temperature, &points, None);
        for i in 0..n {
            let at: Vec<f64> = (0..d).map(|k| points[k * n + i]).collect();
            let Some(cell) = grid.locate(&at) else {
                left[i] = 0.0;
                continue;
            };
            met[i] |= peclet[cell] > bound;
            let index = grid.multi_index(cell);
            let rate = (0..d).map(|k| b[k * n + i].abs() / (part[k] * axes[k].width(index[k]))).fold(0.0, f64::max);
            let step = left[i].min(1.0 / rate); // at a point of rest all that is left
            left[i] -= step;
            for (k, axis) in axes.iter().enumerate() {
                let to = at[k] + step * b[k * n + i];
                points[k * n + i] = if axis.is_periodic() { to } else { to.clamp(axis.lower(), axis.upper()) };
            }
        }
    }
    Ok(met.iter().filter(|met| **met).count() as f64 / n.max(1) as f64)
}
