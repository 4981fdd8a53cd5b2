//! `fpsolve sweep FILE`: a scenario at many values of its keys, and one table of numbers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as _;

use super::output;
use super::progress::Progress;
use super::scenario::{Way, overrides, read_engine};
use crate::engine::EngineEntry;
use crate::error::{self, Failure, Outcome};
use crate::ranks::ranks;
use crate::record::hdf5;
use crate::record::provenance::Provenance;
use crate::run::Status;
use crate::scenario::Scenario;
use crate::scenario::sweep::{Sweep, Swept};
use crate::signal;
use crate::sweep::{Asked, Board, Cases, Plan, Standing, carry_out, heading, report, table};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "sweep",
    about: "Run a scenario at many values of its keys and collect numbers in one table",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve sweep`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Values are lists (1,2,4) or ranges (FROM..TO:POINTS, FROM..TO:POINTS:log); several --over make a grid, keys of \
--zip vary together. The scenario's table [sweep] may hold the same. Paths are those of [expect]; standard errors and \
errors by the grid come with them.

Every case has a record in NAME-sweep/: the same sweep again goes on where it stopped, or with more values. The table \
is /sweep in NAME-sweep.h5 (xarray opens it), the picture stands beside it. With --shard K/N a process computes its \
part of the cases and writes no table; the same without it gathers. Under mpirun -n P, built with MPI, P processes \
share the cases.

Examples:
  fpsolve sweep scenarios/escape-law.toml
  fpsolve sweep scenarios/escape.toml --over seed=1..8:8 --collect escape/barrier/langevin_mean
  fpsolve sweep mine.toml --over dynamics.batch_size=1,2,4 --collect sgd/mean/-1/w
  fpsolve sweep mine.toml --zip langevin.step=0.1,0.05 --zip langevin.walkers=1000,4000 --shard 2/8"
)]
struct Args {
    /// The scenario (TOML; .json and .yaml too), or - for standard input
    file: PathBuf,
    /// A key and its values (may be repeated: a grid)
    #[arg(long, value_name = "KEY=VALUES")]
    over: Vec<String>,
    /// A key whose values go with those of the other --zip
    #[arg(long, value_name = "KEY=VALUES")]
    zip: Vec<String>,
    /// Numbers to collect from every record, by their paths (may be repeated)
    #[arg(long, value_name = "PATH,…", value_delimiter = ',')]
    collect: Vec<String>,
    /// File of the table, or a folder [default: NAME-sweep.h5]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Override a key of the scenario for all cases
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    data: super::DataFolders,
    /// Run this engine instead of those the scenario names (may be repeated)
    #[arg(long, value_name = "NAME", value_parser = read_engine)]
    engine: Vec<&'static EngineEntry>,
    /// Compute every N-th case from the K-th on, no table: for job arrays
    #[arg(long, value_name = "K/N", value_parser = read_shard)]
    shard: Option<[usize; 2]>,
    #[command(flatten)]
    way: Way,
    /// Replace a file that is no table of a sweep
    #[arg(short, long)]
    force: bool,
}

fn read_shard(text: &str) -> Result<[usize; 2], String> {
    let parts = text.split_once('/').and_then(|(k, n)| Some([k.parse().ok()?, n.parse().ok()?]));
    parts.filter(|&[k, n]| 1 <= k && k <= n).ok_or_else(|| "write K/N with K from 1 to N, for example 2/8".into())
}

/// Reads, computes what is not there yet, writes the table and the picture, reports.
fn run(args: &Args) -> Result<Outcome, Failure> {
    args.way.begin()?;
    if args.shard.is_some() && ranks().size() > 1 {
        let message = "--shard divides the cases among programs that know nothing of each other, and mpirun has started processes that do";
        return Err(Failure::input(error::advice(message, "leave one of them out")));
    }
    let set = overrides(&args.set, &args.engine);
    let scenario = args.data.load(&args.file, &set)?;
    let plan = plan(args, scenario.sweep.clone())?;
    let stem = format!("{}-sweep.h5", scenario.output_file().with_extension("").display());
    let path = choose(args, &scenario, Path::new(&stem))?;
    let (name, text) = (scenario.name.clone(), scenario.source.text.clone());
    let cases = Cases::of(&scenario.source);
    let (memory, at_a_time) = (args.way.memory(), rayon::current_num_threads());
    signal::end_above(memory);
    let folder = path.with_extension("");
    let asked =
        Asked { plan: plan.clone(), cases, folder, memory, at_a_time, shard: args.shard, threads: args.way.threads() };
    let provenance = Provenance::start();
    let board = Arc::new(Board::default());
    let done = compute(args, asked, &board)?;
    let status = if done { Status::Complete } else { Status::Interrupted };
    let answers = board.answers();
    let mut all = true;
    if args.shard.is_none() {
        let mut record = heading(board.heading(), &text, status);
        record.groups.push(table(&plan, &answers));
        provenance.fill(record.group_mut("provenance"));
        let path = output::write(&record, &path, true)?;
        let pictures;
        (pictures, all) = output::pictures(&record, vec![("sweep", path.with_extension(""))], &path)?;
        if !args.way.shown.quiet {
            super::print(&crate::text::wrapped(&report(&name, &plan, &answers)))?;
            let files = [vec![path], pictures].concat();
            super::print(&files.iter().map(|file| format!("  wrote {}\n", file.display())).collect::<String>())?;
        }
    } else if !args.way.shown.quiet {
        let [k, n] = args.shard.unwrap_or([1, 1]);
        let said = format!(
            "{name}: part {k} of {n}: {} of {} cases answered; the same without --shard gathers them\n",
            answers.len(),
            plan.cases()
        );
        super::print(&said)?;
    }
    Ok(outcome(done && all, &answers.values().map(|answer| answer.outcome).collect::<Vec<_>>()))
}

/// How a sweep ends: done where every case is; refused where all are, for one reason; else failed, or as its verdicts.
fn outcome(done: bool, each: &[Outcome]) -> Outcome {
    let is = |wanted: Outcome| each.contains(&wanted);
    match each {
        _ if !done => Outcome::Interrupted,
        [first, others @ ..] if others.iter().all(|other| other == first) => *first,
        _ if is(Outcome::RunFailed) || is(Outcome::BadInput) || is(Outcome::TooLarge) => Outcome::RunFailed,
        _ if is(Outcome::VerdictFailed) => Outcome::VerdictFailed,
        _ => Outcome::Done,
    }
}

/// What varies and what is collected: of the command line, else of the scenario. Errors: those of [`Plan::new`].
fn plan(args: &Args, written: Option<Sweep>) -> Result<Plan, Failure> {
    let read = |list: &[String]| list.iter().map(|text| Swept::parse(text)).collect::<Result<Vec<_>, _>>();
    let mut sweep = written.unwrap_or_default();
    let (over, zip) = (read(&args.over).map_err(miette::Report::from)?, read(&args.zip).map_err(miette::Report::from)?);
    if !over.is_empty() || !zip.is_empty() {
        (sweep.over, sweep.zip) = (over, zip);
    }
    if !args.collect.is_empty() {
        sweep.collect = args.collect.iter().map(|path| path.trim().to_string()).collect();
    }
    Ok(Plan::new(&sweep)?)
}

/// The path of the table; one of an earlier sweep is replaced. Errors: those of [`output::choose`].
fn choose(args: &Args, scenario: &Scenario, name: &Path) -> Result<PathBuf, Failure> {
    let there = match args.output.as_deref() {
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(file) => file.to_path_buf(),
        None => name.to_path_buf(),
    };
    let is_table = there.is_file() && hdf5::read(&there).is_ok_and(|record| record.group("sweep").is_some());
    output::choose(scenario, args.output.as_deref(), name, args.force || is_table)
}

/// Computes the cases; whether all were answered.
fn compute(args: &Args, asked: Asked, board: &Arc<Board>) -> Result<bool, Failure> {
    let progress = Progress::begin(args.way.shown, "reading the cases");
    let here = Arc::clone(board);
    let mut shown = None;
    let meanwhile = || {
        board.look().iter().for_each(|warning| super::tell(warning));
        let standing = board.standing();
        if standing.open > 0 && shown != Some(standing) {
            shown = Some(standing);
            progress.count(&words(standing), standing.done, standing.open);
        }
    };
    let done = signal::attended_with(move || carry_out(&asked, &here), meanwhile);
    progress.end();
    done.unwrap_or_else(|| {
        board.keep();
        Ok(false)
    })
}

fn words(standing: Standing) -> String {
    let failed = if standing.failed > 0 { format!(", {} failed or refused", standing.failed) } else { String::new() };
    format!("{} of {} cases{failed}", standing.done, standing.open)
}
