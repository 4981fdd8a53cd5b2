//! `fpsolve validate`: runs scenarios and prints one table of verdicts.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args as _;
use include_dir::{Dir, include_dir};

use crate::error::{self, Failure, Outcome};
use crate::limits::{self, work};
use crate::run::{Reached, Run, Status, run as run_engines};
use crate::signal;
use crate::text::{short, table};

/// The scenarios that the program ships with, and their data.
static SHIPPED: Dir = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "validate",
    about: "Run scenarios and print one table of verdicts",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve validate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  fpsolve validate                            every scenario that comes with fpsolve
  fpsolve validate scenarios/student-t.toml   this one")]
struct Args {
    /// Scenarios, or folders of them [default: those that come with fpsolve]
    #[arg(value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    data: super::DataFolders,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// Runs each scenario and judges it; exit code 3 where a verdict failed, the record of no scenario is kept.
fn run(args: &Args) -> Result<Outcome, Failure> {
    super::set_threads(args.threads.map(usize::from))?;
    super::watch_signals()?;
    let folder =
        tempfile::tempdir().map_err(|e| Failure::run(error::advice(format!("no temporary folder: {e}"), "")))?;
    let files = if args.files.is_empty() { shipped(folder.path())? } else { collect(&args.files)? };
    let mut rows = vec![["scenario", "verdict", "found", "limit", "", "seconds"].map(String::from).to_vec()];
    let mut failed = Vec::new();
    for file in &files {
        let start = Instant::now();
        let mut scenario = args.data.load(file, &[])?;
        let engines = scenario.engines_to_run()?;
        limits::check(&mut scenario, &engines, limits::default_limit())?;
        super::tell(&format!("running {}\n", scenario.name));
        let name = scenario.name.clone();
        let work = move || {
            let prepared = scenario.problem()?;
            work::count(&scenario, &prepared)?;
            let reached = Reached::nothing_of(&scenario);
            Ok::<_, Failure>(run_engines(&prepared, &signal::interrupted, &|_| {}, &reached))
        };
        let Some(run) = signal::attended(work).transpose()? else { return Ok(Outcome::Interrupted) };
        if run.status == Status::Interrupted {
            return Ok(Outcome::Interrupted);
        }
        add_rows(&name, &run, start.elapsed().as_secs_f64(), &mut rows, &mut failed);
    }
    let mut text = String::new();
    table(&rows, &mut text);
    failed.iter().for_each(|line| text += &format!("  FAILED {line}\n"));
    let verdicts = rows.len() - 1;
    text += &format!("  {} of {verdicts} verdicts passed in {} scenarios\n", verdicts - failed.len(), files.len());
    super::print(&text)?;
    Ok(if failed.is_empty() { Outcome::Done } else { Outcome::VerdictFailed })
}

fn add_rows(name: &str, run: &Run, seconds: f64, rows: &mut Vec<Vec<String>>, failed: &mut Vec<String>) {
    let mut name_cell = name.to_string();
    let mut seconds_cell = format!("{seconds:.1}");
    let mut row = |verdict: String, found: String, limit: String, passed: bool| {
        let word = if passed { "passed" } else { "FAILED" };
        let cells = vec![std::mem::take(&mut name_cell), verdict, found, limit, word.into()];
        rows.push([cells, vec![std::mem::take(&mut seconds_cell)]].concat());
    };
    let complete = run.status == Status::Complete;
    row("run".into(), run.status.word().into(), "complete".into(), complete);
    if let Some(failure) = &run.failure {
        failed.push(format!("{name}: {failure}"));
    }
    for verdict in &run.verdicts {
        row(verdict.name.clone(), short(verdict.value), short(verdict.bound), verdict.passed);
        if !verdict.passed {
            failed.push(format!("{name}: {}: {}", verdict.name, verdict.why));
        }
    }
}

/// Writes the shipped scenarios and their data into `folder`.
fn shipped(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failure = |e| {
        Failure::run(error::advice(format!("cannot unpack the shipped scenarios: {e}"), "check the space in TMPDIR"))
    };
    SHIPPED.extract(folder).map_err(failure)?;
    collect(&[folder.to_path_buf()])
}

/// The scenario files among `paths`: files as they are, of folders every `*.toml`, in the order of their names.
fn collect(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
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
