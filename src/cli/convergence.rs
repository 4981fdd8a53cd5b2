//! `fpsolve convergence FILE`: the Fokker–Planck part of a scenario on a ladder of grids.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::Args as _;
use fpsolve_solvers::Error;
use fpsolve_solvers::fokker_planck::accuracy::convergence::{Ladder, fixed_discretisation, grids, solve};
use fpsolve_solvers::fokker_planck::{EDGES, FokkerPlanckOptions};
use fpsolve_solvers::problem::Problem;

use super::output;
use super::progress::{Progress, Shown};
use super::scenario::overrides;
use super::time_limit::TimeLimit;
use crate::analysis::modes;
use crate::engine::fokker_planck;
use crate::error::{self, Failure, Outcome};
use crate::record::Record;
use crate::record::provenance::Provenance;
use crate::run::convergence::{GridStudy, csv, report};
use crate::run::heading::root;
use crate::run::{Doing, Status, heading};
use crate::scenario::{Prepared, Scenario, grid};
use crate::text::{parse_size, wrapped};
use crate::{limits, signal};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "convergence",
    about: "Run a scenario on a ladder of grids: errors, observed orders, extrapolated numbers",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve convergence`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The scenario's grid is the finest, each other one has half the cells along every axis; ensembles are left out. \
The table shows the L1 distance of each density to the next finer grid (\"to next\"; transient: the largest over the \
output times), its estimated error, and the observed order: 2 where the grids are fine enough. Written beside the \
table: NAME-convergence.h5, .csv, .png and .svg.

Examples:
  fpsolve convergence scenarios/double-well.toml
  fpsolve convergence scenarios/transient-2d.toml --levels 3 --finer 1
  fpsolve convergence scenarios/student-t.toml --set grid.axes.0.cells=1024 --levels 6 -o tails.h5"
)]
struct Args {
    /// The scenario (TOML; .json and .yaml too), or - for standard input
    file: PathBuf,
    /// Number of grids; fewer where an axis cannot be halved
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(2..=12))]
    levels: u8,
    /// How many of them are finer than the scenario's own grid
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=8))]
    finer: u8,
    /// File of the record, or a folder [default: NAME-convergence.h5]
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
    /// Refuse a finest grid that needs more memory [default: half of what is there]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    memory_limit: Option<u64>,
    #[command(flatten)]
    time: TimeLimit,
    #[command(flatten)]
    shown: Shown,
    /// Replace existing files
    #[arg(short, long)]
    force: bool,
}

/// Reads, checks, climbs the ladder, writes, reports.
fn run(args: &Args) -> Result<Outcome, Failure> {
    super::watch_signals()?;
    args.time.begin();
    super::set_threads(args.threads.map(usize::from))?; // before memory is estimated, which depends on their number
    let engines = [&fokker_planck::ENTRY];
    let mut settings = overrides(&args.set, &engines);
    let written = args.data.load(&args.file, &settings)?;
    settings.extend(finer(&written, args.finer)?);
    let scenario = if args.finer == 0 { written } else { args.data.load(&args.file, &settings)? };
    let name = scenario.output_file().with_extension("");
    let name = PathBuf::from(format!("{}-convergence.h5", name.display()));
    let path = output::choose(&scenario, args.output.as_deref(), &name, args.force)?;
    output::table(&scenario, &path, args.force)?;
    limits::check(&scenario, &engines, args.memory_limit.unwrap_or_else(limits::default_limit))?;
    let provenance = Provenance::start();
    let Climbed { name, mut record, study, failure } =
        climb(scenario, usize::from(args.levels), args.time, args.shown)?;
    let status = Status::of(failure.as_slice());
    record.groups.extend(study.group());
    provenance.fill(record.group_mut("provenance"));
    let path = output::write(&record, &path, args.force)?;
    let (files, all) = beside(&record, &study, &path)?;
    if !args.shown.quiet {
        super::print(&wrapped(&report(&name, &study, usize::from(args.levels), status)))?;
        super::print(&files.iter().map(|file| format!("  wrote {}\n", file.display())).collect::<String>())?;
    }
    match failure {
        None if all => Ok(Outcome::Done),
        None => Ok(Outcome::Interrupted),
        Some(Error::Interrupted { .. }) => Ok(Outcome::Interrupted),
        Some(e) => Err(Failure::run(error::solver(&e))),
    }
}

/// How far the ladder was climbed.
#[derive(Clone)]
struct Climbed {
    /// Name of the scenario.
    name: String,
    /// The root of the record.
    record: Record,
    study: GridStudy,
    failure: Option<Error>,
}

/// Builds the problems and solves them; what was reached, where the user does not want to wait for the end of one.
fn climb(scenario: Scenario, levels: usize, time: TimeLimit, shown: Shown) -> Result<Climbed, Failure> {
    let stopped = Some(Error::Interrupted { time: 0.0 });
    let record = root(
        &scenario.name,
        &scenario.description,
        &scenario.source.text,
        scenario.seed,
        Status::of(stopped.as_slice()),
    );
    let name = scenario.name.clone();
    let reached = Arc::new(Mutex::new(Climbed { name, record, study: GridStudy::default(), failure: stopped.clone() }));
    let told = Arc::clone(&reached);
    let progress = Arc::new(Progress::begin(shown, "reading the data and evaluating the model"));
    let show = Arc::clone(&progress);
    let work = move || {
        let prepared = scenario.problem()?;
        let tell = |study: &GridStudy| {
            let record = heading(&prepared, &prepared.problem, Status::Interrupted);
            let mut reached = told.lock().unwrap_or_else(PoisonError::into_inner);
            (reached.record, reached.study) = (record, study.clone());
        };
        tell(&GridStudy::default());
        time.check(&scenario, &prepared, shown.quiet)?;
        let problems = grids(&prepared.problem, levels)
            .map_err(|e| scenario.source.solver_error(&scenario.grid.span, "this grid", &e))?;
        let (study, failure) = grid_study(&prepared, &problems, &|what| show.say(&Doing::Detail(what)), &tell);
        let record = heading(&prepared, &prepared.problem, Status::of(failure.as_slice()));
        Ok(Climbed { name: scenario.name, record, study, failure })
    };
    let abandoned =
        || time.left_by_the_estimate().map(|()| reached.lock().unwrap_or_else(PoisonError::into_inner).clone());
    let climbed = signal::attended(work).unwrap_or_else(&abandoned);
    progress.end();
    // an interruption may be what made it fail
    match climbed {
        Err(failure) if signal::interrupted() && failure.outcome != Outcome::TooLarge => abandoned(),
        climbed => climbed,
    }
}

/// Overrides that multiply the cells of every axis by 2^`finer`.
fn finer(scenario: &Scenario, finer: u8) -> Result<Vec<String>, Failure> {
    if finer == 0 {
        return Ok(Vec::new());
    }
    let cells = |n: usize| n << finer;
    Ok(match &scenario.grid.value {
        grid::Grid::Axes(axes) => {
            if let Some(axis) = axes.value.iter().find(|axis| matches!(axis.value.spread, grid::Spread::Edges(_))) {
                let message = "--finer cannot refine an axis whose edges are written out";
                let help = "write from, to and cells, with `grading` if the cells shall not be equal";
                return Err(scenario.source.error(&axis.span, message, "these edges", help).into());
            }
            let axes = axes.value.iter().enumerate();
            axes.map(|(k, axis)| format!("grid.axes.{k}.cells={}", cells(axis.value.cells))).collect()
        }
        grid::Grid::Refined { tolerance, .. } => {
            let message = "--finer cannot refine a grid whose cells a tolerance decides on";
            let help = "write a smaller tolerance, or --set the cells and remove `grid.tolerance`";
            return Err(scenario.source.error(&tolerance.span, message, "this tolerance", help).into());
        }
        grid::Grid::Auto { cells: counts, .. } => {
            let counts = counts.value.iter().enumerate();
            counts.map(|(k, &n)| format!("grid.cells.{k}={}", cells(n))).collect()
        }
    })
}

/// Runs the problems one after the other, the coarsest first, until one fails or the user stops it; all with the discretisation that the
/// automatic choice takes on the scenario's own grid, unless its steps serve fewer than two of the grids.
fn grid_study(
    prepared: &Prepared,
    problems: &[Problem],
    progress: &dyn Fn(&str),
    tell: &dyn Fn(&GridStudy),
) -> (GridStudy, Option<Error>) {
    progress("choosing a discretisation");
    let written = prepared.options.of::<FokkerPlanckOptions>();
    let options = match fixed_discretisation(&problems[problems.len() - 1], written, &signal::interrupted) {
        Ok(options) => options,
        Err(error) => return (GridStudy::default(), Some(error)),
    };
    let (study, failure) = study_with(prepared, problems, &options, progress, tell);
    if written.discretisation.is_none() && failure.is_none() && study.ladder.is_none() {
        let edges = FokkerPlanckOptions { discretisation: Some(&EDGES), ..options };
        return study_with(prepared, problems, &edges, progress, tell);
    }
    (study, failure)
}

fn study_with(
    prepared: &Prepared,
    problems: &[Problem],
    options: &FokkerPlanckOptions,
    progress: &dyn Fn(&str),
    tell: &dyn Fn(&GridStudy),
) -> (GridStudy, Option<Error>) {
    let eigenpairs = modes::count(&prepared.analyses);
    let mut study = GridStudy::default();
    for (level, problem) in problems.iter().enumerate() {
        let shape: Vec<String> = problem.grid.shape().iter().map(usize::to_string).collect();
        progress(&format!("{} cells", shape.join(" × ")));
        if signal::interrupted() {
            return (study, Some(Error::Interrupted { time: 0.0 }));
        }
        let start = Instant::now();
        match solve(problem, options, eigenpairs, &signal::interrupted) {
            Ok(solved) => {
                study.solved.push(solved);
                study.seconds.push(start.elapsed().as_secs_f64());
            }
            // a chain whose steps cannot cover the cells of a coarse grid may serve finer ones
            Err(error @ Error::Numerical { .. })
                if options.discretisation.is_some_and(|kind| kind.needs_fine_grid)
                    && study.solved.is_empty()
                    && level + 1 < problems.len() =>
            {
                study.left_out.push(format!("{} cells: {error}", shape.join(" × ")));
            }
            Err(error) => {
                study.ladder = Ladder::new(&study.solved);
                return (study, Some(error));
            }
        }
        study.ladder = Ladder::new(&study.solved);
        tell(&study);
    }
    (study, None)
}

/// Writes table and picture beside the record; returns all files, and whether the picture is among them.
fn beside(record: &Record, study: &GridStudy, path: &Path) -> Result<(Vec<PathBuf>, bool), Failure> {
    let table = path.with_extension("csv");
    output::write_table(&table, &csv(study))?;
    let (pictures, all) = output::pictures(record, vec![("convergence", path.with_extension(""))], path)?;
    Ok(([vec![path.to_path_buf(), table], pictures].concat(), all))
}
