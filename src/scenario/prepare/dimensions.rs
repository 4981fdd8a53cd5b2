//! Everything that has one entry per variable must have as many as there are variables.

use std::ops::Range;

use miette::Result;

use crate::scenario::initial::{Initial, Spread};
use crate::scenario::noise::NoiseKind;
use crate::scenario::{Scenario, grid};
use crate::text::count;

/// Compares the dimensions of grid, initial density and noise with the number of variables.
pub(super) fn check(scenario: &Scenario) -> Result<()> {
    match &scenario.grid.value {
        grid::Grid::Axes(axes) => agree(scenario, "grid.axes", "axis", axes.value.len(), &axes.span)?,
        grid::Grid::Auto { cells, .. } => agree(scenario, "grid.cells", "number", cells.value.len(), &cells.span)?,
    }
    match &scenario.initial {
        Initial::Gaussian { mean, spread } => {
            agree(scenario, "initial.mean", "number", mean.value.len(), &mean.span)?;
            match spread {
                Spread::Std(std) => agree(scenario, "initial.std", "number", std.value.len(), &std.span)?,
                Spread::Covariance(rows) => agree(scenario, "initial.covariance", "row", rows.value.len(), &rows.span)?,
            }
        }
        Initial::Point { at } => agree(scenario, "initial.at", "number", at.value.len(), &at.span)?,
        Initial::Uniform | Initial::Formula { .. } => {}
    }
    if let NoiseKind::Formula { diffusion } = &scenario.noise.kind.value {
        agree(scenario, "noise.diffusion", "row", diffusion.value.len(), &diffusion.span)?;
        for (i, row) in diffusion.value.iter().enumerate() {
            agree(scenario, &format!("noise.diffusion[{i}]"), "formula", row.len(), &diffusion.span)?;
        }
    }
    Ok(())
}

fn agree(scenario: &Scenario, key: &str, what: &str, found: usize, span: &Range<usize>) -> Result<()> {
    let variables = scenario.variable_names();
    if found == variables.len() {
        return Ok(());
    }
    let message = format!("`{key}` has {} for {}", count(found, what), count(variables.len(), "variable"));
    let help = format!("write one {what} for each variable: {}", variables.join(", "));
    Err(scenario.source.error(span, message, format!("needs {}", variables.len()), help))
}
