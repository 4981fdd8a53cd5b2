//! `[grid]` → the grid: the axes as written, or a box that is looked for.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::fokker_planck::FokkerPlanckOptions;
use fpsolve_solvers::fokker_planck::bounds::{self, ChosenBounds};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::scale::Scale;
use fpsolve_solvers::problem::{Minibatch, Problem};
use miette::Result;
use rayon::prelude::*;

use crate::reader::Located;
use crate::scenario::grid::Spread;
use crate::scenario::{Scenario, cells, grid};

/// The grid as far as the scenario gives it.
pub(super) enum Layout<'a> {
    /// The axes are written.
    Written(Grid),
    /// A box that is looked for: `bounds = "auto"`.
    Sought {
        /// Place of the key `bounds`.
        bounds: &'a Range<usize>,
        /// Cells per axis.
        cells: &'a [usize],
    },
}

/// What the scenario says of the grid. Errors: axes that do not make one.
pub(super) fn layout(scenario: &Scenario) -> Result<Layout<'_>> {
    let axes = match &scenario.grid.value {
        grid::Grid::Auto { bounds, cells } => return Ok(Layout::Sought { bounds, cells: &cells.value }),
        grid::Grid::Axes(axes) => axes,
    };
    let build = |(axis, variable): (&Located<grid::Axis>, String)| {
        axis.value.build(variable).map_err(|error| scenario.source.solver_error(&axis.span, "this axis", &error))
    };
    let built = axes.value.iter().zip(scenario.variable_names()).map(build).collect::<Result<Vec<_>>>()?;
    Grid::new(built)
        .map(Layout::Written)
        .map_err(|error| scenario.source.solver_error(&axes.span, "these axes", &error))
}

/// Graded axes need a diagonal D. Errors: a cell where D is not, at the first graded axis.
pub(super) fn check_graded(scenario: &Scenario, grid: &Grid, dynamics: &dyn Dynamics) -> Result<()> {
    let d = grid.dimension();
    let grid::Grid::Axes(axes) = &scenario.grid.value else { return Ok(()) };
    let fixed = |axis: &&Located<grid::Axis>| matches!(axis.value.spread, Spread::Sinh { .. } | Spread::Edges(_));
    let Some(graded) = axes.value.iter().find(fixed).filter(|_| d > 1) else {
        return Ok(());
    };
    for cells in cells::blocks(grid) {
        let n = cells.len();
        let points = cells::centres(grid, cells);
        let (mut drift, mut diffusion) = (vec![0.0; d * n], vec![0.0; packed_len(d) * n]);
        dynamics.drift_diffusion(&points, &mut drift, &mut diffusion);
        let pairs = (0..d).flat_map(|i| (i + 1..d).map(move |j| (i, j)));
        for (i, j) in pairs {
            let row = &diffusion[packed_index(d, i, j) * n..][..n];
            let Some(at) = row.iter().position(|&entry| entry != 0.0) else { continue };
            let place = cells::place(grid, &points, at);
            let message = format!("a graded axis needs a diagonal D, and D[{i}][{j}] is {} at {place}", row[at]);
            let help = "use equal cells on every axis, or equal ones in a coordinate: scale = \"sinh\" instead of `grading` and `edges`";
            return Err(scenario.source.error(&graded.span, message, "graded", help));
        }
    }
    Ok(())
}

/// Places on an axis at which its noise is looked at.
const PLACES: usize = 512;
/// Places on each of the other axes over which the noise is averaged.
const ACROSS: usize = 9;
/// Least noise that an axis follows, relative to the largest: cells differ by a factor of 100 at most.
const FLOOR: f64 = 1e-4;

/// The grid with those axes whose `scale` is the noise in the coordinate du = dθ/√D, in which the noise is the same everywhere
/// (J. Lamperti 1964); in more dimensions √D_kk is the geometric mean over the other axes. Errors: a noise without a coordinate.
pub(super) fn with_noise(scenario: &Scenario, grid: Grid, dynamics: &dyn Dynamics) -> Result<Grid> {
    let grid::Grid::Axes(written) = &scenario.grid.value else { return Ok(grid) };
    if written.value.iter().all(|axis| axis.value.spread != Spread::Noise) {
        return Ok(grid);
    }
    let axis = |(k, (axis, written)): (usize, (&Axis, &Located<grid::Axis>))| {
        if written.value.spread != Spread::Noise {
            return Ok(axis.clone());
        }
        let refuse = |error| scenario.source.solver_error(&written.span, "this scale", &error);
        let noise = mean_noise(&grid, k, dynamics);
        let largest = noise.iter().copied().fold(0.0, f64::max);
        let width = |x: f64| {
            let at = (x - axis.lower()) / axis.length() * (noise.len() - 1) as f64;
            let i = (at as usize).min(noise.len() - 2);
            let (a, b) = (noise[i].max(FLOOR * largest).ln(), noise[i + 1].max(FLOOR * largest).ln());
            (0.5 * (a + (at - i as f64) * (b - a))).exp()
        };
        let ends = [axis.lower(), axis.upper()];
        let scale = Scale::drawn(ends, PLACES, width).map_err(refuse)?;
        Axis::scaled(axis.variable(), ends, axis.cells(), scale, axis.boundary()).map_err(refuse)
    };
    let axes = grid.axes().iter().zip(&written.value).enumerate().map(axis).collect::<Result<Vec<_>>>()?;
    Grid::new(axes).map_err(|error| scenario.source.solver_error(&written.span, "these axes", &error))
}

/// The geometric mean of D_kk over the other axes, at evenly spaced places of axis k.
fn mean_noise(grid: &Grid, k: usize, dynamics: &dyn Dynamics) -> Vec<f64> {
    let d = grid.dimension();
    let across = ACROSS.pow(d as u32 - 1);
    (0..=2 * PLACES)
        .into_par_iter()
        .map(|i| {
            let mut points = vec![0.0; d * across];
            for j in 0..across {
                let mut rest = j;
                for (l, axis) in grid.axes().iter().enumerate() {
                    let share = if l == k {
                        i as f64 / (2 * PLACES) as f64
                    } else {
                        let place = rest % ACROSS;
                        rest /= ACROSS;
                        (place as f64 + 0.5) / ACROSS as f64
                    };
                    points[l * across + j] = axis.lower() + share * axis.length();
                }
            }
            let (mut drift, mut diffusion) = (vec![0.0; d * across], vec![0.0; packed_len(d) * across]);
            dynamics.drift_diffusion(&points, &mut drift, &mut diffusion);
            let own = &diffusion[packed_index(d, k, k) * across..][..across];
            (own.iter().map(|value| value.max(f64::MIN_POSITIVE).ln()).sum::<f64>() / across as f64).exp()
        })
        .collect()
}

/// Lengths (d) of the equation at the start, before there is a box; see [`bounds::lengths_at_start`].
pub(super) fn lengths_at_start(scenario: &Scenario, dynamics: &dyn Dynamics, temperature: f64) -> Vec<f64> {
    let end = scenario.time.at.value.last().copied().unwrap_or(0.0);
    bounds::lengths_at_start(dynamics, temperature, &scenario.initial.without_box(), end)
}

/// The grid on a box for `bounds = "auto"` and how the box was found. Errors: no such box; see [`bounds::find`].
pub(super) fn find(
    scenario: &Scenario,
    (bounds, cells): (&Range<usize>, &[usize]),
    model: &Arc<dyn Model>,
    dynamics: &Arc<dyn Dynamics>,
    temperature: f64,
    minibatch: Option<Minibatch>,
) -> Result<(Grid, ChosenBounds)> {
    let refuse = |error: fpsolve_solvers::Error| scenario.source.solver_error(bounds, "no such box", &error);
    let on = |ends: &dyn Fn(usize) -> [f64; 2]| -> std::result::Result<Grid, fpsolve_solvers::Error> {
        let axes = scenario.variable_names().into_iter().zip(cells).enumerate();
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
        initial: scenario.initial.without_box(),
        times: scenario.time.at.value.clone(),
        seed: scenario.seed,
    };
    let found =
        bounds::find(&problem, cells, scenario.options.of::<FokkerPlanckOptions>().stationary).map_err(refuse)?;
    let grid = on(&|k| found.bounds[k]).map_err(refuse)?;
    Ok((grid, found))
}
