//! The suite `cross`: scenarios, whose engines are held against each other and against the numbers that they expect.

use std::path::{Path, PathBuf};
use std::time::Instant;

use fpsolve_validation::suite::Row;
use include_dir::{Dir, include_dir};

use super::{CROSS, Check};
use crate::error::{self, Failure};
use crate::limits::{self, work};
use crate::run::{Reached, Run, Status, run as run_engines};
use crate::signal;

/// The scenarios that the program ships with, and their data.
static SHIPPED: Dir = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// Runs each scenario and judges it; None where it was interrupted. Errors: those of a scenario.
pub(super) fn checks(
    files: &[PathBuf],
    load: &dyn Fn(&Path) -> Result<crate::scenario::Scenario, Failure>,
) -> Result<Option<Vec<Check>>, Failure> {
    let mut checks = Vec::new();
    for file in files {
        let start = Instant::now();
        let scenario = load(file)?;
        limits::check(&scenario, &scenario.engines_to_run()?, limits::default_limit())?;
        super::super::tell(&format!("running {}\n", scenario.name));
        let name = scenario.name.clone();
        let work = move || {
            let prepared = scenario.problem()?;
            work::count(&scenario, &prepared)?;
            let reached = Reached::nothing_of(&scenario);
            Ok::<_, Failure>(run_engines(&prepared, &signal::interrupted, &|_| {}, &reached))
        };
        let Some(run) = signal::attended(work).transpose()? else { return Ok(None) };
        if run.status == Status::Interrupted {
            return Ok(None);
        }
        add(&name, &run, start.elapsed().as_secs_f64(), &mut checks);
    }
    Ok(Some(checks))
}

fn add(name: &str, run: &Run, seconds: f64, checks: &mut Vec<Check>) {
    let why = run.failure.as_ref().map(ToString::to_string).unwrap_or_else(|| format!("{seconds:.1} s"));
    let mut push =
        |what: String, (value, word): (f64, Option<String>), bound: f64, passed: bool, why: String, seconds: f64| {
            let row = Row { what, value, expected: None, bound, least: None, passed, why };
            checks.push(Check { suite: CROSS, row, word, seconds });
        };
    let complete = run.status == Status::Complete;
    let failed = f64::from(u8::from(!complete));
    push(format!("{name}: run"), (failed, Some(run.status.word().into())), 0.0, complete, why, seconds);
    for verdict in &run.verdicts {
        let what = format!("{name}: {}", verdict.name);
        push(what, (verdict.value, None), verdict.bound, verdict.passed, verdict.why.clone(), 0.0);
    }
}

/// Writes the shipped scenarios and their data into `folder`.
pub(super) fn shipped(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failure = |e| {
        Failure::run(error::advice(format!("cannot unpack the shipped scenarios: {e}"), "check the space in TMPDIR"))
    };
    SHIPPED.extract(folder).map_err(failure)?;
    collect(&[folder.to_path_buf()])
}

/// The scenario files among `paths`: files as they are, of folders every `*.toml`, in the order of their names.
pub(super) fn collect(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|e| {
            Failure::input(error::advice(
                format!("cannot read the folder {}: {e}", path.display()),
                "check its permissions",
            ))
        })?;
        let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        found.retain(|file| file.extension().is_some_and(|e| e == "toml"));
        found.sort();
        files.extend(found);
    }
    if files.is_empty() {
        return Err(Failure::input(error::advice(
            "there is no scenario to run",
            "name a .toml file or a folder with some",
        )));
    }
    Ok(files)
}
