//! Names that the user chooses: of variables, parameters, data columns and first-passage problems.

use fpsolve_solvers::formula::Symbols;
use miette::Result;

use crate::reader::{Located, Source};
use crate::record::reserved::is_reserved;

/// Longest name, bytes.
const MAX_NAME: usize = 64;

/// Checks that formulas and records can use a name; `what` it names is said in the error.
///
/// Errors: too long; no name of formulas; a name that records need.
pub fn check_name(source: &Source, name: &Located<String>, what: &str) -> Result<()> {
    let label = format!("cannot be a {what}");
    if name.value.len() > MAX_NAME {
        let message = format!("the name of a {what} has {} letters", name.value.len());
        return Err(source.error(&name.span, message, label, format!("use at most {MAX_NAME}")));
    }
    if let Err(error) = Symbols::new(&[&name.value]).check() {
        return Err(source.error(&name.span, error.to_string(), label, error.help().unwrap_or_default()));
    }
    if what != "parameter" && is_reserved(&name.value) {
        let message = format!("the name `{}` already has a meaning in records", name.value);
        return Err(source.error(&name.span, message, label, "choose another name"));
    }
    Ok(())
}
