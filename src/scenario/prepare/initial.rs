//! `[initial]` → the law at time 0, on the grid.

use std::ops::Range;

use fpsolve_solvers::formula::Program;
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial as Law;
use miette::Result;

use crate::reader::Located;
use crate::scenario::Scenario;
use crate::scenario::initial::{Initial, Spread};
use crate::scenario::model::build::parse;

/// The law at time 0. Errors: off the grid; a formula that is negative, not finite or zero everywhere.
pub(super) fn build(scenario: &Scenario, grid: &Grid) -> Result<Law> {
    let (law, span) = match &scenario.initial {
        Initial::Gaussian { mean, spread } => (
            Law::Gaussian { mean: mean.value.clone(), covariance: packed(spread, mean.value.len()) },
            mean.span.clone(),
        ),
        Initial::Point { at } => (point(scenario, grid, at)?, at.span.clone()),
        Initial::Uniform => return Ok(Law::Uniform),
        Initial::Formula { density } => (formula(scenario, grid, density)?, density.span.clone()),
    };
    law.cell_probability(grid).map_err(|error| scenario.solver_error(&span, "this start", &error))?;
    Ok(law)
}

/// The law at time 0 without a box; one that only a box defines stays uniform, and is refused where a box is looked for.
pub(super) fn unbounded(scenario: &Scenario) -> Law {
    match &scenario.initial {
        Initial::Gaussian { mean, spread } => {
            Law::Gaussian { mean: mean.value.clone(), covariance: packed(spread, mean.value.len()) }
        }
        Initial::Point { at } => Law::Point { at: at.value.clone() },
        Initial::Uniform | Initial::Formula { .. } => Law::Uniform,
    }
}

fn packed(spread: &Spread, d: usize) -> Vec<f64> {
    let mut covariance = vec![0.0; packed_len(d)];
    for i in 0..d {
        match spread {
            Spread::Std(std) => covariance[packed_index(d, i, i)] = std.value[i] * std.value[i],
            Spread::Covariance(rows) => (i..d).for_each(|j| covariance[packed_index(d, i, j)] = rows.value[i][j]),
        }
    }
    covariance
}

fn point(scenario: &Scenario, grid: &Grid, at: &Located<Vec<f64>>) -> Result<Law> {
    if grid.locate(&at.value).is_none() {
        let box_: Vec<String> = grid
            .axes()
            .iter()
            .map(|axis| format!("{} between {} and {}", axis.variable(), axis.lower(), axis.upper()))
            .collect();
        let help = format!("write a point with {}", box_.join(", "));
        return Err(scenario.source.error(&at.span, "the initial point lies off the grid", "off the grid", help));
    }
    Ok(Law::Point { at: at.value.clone() })
}

/// Cell probabilities of a density given by a formula: Gauss's two-point rule along each axis of each cell.
fn formula(scenario: &Scenario, grid: &Grid, density: &Located<String>) -> Result<Law> {
    let program = Program::compile(&[parse(scenario, density, &scenario.symbols())?]);
    let d = grid.dimension();
    let nodes = 1usize << d;
    let mut probability = vec![0.0; grid.len()];
    let mut points = vec![0.0; d * nodes];
    let mut values = vec![0.0; nodes];
    for (cell, out) in probability.iter_mut().enumerate() {
        nodes_of(grid, cell, &mut points);
        program.evaluate(&points, &mut values);
        if let Some(i) = values.iter().position(|v| !v.is_finite() || *v < 0.0) {
            let place = scenario
                .variable_names()
                .iter()
                .enumerate()
                .map(|(k, v)| format!("{v} = {}", points[k * nodes + i]))
                .collect::<Vec<_>>();
            let message = format!("the initial density is {} at {}", values[i], place.join(", "));
            return Err(refuse(scenario, &density.span, message));
        }
        *out = values.iter().sum::<f64>() / nodes as f64 * grid.volume(cell);
    }
    let total: f64 = probability.iter().sum();
    if !(total.is_finite() && total > 0.0) {
        return Err(refuse(
            scenario,
            &density.span,
            format!("the initial density has the integral {total} on the grid"),
        ));
    }
    probability.iter_mut().for_each(|p| *p /= total);
    Ok(Law::Cells { probability })
}

fn nodes_of(grid: &Grid, cell: usize, points: &mut [f64]) {
    let d = grid.dimension();
    let nodes = 1 << d;
    let (center, index) = (grid.center(cell), grid.multi_index(cell));
    for node in 0..nodes {
        for k in 0..d {
            let side = if node >> k & 1 == 0 { -1.0 } else { 1.0 };
            points[k * nodes + node] = center[k] + side * 0.5 * grid.axes()[k].width(index[k]) / 3f64.sqrt();
        }
    }
}

fn refuse(scenario: &Scenario, span: &Range<usize>, message: String) -> miette::Report {
    let help = "a density is finite and ≥ 0 everywhere on the grid and positive somewhere; it need not be normalised";
    scenario.source.error(span, message, "not a density", help)
}
