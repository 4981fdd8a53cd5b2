//! Formulas: strings of bounded length, parsed with errors that point into their text.

use fpsolve_solvers::formula::{Expression, Symbols, parse};
use miette::Result;

use super::source::{Located, Source};
use super::value::Value;

/// Most characters of a formula.
pub const MAX_FORMULA: usize = 4096;

/// Words by which other languages join conditions.
const JOINING: [&str; 4] = ["and", "or", "AND", "OR"];
/// How conditions are joined here, where they are numbers: 1 where they hold, else 0.
const JOINED: &str = "conditions are joined by a product for \"and\", such as (x < 0)*(x > -1), and by max for \"or\", such as \
                      max(x < 0, x > 1)";

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
            let mut words = formula.value.split(|c: char| !c.is_alphanumeric());
            let help = if error.message.contains("operator is missing") && words.any(|word| JOINING.contains(&word)) {
                JOINED
            } else if error.help.is_empty() {
                "write a formula such as x^2/2 + sin(x)"
            } else {
                &error.help
            };
            self.error(&span, error.message, "in this formula", help)
        })
    }
}
