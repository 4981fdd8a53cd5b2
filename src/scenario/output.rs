//! `[output]`: the file of the record.

use miette::Result;

use crate::reader::{Located, Table};

/// Reads `[output]`; None for NAME.h5. Errors: a path instead of a file name.
pub fn read(root: &Table) -> Result<Option<Located<String>>> {
    let table = root.table("output", &["file"])?;
    table.optional("file", |value| {
        let file = value.string()?;
        match is_bare_name(&file.value) {
            true => Ok(file),
            false => {
                let message = format!("`output.file` must be a bare file name, not \"{}\"", file.value);
                let help = "write only the name; choose the folder with -o FOLDER/NAME.h5 on the command line";
                Err(value.error(message, "not a bare name", help))
            }
        }
    })
}

/// Whether `name` names a file in the current folder and nothing else.
pub fn is_bare_name(name: &str) -> bool {
    let bad = |c: char| c == '/' || c == '\\' || c.is_control();
    !name.is_empty() && name.len() <= 200 && name != "." && name != ".." && !name.contains(bad)
}
