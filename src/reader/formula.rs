//! Formulas: strings of bounded length, parsed with errors that point into their text.

use fpsolve_solvers::formula::{Expression, Symbols, parse};
use miette::Result;

use super::source::{Located, Source};
use super::value::Value;

/// Most characters of a formula.
pub const MAX_FORMULA: usize = 4096;

/// A formula as it was written; names and syntax are checked by [`Source::parse`]. Errors: no string; empty; too long.
pub fn formula(value: &Value) -> Result<Located<String>> {
    let text = value.string()?;
    let length = text.value.chars().count();
    if length > MAX_FORMULA {
        let message = format!("`{}` has {length} characters; a formula may have {MAX_FORMULA}", value.path());
        return Err(value.error(message, "too long", "name the constants in `parameters` and simplify"));
    }
    if text.value.trim().is_empty() {
        let message = format!("`{}` is empty", value.path());
        return Err(value.error(message, "no formula", "write a formula such as \"x^2/2\""));
    }
    Ok(text)
}

impl Source {
    /// What a formula means. Errors point into its text: another syntax, a name that is not among `symbols`.
    pub fn parse(&self, formula: &Located<String>, symbols: &Symbols) -> Result<Expression> {
        parse(&formula.value, symbols).map_err(|error| {
            let span = self.inside(formula, error.span.clone());
            let help = if error.help.is_empty() { "write a formula such as x^2/2 + sin(x)" } else { &error.help };
            self.error(&span, error.message, "in this formula", help)
        })
    }
}
