//! `[grid]`: the box, its cells and its walls.

pub mod axis;
pub mod spread;

use std::ops::Range;

use miette::Result;

use super::model::MAX_DIMENSIONS;
use super::per_variable::PerVariable;
use crate::reader::{Located, Table, Value};
use crate::text::grouped;

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
    },
}

/// Reads `[grid]`. Errors: no such table; axes and bounds; too many axes or cells; those of an axis.
pub fn read(root: &Table) -> Result<Located<Grid>> {
    let help = "write for example\n[grid]\naxes = [{ from = -2.0, to = 2.0, cells = 200 }]";
    let value = root.require("grid", help)?;
    let table = value.table(&["axes", "bounds", "cells"])?;
    let exclusive = "give axes = [ … ], or bounds = \"auto\" with cells = [ … ]";
    table.exclusive("axes", "bounds", exclusive)?;
    table.exclusive("axes", "cells", exclusive)?;
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
            Grid::Auto { bounds, cells: Located { value: counts, span: cells.span() } }
        }
        None => {
            let axes = table
                .require("axes", "write one axis per variable: axes = [{ from = -2.0, to = 2.0, cells = 200 }]")?;
            Grid::Axes(read_axes(&axes)?)
        }
    };
    Ok(Located { value: grid, span: value.span() })
}

fn read_axes(value: &Value) -> Result<Located<Vec<Located<Axis>>>> {
    let axes = value.list()?.iter().map(axis::read).collect::<Result<Vec<_>>>()?;
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
        }
    }
}
