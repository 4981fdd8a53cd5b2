//! What the end-to-end tests share: running the built program, reading its words and its records.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses a part

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fpsolve::record::{Attribute, Record, Values, hdf5};

/// The built program in a folder, with arguments.
pub fn command<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fpsolve"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command
}

/// Runs the built program in a folder.
pub fn fpsolve<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// Runs the built program, which must succeed, and gives back what it printed.
pub fn succeeds<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> String {
    let output = fpsolve(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Output as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard error on one line, without the reporter's line breaks and bars.
pub fn words(output: &Output) -> String {
    text(&output.stderr).split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" ")
}

/// The scenarios that come with the program, in the order of their names.
pub fn shipped() -> Vec<PathBuf> {
    toml_files(Path::new("scenarios"))
}

/// The TOML files of a folder, in the order of their names; there is at least one.
pub fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    assert!(!files.is_empty(), "no scenario in {}", folder.display());
    files
}

/// A record without what differs from run to run.
pub fn read(path: &Path) -> Record {
    let mut record = hdf5::read(path).unwrap();
    record.groups.retain(|group| group.name != "provenance");
    record
}

/// A dataset of numbers, flat; there is at least one, so that what is asked of all is asked of some.
pub fn numbers(record: &Record, path: &str) -> Vec<f64> {
    let values: Vec<f64> = match &record.dataset(path).unwrap_or_else(|| panic!("no {path}")).values {
        Values::Float(values) => values.iter().copied().collect(),
        Values::Integer(values) => values.iter().map(|&v| v as f64).collect(),
        Values::Text(_) => panic!("{path} holds text"),
    };
    assert!(!values.is_empty(), "{path} is empty");
    values
}

/// The last entry of a dataset of numbers.
pub fn last(record: &Record, path: &str) -> f64 {
    *numbers(record, path).last().unwrap()
}

/// An attribute that is a number.
pub fn number(record: &Record, path: &str) -> f64 {
    match record.attribute(path) {
        Some(Attribute::Float(x)) => *x,
        Some(Attribute::Integer(i)) => *i as f64,
        other => panic!("{path}: {other:?}"),
    }
}

/// An attribute that is a text.
pub fn label(record: &Record, path: &str) -> String {
    match record.attribute(path) {
        Some(Attribute::Text(text)) => text.clone(),
        other => panic!("{path}: {other:?}"),
    }
}

/// The warnings of a run, one a line.
pub fn warnings(record: &Record) -> String {
    match record.dataset("warnings").map(|dataset| &dataset.values) {
        Some(Values::Text(lines)) => lines.join("\n"),
        other => panic!("warnings: {other:?}"),
    }
}
