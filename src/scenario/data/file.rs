//! `file = "…"`: columns of a data file below the scenario's folder.

use fpsolve_solvers::model::data;
use miette::Result;

use super::Given;
use super::load::{Column, File, load};
use super::separator;
use crate::reader::{Located, Table, Value};
use crate::scenario::names::check_name;

/// Reads `file` and, of the table around it, `columns` and `separator`. Errors: a name of a column that is none; another separator.
pub(super) fn read(value: &Value, table: &Table) -> Result<File> {
    let separator = table.optional("separator", separator::read)?;
    Ok(File { file: value.string()?, columns: columns(table)?, separator })
}

fn columns(table: &Table) -> Result<Vec<(Located<String>, Located<Column>)>> {
    let Some(columns) = table.get("columns") else {
        table.source().note_default(&table.path("columns"), "every column of the file under its own name");
        return Ok(Vec::new());
    };
    let read = |(name, value): (Located<String>, Value)| -> Result<_> {
        check_name(table.source(), &name, "data column")?;
        let column = match value.is_string() {
            true => value.string()?.map(Column::Name),
            false => value.count(0..=100_000)?.map(|i| Column::Index(i as usize)),
        };
        Ok((name, column))
    };
    columns.open_table()?.values().into_iter().map(read).collect()
}

impl File {
    /// The samples. Errors: those of [`load`].
    pub(super) fn build(&self, given: &Given) -> Result<data::Data> {
        given.samples(load(given.source, self)?)
    }
}
