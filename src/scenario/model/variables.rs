//! `variables` and `parameters`: the names that formulas of θ know.

use miette::Result;

use crate::reader::{Located, Table};
use crate::scenario::names::check_name;

/// Most dimensions of θ.
pub const MAX_DIMENSIONS: usize = 3;

/// A constant that formulas know by name.
pub type Parameter = (Located<String>, Located<f64>);

/// Reads `variables`. Errors: missing; none or more than [`MAX_DIMENSIONS`]; a name that is none, or is given twice.
pub(super) fn variables(table: &Table) -> Result<Located<Vec<Located<String>>>> {
    let value = table.require("variables", "name the components of θ, for example variables = [\"x\", \"y\"]")?;
    let names = value.strings()?;
    if names.value.is_empty() || names.value.len() > MAX_DIMENSIONS {
        let message = format!("`model.variables` names {} variables", names.value.len());
        return Err(value.error(message, "1 to 3 variables", "θ has 1 to 3 dimensions: name one to three variables"));
    }
    for (i, name) in names.value.iter().enumerate() {
        check_name(table.source(), name, "variable")?;
        if names.value[..i].iter().any(|other| other.value == name.value) {
            let message = format!("the variable `{}` is named twice", name.value);
            return Err(table.source().error(&name.span, message, "second time", "give each variable its own name"));
        }
    }
    Ok(names)
}

/// Reads `parameters`. Errors: a name that is none, or is one of the variables; a value that is no number.
pub(super) fn parameters(table: &Table, variables: &Located<Vec<Located<String>>>) -> Result<Vec<Parameter>> {
    let Some(value) = table.get("parameters") else { return Ok(Vec::new()) };
    let mut parameters = Vec::new();
    for (name, value) in value.open_table()?.values() {
        check_name(table.source(), &name, "parameter")?;
        if variables.value.iter().any(|v| v.value == name.value) {
            let message = format!("`{}` is both a variable and a parameter", name.value);
            return Err(table.source().error(&name.span, message, "already a variable", "rename one of the two"));
        }
        parameters.push((name, value.number()?));
    }
    Ok(parameters)
}
