//! Loss, drift and diffusion on every cell of the grid: finite, and D symmetric and positive semidefinite.

use std::ops::Range;

use fpsolve_solvers::dynamics::check_dynamics;
use fpsolve_solvers::formula::Program;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::Grid;
use miette::{Report, Result};
use rayon::prelude::*;

use crate::reader::Located;
use crate::scenario::Scenario;
use crate::scenario::model::build::parse;
use crate::scenario::model::{Law, ModelKind};
use crate::scenario::noise::NoiseKind;

/// Cells that are looked at together.
const BLOCK: usize = 4096;

/// Checks every cell centre; errors name the first bad one.
pub(super) fn check(scenario: &Scenario, grid: &Grid, model: &dyn Model, dynamics: &dyn Dynamics) -> Result<()> {
    let blocks = grid.len().div_ceil(BLOCK);
    let first = (0..blocks).into_par_iter().find_map_first(|block| {
        let cells = block * BLOCK..grid.len().min((block + 1) * BLOCK);
        check_block(scenario, &centers(grid, cells), model, dynamics).err()
    });
    first.map_or(Ok(()), Err)
}

/// Compares the formulas of D above and below the diagonal on every cell; the error names the first point where they differ.
pub(super) fn check_symmetry(scenario: &Scenario, grid: &Grid) -> Result<()> {
    let NoiseKind::Formula { diffusion } = &scenario.noise.kind.value else { return Ok(()) };
    for (i, row) in diffusion.value.iter().enumerate() {
        for (j, entry) in row.iter().enumerate().take(i) {
            let Some((place, lower, upper)) = first_difference(scenario, grid, entry, &diffusion.value[j][i])? else {
                continue;
            };
            let message = format!(
                "the diffusion matrix is not symmetric: entry [{i}][{j}] is {lower}, entry [{j}][{i}] is {upper} at {place}"
            );
            let help = "write the same formula in rows and columns: D is a covariance";
            return Err(scenario.source.error(&entry.span, message, format!("differs from [{j}][{i}]"), help));
        }
    }
    Ok(())
}

/// The first cell where two formulas differ by more than rounding, and their values there.
fn first_difference(
    scenario: &Scenario,
    grid: &Grid,
    first: &Located<String>,
    second: &Located<String>,
) -> Result<Option<(String, f64, f64)>> {
    let symbols = scenario.symbols();
    let pair = Program::compile(&[parse(scenario, first, &symbols)?, parse(scenario, second, &symbols)?]);
    for start in (0..grid.len()).step_by(BLOCK) {
        let n = BLOCK.min(grid.len() - start);
        let points = centers(grid, start..start + n);
        let mut values = vec![0.0; 2 * n];
        pair.evaluate(&points, &mut values);
        let differ = |k: &usize| (values[*k] - values[n + k]).abs() > 1e-9 * (1.0 + values[*k].abs());
        if let Some(k) = (0..n).find(differ) {
            return Ok(Some((place(scenario, &points, n, k), values[k], values[n + k])));
        }
    }
    Ok(None)
}

/// Point number `i` of n in words.
fn place(scenario: &Scenario, points: &[f64], n: usize, i: usize) -> String {
    let names = scenario.variable_names();
    let values: Vec<String> = names.iter().enumerate().map(|(k, v)| format!("{v} = {}", points[k * n + i])).collect();
    values.join(", ")
}

/// Centres of some cells, coordinate-major.
fn centers(grid: &Grid, cells: Range<usize>) -> Vec<f64> {
    let n = cells.len();
    let mut points = vec![0.0; grid.dimension() * n];
    for (i, cell) in cells.enumerate() {
        for (k, x) in grid.center(cell)[..grid.dimension()].iter().enumerate() {
            points[k * n + i] = *x;
        }
    }
    points
}

fn check_block(scenario: &Scenario, points: &[f64], model: &dyn Model, dynamics: &dyn Dynamics) -> Result<()> {
    let n = points.len() / model.dimension();
    if model.has_loss() {
        let mut loss = vec![0.0; n];
        model.loss(points, &mut loss);
        if let Some(i) = loss.iter().position(|value| !value.is_finite()) {
            let message = format!("the loss is {} at {}", loss[i], place(scenario, points, n, i));
            let help = "change the formula, or shrink the grid so that the loss is finite on all of it";
            return Err(scenario.source.error(&model_span(scenario), message, "not finite on the grid", help));
        }
    }
    check_dynamics(dynamics, points, &scenario.variable_names()).map_err(|error| dynamics_error(scenario, &error))
}

/// Errors of the drift point at the model, errors of the diffusion at the noise.
fn dynamics_error(scenario: &Scenario, error: &fpsolve_solvers::Error) -> Report {
    match error.to_string().contains("drift") {
        true => scenario.solver_error(&model_span(scenario), "its gradient", error),
        false => scenario.solver_error(&noise_span(scenario), "this noise", error),
    }
}

/// Where the loss or drift was written.
fn model_span(scenario: &Scenario) -> Range<usize> {
    match &scenario.model.kind {
        ModelKind::Formula { law: Law::Loss(loss), .. } => loss.span.clone(),
        ModelKind::Formula { law: Law::Drift(drift), .. } => drift.span.clone(),
        ModelKind::SampleLoss { sample_loss, .. } => sample_loss.span.clone(),
        ModelKind::TanhRegression(written) => written.centers.span.clone(),
    }
}

fn noise_span(scenario: &Scenario) -> Range<usize> {
    match &scenario.noise.kind.value {
        NoiseKind::Formula { diffusion } => diffusion.span.clone(),
        NoiseKind::Isotropic { variance } => variance.span.clone(),
        NoiseKind::Minibatch | NoiseKind::Decomposed { .. } => scenario.noise.kind.span.clone(),
    }
}
