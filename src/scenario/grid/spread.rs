//! How the cells of an axis are spread.

use fpsolve_solvers::problem::grid::Boundary;
use miette::Result;

use crate::reader::{Located, Value};

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

/// Reads `grading`. Errors: a centre off the axis; a periodic axis.
pub(super) fn grading(value: &Value, from: f64, to: f64, boundary: &Located<[Boundary; 2]>) -> Result<Spread> {
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
