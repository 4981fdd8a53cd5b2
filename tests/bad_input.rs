//! Every file in tests/malformed is refused by the built program: exit code 2, the right place, words and advice, nothing
//! written. The first lines of each file say what it expects; a new file is a new test.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

const FOLDER: &str = "tests/malformed";

fn fpsolve(arguments: &[&str]) -> Output {
    Command::cargo_bin("fpsolve").unwrap().args(arguments).output().unwrap()
}

/// Standard error on one line, without the reporter's line breaks.
fn words(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("| ").trim());
    lines.collect::<Vec<_>>().join(" ")
}

/// What the `# key: …` lines at the top of a malformed scenario say.
fn expected(text: &str, key: &str) -> String {
    let prefix = format!("# {key}: ");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("no `{prefix}` line")).trim().to_string()
}

fn cases() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    cases.sort();
    cases
}

/// Complaints about one malformed scenario; empty if it is refused as it should be.
fn examine(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record.h5");
    let output = fpsolve(&["scenario", file.to_str().unwrap(), "-o", record.to_str().unwrap()]);
    let said = words(&output);
    let mut complaints = Vec::new();
    let mut demand = |holds: bool, what: String| {
        if !holds {
            complaints.push(format!(
                "{}: {what}; it said\n{}",
                file.display(),
                String::from_utf8_lossy(&output.stderr)
            ));
        }
    };
    demand(output.status.code() == Some(2), format!("exit code {:?}, not 2", output.status.code()));
    let place = match expected(&text, "where") {
        place if place.starts_with("data/") => format!("[{FOLDER}/{place}]"),
        place => format!("[{}:{place}]", file.display()),
    };
    demand(said.contains(&place), format!("does not point at {place}"));
    for key in ["says", "advice"] {
        let wanted = expected(&text, key);
        demand(said.contains(&wanted), format!("does not say \"{wanted}\""));
    }
    demand(output.stdout.is_empty(), "prints on standard output".into());
    demand(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "wrote something".into());
    complaints
}

#[test]
fn malformed_scenarios_are_refused_with_place_words_and_advice() {
    let cases = cases();
    assert!(cases.len() >= 70, "only {} malformed scenarios found", cases.len());
    let complaints: Vec<String> = cases.iter().flat_map(|file| examine(file)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn good_scenario(folder: &Path) -> PathBuf {
    let file = folder.join("good.toml");
    let text = "[model]\nvariables = [\"x\"]\nloss = \"x^2/2\"\n[dynamics]\ntemperature = 0.1\n\
                [grid]\naxes = [{ from = -2.0, to = 2.0, cells = 40 }]\n[initial]\nkind = \"uniform\"\n[time]\nend = 0.1\noutputs = 2\n\
                [langevin]\nwalkers = 100\n";
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn an_existing_record_is_refused_without_force() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = good_scenario(folder.path());
    let record = folder.path().join("record.h5");
    std::fs::write(&record, "precious").unwrap();
    let arguments = ["scenario", scenario.to_str().unwrap(), "-o", record.to_str().unwrap()];
    let output = fpsolve(&arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("exists already help: write --force to replace it"), "{}", words(&output));
    assert_eq!(std::fs::read_to_string(&record).unwrap(), "precious");
    let output = fpsolve(&[&arguments[..], &["--force"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert!(std::fs::metadata(&record).unwrap().len() > 1000);
}

#[test]
fn an_output_folder_that_cannot_be_written_is_refused_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = good_scenario(folder.path());
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for (place, why) in [
        (folder.path().join("no/record.h5"), "there is no such folder"),
        (file.join("record.h5"), "it is not a folder"),
    ] {
        let output = fpsolve(&["scenario", scenario.to_str().unwrap(), "-o", place.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        assert!(words(&output).contains(why), "{}", words(&output));
    }
}

#[test]
fn a_scenario_that_is_missing_or_huge_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    let output = fpsolve(&["scenario", missing.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("there is no such file"), "{}", words(&output));
    let huge = folder.path().join("huge.toml");
    std::fs::write(&huge, "# \n".repeat(400_000)).unwrap();
    let output = fpsolve(&["check", huge.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("(1 MiB)"), "{}", words(&output));
}

#[test]
fn an_override_is_checked_like_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = good_scenario(folder.path());
    let cases = [
        ("grid.axes.0.cels=64", "unknown key `grid.axes[0].cels`"),
        ("dynamcs.temperature=1", "unknown key `dynamcs`"),
        ("dynamics.temperature=-1", "`dynamics.temperature` must be positive, but is -1"),
        ("grid.axes.7.cells=64", "`grid.axes.7` is not a table"),
        ("seed", "--set seed has no `=`"),
        ("model.loss=\"x", "is not a TOML value"),
    ];
    for (set, wanted) in cases {
        let output = fpsolve(&["check", scenario.to_str().unwrap(), "--set", set]);
        assert_eq!(output.status.code(), Some(2), "{set}");
        assert!(words(&output).contains(wanted), "{set}: {}", words(&output));
    }
    let output =
        fpsolve(&["check", scenario.to_str().unwrap(), "--set", "model.loss=x^4/4", "--set", "grid.axes.0.cells=10"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
}

#[test]
fn too_large_is_refused_before_allocating_with_the_breakdown() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = good_scenario(folder.path());
    let output = fpsolve(&[
        "scenario",
        scenario.to_str().unwrap(),
        "--memory-limit",
        "1GiB",
        "--set",
        "langevin.walkers=1000000000",
    ]);
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
    let said = words(&output);
    for wanted in
        ["1,000,000,000 langevin walkers needs at least", "(limit 1.00 GiB)", "langevin: walkers", "--memory-limit"]
    {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}
