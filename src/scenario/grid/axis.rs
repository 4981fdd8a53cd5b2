//! An entry of `grid.axes`: an interval, its cells and its walls.

use fpsolve_solvers::Error;
use fpsolve_solvers::problem::grid::{self, Boundary};
use miette::Result;

use super::spread::{self, Spread};
use crate::reader::{Located, Table, Value};
use crate::text::exact;

/// Most cells on one axis.
pub const MAX_CELLS_PER_AXIS: u64 = 65_536;

const WALLS: [(&str, Boundary); 3] =
    [("reflecting", Boundary::Reflecting), ("periodic", Boundary::Periodic), ("absorbing", Boundary::Absorbing)];

/// An entry of `grid.axes`.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Lower end.
    pub from: f64,
    /// Upper end.
    pub to: f64,
    /// Number of cells; of a grid with a tolerance that of the first trial.
    pub cells: usize,
    /// Walls, lower end first; located for errors.
    pub boundary: Located<[Boundary; 2]>,
    /// How the cells are spread.
    pub spread: Spread,
}

/// Reads an entry of `grid.axes`; `first` cells where a tolerance decides on them. Errors: missing ends or cells, cells beside a
/// tolerance; ends that do not increase; walls that do not fit each other.
pub(super) fn read(value: &Value, first: Option<usize>) -> Result<Located<Axis>> {
    let table = value
        .table(&["from", "to", "cells", "boundary", "grading", "scale", "center", "width", "exponent", "edges"])?;
    let walls = table.here([Boundary::Reflecting; 2]);
    let boundary = table.or("boundary", walls, "\"reflecting\"", boundary)?;
    if first.is_some() {
        without_cells(&table)?;
    }
    if let Some(edges) = table.get("edges") {
        for key in ["from", "to", "cells", "grading", "scale", "center", "width", "exponent"] {
            table.exclusive("edges", key, "give the edges of the cells, or from, to and cells")?;
        }
        return with_edges(value, &edges, boundary);
    }
    let help = "write { from = -2.0, to = 2.0, cells = 200 }";
    let from = table.require("from", help)?.number()?;
    let to = table.require("to", help)?.number()?;
    if from.value >= to.value {
        let message = format!("`{}` runs from {} to {}", value.path(), exact(from.value), exact(to.value));
        return Err(table.source().error(&to.span, message, "must be greater than `from`", "write from < to"));
    }
    let cells = match first {
        Some(first) => first,
        None => table.require("cells", help)?.count(2..=MAX_CELLS_PER_AXIS)?.value as usize,
    };
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
        Some(written) => {
            table.exclusive("grading", "scale", "give one of them: a scale serves every D, grading a diagonal one")?;
            spread::grading(&written, from.value, to.value, &boundary)?
        }
        None => match spread::scale(&table, from.value, to.value, &boundary)? {
            Spread::Even if first.is_some() && table.get("scale").is_none() => Spread::Auto,
            spread => spread,
        },
    };
    Ok(Located { value: Axis { from: from.value, to: to.value, cells, boundary, spread }, span: value.span() })
}

/// Errors: cells that are written though a tolerance decides on them.
fn without_cells(table: &Table) -> Result<()> {
    let written = ["cells", "edges"].into_iter().find_map(|key| table.get(key));
    let written = written.or_else(|| table.get("grading").filter(|grading| !grading.is_string()));
    written.map_or(Ok(()), |value| {
        let message = format!("`{}` stands beside `grid.tolerance`, which decides on the cells", value.path());
        Err(value.error(message, "not with a tolerance", "remove it, or remove `tolerance`"))
    })
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
    let wall = |value: &Value| -> Result<Boundary> { Ok(value.choice(&WALLS)?.value) };
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

impl Axis {
    /// The axis of a variable. Errors: cells that make none.
    pub fn build(&self, variable: String) -> Result<grid::Axis, Error> {
        let walls = self.boundary.value;
        match &self.spread {
            Spread::Even => grid::Axis::uniform(variable, self.from, self.to, self.cells, walls),
            Spread::Sinh { center, width } => {
                grid::Axis::sinh(variable, [self.from, self.to], self.cells, [*center, *width], walls)
            }
            Spread::Scaled(scale) => {
                grid::Axis::scaled(variable, [self.from, self.to], self.cells, scale.clone(), walls)
            }
            // until the noise or a pilot solution is known
            Spread::Noise | Spread::Auto => grid::Axis::uniform(variable, self.from, self.to, self.cells, walls),
            Spread::Edges(edges) => grid::Axis::graded(variable, edges.clone(), walls),
        }
    }
}
