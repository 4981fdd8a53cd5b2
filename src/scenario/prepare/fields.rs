//! Loss, drift and diffusion on every cell of the grid: finite, and D positive semidefinite.

use fpsolve_solvers::dynamics::{Unusable, check_dynamics};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::problem::dynamics::{Dynamics, lengths};
use fpsolve_solvers::problem::grid::Grid;
use miette::{Report, Result};
use rayon::prelude::*;

use crate::scenario::{Scenario, cells};

/// Checks every cell centre. Errors: the first where loss, drift or D is not finite, or D is indefinite.
pub(super) fn check(scenario: &Scenario, grid: &Grid, model: &dyn Model, dynamics: &dyn Dynamics) -> Result<()> {
    let blocks = cells::blocks(grid).into_par_iter();
    let bad = |cells| check_block(scenario, grid, &cells::centres(grid, cells), model, dynamics).err();
    blocks.find_map_first(bad).map_or(Ok(()), Err)
}

fn check_block(
    scenario: &Scenario,
    grid: &Grid,
    points: &[f64],
    model: &dyn Model,
    dynamics: &dyn Dynamics,
) -> Result<()> {
    let n = points.len() / model.dimension();
    if model.has_loss() {
        let mut loss = vec![0.0; n];
        model.loss(points, &mut loss);
        if let Some(i) = loss.iter().position(|value| !value.is_finite()) {
            let message = format!("the loss is {} at {}", loss[i], cells::place(grid, points, i));
            let help = "change the formula, or shrink the grid so that the loss is finite on all of it";
            return Err(scenario.source.error(&scenario.model.kind.span(), message, "not finite on the grid", help));
        }
    }
    check_dynamics(dynamics, points, &lengths(grid), &scenario.variable_names())
        .map_err(|error| dynamics_error(scenario, model, error))
}

/// Errors of the drift point at the model, errors of the diffusion at the noise.
fn dynamics_error(scenario: &Scenario, of: &dyn Model, error: Unusable) -> Report {
    let (source, model, noise) = (&scenario.source, &scenario.model.kind, &scenario.noise.kind);
    match error {
        Unusable::Drift(error) => {
            source.solver_error(&model.span(), if of.has_loss() { "its gradient" } else { "its drift" }, &error)
        }
        Unusable::Diffusion(error) => source.solver_error(&noise.span(), "this noise", &error),
    }
}
