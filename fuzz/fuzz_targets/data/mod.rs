//! A file of data beside a scenario.

use fpsolve::reader::{Located, Source};
use fpsolve::scenario::data::load::{Column, File, load};

/// Reads two columns of a file with these bytes, by their names or by their numbers.
pub fn read(extension: &str, bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let name = format!("d.{extension}");
    if std::fs::write(folder.path().join(&name), bytes).is_err() {
        return;
    }
    let source = Source::from_text(&folder.path().join("s.toml"), format!("file = {name:?}\n"));
    let columns = |of: [Column; 2]| ["u", "v"].map(here).into_iter().zip(of.map(placed)).collect();
    for of in [[Column::Index(0), Column::Index(1)], ["u", "v"].map(|name| Column::Name(name.into()))] {
        let file = File { file: here(&name), columns: columns(of), separator: None };
        let _ = load(&source, &file);
    }
}

fn here(text: &str) -> Located<String> {
    placed(text.to_string())
}

fn placed<T>(value: T) -> Located<T> {
    Located { value, span: 0..4 }
}
