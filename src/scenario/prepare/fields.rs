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

/// Samples that are evaluated at most, in all cells together: of a costlier model every so many cells are looked at, and a run sees the rest.
const MOST_SAMPLES: usize = 200_000_000;

/// Checks every cell centre (of a costly model fewer); where the Fokker-Planck engine runs, also those of its coarser grids, which are corners of cells of this one.
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
    let every = grid.len().saturating_mul(model.sample_count()).div_ceil(MOST_SAMPLES).clamp(1, grid.len());
    let looked_at: Vec<usize> = (0..grid.len()).step_by(every).collect();
    let centres = |cells: &[usize]| cells::centres(grid, cells.iter().copied());
    let bad = |cells: &[usize]| check_block(scenario, grid, &centres(cells), (model, dynamics), why).err();
    looked_at.par_chunks(cells::BLOCK).find_map_first(bad).map_or(Ok(()), Err)
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
