//! `[grid]`: the box, its cells and its walls.

pub mod axis;
pub mod spread;

use std::ops::Range;

use fpsolve_solvers::fokker_planck::refinement::{FIRST, TOLERANCES};
use miette::Result;

use super::model::MAX_DIMENSIONS;
use super::per_variable::PerVariable;
use crate::reader::{Located, Table, Value};
use crate::text::{exact, grouped};

pub use axis::{Axis, MAX_CELLS_PER_AXIS};
pub use spread::Spread;

/// Most cells of a grid: they are numbered in 32 bits. What memory allows is another matter (limits/).
pub const MAX_CELLS: u64 = 4_000_000_000;

/// `[grid]`.
#[derive(Debug, Clone)]
pub enum Grid {
    /// Written axis by axis.
    Axes(Located<Vec<Located<Axis>>>),
    /// Bounds found by the program.
    Auto {
        /// Place of the key `bounds`.
        bounds: Range<usize>,
        /// Cells per axis.
        cells: Located<Vec<usize>>,
        /// Whether they are where the error is: `grading = "auto"`.
        graded: bool,
    },
    /// Cells found by the program, and the bounds too where no axes are written.
    Refined {
        /// The L1 error that its own estimate is to stay below.
        tolerance: Located<f64>,
        /// The axes, without cells.
        axes: Option<Located<Vec<Located<Axis>>>>,
    },
}

/// Reads `[grid]`. Errors: no such table; axes and bounds; too many axes or cells; those of an axis.
pub fn read(root: &Table) -> Result<Located<Grid>> {
    let help = "write for example\n[grid]\naxes = [{ from = -2.0, to = 2.0, cells = 200 }]";
    let value = root.require("grid", help)?;
    let table = value.table(&["axes", "bounds", "cells", "grading", "tolerance"])?;
    let exclusive = "give axes = [ … ], or bounds = \"auto\" with cells = [ … ]";
    table.exclusive("axes", "bounds", exclusive)?;
    table.exclusive("axes", "cells", exclusive)?;
    if let Some(tolerance) = table.get("tolerance") {
        return Ok(Located { value: refined(&table, &tolerance)?, span: value.span() });
    }
    let graded = grading(&table)?;
    let grid = match table.get("bounds") {
        Some(bounds) => {
            let bounds = bounds.choice(&[("auto", ())])?.span;
            let cells = table.require("cells", "write the cells per axis, for example cells = [256]")?;
            let list = cells.list()?;
            let counts = list.iter().map(|c| c.count(2..=MAX_CELLS_PER_AXIS).map(|n| n.value as usize));
            let counts: Vec<usize> = counts.collect::<Result<_>>()?;
            if counts.is_empty() || counts.len() > MAX_DIMENSIONS {
                let message = format!("`grid.cells` has {} numbers", counts.len());
                return Err(cells.error(message, "1 to 3 numbers", "write the cells per axis: cells = [256, 256]"));
            }
            check_total(&cells, &counts)?;
            Grid::Auto { bounds, cells: Located { value: counts, span: cells.span() }, graded }
        }
        None => {
            if let Some(grading) = table.get("grading") {
                let message = "`grid.grading` belongs to `bounds = \"auto\"`";
                let help = "write grading = \"auto\" in the axes that are to be graded";
                return Err(grading.error(message, "without bounds", help));
            }
            let axes = table
                .require("axes", "write one axis per variable: axes = [{ from = -2.0, to = 2.0, cells = 200 }]")?;
            Grid::Axes(read_axes(&axes, None)?)
        }
    };
    Ok(Located { value: grid, span: value.span() })
}

/// Whether `grading = "auto"` stands beside bounds. Errors: another word.
fn grading(table: &Table) -> Result<bool> {
    table.get("grading").map_or(Ok(false), |grading| Ok(grading.choice(&[("auto", true)])?.value))
}

/// Reads a grid with a tolerance. Errors: one that is out of range; cells beside it; axes that make none.
fn refined(table: &Table, value: &Value) -> Result<Grid> {
    let number = value.number()?;
    let [least, most] = TOLERANCES;
    if !(least..=most).contains(&number.value) {
        let message = format!("`{}` is {}; it must lie between {least} and {most}", value.path(), exact(number.value));
        let help = "it is an L1 error of densities: write for example tolerance = 0.01";
        return Err(value.error(message, "out of range", help));
    }
    if let Some(cells) = table.get("cells") {
        let message = "`grid.cells` stands beside `grid.tolerance`, which decides on the cells";
        return Err(cells.error(message, "not with a tolerance", "remove it, or remove `tolerance`"));
    }
    if let Some(bounds) = table.get("bounds") {
        bounds.choice(&[("auto", ())])?;
    }
    grading(table)?;
    let axes = table.get("axes").map(|axes| {
        let count = axes.list()?.len().clamp(1, MAX_DIMENSIONS);
        read_axes(&axes, Some(FIRST[count - 1]))
    });
    Ok(Grid::Refined { tolerance: number, axes: axes.transpose()? })
}

fn read_axes(value: &Value, first: Option<usize>) -> Result<Located<Vec<Located<Axis>>>> {
    let axes = value.list()?.iter().map(|axis| axis::read(axis, first)).collect::<Result<Vec<_>>>()?;
    if axes.is_empty() || axes.len() > MAX_DIMENSIONS {
        let message = format!("`grid.axes` has {} axes", axes.len());
        return Err(value.error(
            message,
            "1 to 3 axes",
            "write one axis for each variable of the model, at most three",
        ));
    }
    check_total(value, &axes.iter().map(|axis| axis.value.cells).collect::<Vec<_>>())?;
    Ok(Located { value: axes, span: value.span() })
}

/// Refuses more than [`MAX_CELLS`] cells.
fn check_total(value: &Value, shape: &[usize]) -> Result<()> {
    let cells: u128 = shape.iter().map(|&n| n as u128).product();
    if cells > u128::from(MAX_CELLS) {
        let most = (MAX_CELLS as f64).powf(1.0 / shape.len() as f64).floor();
        let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
        let message = format!(
            "a grid of {} = {} cells is larger than the {} allowed",
            shape.join(" x "),
            grouped(cells as u64),
            grouped(MAX_CELLS)
        );
        return Err(value.error(message, "too many cells", format!("use at most {most} cells per axis")));
    }
    Ok(())
}

impl Grid {
    /// What is written with one entry for each variable.
    pub fn per_variable(&self) -> Vec<PerVariable> {
        match self {
            Self::Axes(axes) => vec![PerVariable::new("grid.axes", "axis", axes.value.len(), &axes.span)],
            Self::Auto { cells, .. } => vec![PerVariable::new("grid.cells", "number", cells.value.len(), &cells.span)],
            Self::Refined { axes, .. } => {
                let entry =
                    |axes: &Located<Vec<_>>| PerVariable::new("grid.axes", "axis", axes.value.len(), &axes.span);
                axes.iter().map(entry).collect()
            }
        }
    }

    /// The axes, where they are written.
    pub fn axes(&self) -> Option<&Located<Vec<Located<Axis>>>> {
        match self {
            Self::Axes(axes) => Some(axes),
            Self::Auto { .. } => None,
            Self::Refined { axes, .. } => axes.as_ref(),
        }
    }

    /// Cells of each of `d` axes; of a grid with a tolerance those of the first trial.
    pub fn shape(&self, d: usize) -> Vec<usize> {
        match (self, self.axes()) {
            (Self::Auto { cells, .. }, _) => cells.value.clone(),
            (_, Some(axes)) => axes.value.iter().map(|axis| axis.value.cells).collect(),
            (_, None) => vec![FIRST[d.clamp(1, MAX_DIMENSIONS) - 1]; d],
        }
    }
}
