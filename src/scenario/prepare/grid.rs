//! `[grid]` → the grid: the axes as written, or a box that is looked for.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::fokker_planck::FokkerPlanckOptions;
use fpsolve_solvers::fokker_planck::bounds::{self, ChosenBounds};
use fpsolve_solvers::fokker_planck::grading::{PILOT, grade};
use fpsolve_solvers::fokker_planck::refinement::{Allowed, Refinement, on_cells, refine};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::dynamics::Dynamics;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::scale::Scale;
use fpsolve_solvers::problem::{Minibatch, Problem};
use miette::Result;
use rayon::prelude::*;

use crate::reader::Located;
use crate::scenario::grid::{MAX_CELLS, MAX_CELLS_PER_AXIS, Spread};
use crate::scenario::{Scenario, cells, grid};
use crate::signal;

/// The grid as far as the scenario gives it.
pub(super) enum Layout<'a> {
    /// The axes are written.
    Written(Grid),
    /// A box that is looked for: `bounds = "auto"`, or a tolerance alone.
    Sought {
        /// Place of the key that says so.
        bounds: &'a Range<usize>,
        /// Cells per axis.
        cells: Vec<usize>,
    },
}

/// What the scenario says of the grid. Errors: axes that do not make one.
pub(super) fn layout(scenario: &Scenario) -> Result<Layout<'_>> {
    let axes = match &scenario.grid.value {
        grid::Grid::Auto { bounds, cells, .. } => return Ok(Layout::Sought { bounds, cells: cells.value.clone() }),
        grid::Grid::Refined { tolerance, axes: None } => {
            let d = scenario.variable_names().len();
            return Ok(Layout::Sought { bounds: &tolerance.span, cells: vec![PILOT[d.clamp(1, 3) - 1]; d] });
        }
        grid::Grid::Axes(axes) | grid::Grid::Refined { axes: Some(axes), .. } => axes,
    };
    let build = |(axis, variable): (&Located<grid::Axis>, String)| {
        axis.value.build(variable).map_err(|error| scenario.source.solver_error(&axis.span, "this axis", &error))
    };
    let built = axes.value.iter().zip(scenario.variable_names()).map(build).collect::<Result<Vec<_>>>()?;
    Grid::new(built)
        .map(Layout::Written)
        .map_err(|error| scenario.source.solver_error(&axes.span, "these axes", &error))
}

/// The grid lies within the table of a model that is interpolated. Errors: an axis that reaches beyond it.
pub(super) fn check_table(scenario: &Scenario, grid: &Grid, model: &dyn Model) -> Result<()> {
    let Some(table) = model.table() else { return Ok(()) };
    for (k, (axis, nodes)) in grid.axes().iter().zip(table.lattice().axes()).enumerate() {
        let [lower, upper] = nodes.ends();
        let slack = 1e-9 * (upper - lower);
        if axis.lower() >= lower - slack && axis.upper() <= upper + slack {
            continue;
        }
        let (span, found) = match &scenario.grid.value {
            grid::Grid::Axes(axes) | grid::Grid::Refined { axes: Some(axes), .. } => (&axes.value[k].span, ""),
            grid::Grid::Auto { bounds: span, .. } | grid::Grid::Refined { tolerance: Located { span, .. }, .. } => {
                (span, ", which the box that was found leaves")
            }
        };
        let (name, from, to) = (axis.variable(), axis.lower(), axis.upper());
        let message =
            format!("the grid has {name} from {from} to {to}, and the table only from {lower} to {upper}{found}");
        let help = format!("write from = {lower}, to = {upper} or less for this axis, or tabulate a larger box");
        return Err(scenario.source.error(span, message, "reaches beyond the table", help));
    }
    Ok(())
}

/// Graded axes need a diagonal D. Errors: a cell where D is not, at the first graded axis.
pub(super) fn check_graded(scenario: &Scenario, grid: &Grid, dynamics: &dyn Dynamics) -> Result<()> {
    let d = grid.dimension();
    let Some(axes) = scenario.grid.value.axes() else { return Ok(()) };
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
    let Some(written) = scenario.grid.value.axes() else { return Ok(grid) };
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

/// What the program found of a grid beside its box.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Axes whose cells are where a pilot solution has its error.
    pub graded: Vec<bool>,
    /// The search for a number of cells.
    pub refinement: Option<Refinement>,
}

/// Most seconds of a trial solution where a tolerance decides on the cells, and no budget is written.
const TRIAL_SECONDS: f64 = 120.0;

/// The grid with graded axes and, where a tolerance is written, with as many cells as that takes; `at` puts the problem on a grid of
/// the same box.
///
/// Errors: a pilot or trial solution that fails, a tolerance that is not reached with the memory and the time that are allowed.
pub(super) fn refined(
    scenario: &Scenario,
    grid: Grid,
    at: &dyn Fn(Grid) -> std::result::Result<Problem, fpsolve_solvers::Error>,
) -> Result<(Grid, Found)> {
    let (tolerance, span) = match &scenario.grid.value {
        grid::Grid::Axes(axes) => (None, &axes.span),
        grid::Grid::Auto { bounds, .. } => (None, bounds),
        grid::Grid::Refined { tolerance, .. } => (Some(tolerance.value), &tolerance.span),
    };
    let graded: Vec<bool> = match (&scenario.grid.value, scenario.grid.value.axes()) {
        (grid::Grid::Auto { graded, .. }, _) => vec![*graded; grid.dimension()],
        (_, Some(axes)) => axes.value.iter().map(|axis| axis.value.spread == Spread::Auto).collect(),
        (_, None) => vec![true; grid.dimension()],
    };
    if tolerance.is_none() && !graded.contains(&true) {
        return Ok((grid, Found::default()));
    }
    let options = scenario.options.of::<FokkerPlanckOptions>();
    let label = if tolerance.is_some() { "not reached" } else { "these axes" };
    let refuse = |error: fpsolve_solvers::Error| scenario.source.solver_error(span, label, &error);
    let grading = grade(&grid, &graded, options.stationary, at, &signal::interrupted).map_err(refuse)?;
    let Some(tolerance) = tolerance else {
        let grid = on_cells(&grid, &grading.scales, grid.shape()).map_err(refuse)?;
        return Ok((grid, Found { graded, refinement: None }));
    };
    let allowed = Allowed {
        cells: scenario.most_cells.get().map_or(MAX_CELLS as f64, |most| most.min(MAX_CELLS as f64)),
        per_axis: MAX_CELLS_PER_AXIS as usize,
        seconds: options.budget.map_or(TRIAL_SECONDS, |budget| budget.as_secs_f64()),
    };
    let share: Vec<f64> = grading.share;
    let found = refine((&grid, &grading.scales, &share), tolerance, (options, allowed), at, &signal::interrupted)
        .map_err(refuse)?;
    Ok((found.grid.clone(), Found { graded, refinement: Some(found) }))
}

/// Lengths (d) of the equation at the start, before there is a box; see [`bounds::lengths_at_start`].
pub(super) fn lengths_at_start(scenario: &Scenario, dynamics: &dyn Dynamics, temperature: f64) -> Vec<f64> {
    let end = scenario.time.at.value.last().copied().unwrap_or(0.0);
    bounds::lengths_at_start(dynamics, temperature, &scenario.initial.without_box(), end)
}

/// The grid on a box for `bounds = "auto"`, how the box was found, and where a table cuts it, in words. Errors: no such box; see [`bounds::find`].
pub(super) fn find(
    scenario: &Scenario,
    (bounds, cells): (&Range<usize>, &[usize]),
    model: &Arc<dyn Model>,
    dynamics: &Arc<dyn Dynamics>,
    temperature: f64,
    minibatch: Option<Minibatch>,
) -> Result<(Grid, ChosenBounds, Vec<String>)> {
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
    let mut found =
        bounds::find(&problem, cells, scenario.options.of::<FokkerPlanckOptions>().stationary).map_err(refuse)?;
    if let Some(table) = model.table() {
        table.count_anew();
    }
    let mut cut = Vec::new();
    for (nodes, ends) in model.table().iter().flat_map(|table| table.lattice().axes()).zip(&mut found.bounds) {
        let (sought, [lower, upper]) = (*ends, nodes.ends());
        let within = [sought[0].max(lower), sought[1].min(upper)];
        if within != sought && within[0] < within[1] {
            *ends = within;
            cut.push(format!(
                "grid: the box that was found has {name} from {} to {}, and the table only from {lower} to {upper}: the grid ends there, with \
                 walls; tabulate a larger box if they matter",
                sought[0],
                sought[1],
                name = nodes.name()
            ));
        }
    }
    let grid = on(&|k| found.bounds[k]).map_err(refuse)?;
    Ok((grid, found, cut))
}
