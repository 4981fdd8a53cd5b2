//! Critical points of the loss and the basins of its minima.

use fpsolve_solvers::landscape::{CriticalPoint, basins, critical_points};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::tabulate;

/// The shape of the loss, for the record.
pub struct Landscape {
    /// Critical points: minima by their loss, then the others.
    pub points: Vec<CriticalPoint>,
    /// For each cell the minimum that it drains to, −1 for none (n).
    pub basin: Vec<i64>,
}

/// Finds the critical points of the loss that the engines descend.
pub fn find(problem: &Problem) -> Landscape {
    let (model, grid) = (&*problem.model, &problem.grid);
    let loss = tabulate(grid, 1, 1, |points, out| model.loss(points, out));
    let points = critical_points(model, grid, &loss);
    let minima: Vec<&[f64]> = points.iter().filter(|p| p.index() == 0).map(|p| p.position.as_slice()).collect();
    let basin = basins(grid, &loss, &minima);
    Landscape { points, basin }
}
