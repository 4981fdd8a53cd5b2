//! Names that the user chooses: of variables, parameters, data columns and groups of the record.

use std::collections::HashSet;

use fpsolve_solvers::formula::Symbols;
use miette::Result;

use crate::reader::{Located, Source};
use crate::record::reserved::is_reserved;

/// Longest name, bytes.
const MAX_NAME: usize = 64;

/// Checks that a record can call a group so: no formula knows the name.
///
/// Errors: empty or too long; anything but letters, digits, `_` and `-`.
pub fn check_group_name(source: &Source, name: &Located<String>, what: &str) -> Result<()> {
    let fits = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if !name.value.is_empty() && name.value.len() <= MAX_NAME && name.value.chars().all(fits) {
        return Ok(());
    }
    let message = format!("`{}` cannot be the name of a {what}", name.value);
    let help = format!("use letters, digits, _ and -, at most {MAX_NAME} of them");
    Err(source.error(&name.span, message, format!("cannot be a {what}"), help))
}

/// Checks that each of `whats` has a name of its own. Errors: the second of two with one name.
pub fn check_own_names<'n>(
    source: &Source,
    names: impl Iterator<Item = &'n Located<String>>,
    whats: &str,
) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(&name.value) {
            let message = format!("two {whats} are named \"{}\"", name.value);
            return Err(source.error(&name.span, message, "second time", "give each its own name"));
        }
    }
    Ok(())
}

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
        return Err(source.solver_error(&name.span, &label, &error));
    }
    if what != "parameter" && is_reserved(&name.value) {
        let message = format!("the name `{}` already has a meaning in records", name.value);
        return Err(source.error(&name.span, message, label, "choose another name"));
    }
    Ok(())
}
