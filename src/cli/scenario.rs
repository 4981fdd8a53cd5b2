//! `fpsolve scenario FILE`: run a scenario and write its record.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as _;

use super::output;
use crate::engine::{self, EngineEntry};
use crate::error::{self, Failure, Outcome};
use crate::record::provenance::Provenance;
use crate::run::{Reached, Run, Status, run as run_engines};
use crate::scenario::Scenario;
use crate::summary::summary;
use crate::text::parse_size;
use crate::{limits, signal};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "scenario",
    about: "Run a scenario and write its record",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve scenario`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  fpsolve scenario scenarios/transient.toml
  fpsolve scenario scenarios/transient.toml -o runs/hot.h5 --set dynamics.learning_rate=0.4 --set grid.axes.0.cells=200
  fpsolve scenario scenarios/transient.toml --engine fokker-planck --engine sgd")]
struct Args {
    /// The scenario (TOML; .json and .yaml too), or - for standard input
    file: PathBuf,
    /// File of the record, or a folder for it [default: NAME.h5 in the working directory]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Override a key of the scenario; lists by number: grid.axes.0.cells=128
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    data: super::DataFolders,
    /// Run this engine instead of those the scenario names (may be repeated)
    #[arg(long, value_name = "NAME", value_parser = read_engine)]
    engine: Vec<&'static EngineEntry>,
    /// Threads to use; the record does not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Refuse to start if the run needs more memory [default: half of what is available]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    memory_limit: Option<u64>,
    /// Print errors only
    #[arg(short, long)]
    quiet: bool,
    /// Replace an existing record
    #[arg(short, long)]
    force: bool,
}

/// The engine with this name.
pub(super) fn read_engine(word: &str) -> Result<&'static EngineEntry, String> {
    engine::find(word).ok_or_else(|| format!("the engines are {}", engine::words().join(", ")))
}

/// Overrides as `--set` gives them, and the engines of `--engine` as one more.
pub(super) fn overrides(set: &[String], engines: &[&EngineEntry]) -> Vec<String> {
    let mut overrides = set.to_vec();
    if !engines.is_empty() {
        let words: Vec<String> = engines.iter().map(|engine| format!("\"{}\"", engine.word)).collect();
        overrides.push(format!("engines=[{}]", words.join(", ")));
    }
    overrides
}

/// Reads, checks, runs, writes, reports.
fn run(args: &Args) -> Result<Outcome, Failure> {
    super::watch_signals()?;
    super::set_threads(args.threads.map(usize::from))?; // before memory is estimated, which depends on their number
    let scenario = args.data.load(&args.file, &overrides(&args.set, &args.engine))?;
    let path = output::choose(args.output.as_deref(), &scenario.output_file(), args.force)?;
    limits::check(&scenario, &scenario.engines_to_run()?, args.memory_limit.unwrap_or_else(limits::default_limit))?;
    let provenance = Provenance::start();
    let mut run = compute(scenario, args.quiet)?;
    provenance.fill(run.record.group_mut("provenance"));
    let path = output::write(&run.record, &path, args.force)?;
    if !args.quiet {
        super::print_summary(&format!("{}  record: {}\n", summary(&run.record), path.display()))?;
    }
    match (run.status, run.failure) {
        // the record is written: a failed run, whatever the engine complained about
        (_, Some(e)) => Err(Failure::run(error::solver(&e))),
        (Status::Interrupted, None) => Ok(Outcome::Interrupted),
        _ if run.verdicts.iter().all(|verdict| verdict.passed) => Ok(Outcome::Done),
        _ => Ok(Outcome::VerdictFailed),
    }
}

/// Builds the problem and runs it; what was reached, where the user does not want to wait for the end of either.
fn compute(scenario: Scenario, quiet: bool) -> Result<Run, Failure> {
    let reached = Arc::new(Reached::nothing_of(&scenario));
    let told = Arc::clone(&reached);
    let work = move || {
        let prepared = scenario.problem()?;
        super::check_work(&scenario, &prepared, quiet)?;
        Ok(run_engines(&prepared, &signal::interrupted, &progress(quiet), &told))
    };
    signal::attended(work).unwrap_or_else(|| Ok(reached.abandoned()))
}

/// Shows on a terminal what the run is doing, on one line that is written over.
pub(super) fn progress(quiet: bool) -> impl Fn(&str) {
    let show = !quiet && std::io::stderr().is_terminal();
    move |line: &str| {
        if show {
            super::tell(&format!("\r\x1b[K{line}"));
        }
    }
}
