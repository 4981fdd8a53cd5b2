//! `[grid]` → the grid: the axes as written, or a box that is looked for.

use std::sync::Arc;

use fpsolve_solvers::fokker_planck::bounds::{self, ChosenBounds};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::{Minibatch, Problem};
use miette::Result;

use super::initial;
use crate::reader::Located;
use crate::scenario::grid::Spread;
use crate::scenario::{Scenario, grid};

/// The grid of the axes as written; None for `bounds = "auto"`. Errors: axes that do not make a grid.
pub(super) fn written(scenario: &Scenario) -> Result<Option<Grid>> {
    let grid::Grid::Axes(axes) = &scenario.grid.value else { return Ok(None) };
    let build = |(axis, variable): (&Located<grid::Axis>, String)| {
        let a = &axis.value;
        let walls = a.boundary.value;
        let built = match &a.spread {
            Spread::Even => Axis::uniform(variable, a.from, a.to, a.cells, walls),
            Spread::Sinh { center, width } => Axis::sinh(variable, [a.from, a.to], a.cells, [*center, *width], walls),
            Spread::Edges(edges) => Axis::graded(variable, edges.clone(), walls),
        };
        built.map_err(|error| scenario.solver_error(&axis.span, "this axis", &error))
    };
    let built = axes.value.iter().zip(scenario.variable_names()).map(build).collect::<Result<Vec<_>>>()?;
    Grid::new(built).map(Some).map_err(|error| scenario.solver_error(&axes.span, "these axes", &error))
}

/// Graded axes need a diagonal D. Errors: a cell where D is not, at the first graded axis.
pub(super) fn check_graded(scenario: &Scenario, grid: &Grid, dynamics: &dyn Dynamics) -> Result<()> {
    const BLOCK: usize = 4096;
    let (d, variables) = (grid.dimension(), scenario.variable_names());
    let grid::Grid::Axes(axes) = &scenario.grid.value else { return Ok(()) };
    let Some(graded) = axes.value.iter().find(|axis| axis.value.spread != Spread::Even).filter(|_| d > 1) else {
        return Ok(());
    };
    for first in (0..grid.len()).step_by(BLOCK) {
        let n = BLOCK.min(grid.len() - first);
        let centers: Vec<[f64; 3]> = (first..first + n).map(|cell| grid.center(cell)).collect();
        let points: Vec<f64> = (0..d).flat_map(|k| centers.iter().map(move |center| center[k])).collect();
        let (mut drift, mut diffusion) = (vec![0.0; d * n], vec![0.0; packed_len(d) * n]);
        dynamics.drift_diffusion(&points, &mut drift, &mut diffusion);
        let pairs = (0..d).flat_map(|i| (i + 1..d).map(move |j| (i, j)));
        for (i, j) in pairs {
            let row = &diffusion[packed_index(d, i, j) * n..][..n];
            let Some(at) = row.iter().position(|&entry| entry != 0.0) else { continue };
            let place: Vec<String> = (0..d).map(|k| format!("{} = {}", variables[k], centers[at][k])).collect();
            let message =
                format!("a graded axis needs a diagonal D, and D[{i}][{j}] is {} at {}", row[at], place.join(", "));
            let help = "use equal cells on every axis: from, to and cells without `grading` and `edges`";
            return Err(scenario.source.error(&graded.span, message, "graded", help));
        }
    }
    Ok(())
}

/// The box for `bounds = "auto"` and how it was found. Errors: no such box; see [`bounds::find`].
pub(super) fn looked_for(
    scenario: &Scenario,
    model: &Arc<dyn Model>,
    dynamics: &Arc<dyn Dynamics>,
    temperature: f64,
    minibatch: Option<Minibatch>,
) -> Result<(Grid, Option<ChosenBounds>)> {
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
