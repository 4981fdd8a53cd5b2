//! Every file in tests/malformed is refused by the built program: exit code 2, the right place, words and advice, nothing
//! written. The first lines of each file say what it expects; a new file is a new test.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{fpsolve, text, toml_files, words};

const FOLDER: &str = "tests/malformed";

/// What the `# key: …` lines at the top of a malformed scenario say.
fn expected(text: &str, key: &str) -> String {
    let prefix = format!("# {key}: ");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("no `{prefix}` line")).trim().to_string()
}

/// Complaints about one malformed scenario; empty if it is refused as it should be.
fn examine(file: &Path) -> Vec<String> {
    let scenario = std::fs::read_to_string(file).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record.h5");
    let output = fpsolve(Path::new("."), &["scenario", file.to_str().unwrap(), "-o", record.to_str().unwrap()]);
    let said = words(&output);
    let mut complaints = Vec::new();
    let mut demand = |holds: bool, what: String| {
        if !holds {
            complaints.push(format!("{}: {what}; it said\n{}", file.display(), text(&output.stderr)));
        }
    };
    demand(output.status.code() == Some(2), format!("exit code {:?}, not 2", output.status.code()));
    let place = match expected(&scenario, "where") {
        place if place.starts_with("data/") => format!("[{FOLDER}/{place}]"),
        place => format!("[{}:{place}]", file.display()),
    };
    demand(said.contains(&place), format!("does not point at {place}"));
    for key in ["says", "advice"] {
        let wanted = expected(&scenario, key);
        demand(said.contains(&wanted), format!("does not say \"{wanted}\""));
    }
    demand(output.stdout.is_empty(), "prints on standard output".into());
    demand(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "wrote something".into());
    complaints
}

#[test]
fn malformed_scenarios_are_refused_with_place_words_and_advice() {
    let cases = toml_files(Path::new(FOLDER));
    assert!(cases.len() >= 120, "only {} malformed scenarios found", cases.len());
    let complaints: Vec<String> = cases.iter().flat_map(|file| examine(file)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn force_replaces_an_existing_record() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record.h5");
    std::fs::write(&record, "precious").unwrap();
    let arguments = ["scenario", "tests/cmd/existing-record.in/good.toml", "--force", "-o", record.to_str().unwrap()];
    let output = fpsolve(Path::new("."), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert!(std::fs::metadata(&record).unwrap().len() > 1000);
}

#[test]
fn a_huge_scenario_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("huge.toml"), "# \n".repeat(400_000)).unwrap();
    let output = fpsolve(folder.path(), &["check", "huge.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("(1 MiB)"), "{}", words(&output));
}

/// Started by mpirun as three processes: none of them does anything, and the first says why.
#[cfg(not(feature = "mpi"))]
#[test]
fn a_program_without_mpi_does_not_run_several_times() {
    for (rank, said) in [("0", "fpsolve was started as 3 processes, but this program was built without MPI"), ("1", "")]
    {
        let mut command = common::command(Path::new("."), &["scenario", "scenarios/transient.toml", "-o", "/dev/null"]);
        let output = command.env("OMPI_COMM_WORLD_SIZE", "3").env("OMPI_COMM_WORLD_RANK", rank).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(words(&output).contains(said) && (rank == "0" || output.stderr.is_empty()), "{}", words(&output));
    }
}
