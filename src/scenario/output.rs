//! `[output]`: the file of the record, and how often a checkpoint is written there.

use std::time::Duration;

use miette::Result;

use crate::reader::{Located, Table, Value};
use crate::text::parse_seconds;

/// `[output]`.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Name of the record; None for NAME.h5.
    pub file: Option<Located<String>>,
    /// Time between two checkpoints; None for none.
    pub checkpoint: Option<Duration>,
}

/// Reads `[output]`. Errors: a path instead of a file name; no time.
pub fn read(root: &Table) -> Result<Output> {
    let table = root.table("output", &["file", "checkpoint"])?;
    Ok(Output { file: table.optional("file", file)?, checkpoint: table.optional("checkpoint", time)? })
}

fn file(value: &Value) -> Result<Located<String>> {
    let file = value.string()?;
    if is_bare_name(&file.value) {
        return Ok(file);
    }
    let message = format!("`output.file` must be a bare file name, not \"{}\"", file.value);
    let help = "write only the name; choose the folder with -o FOLDER/NAME.h5 on the command line";
    Err(value.error(message, "not a bare name", help))
}

fn time(value: &Value) -> Result<Duration> {
    let text = value.string()?.value;
    let seconds = parse_seconds(&text).map_err(|why| {
        value.error(format!("`output.checkpoint`: {why}"), "not a time", "write for example checkpoint = \"10 min\"")
    })?;
    Ok(Duration::from_secs_f64(seconds))
}

/// Whether `name` names a file in the current folder and nothing else.
pub fn is_bare_name(name: &str) -> bool {
    let bad = |c: char| c == '/' || c == '\\' || c.is_control();
    !name.is_empty() && name.len() <= 200 && name != "." && name != ".." && !name.contains(bad)
}
