//! What is computed besides the engines: the noise taken apart, and the samples that the model does not fit.

pub mod kramers;
pub mod landscape;
pub mod noise_parts;
pub mod outliers;
pub mod projection;

use fpsolve_solvers::landscape::Minimum;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::problem::fields::tabulate;
use fpsolve_solvers::problem::grid::Grid;

/// The minima of a model's loss inside a grid, lowest first.
fn minima(model: &dyn Model, grid: &Grid) -> Vec<Minimum> {
    let loss = tabulate(grid, 1, 1, |points, out| model.loss(points, out));
    fpsolve_solvers::landscape::minima(model, grid, &loss)
}

/// A point in words: `w1 = 0.3726, w2 = 0.4617`.
fn place(grid: &Grid, theta: &[f64]) -> String {
    let words = grid.axes().iter().zip(theta).map(|(a, t)| format!("{} = {}", a.variable(), crate::text::short(*t)));
    words.collect::<Vec<_>>().join(", ")
}
