//! How the cells of an axis are spread.

use fpsolve_solvers::problem::grid::Boundary;
use fpsolve_solvers::problem::scale::Scale;
use miette::Result;

use crate::reader::{Located, Table, Value};

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
    /// Where a pilot solution says that the error is: `grading = "auto"`, and every axis of a grid with a tolerance that has no scale.
    Auto,
    /// Equal in a coordinate: `scale`.
    Scaled(Scale),
    /// Equal in the coordinate of unit noise, which is looked for: `scale = "noise"`.
    Noise,
    /// Edges as written.
    Edges(Vec<f64>),
}

/// The words of `scale`.
pub const SCALES: [(&str, Word); 5] = [
    ("linear", Word::Linear),
    ("log", Word::Log),
    ("sinh", Word::Sinh),
    ("power", Word::Power),
    ("noise", Word::Noise),
];

/// A word of `scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// θ.
    Linear,
    /// ln θ.
    Log,
    /// asinh((θ − center)/width).
    Sinh,
    /// θ^(1/exponent).
    Power,
    /// The coordinate of unit noise.
    Noise,
}

/// Parts of the axis that are the width of a sinh scale, where none is written.
const WIDTH: f64 = 0.02;
/// The exponent of a power, where none is written.
const EXPONENT: f64 = 2.0;

/// Reads `scale` with its numbers. Errors: an axis that the scale does not suit, numbers without their scale.
pub(super) fn scale(table: &Table, from: f64, to: f64, boundary: &Located<[Boundary; 2]>) -> Result<Spread> {
    let Some(value) = table.get("scale") else {
        for key in ["center", "width", "exponent"] {
            if let Some(value) = table.get(key) {
                let message = format!("`{}` belongs to a scale", value.path());
                return Err(value.error(message, "without `scale`", "write scale = \"sinh\" or \"power\" beside it"));
            }
        }
        return Ok(Spread::Even);
    };
    let word = value.choice(&SCALES)?.value;
    for (key, owner) in [("center", Word::Sinh), ("width", Word::Sinh), ("exponent", Word::Power)] {
        if let Some(value) = table.get(key).filter(|_| owner != word) {
            let message = format!("`{}` says nothing of this scale", value.path());
            return Err(value.error(
                message,
                "another scale's",
                "center and width belong to \"sinh\", exponent to \"power\"",
            ));
        }
    }
    if boundary.value[0] == Boundary::Periodic && word != Word::Linear {
        let message = "a periodic axis has no other scale: the cells at its two ends would not match";
        return Err(value.error(message, "on a periodic axis", "remove `scale`, or write walls"));
    }
    let number = |key: &str, default: f64| -> Result<f64> {
        let here = table.here(default);
        Ok(table.or(key, here, &default.to_string(), Value::number)?.value)
    };
    let found = match word {
        Word::Linear => return Ok(Spread::Even),
        Word::Noise => return Ok(Spread::Noise),
        Word::Log => Scale::log(from, to),
        Word::Sinh => {
            Scale::sinh([from, to], number("center", 0.5 * (from + to))?, number("width", WIDTH * (to - from))?)
        }
        Word::Power => Scale::power(from, number("exponent", EXPONENT)?),
    };
    found.map(Spread::Scaled).map_err(|error| table.source().solver_error(&value.span(), "this scale", &error))
}

/// Reads `grading`. Errors: another word than "auto"; a centre off the axis; a periodic axis.
pub(super) fn grading(value: &Value, from: f64, to: f64, boundary: &Located<[Boundary; 2]>) -> Result<Spread> {
    if boundary.value[0] == Boundary::Periodic {
        let message = "a periodic axis cannot be graded: the cells at its two ends would not match";
        return Err(value.error(message, "graded", "remove `grading`, or write walls"));
    }
    if value.is_string() {
        return Ok(value.choice(&[("auto", Spread::Auto)])?.value);
    }
    let table = value.table(&["center", "width"])?;
    let help = "write grading = { center = 0.0, width = 0.3 }: cells narrow within 0.3 of 0, wider beyond";
    let center = table.require("center", help)?.number()?;
    let width = table.require("width", help)?.positive()?;
    if !(from..=to).contains(&center.value) {
        let message = format!("`{}.center` is {}, off the axis from {from} to {to}", value.path(), center.value);
        return Err(table.source().error(&center.span, message, "off the axis", "write a point between the ends"));
    }
    Ok(Spread::Sinh { center: center.value, width: width.value })
}
