//! `fpsolve check FILE`: what a scenario means and what it needs, without running it.

use std::path::PathBuf;

use clap::Args as _;

use super::scenario::{overrides, read_engine};
use super::time_limit::TimeLimit;
use crate::engine::EngineEntry;
use crate::error::{self, Failure, Outcome};
use crate::limits;
use crate::scenario::{Prepared, Scenario};
use crate::signal;
use crate::text::{WIDTH, count, exact, interval, parse_size, rounded, short, size, table, wrapped};
use fpsolve_solvers::model::table::SplineAxis;
use fpsolve_solvers::problem::grid::Axis;

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "check",
    about: "Read a scenario; print its defaults, and the memory and time it needs",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  fpsolve check scenarios/transient-2d.toml --set 'grid.axes.0.cells=512'")]
struct Args {
    /// The scenario (TOML; .json and .yaml too), or - for standard input
    file: PathBuf,
    /// Override a key of the scenario
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    data: super::DataFolders,
    /// Consider this engine instead of those the scenario names (may be repeated)
    #[arg(long, value_name = "NAME", value_parser = read_engine)]
    engine: Vec<&'static EngineEntry>,
    /// The memory limit to check against [default: half of what is available]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    memory_limit: Option<u64>,
    #[command(flatten)]
    time: TimeLimit,
}

/// Reads, builds, prints.
fn run(args: &Args) -> Result<Outcome, Failure> {
    let scenario = args.data.load(&args.file, &overrides(&args.set, &args.engine))?;
    let engines = scenario.engines_to_run()?;
    let limit = args.memory_limit.unwrap_or_else(limits::default_limit);
    limits::check(&scenario, &engines, limit)?;
    signal::end_above(limit);
    let time = args.time;
    match signal::attended(move || error::caught(|| told(&scenario, time, limit))) {
        _ if signal::limit_reached() == Some("memory") => {
            let message = format!("what a run does first takes more than {} of memory already", size(limit as f64));
            let help = "fewer cells or a smaller data set need less; or allow more with --memory-limit";
            Err(Failure { outcome: Outcome::TooLarge, report: error::advice(message, help) })
        }
        _ if signal::interrupted() => Ok(Outcome::Interrupted),
        None => Ok(Outcome::Interrupted),
        Some(Ok(text)) => super::print(&text?).map(|()| Outcome::Done),
        Some(Err(panic)) => Err(Failure::bug(&panic)),
    }
}

/// What the scenario means, and what it needs.
fn told(scenario: &Scenario, time: TimeLimit, limit: u64) -> Result<String, Failure> {
    let prepared = scenario.problem()?;
    limits::check_built(scenario, &prepared, limit)?;
    let expected = time.check(scenario, &prepared, true)?;
    let estimate = limits::check_measured(scenario, &prepared, &expected, limit)?;
    let mut text = wrapped(&heading(&prepared));
    text += "\nDefaults taken for keys that are not written:\n";
    text += &defaults(scenario);
    text += &format!("\nMemory (limit {}):\n{}", size(limit as f64), fitted(&estimate.to_text()));
    text += &format!("\nTime ({}):\n{}", count(expected.threads(), "thread"), fitted(&expected.to_text()));
    Ok(text)
}

fn heading(prepared: &Prepared) -> String {
    let problem = &prepared.problem;
    let words: Vec<&str> = prepared.engines.iter().map(|engine| engine.word).collect();
    let axis = |axis: &Axis| {
        let walls = axis.boundary().map(|wall| format!("{wall:?}").to_lowercase());
        let walls = if walls[0] == walls[1] { walls[0].clone() } else { walls.join(", ") };
        let widths = || (0..axis.cells()).map(|i| axis.width(i));
        let graded = match axis.is_uniform() {
            true => String::new(),
            false => {
                let (least, most) = (widths().fold(f64::INFINITY, f64::min), widths().fold(0.0, f64::max));
                format!(" {} to {} wide", short(least), short(most))
            }
        };
        let ends = interval(axis.lower(), axis.upper());
        format!("{} in {ends}, {} cells{graded}, {walls}", axis.variable(), axis.cells())
    };
    let axes: Vec<String> = problem.grid.axes().iter().map(axis).collect();
    let mut temperature = format!("T = {}", rounded(problem.temperature));
    if let Some(minibatch) = problem.minibatch {
        let (rate, batch) = (exact(minibatch.learning_rate), minibatch.batch_size);
        temperature += &format!(" (learning rate {rate}, batch size {batch})");
    }
    let times = &problem.times;
    let mut text = format!("{}: {}\n", prepared.name, prepared.description);
    text += &format!("  engines      {}\n", words.join(", "));
    text += &format!("  temperature  {temperature}\n");
    text += &format!("  grid         {}\n", axes.join("\n               "));
    if let Some(found) = &prepared.box_found {
        text += &format!("               found by {}\n", found.reason());
    }
    if let Some(found) = &prepared.grid_found.refinement {
        text += &format!("               {}\n", found.reason());
    }
    text += &format!("  times        {} from 0 to {}\n", times.len(), rounded(times.last().copied().unwrap_or(0.0)));
    if let Some(data) = &prepared.data {
        text += &format!("  data         {} samples of {}\n", data.samples(), data.names().join(", "));
    }
    if let Some(table) = prepared.model.table() {
        let ends = |axis: &SplineAxis| format!("{} in {}", axis.name(), interval(axis.ends()[0], axis.ends()[1]));
        let axes: Vec<String> = table.lattice().axes().iter().map(ends).collect();
        let nodes: Vec<String> = table.lattice().shape().iter().map(usize::to_string).collect();
        let samples = match prepared.model.sample_count() {
            0 => String::new(),
            samples => format!(", {samples} samples"),
        };
        text += &format!("  table        {} nodes{samples}, {}\n", nodes.join(" × "), axes.join(", "));
    }
    text += &format!("  record       {}\n", prepared.output.display());
    text
}

fn defaults(scenario: &Scenario) -> String {
    let defaults = scenario.source.defaults();
    let mut text = String::new();
    table(&defaults.into_iter().map(|(key, value)| vec![key, value]).collect::<Vec<_>>(), &mut text);
    text
}

/// A table of what is needed by whom; one that is too wide with the words folded.
fn fitted(text: &str) -> String {
    if text.lines().all(|line| line.chars().count() <= WIDTH) {
        return text.to_string();
    }
    let row = |line: &str| {
        let (what, need) = line.trim().rsplit_once("  ").unwrap_or((line.trim(), ""));
        vec![what.trim_end().to_string(), need.to_string()]
    };
    let mut fitted = String::new();
    table(&text.lines().map(row).collect::<Vec<_>>(), &mut fitted);
    fitted
}
