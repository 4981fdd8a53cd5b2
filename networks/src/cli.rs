//! `fpsolve-network FILE`, which `fpsolve network FILE` calls.

use std::path::PathBuf;

use clap::Parser;
use fpsolve::cli::output;
use fpsolve::error::{self, Failure, Outcome};
use fpsolve::run::Status;
use fpsolve::signal;
use fpsolve::summary::summary;

use crate::scenario::Scenario;
use crate::session::{self, Way};
use crate::train::checkpoint;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "fpsolve network",
    bin_name = "fpsolve network",
    version,
    about = "Train networks under importance sampling, compare the ways of drawing, cut slices of their losses",
    after_help = "Every way of drawing of [importance] c is run with every seed of [runs]; then the planes of [[slice]] are tabulated.
The record is one HDF5 file: `fpsolve plot` draws it, `fpsolve show --summary` says what is in it, and a slice of it is the
model of a scenario with [model] kind = \"table\".

Examples:
  fpsolve network networks/scenarios/network-digits.toml
  fpsolve network mine.toml --set training.epochs=5 -o short.h5
  fpsolve network mine.toml --resume

Exit codes: 0 done, 1 the training failed, 2 bad input, 3 an expectation failed, 130 interrupted (the record is still written,
--resume goes on bit for bit)."
)]
struct Args {
    /// The scenario (TOML; .json and .yaml too)
    file: PathBuf,
    /// File of the record, or a folder for it [default: NAME.h5 in the working directory]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Override a key of the scenario; lists by number: runs.seeds.0=7
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    /// Threads to use [default: training.threads, else all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Go on from the checkpoint beside the record
    #[arg(long)]
    resume: bool,
    /// Print errors only
    #[arg(short, long)]
    quiet: bool,
    /// Replace an existing record
    #[arg(short, long)]
    force: bool,
}

/// Reads, trains, writes, reports.
pub fn run() -> Result<Outcome, Failure> {
    let args = Args::parse();
    signal::install().map_err(|why| Failure::run(error::advice(format!("cannot watch for Ctrl-C: {why}"), "")))?;
    let scenario = Scenario::load(&args.file, &args.set)?;
    let inputs = [("the scenario", args.file.clone())];
    let force = args.force || args.resume;
    let path = output::choose_beside(&inputs, args.output.as_deref(), &scenario.output_file(), force)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map(usize::from).or(scenario.training.threads).unwrap_or(cores);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|why| {
        Failure::run(error::advice(format!("cannot start {threads} threads: {why}"), "use fewer --threads"))
    })?;
    let checkpoint = checkpoint::path(&path);
    let way = Way { checkpoint: checkpoint.clone(), resume: args.resume, threads, quiet: args.quiet };
    let finished = session::run(&scenario, &way)?;
    let path = output::write(&finished.record, &path, args.force || args.resume)?;
    if !args.quiet {
        let mut text = format!("{}  record: {}\n", summary(&finished.record), path.display());
        if finished.checkpoint_stays {
            text += &format!("  parameters: {}, from which --resume cuts other slices\n", checkpoint.display());
        }
        print!("{}", fpsolve::text::harmless(&text));
    }
    match finished.status {
        Status::Interrupted => Ok(Outcome::Interrupted),
        Status::Failed => Ok(Outcome::RunFailed),
        Status::Complete => {
            if !finished.checkpoint_stays {
                let _ = std::fs::remove_file(checkpoint);
            }
            let passed = finished.verdicts.iter().all(|verdict| verdict.passed);
            Ok(if passed { Outcome::Done } else { Outcome::VerdictFailed })
        }
    }
}
