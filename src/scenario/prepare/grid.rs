//! `[grid]` → the grid: the axes as written, or a box that is looked for.

use std::sync::Arc;

use fpsolve_solvers::dynamics::Dynamics;
use fpsolve_solvers::fokker_planck::bounds::{self, Found};
use fpsolve_solvers::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::problem::{Minibatch, Problem};
use miette::Result;

use super::initial;
use crate::scenario::{Located, Scenario, grid};

/// The grid of the axes as written; None for `bounds = "auto"`. Errors: axes that do not make a grid.
pub(super) fn written(scenario: &Scenario) -> Result<Option<Grid>> {
    let grid::Grid::Axes(axes) = &scenario.grid.value else { return Ok(None) };
    let build = |(axis, variable): (&Located<grid::Axis>, String)| {
        let a = &axis.value;
        Axis::uniform(variable, a.from, a.to, a.cells, a.boundary.value)
            .map_err(|error| scenario.solver_error(&axis.span, "this axis", &error))
    };
    let built = axes.value.iter().zip(scenario.variable_names()).map(build).collect::<Result<Vec<_>>>()?;
    Grid::new(built).map(Some).map_err(|error| scenario.solver_error(&axes.span, "these axes", &error))
}

/// The box for `bounds = "auto"` and how it was found. Errors: no such box; see [`bounds::find`].
pub(super) fn looked_for(
    scenario: &Scenario,
    model: &Arc<dyn Model>,
    dynamics: &Arc<dyn Dynamics>,
    temperature: f64,
    minibatch: Option<Minibatch>,
) -> Result<(Grid, Option<Found>)> {
    let grid::Grid::Auto { bounds, cells } = &scenario.grid.value else {
        let message = "this grid has neither axes nor bounds";
        return Err(scenario.source.error(&scenario.grid.span, message, "this grid", "write axes = [ … ]"));
    };
    let refuse = |error: fpsolve_solvers::Error| scenario.solver_error(bounds, "no such box", &error);
    let on = |ends: &dyn Fn(usize) -> [f64; 2]| -> std::result::Result<Grid, fpsolve_solvers::Error> {
        let axes = scenario.variable_names().into_iter().zip(&cells.value).enumerate();
        let axis = |(k, (variable, &n)): (usize, (String, &usize))| {
            let [from, to] = ends(k);
            Axis::uniform(variable, from, to, n, [Boundary::Reflecting; 2])
        };
        Grid::new(axes.map(axis).collect::<std::result::Result<Vec<_>, _>>()?)
    };
    let problem = Problem {
        variables: scenario.variable_names(),
        model: Arc::clone(model),
        dynamics: Arc::clone(dynamics),
        temperature,
        minibatch,
        grid: on(&|_| [0.0, 1.0]).map_err(refuse)?, // its bounds are those that are looked for
        initial: initial::unbounded(scenario),
        times: scenario.time.at.value.clone(),
        seed: scenario.seed,
    };
    let found = bounds::find(&problem, &cells.value, scenario.fokker_planck.stationary).map_err(refuse)?;
    let grid = on(&|k| found.bounds[k]).map_err(refuse)?;
    Ok((grid, Some(found)))
}
