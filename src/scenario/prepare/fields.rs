//! Loss, drift and diffusion on every cell of the grid, and of the coarser ones that its errors come from: finite, and D positive
//! semidefinite.

use fpsolve_solvers::dynamics::{Unusable, check_dynamics};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::problem::dynamics::{Dynamics, lengths};
use fpsolve_solvers::problem::grid::Grid;
use miette::{Report, Result};
use rayon::prelude::*;

use crate::engine::fokker_planck;
use crate::scenario::{Scenario, cells};

/// Coarser grids, each with half the cells along every axis, on which the Fokker-Planck engine estimates its errors.
const COARSER: usize = 2;

/// Checks every cell centre; where the Fokker-Planck engine runs, also those of its coarser grids, which are corners of cells of this one.
/// A model with samples is not looked at twice: it is costly, and where it is not finite it hardly ever is so at single points.
/// Errors: the first where loss, drift or D is not finite, or D is indefinite.
pub(super) fn check(scenario: &Scenario, grid: &Grid, model: &dyn Model, dynamics: &dyn Dynamics) -> Result<()> {
    check_centres(scenario, grid, model, dynamics, "")?;
    let estimates_errors = scenario.engines_to_run()?.iter().any(|engine| engine.word == fokker_planck::ENTRY.word);
    if model.sample_count() > 0 || !estimates_errors {
        return Ok(());
    }
    let mut coarser = grid.coarsened();
    for _ in 0..COARSER {
        let Some(grid) = coarser else { break };
        let why = ", where a coarser grid, by which the error is estimated, has the centre of a cell";
        check_centres(scenario, &grid, model, dynamics, why)?;
        coarser = grid.coarsened();
    }
    Ok(())
}

/// Errors: the first centre where loss, drift or D is not finite, or D is indefinite; `why` it is looked at stands behind it.
fn check_centres(
    scenario: &Scenario,
    grid: &Grid,
    model: &dyn Model,
    dynamics: &dyn Dynamics,
    why: &str,
) -> Result<()> {
    let blocks = cells::blocks(grid).into_par_iter();
    let bad = |cells| check_block(scenario, grid, &cells::centres(grid, cells), (model, dynamics), why).err();
    blocks.find_map_first(bad).map_or(Ok(()), Err)
}

fn check_block(
    scenario: &Scenario,
    grid: &Grid,
    points: &[f64],
    (model, dynamics): (&dyn Model, &dyn Dynamics),
    why: &str,
) -> Result<()> {
    let n = points.len() / model.dimension();
    if model.has_loss() {
        let mut loss = vec![0.0; n];
        model.loss(points, &mut loss);
        if let Some(i) = loss.iter().position(|value| !value.is_finite()) {
            let message = format!("the loss is {} at {}{why}", loss[i], cells::place(grid, points, i));
            let help = "change the formula, shrink the grid so that the loss is finite on all of it, or move its cells";
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
