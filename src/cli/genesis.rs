//! `fpsolve genesis FILE`: how critical points come and go with a parameter, and which sample makes which minimum.

use std::path::{Path, PathBuf};

use clap::Args as _;

use super::landscape::{compute, pictures};
use super::output;
use super::scenario::Way;
use crate::engine::fokker_planck;
use crate::error::{self, Failure, Outcome};
use crate::genesis;
use crate::limits;
use crate::record::provenance::Provenance;
use crate::run::Status;
use crate::signal;

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "genesis",
    about: "How minima come and go with a parameter, and which sample makes which minimum",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve genesis`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The scenario's table [genesis] names a parameter: the weight of a sample (\"data.weight.5\"), the noise of a teacher (\"data.noise\"), or \
any number that the loss depends on (\"model.parameters.a\", \"dynamics.importance.c\"). Minima, saddles and maxima are followed \
over its range as branches of ∇L = 0; folds, where a minimum and a saddle meet and vanish, are located to rounding. With \
leave_one_out = true the samples that move each minimum most are taken out one by one: which of them makes it, and how little \
of its weight suffices? Nothing moves in time.
Written: NAME-genesis.h5 and the pictures -bifurcation, -branch-fits and -leave-one-out (.png, .svg), those there is something for.

Examples:
  fpsolve genesis scenarios/genesis.toml
  fpsolve genesis mine.toml --set genesis.parameter=model.parameters.a --set genesis.to=2
  fpsolve genesis scenarios/transient-2d.toml --set genesis.leave_one_out=5"
)]
struct Args {
    /// The scenario (TOML; .json and .yaml too), or - for standard input
    file: PathBuf,
    /// File of the record, or a folder [default: NAME-genesis.h5]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Override a key of the scenario
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    data: super::DataFolders,
    #[command(flatten)]
    way: Way,
    /// Replace existing files
    #[arg(short, long)]
    force: bool,
}

/// Reads, computes, writes, reports.
fn run(args: &Args) -> Result<Outcome, Failure> {
    args.way.begin()?;
    let engine = format!("engines=[\"{}\"]", fokker_planck::ENTRY.word);
    let mut scenario = args.data.load(&args.file, &[&args.set[..], &[engine]].concat())?;
    (scenario.expect, scenario.compare) = (Vec::new(), Vec::new());
    let stem = format!("{}-genesis.h5", scenario.output_file().with_extension("").display());
    let path = output::choose(&scenario, args.output.as_deref(), Path::new(&stem), args.force)?;
    limits::check(&scenario, &scenario.engines_to_run()?, args.way.memory())?;
    signal::end_above(args.way.memory());
    let provenance = Provenance::start();
    let (tell, told) = std::sync::mpsc::channel();
    let name = scenario.name.clone();
    let run = compute(scenario, &args.way, (&[], false), move |scenario, prepared, run, say| {
        let found = genesis::compute(scenario, prepared, &signal::interrupted, say)?;
        let grid = &prepared.problem.grid;
        run.record.groups.push(genesis::group(grid, &found));
        let _ = tell.send(genesis::report(grid, &found));
        Ok(())
    });
    let mut run = match run {
        Err(_) if signal::interrupted() => return Ok(interrupted()),
        run => run?,
    };
    provenance.fill(run.record.group_mut("provenance"));
    if let Some(failure) = &run.failure {
        return Err(Failure::run(error::solver(failure)));
    }
    if run.status == Status::Interrupted {
        return Ok(interrupted());
    }
    let path = output::write(&run.record, &path, args.force)?;
    let mut files = vec![path.clone()];
    let (drawn, all) = pictures(&run.record, &["bifurcation", "branch-fits", "leave-one-out"], &path)?;
    files.extend(drawn);
    if !args.way.shown.quiet {
        super::print(&crate::text::wrapped(&format!("{name}\n{}", told.try_recv().unwrap_or_default())))?;
        super::print(&files.iter().map(|file| format!("  wrote {}\n", file.display())).collect::<String>())?;
    }
    Ok(if all { Outcome::Done } else { Outcome::Interrupted })
}

/// Half a branch says nothing.
fn interrupted() -> Outcome {
    super::tell("interrupted: nothing was written\n");
    Outcome::Interrupted
}
