//! `[grid]`: the box, its cells and its walls.

use std::ops::Range;

use fpsolve_solvers::problem::grid::Boundary;
use miette::Result;

use super::model::MAX_DIMENSIONS;
use crate::reader::source::Located;
use crate::reader::table::{Table, Value};
use crate::text::grouped;

/// Most cells on one axis.
pub const MAX_CELLS_PER_AXIS: u64 = 65_536;
/// Most cells of a grid.
pub const MAX_CELLS: u64 = 100_000_000;

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

/// An entry of `grid.axes`.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Lower end.
    pub from: f64,
    /// Upper end.
    pub to: f64,
    /// Number of cells.
    pub cells: usize,
    /// Walls, lower end first; located for errors.
    pub boundary: Located<[Boundary; 2]>,
    /// How the cells are spread.
    pub spread: Spread,
}

/// How the cells of an axis are spread.
#[derive(Debug, Clone, PartialEq)]
pub enum Spread {
    /// Equal cells.
    Even,
    /// Narrowest around a point: `grading = { center, width }`.
    Sinh {
        /// Where the cells are narrowest.
        center: f64,
        /// Distance up to which they stay narrow.
        width: f64,
    },
    /// Edges as written.
    Edges(Vec<f64>),
}

/// Reads `[grid]`.
pub fn read(root: &Table) -> Result<Located<Grid>> {
    let help = "write for example\n[grid]\naxes = [{ from = -2.0, to = 2.0, cells = 200 }]";
    let value = root.require("grid", help)?;
    let table = value.table(&["axes", "bounds", "cells"])?;
    let exclusive = "give axes = [ … ], or bounds = \"auto\" with cells = [ … ]";
    table.exclusive("axes", "bounds", exclusive)?;
    table.exclusive("axes", "cells", exclusive)?;
    let grid = match table.get("bounds") {
        Some(bounds) => {
            let bounds = bounds.word(&["auto"])?.span;
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
    let axes = value.list()?.iter().map(axis).collect::<Result<Vec<_>>>()?;
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

fn axis(value: &Value) -> Result<Located<Axis>> {
    let table = value.table(&["from", "to", "cells", "boundary", "grading", "edges"])?;
    let walls = table.here([Boundary::Reflecting; 2]);
    let boundary = table.or("boundary", walls, "\"reflecting\"", boundary)?;
    if let Some(edges) = table.get("edges") {
        for key in ["from", "to", "cells", "grading"] {
            table.exclusive("edges", key, "give the edges of the cells, or from, to and cells")?;
        }
        return with_edges(value, &edges, boundary);
    }
    let help = "write { from = -2.0, to = 2.0, cells = 200 }";
    let from = table.require("from", help)?.number()?;
    let to = table.require("to", help)?.number()?;
    if from.value >= to.value {
        let message = format!("`{}` runs from {} to {}", value.path(), from.value, to.value);
        return Err(table.source().error(&to.span, message, "must be greater than `from`", "write from < to"));
    }
    let cells = table.require("cells", help)?.count(2..=MAX_CELLS_PER_AXIS)?.value as usize;
    if !(to.value - from.value).is_finite()
        || (to.value - from.value) / (cells as f64) <= f64::EPSILON * from.value.abs().max(to.value.abs()) * 8.0
    {
        let message = format!("`{}` cannot be divided into {cells} cells in double precision", value.path());
        return Err(value.error(
            message,
            "too narrow or too wide",
            "shift and scale the variable so that the box is about 1 wide",
        ));
    }
    let spread = match table.get("grading") {
        Some(written) => grading(&written, from.value, to.value, &boundary)?,
        None => Spread::Even,
    };
    Ok(Located { value: Axis { from: from.value, to: to.value, cells, boundary, spread }, span: value.span() })
}

fn grading(value: &Value, from: f64, to: f64, boundary: &Located<[Boundary; 2]>) -> Result<Spread> {
    let table = value.table(&["center", "width"])?;
    let help = "write grading = { center = 0.0, width = 0.3 }: cells narrow within 0.3 of 0, wider beyond";
    let center = table.require("center", help)?.number()?;
    let width = table.require("width", help)?.positive()?;
    if !(from..=to).contains(&center.value) {
        let message = format!("`{}.center` is {}, off the axis from {from} to {to}", value.path(), center.value);
        return Err(table.source().error(&center.span, message, "off the axis", "write a point between the ends"));
    }
    if boundary.value[0] == Boundary::Periodic {
        let message = "a periodic axis cannot be graded: the cells at its two ends would not match";
        return Err(value.error(message, "graded", "remove `grading`, or write walls"));
    }
    Ok(Spread::Sinh { center: center.value, width: width.value })
}

fn with_edges(value: &Value, edges: &Value, boundary: Located<[Boundary; 2]>) -> Result<Located<Axis>> {
    let list = edges.list()?;
    let numbers = list.iter().map(|edge| Ok(edge.number()?.value)).collect::<Result<Vec<f64>>>()?;
    if numbers.len() < 3 || numbers.len() as u64 > MAX_CELLS_PER_AXIS + 1 {
        let message = format!("`{}` has {} edges", edges.path(), numbers.len());
        let help = "n cells have n + 1 edges: write at least three, edges = [-1.0, 0.0, 1.0]";
        return Err(edges.error(message, "at least 2 cells", help));
    }
    if let Some(k) = (1..numbers.len()).find(|&k| numbers[k] <= numbers[k - 1]) {
        let message = format!("the edges do not increase: {} comes after {}", numbers[k], numbers[k - 1]);
        return Err(list[k].error(
            message,
            "must be greater than the edge before",
            "sort the edges and write each once",
        ));
    }
    let (from, to, cells) = (numbers[0], numbers[numbers.len() - 1], numbers.len() - 1);
    Ok(Located { value: Axis { from, to, cells, boundary, spread: Spread::Edges(numbers) }, span: value.span() })
}

fn boundary(value: &Value) -> Result<Located<[Boundary; 2]>> {
    let wall = |value: &Value| -> Result<Boundary> {
        Ok(match value.word(&["reflecting", "periodic", "absorbing"])?.value {
            "reflecting" => Boundary::Reflecting,
            "periodic" => Boundary::Periodic,
            _ => Boundary::Absorbing,
        })
    };
    let walls = if value.is_string() {
        [wall(value)?; 2]
    } else if value.is_list() {
        let list = value.list()?;
        let [lower, upper] = list.as_slice() else {
            let message = format!("`{}` names {} walls", value.path(), list.len());
            return Err(value.error(message, "two walls", "write boundary = [\"lower\", \"upper\"] with two words"));
        };
        [wall(lower)?, wall(upper)?]
    } else {
        return Err(value.wrong_type("a word or two words [lower, upper]", "\"reflecting\""));
    };
    if (walls[0] == Boundary::Periodic) != (walls[1] == Boundary::Periodic) {
        let message = format!("`{}` is periodic at one end only", value.path());
        return Err(value.error(
            message,
            "periodic at one end",
            "write boundary = \"periodic\", or a wall at each end",
        ));
    }
    Ok(Located { value: walls, span: value.span() })
}
