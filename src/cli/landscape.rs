//! `fpsolve landscape FILE`: critical points, basins and merge tree of the loss, and those of Φ = −T ln ρ.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as _;

use super::output;
use super::progress::Progress;
use super::scenario::Way;
use crate::analysis::{AnalysisEntry, critical_points, merge_tree};
use crate::engine::fokker_planck;
use crate::error::{self, Failure, Outcome};
use crate::limits;
use crate::record::provenance::Provenance;
use crate::record::read::{column, find, integers};
use crate::record::{Group, Record, Values};
use crate::run::{Doing, Reached, Run, Status, run as run_engines};
use crate::scenario::{Prepared, Scenario};
use crate::signal;
use crate::text::{beside, short, table, wrapped};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "landscape",
    about: "Minima, saddles and maxima of the loss, its basins and the barriers between them",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve landscape`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every critical point of the loss in the box (with importance sampling: of the loss that is descended), polished by Newton's \
method, with the eigenvalues of its Hessian and the diffusion matrix there; the basins, and the tree in which they meet: over \
which saddle, and how high. Beside it the same of Φ = −T ln ρ, the landscape that the noise makes of it. Nothing moves in time.
Written: NAME-landscape.h5, the pictures -basins and, in two variables, -relief (.png, .svg).

Examples:
  fpsolve landscape scenarios/genesis.toml
  fpsolve landscape scenarios/joint.toml --loss-only -o runs/joint.h5"
)]
struct Args {
    /// The scenario (TOML; .json and .yaml too), or - for standard input
    file: PathBuf,
    /// File of the record, or a folder [default: NAME-landscape.h5]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Override a key of the scenario
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    data: super::DataFolders,
    /// Leave out the stationary density and the landscape of Φ
    #[arg(long)]
    loss_only: bool,
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
    let own = [engine, "analysis.critical_points=true".into(), "analysis.merge_tree=true".into()];
    let mut scenario = args.data.load(&args.file, &[&args.set[..], &own].concat())?;
    (scenario.expect, scenario.compare) = (Vec::new(), Vec::new());
    let stem = format!("{}-landscape.h5", scenario.output_file().with_extension("").display());
    let path = output::choose(&scenario, args.output.as_deref(), Path::new(&stem), args.force)?;
    let memory = args.way.memory();
    limits::check(&scenario, &scenario.engines_to_run()?, memory)?;
    signal::end_above(memory);
    let provenance = Provenance::start();
    let wanted = [&critical_points::ENTRY, &merge_tree::ENTRY];
    let mut run = match compute(scenario, &args.way, (&wanted, !args.loss_only), |_, _, _, _| Ok(())) {
        // an interruption may be what made it fail
        Err(failure) if signal::interrupted() && failure.outcome != Outcome::TooLarge => {
            super::tell("interrupted: nothing was written\n");
            return Ok(Outcome::Interrupted);
        }
        run => run?,
    };
    provenance.fill(run.record.group_mut("provenance"));
    if let Some(failure) = &run.failure {
        return Err(Failure::run(error::solver(failure)));
    }
    let path = output::write(&run.record, &path, args.force)?;
    let mut files = vec![path.clone()];
    let (drawn, all) = pictures(&run.record, &["basins", "relief"], &path)?;
    files.extend(drawn);
    if !args.way.shown.quiet {
        super::print(&wrapped(&report(&run.record)))?;
        super::print(&files.iter().map(|file| format!("  wrote {}\n", file.display())).collect::<String>())?;
    }
    Ok(if run.status == Status::Interrupted || !all { Outcome::Interrupted } else { Outcome::Done })
}

/// [`output::pictures`] to the name of the record with that of the figure behind it.
pub(super) fn pictures(record: &Record, names: &[&'static str], path: &Path) -> Result<(Vec<PathBuf>, bool), Failure> {
    let stem = |name: &str| PathBuf::from(format!("{}-{name}", path.with_extension("").display()));
    output::pictures(record, names.iter().map(|name| (*name, stem(name))).collect(), path)
}

/// Builds the problem and runs these analyses at time 0, without a density where none is wanted; then what else is to be computed, which
/// may say what it does.
pub(super) fn compute<T>(
    scenario: Scenario,
    way: &Way,
    (wanted, density): (&[&'static AnalysisEntry], bool),
    then: T,
) -> Result<Run, Failure>
where
    T: FnOnce(&Scenario, &Prepared, &mut Run, &(dyn Fn(&str) + Sync)) -> Result<(), Failure> + Send + 'static,
{
    let memory = way.memory();
    let reached = Arc::new(Reached::nothing_of(&scenario));
    let told = Arc::clone(&reached);
    let progress = Arc::new(Progress::begin(way.shown, "reading the data and evaluating the model"));
    let (show, wanted) = (Arc::clone(&progress), wanted.to_vec());
    let work = move || {
        told.note_data(&scenario)?;
        let mut prepared = scenario.problem()?;
        limits::check_built(&scenario, &prepared, memory)?;
        prepared.problem.times = vec![0.0];
        prepared.analyses.retain(|planned| wanted.iter().any(|entry| std::ptr::eq(*entry, planned.entry)));
        if !density {
            prepared.engines.clear();
        }
        let mut run = run_engines(&prepared, &signal::interrupted, &|doing| show.say(doing), &told);
        then(&scenario, &prepared, &mut run, &|what| show.say(&Doing::Detail(what)))?;
        Ok(run)
    };
    let run = signal::attended(work).unwrap_or_else(|| Ok(reached.abandoned()));
    progress.end();
    run
}

/// The landscapes of the loss and of Φ as tables.
fn report(record: &Record) -> String {
    let name = crate::record::read::text(record, "name").unwrap_or("landscape");
    let mut out = format!("{name}\n");
    for (path, height, title) in
        [("landscape", "loss", "loss L"), ("landscape/potential", "potential", "potential Φ = −T ln ρ")]
    {
        if let Some(group) = record.group(path).filter(|group| group.group("merge_tree").is_some()) {
            out += &format!("{title}\n");
            critical(group, height, &mut out);
            tree(group, height, &mut out);
        }
    }
    (merge_tree::ENTRY.words)(record).iter().for_each(|line| out += &format!("  {line}\n"));
    out
}

/// Rows of numbers.
fn rows(group: &Group, name: &str) -> Vec<Vec<f64>> {
    let width = find(group, name).map_or(1, |dataset| dataset.shape()[1..].iter().product::<usize>().max(1));
    column(group, name).unwrap_or_default().chunks(width).map(<[f64]>::to_vec).collect()
}

fn critical(group: &Group, height: &str, out: &mut String) {
    let Some(points) = group.group("critical_points") else { return };
    let variables = match find(points, "component").map(|names| &names.values) {
        Some(Values::Text(names)) => names.clone(),
        _ => Vec::new(),
    };
    let d = variables.len();
    let head = ["", "kind"].map(String::from).into_iter().chain(variables).chain([
        height.into(),
        "eigenvalues".into(),
        "D".into(),
    ]);
    let mut lines = vec![head.collect::<Vec<String>>()];
    let index = find(points, "index").and_then(integers).unwrap_or_default();
    let (position, loss) = (rows(points, "position"), column(points, height).unwrap_or_default());
    let (eigenvalues, noise) = (rows(points, "eigenvalues"), rows(points, "diffusion"));
    let list = |values: &[f64]| values.iter().map(|v| short(*v)).collect::<Vec<_>>().join(", ");
    for k in 0..index.len() {
        let place = position[k].iter().map(|t| format!("{t:.9}"));
        let height = format!("{:.10}", loss[k]);
        let row = [k.to_string(), critical_points::kind(index[k] as usize, d).into()].into_iter().chain(place);
        lines.push(row.chain([height, list(&eigenvalues[k]), matrix(&noise[k], d)]).collect());
    }
    table(&lines, out);
}

/// A matrix in words: the number that it is in one dimension, its diagonal where that is all, else its rows.
fn matrix(entries: &[f64], d: usize) -> String {
    let list = |values: &mut dyn Iterator<Item = f64>| values.map(short).collect::<Vec<_>>().join(", ");
    let diagonal = entries.iter().enumerate().all(|(k, v)| k % (d + 1) == 0 || *v == 0.0);
    match (d, diagonal) {
        (1, _) => list(&mut entries.iter().copied()),
        (_, true) => format!("diag {}", list(&mut entries.iter().copied().step_by(d + 1))),
        (_, false) => entries.chunks(d).map(|row| list(&mut row.iter().copied())).collect::<Vec<_>>().join("; "),
    }
}

fn tree(group: &Group, height: &str, out: &mut String) {
    let Some(tree) = group.group("merge_tree") else { return };
    let numbers = |name: &str| find(tree, name).and_then(integers).unwrap_or_default();
    let (minimum, saddle, parent) = (numbers("minimum"), numbers("saddle"), numbers("parent"));
    let (persistence, bottom) =
        (column(tree, "persistence").unwrap_or_default(), column(tree, height).unwrap_or_default());
    let mut lines = vec![["leaf", "minimum", height, "ends in", "over saddle", "barrier"].map(String::from).to_vec()];
    let word = |k: i64| if k < 0 { "–".to_string() } else { k.to_string() };
    for k in 0..minimum.len() {
        let barrier = if persistence[k].is_finite() { format!("{:.10}", persistence[k]) } else { "–".into() };
        let bottom =
            if minimum[k] < 0 { format!("{} at a wall", beside(bottom[k], 0.0)) } else { format!("{:.10}", bottom[k]) };
        lines.push(vec![k.to_string(), word(minimum[k]), bottom, word(parent[k]), word(saddle[k]), barrier]);
    }
    table(&lines, out);
}
