//! Loss, drift and diffusion on every cell of the grid: finite, and D symmetric and positive semidefinite.

use std::ops::Range;

use fpsolve_solvers::dynamics::Dynamics;
use fpsolve_solvers::grid::Grid;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::noise::check_dynamics;
use miette::{Report, Result};
use rayon::prelude::*;

use crate::scenario::Scenario;
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
            let variables = scenario.variable_names();
            let place: Vec<String> =
                variables.iter().enumerate().map(|(k, v)| format!("{v} = {}", points[k * n + i])).collect();
            let message = format!("the loss is {} at {}", loss[i], place.join(", "));
            let help = "change the formula, or shrink the grid so that the loss is finite on all of it";
            return Err(scenario.source.error(&model_span(scenario), message, "not finite on the grid", help));
        }
    }
    check_dynamics(dynamics, points, &scenario.variable_names()).map_err(|error| dynamics_error(scenario, &error))
}

/// Errors of the drift point at the model, errors of the diffusion at the noise.
fn dynamics_error(scenario: &Scenario, error: &fpsolve_solvers::Error) -> Report {
    let drift = error.to_string().contains("drift");
    let span = if drift { model_span(scenario) } else { noise_span(scenario) };
    scenario.solver_error(&span, error)
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
