//! `points = { x = [ … ], … }`: samples as numbers in the scenario.

use fpsolve_solvers::model::data;
use miette::Result;

use super::Given;
use crate::reader::{Located, Value};
use crate::scenario::names::check_name;

/// Columns written in the scenario, all of one length.
#[derive(Debug, Clone)]
pub struct Points {
    /// Names and numbers of the columns.
    pub columns: Vec<(Located<String>, Located<Vec<f64>>)>,
}

/// Reads `points`. Errors: no columns; a name that is none; an empty column; columns of different lengths.
pub(super) fn read(value: &Value) -> Result<Points> {
    let table = value.open_table()?;
    let mut columns: Vec<(Located<String>, Located<Vec<f64>>)> = Vec::new();
    for (name, value) in table.values() {
        check_name(table.source(), &name, "data column")?;
        let numbers = value.numbers()?;
        if numbers.value.is_empty() {
            return Err(value.error(format!("`{}` is empty", value.path()), "no numbers", "give at least one sample"));
        }
        if let Some((first, other)) = columns.first()
            && other.value.len() != numbers.value.len()
        {
            let message = format!(
                "the columns `{}` and `{}` have {} and {} entries",
                first.value,
                name.value,
                other.value.len(),
                numbers.value.len()
            );
            let help = "every sample needs a value in each column";
            return Err(value.error(message, format!("{} entries", numbers.value.len()), help));
        }
        columns.push((name, numbers));
    }
    match columns.is_empty() {
        true => {
            Err(value.error("`model.data.points` is empty", "no columns", "write points = { x = [ … ], y = [ … ] }"))
        }
        false => Ok(Points { columns }),
    }
}

impl Points {
    /// The samples. Errors: columns that are none.
    pub(super) fn build(&self, given: &Given) -> Result<data::Data> {
        given.samples(self.columns.iter().map(|(name, values)| (name.value.clone(), values.value.clone())).collect())
    }
}
