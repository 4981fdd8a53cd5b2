//! `fpsolve scenario FILE`: run a scenario and write its record.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as _;
use fpsolve_solvers::engine::State;

use super::output;
use super::progress::{Progress, Shown};
use super::time_limit::TimeLimit;
use crate::engine::{self, EngineEntry};
use crate::error::{self, Failure, Outcome};
use crate::record::hdf5::Existing;
use crate::record::provenance::Provenance;
use crate::run::checkpoints::Checkpoints;
use crate::run::{Doing, Reached, Run, Status, run_together};
use crate::scenario::Scenario;
use crate::summary::summary;
use crate::text::parse_size;
use crate::{limits, ranks, signal};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "scenario",
    about: "Run a scenario and write its record",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve scenario`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Under mpirun -n P, built with MPI, P processes compute the walkers: the same numbers.

Examples:
  fpsolve scenario scenarios/transient.toml
  fpsolve scenario scenarios/transient.toml -o runs/hot.h5 --set dynamics.learning_rate=0.4
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
    #[command(flatten)]
    way: Way,
    /// Replace an existing record
    #[arg(short, long)]
    force: bool,
}

/// How a run is carried out, whatever it computes.
#[derive(Debug, clap::Args)]
pub(super) struct Way {
    /// Threads to use; the record does not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Refuse a run that needs more memory [default: half of what is there]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    memory_limit: Option<u64>,
    #[command(flatten)]
    time: TimeLimit,
    #[command(flatten)]
    pub(super) shown: Shown,
}

impl Way {
    /// Bytes that a run may take.
    pub(super) fn memory(&self) -> u64 {
        self.memory_limit.unwrap_or_else(|| limits::default_limit() / ranks::processes() as u64)
    }

    /// Threads that the user asks for.
    pub(super) fn threads(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }

    /// Listens to signals, starts the clock of the time limit and the threads. Errors: the system refuses.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        super::watch_signals()?;
        self.time.begin();
        super::set_threads(self.threads().or_else(ranks::threads)) // before memory is estimated, which depends on their number
    }
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
    args.way.begin()?;
    let scenario = args.data.load(&args.file, &overrides(&args.set, &args.engine))?;
    let path = output::choose(&scenario, args.output.as_deref(), &scenario.output_file(), args.force)?;
    carry_out(scenario, State::default(), &args.way, &path, args.force)
}

/// Runs a scenario, from where an earlier run had come to; writes and reports.
pub(super) fn carry_out(
    scenario: Scenario,
    earlier: State,
    way: &Way,
    path: &Path,
    force: bool,
) -> Result<Outcome, Failure> {
    let memory = way.memory();
    limits::check(&scenario, &scenario.engines_to_run()?, memory)?;
    signal::end_above(memory);
    let provenance = Arc::new(Provenance::start());
    let reached = Arc::new(Reached::from(&scenario, earlier));
    let existing = if force { Existing::Replaced } else { Existing::Kept };
    let mut checkpoints = Checkpoints::new(&reached, &provenance, path, existing);
    let mut run = compute(scenario, (way, memory), &reached, &mut checkpoints)?;
    provenance.fill(run.record.group_mut("provenance"));
    let path = output::write(&run.record, path, force || checkpoints.written)?;
    if !way.shown.quiet {
        super::print_summary(&format!("{}  record: {}\n", summary(&run.record), path.display()))?;
    }
    match (run.status, run.failure) {
        // the record is written: a failed run, whatever the engine complained about
        (_, Some(e)) => Err(Failure::run(error::solver(&e))),
        (Status::Interrupted, None) => {
            if let Some(limit) = signal::limit_reached() {
                super::tell(&format!("the {limit} limit is over: the record holds what was reached\n"));
            }
            Ok(Outcome::Interrupted)
        }
        _ if run.verdicts.iter().all(|verdict| verdict.passed) => Ok(Outcome::Done),
        _ => Ok(Outcome::VerdictFailed),
    }
}

/// Builds the problem and runs it; what was reached, where the user does not want to wait for the end of either.
fn compute(
    scenario: Scenario,
    (way, memory): (&Way, u64),
    reached: &Arc<Reached>,
    checkpoints: &mut Checkpoints,
) -> Result<Run, Failure> {
    let (time, shown) = (way.time, way.shown);
    let told = Arc::clone(reached);
    let progress = Arc::new(Progress::begin(shown, "reading the data and evaluating the model"));
    let show = Arc::clone(&progress);
    let (ranks, threads) = (ranks::ranks(), way.threads());
    let work = move || {
        told.note_data(&scenario)?;
        ranks::prepare(&*ranks, &scenario.source, threads);
        let prepared = scenario.problem()?;
        limits::check_built(&scenario, &prepared, memory)?;
        show.say(&Doing::Detail("estimating how long it will take"));
        let expected = time.check(&scenario, &prepared, shown.quiet)?;
        limits::check_measured(&scenario, &prepared, &expected, memory)?;
        show.expect(expected);
        ranks::prepared(&*ranks)?;
        Ok(run_together(&ranks, &prepared, &signal::interrupted, &|doing| show.say(doing), &told))
    };
    let look = || checkpoints.look().iter().for_each(|warning| super::tell(warning));
    let run = signal::attended_with(move || error::caught(work), look);
    progress.end();
    match run {
        None => time.left_by_the_estimate().map(|()| reached.abandoned()),
        Some(Ok(run)) => run,
        // what was reached before a panic is not lost
        Some(Err(panic)) => reached.broken(&panic).ok_or_else(|| {
            let message = format!("this is a bug in fpsolve: {panic}");
            Failure::run(error::advice(message, "please report it with the scenario and these lines"))
        }),
    }
}
