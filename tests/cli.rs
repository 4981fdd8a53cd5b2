//! The command line as it is written: every block of tests/cmd is run and its words, standard error included, are held to the
//! file. `TRYCMD=overwrite cargo test --test cli` writes the words of today into the files; read the difference before you keep it.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use fpsolve::reader::Source;
use fpsolve::scenario::Scenario;
use fpsolve::scenario::keys::{keys, page};

#[test]
fn the_command_line_says_what_is_written() {
    trycmd::TestCases::new()
        .register_bin("fpsolve", Path::new(env!("CARGO_BIN_EXE_fpsolve")))
        .case("tests/cmd/*.trycmd");
}

/// A path with `…` for numbers in brackets and for the names that a user chooses.
fn general(path: &str) -> String {
    let mut parts = path.split('[');
    let mut out = parts.next().unwrap().to_string();
    parts.for_each(|part| out += &format!("[…{}", part.trim_start_matches(|c: char| c.is_ascii_digit())));
    match out.strip_prefix("expect.") {
        Some(rest) => format!("expect.….{}", rest.rsplit('.').next().unwrap()),
        None => out,
    }
}

/// Tables that none of the others has.
const REST: &str = r#"
[model]
kind = "sample-loss"
variables = ["w"]
sample_loss = "(y - w*x)^2"
[model.data]
teacher = { inputs = { from = 0, to = 1, samples = 3 }, function = "x", outliers = [{ index = 0, shift = 1.0 }] }
[dynamics]
learning_rate = 0.1
[grid]
axes = [{ from = 0, to = 1, cells = 10 }]
[initial]
kind = "uniform"
[time]
end = 1
[analysis]
quasi_stationary = [{ name = "left", basin = "w < 0.5" }]
"#;

/// Scenarios that open every table there is.
fn scenarios() -> Vec<String> {
    let shipped = common::shipped().into_iter().chain(common::toml_files(Path::new("tests/malformed")));
    shipped.map(|file| std::fs::read_to_string(file).unwrap()).chain([REST.to_string()]).collect()
}

/// Every key that the reader accepts has its line in `fpsolve list` and in docs/keys.md, and every line names such a key.
#[test]
fn every_key_that_is_read_is_listed_and_documented() {
    let mut accepted = BTreeSet::new();
    for text in scenarios() {
        let source = Source::from_text(Path::new("scenarios/any.toml"), text);
        let _ = Scenario::parse(source.clone()); // the copy shares its notes; a malformed one stops at its fault
        accepted.extend(source.accepted().iter().map(|path| general(path)));
    }
    let listed: BTreeSet<String> = keys().into_iter().map(|(key, _)| key).collect();
    assert_eq!(accepted, listed);
    let shown = common::succeeds(Path::new("."), &["list"]);
    let lines: BTreeSet<&str> = shown.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(listed.iter().all(|key| lines.contains(key.as_str())));
    if std::env::var("TRYCMD").is_ok_and(|word| word == "overwrite") {
        std::fs::write("docs/keys.md", page()).unwrap();
    }
    assert_eq!(std::fs::read_to_string("docs/keys.md").unwrap(), page(), "TRYCMD=overwrite writes the page of today");
    assert!(std::fs::read_to_string("README.md").unwrap().contains("(docs/keys.md)"));
}
