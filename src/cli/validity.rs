//! `fpsolve validity FILE`: where over learning rate and batch size the SDE says what SGD does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args as _;
use fpsolve_solvers::Error;

use super::output;
use super::progress::{Progress, Shown};
use crate::error::{self, Failure, Outcome};
use crate::record::Record;
use crate::record::provenance::Provenance;
use crate::run::{Doing, Status, heading};
use crate::scenario::Scenario;
use crate::signal;
use crate::validity::{Map, compute, csv, group, report, resumed};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "validity",
    about: "Map over learning rate and batch size: where the SDE says what SGD does",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve validity`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The scenario's table [validity] has the ranges and the thresholds. For each pair of learning rate and batch size the law of \
SGD is held against the SDE of orders 1, 2 and 3: total variation and Wasserstein distance in the long run, and the \
ratio of the mean times of the one first passage of [analysis]. On one axis without sampling noise, with bars from two \
grids; elsewhere by the ensembles of [sgd], with their noise floors. Coarse first, then along the boundaries.
Written beside the table: NAME-validity.h5, .csv, .png and .svg. An interrupted map goes on with --resume.

Examples:
  fpsolve validity scenarios/validity-skewed.toml
  fpsolve validity scenarios/validity.toml --set validity.every=true -o runs/map.h5"
)]
struct Args {
    /// The scenario (TOML; .json and .yaml too), or - for standard input
    file: PathBuf,
    /// File of the record, or a folder [default: NAME-validity.h5]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Override a key of the scenario
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    data: super::DataFolders,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Go on with the map in the record that is there, instead of computing it anew
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    shown: Shown,
    /// Replace existing files
    #[arg(short, long)]
    force: bool,
}

/// How far the map came.
#[derive(Clone)]
struct Drawn {
    record: Record,
    map: Option<Map>,
    status: Status,
}

/// Reads, checks, maps, writes, reports.
fn run(args: &Args) -> Result<Outcome, Failure> {
    super::watch_signals()?;
    super::set_threads(args.threads.map(usize::from))?;
    let scenario = args.data.load(&args.file, &args.set)?;
    let name = scenario.name.clone();
    let file = scenario.output_file().with_extension("");
    let file = PathBuf::from(format!("{}-validity.h5", file.display()));
    let force = args.force || args.resume;
    let path = output::choose(&scenario, args.output.as_deref(), &file, force)?;
    output::table(&scenario, &path, force)?;
    let before = if args.resume { Some(earlier(&path)?) } else { None };
    let provenance = Provenance::start();
    let Drawn { mut record, map, status } = draw(scenario, before, path.clone(), args.shown)?;
    let Some(map) = map else {
        super::tell("interrupted: nothing was mapped yet, and nothing was written\n");
        return Ok(Outcome::Interrupted);
    };
    record.groups.push(group(&map));
    provenance.fill(record.group_mut("provenance"));
    let path = output::write(&record, &path, force)?;
    let table = path.with_extension("csv");
    output::write_table(&table, &csv(&map))?;
    let (pictures, all) = output::pictures(&record, vec![("validity", path.with_extension(""))], &path)?;
    if !args.shown.quiet {
        let files = [vec![path, table], pictures].concat();
        super::print(&crate::text::wrapped(&report(&name, &map, status)))?;
        super::print(&files.iter().map(|file| format!("  wrote {}\n", file.display())).collect::<String>())?;
    }
    Ok(if status == Status::Interrupted || !all { Outcome::Interrupted } else { Outcome::Done })
}

/// The record that `--resume` goes on with. Errors: none there.
fn earlier(path: &Path) -> Result<Record, Failure> {
    crate::record::hdf5::read(path).map_err(|why| {
        let message = format!("there is no map to go on with: {why}");
        Failure::input(error::advice(message, "leave out --resume, or name its record with -o"))
    })
}

/// Computes the map; what was reached, where the user does not want to wait for the end.
fn draw(scenario: Scenario, before: Option<Record>, path: PathBuf, shown: Shown) -> Result<Drawn, Failure> {
    let nothing = Drawn { record: Record::new(&scenario.name), map: None, status: Status::Interrupted };
    let reached = Arc::new(Mutex::new(nothing));
    let told = Arc::clone(&reached);
    let progress = Arc::new(Progress::begin(shown, "mapping"));
    let show = Arc::clone(&progress);
    let work = move || {
        let Some(written) = scenario.validity.clone() else {
            let help = "write for example\n[validity]\nlearning_rate = { from = 0.02, to = 0.4, points = 8 }\nbatch_size = [1, 2, 4, 8]";
            let message = "the scenario has no table [validity]";
            return Err(Failure::input(scenario.source.error(&(0..0), message, "nothing to map", help)));
        };
        let prepared = scenario.problem()?;
        if prepared.problem.minibatch.is_none() || prepared.problem.model.data().is_none() {
            let message =
                "a map over learning rate and batch size needs a model with samples, a learning rate and a batch size";
            let help =
                "take kind = \"sample-loss\" or \"tanh-regression\" with [model.data], and learning_rate in [dynamics]";
            return Err(Failure::input(scenario.source.error(
                &written.learning_rate.span,
                message,
                "no batches here",
                help,
            )));
        }
        let mut map = Map::of(&scenario, &written, &prepared)?;
        if let Some(record) = before
            && !resumed(&mut map, &record, &prepared.text)
        {
            let message = format!("{} holds the map of another scenario", path.display());
            return Err(Failure::input(error::advice(message, "leave out --resume to compute this one")));
        }
        let tell = |map: &Map| {
            let record = heading(&prepared, &prepared.problem, Status::Interrupted);
            let mut reached = told.lock().unwrap_or_else(PoisonError::into_inner);
            *reached = Drawn { record, map: Some(map.clone()), status: Status::Interrupted };
        };
        tell(&map);
        let done = compute(
            &scenario,
            written.every,
            &mut map,
            &signal::interrupted,
            &|what| show.say(&Doing::Detail(what)),
            &tell,
        )?;
        let status = if done { Status::Complete } else { Status::of(&[Error::Interrupted { time: 0.0 }]) };
        let record = heading(&prepared, &prepared.problem, status);
        Ok(Drawn { record, map: Some(map), status })
    };
    let abandoned = || Ok(reached.lock().unwrap_or_else(PoisonError::into_inner).clone());
    let drawn = signal::attended(work).unwrap_or_else(&abandoned);
    progress.end();
    // an interruption may be what made it fail
    if drawn.is_err() && signal::interrupted() { abandoned() } else { drawn }
}
