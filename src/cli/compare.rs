//! `fpsolve compare A.h5 B.h5`: are the laws of two records the same?

use std::path::{Path, PathBuf};

use clap::Args as _;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_validation::compare::{Moved, common, moved};
use fpsolve_validation::metric::{FEW, METRICS, Metric, Pair, Side};
use fpsolve_validation::statistics::Null;
use serde_json::{Value, json};

use crate::engine::ENGINES;
use crate::error::{self, Failure, Outcome};
use crate::record::read::{float, integer, text};
use crate::record::{Group, Record};
use crate::scenario::compare::AT_MOST_ONE;
use crate::text::{short, table, wrapped};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "compare",
    about: "Compare the laws of two records beside sampling noise and reported errors",
    arguments: Args::augment_args,
    run: |matches| {
        let args: Args = super::arguments(matches);
        let read = || Ok([read(&args.first)?, read(&args.second)?]);
        match super::guard::first_in_a_child(&args.first, read)? {
            Ok(records) => run(&args, &records),
            Err(outcome) => Ok(outcome),
        }
    },
};

/// Arguments of `fpsolve compare`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each law is moved to a grid that both can be read on. A metric differs where it is larger than sampling noise \
exceeds at the rate asked for plus what the reported errors (grid, time step) and the moving may make. Else it \
passed, and a difference above the number that is printed would have been seen; or it is inconclusive, where that \
number is no smaller than the limit of --max, or than every difference there could be.

Exit code 3 where a metric differs, or does not stay within its limit for sure.

Examples:
  fpsolve compare today.h5 yesterday.h5
  fpsolve compare fine.h5 coarse.h5 --engine fokker-planck --at 3
  fpsolve compare sde.h5 sgd.h5 --engine langevin --with sgd --max total_variation=0.02 --json"
)]
struct Args {
    /// The first record (HDF5)
    #[arg(value_name = "A.h5")]
    first: PathBuf,
    /// The second
    #[arg(value_name = "B.h5")]
    second: PathBuf,
    /// Time, which both records have [default: the last that both have]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    at: Option<f64>,
    /// Engine of the first record, or "stationary" [default: each that both have]
    #[arg(long, value_name = "NAME")]
    engine: Option<String>,
    /// Engine of the second record [default: that of the first]
    #[arg(long, value_name = "NAME", requires = "engine")]
    with: Option<String>,
    /// Largest distance allowed (may be repeated)
    #[arg(long, value_name = "METRIC=X", value_parser = limit)]
    max: Vec<(&'static Metric, f64)>,
    /// Probability that a metric differs by chance where the laws are the same
    #[arg(long, value_name = "RATE", default_value_t = 1e-6, value_parser = rate)]
    rate: f64,
    /// The findings as JSON
    #[arg(long)]
    json: bool,
}

fn limit(written: &str) -> Result<(&'static Metric, f64), String> {
    let names = || METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>().join(", ");
    let (name, bound) = written.split_once('=').ok_or("write METRIC=X, such as total_variation=0.02")?;
    let metric = fpsolve_validation::metric::by_name(name).ok_or_else(|| format!("the metrics are {}", names()))?;
    match bound.parse::<f64>() {
        Ok(bound) if bound > 1.0 && AT_MOST_ONE.contains(&metric.name) => {
            Err(format!("{name} is at most 1: a limit of {bound} judges nothing"))
        }
        Ok(bound) if bound > 0.0 && bound.is_finite() => Ok((metric, bound)),
        _ => Err(format!("{bound} is no positive number")),
    }
}

fn rate(written: &str) -> Result<f64, String> {
    written.parse().ok().filter(|rate| (1e-12..=0.1).contains(rate)).ok_or_else(|| "a rate from 1e-12 to 0.1".into())
}

/// A law of a record.
struct Law {
    /// The word for its engine, or "stationary".
    word: &'static str,
    times: Vec<f64>,
    probability: Vec<Vec<f64>>,
    outside: Vec<f64>,
    walkers: Option<usize>,
    /// Total variation that its reported errors may make.
    error: f64,
}

/// The laws of a record on its grid.
struct Laws {
    grid: Grid,
    laws: Vec<Law>,
}

fn read(path: &Path) -> Result<Laws, Failure> {
    let record = super::plot::read(path)?;
    laws(&record).map_err(|what| {
        let help = "give a record that `fpsolve scenario` wrote";
        Failure::input(error::advice(format!("{}: {what}", path.display()), help))
    })
}

fn laws(record: &Record) -> Result<Laws, String> {
    let grid = grid(record.group("grid").ok_or("the record has no /grid")?)?;
    let mut laws = Vec::new();
    for entry in ENGINES {
        laws.extend(record.group(entry.group).and_then(|group| law(group, entry.word, &grid)));
    }
    laws.extend(record.group("stationary").and_then(|group| law(group, STATIONARY, &grid)));
    if laws.is_empty() {
        return Err("the record holds no density".into());
    }
    Ok(Laws { grid, laws })
}

/// What the law at rest is called.
const STATIONARY: &str = "stationary";

fn grid(group: &Group) -> Result<Grid, String> {
    let axis = |name: &str, edges: Vec<f64>| {
        let walls = text(group, &format!("boundary_{name}")).unwrap_or_default();
        let wall = if walls.starts_with("periodic") { Boundary::Periodic } else { Boundary::Reflecting };
        Axis::graded(name, edges, [wall; 2]).map_err(|error| error.to_string())
    };
    let edges = group.datasets.iter().filter_map(|data| Some((data.name.strip_suffix("_edges")?, data.as_float()?)));
    let axes = edges.map(|(name, edges)| axis(name, edges.iter().copied().collect()));
    Grid::new(axes.collect::<Result<_, _>>()?).map_err(|error| error.to_string())
}

/// None where the group holds no density on this grid.
fn law(group: &Group, word: &'static str, grid: &Grid) -> Option<Law> {
    let column = |name: &str| crate::record::read::column(group, name);
    let times = column("time").unwrap_or_else(|| vec![f64::INFINITY]);
    let density = column("density").filter(|density| density.len() == times.len() * grid.len() && !times.is_empty())?;
    let row = |row: &[f64]| row.iter().enumerate().map(|(cell, rho)| rho * grid.volume(cell)).collect();
    let outside = column("outside").filter(|outside| outside.len() == times.len()).unwrap_or(vec![0.0; times.len()]);
    let error = ["error_grid", "error_time"]
        .iter()
        .filter_map(|name| float(group, name))
        .filter(|e| e.is_finite())
        .sum::<f64>();
    let walkers = integer(group, "walkers").and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
    let probability = density.chunks(grid.len()).map(row).collect();
    Some(Law { word, times, probability, outside, walkers, error: 0.5 * error })
}

/// One metric, judged.
struct Row {
    metric: &'static Metric,
    value: f64,
    floor: f64,
    upper: f64,
    /// What reported errors and the moving may make; None where that is not known.
    budget: Option<f64>,
    limit: Option<f64>,
    /// Largest true distance that would not have been seen.
    missed: f64,
    verdict: Judged,
}

/// How a comparison ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    Passed,
    Differs,
    Inconclusive,
    /// No limit is held, and what the reported errors may make is not known.
    Unjudged,
}

impl Judged {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Differs => "DIFFERS",
            Self::Inconclusive => "inconclusive",
            Self::Unjudged => "not judged",
        }
    }
}

/// Two laws that are compared.
struct Compared {
    heading: String,
    words: [&'static str; 2],
    time: f64,
    shape: Vec<usize>,
    error: f64,
    blur: f64,
    rows: Vec<Row>,
}

fn run(args: &Args, records: &[Laws; 2]) -> Result<Outcome, Failure> {
    let pairs = pairs(args, records)?;
    let compared = pairs.into_iter().map(|pair| compare(args, records, pair)).collect::<Result<Vec<_>, _>>()?;
    if args.json {
        let all: Vec<Value> = compared.iter().map(Compared::data).collect();
        super::print(&format!("{:#}\n", json!({ "rate": args.rate, "comparisons": all })))?;
    } else {
        super::print(&wrapped(&compared.iter().map(Compared::to_text).collect::<Vec<_>>().join("\n")))?;
    }
    let bad =
        |row: &Row| row.verdict == Judged::Differs || (row.limit.is_some() && row.verdict == Judged::Inconclusive);
    let failed = compared.iter().flat_map(|compared| &compared.rows).any(bad);
    Ok(if failed { Outcome::VerdictFailed } else { Outcome::Done })
}

/// The laws that are compared. Errors: no such engine.
fn pairs<'a>(args: &Args, [first, second]: &'a [Laws; 2]) -> Result<Vec<[&'a Law; 2]>, Failure> {
    let words = |laws: &Laws| laws.laws.iter().map(|law| law.word).collect::<Vec<_>>().join(", ");
    let find = |laws: &'a Laws, name: &str, path: &Path| {
        laws.laws.iter().find(|law| law.word == name || law.word.replace('-', "_") == name).ok_or_else(|| {
            let message = format!("{} has no density of {name}", path.display());
            Failure::input(error::advice(message, format!("it has {}", words(laws))))
        })
    };
    if let Some(name) = &args.engine {
        let other = args.with.as_ref().unwrap_or(name);
        return Ok(vec![[find(first, name, &args.first)?, find(second, other, &args.second)?]]);
    }
    let both = first.laws.iter().filter_map(|a| Some([a, second.laws.iter().find(|b| b.word == a.word)?]));
    let both: Vec<[&Law; 2]> = both.collect();
    if both.is_empty() {
        let message = format!("the first record has densities of {}, the second of {}", words(first), words(second));
        return Err(Failure::input(error::advice(message, "name the two with --engine and --with")));
    }
    Ok(both)
}

/// The indices of a time that both laws have. Errors: there is none.
fn time(args: &Args, [a, b]: [&Law; 2]) -> Result<[usize; 2], Failure> {
    let same = |t: f64, u: f64| t == u || (t - u).abs() <= 1e-9 * t.abs().max(u.abs());
    let wanted = |t: f64| args.at.is_none_or(|at| t.is_infinite() || same(t, at));
    let all =
        a.times.iter().enumerate().flat_map(|(i, &t)| b.times.iter().enumerate().map(move |(j, &u)| (i, t, j, u)));
    // a law at rest goes with every time
    let common =
        all.filter(|&(_, t, _, u)| (same(t, u) || t.is_infinite() || u.is_infinite()) && wanted(t) && wanted(u));
    let latest = common.max_by(|x, y| x.1.min(x.3).total_cmp(&y.1.min(y.3)));
    latest.map(|(i, _, j, _)| [i, j]).ok_or_else(|| {
        let when = |t: &f64| if t.is_infinite() { "the law at rest".to_string() } else { short(*t) };
        let list = |law: &Law| law.times.iter().map(when).collect::<Vec<_>>().join(", ");
        let at = args.at.map(|at| format!(" t = {}", short(at))).unwrap_or_default();
        let message = format!("{} and {} have no time{at} in common", a.word, b.word);
        Failure::input(error::advice(message, format!("the first has {}; the second {}", list(a), list(b))))
    })
}

fn compare(args: &Args, records: &[Laws; 2], laws: [&Law; 2]) -> Result<Compared, Failure> {
    let at = time(args, laws)?;
    let grid = common(&records[0].grid, &records[1].grid)?;
    let moved = [0, 1].map(|k| to_grid(&records[k].grid, laws[k], at[k], &grid));
    let (error, blur) = (laws[0].error + laws[1].error, moved[0].blur + moved[1].blur);
    let null = Null::new(laws[0].walkers, laws[1].walkers);
    let pair = Pair::new(&grid, side(&moved[0], laws[0]), side(&moved[1], laws[1]), &null);
    let rows = METRICS.iter().map(|metric| judge(args, metric, &pair, error + blur)).collect();
    let time = [laws[0].times[at[0]], laws[1].times[at[1]]].into_iter().fold(f64::INFINITY, f64::min);
    let one = |k: usize| {
        let walkers =
            laws[k].walkers.map(|n| format!(", {} walkers", crate::text::grouped(n as u64))).unwrap_or_default();
        let path = [&args.first, &args.second][k];
        let shape = records[k].grid.shape().iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        format!("{}: {}{walkers}, {shape} cells", path.display(), laws[k].word)
    };
    let heading = format!("  {}\n  {}\n", one(0), one(1));
    let words = [laws[0].word, laws[1].word];
    Ok(Compared { heading, words, time, shape: grid.shape().to_vec(), error, blur, rows })
}

fn to_grid(from: &Grid, law: &Law, at: usize, grid: &Grid) -> Moved {
    moved(from, &law.probability[at], (law.outside[at], law.walkers.is_some()), grid)
}

fn side<'a>(moved: &'a Moved, law: &Law) -> Side<'a> {
    Side { probability: &moved.probability, outside: moved.outside, walkers: law.walkers }
}

fn judge(args: &Args, metric: &'static Metric, pair: &Pair, errors: f64) -> Row {
    let reading = (metric.read)(pair, args.rate)[0];
    let budget = if errors > 0.0 { (metric.budget)(pair, errors) } else { Some(0.0) };
    let limit = args.max.iter().find(|(asked, _)| asked.name == metric.name).map(|(_, bound)| *bound);
    let allowed = budget.unwrap_or(f64::INFINITY);
    let missed = metric.scaling.could_miss(reading.value, reading.noise_upper) + allowed;
    let seen = reading.value > limit.unwrap_or(0.0) && reading.value > reading.noise_upper + allowed;
    let few = pair.marginals().iter().any(|marginal| marginal.walkers < FEW || marginal.is_empty());
    let sure = match limit {
        Some(limit) => reading.value <= limit && reading.noise_upper + allowed <= limit,
        None => !few && missed.is_finite() && (metric.budget)(pair, 1.0).is_none_or(|most| missed < most),
    };
    let verdict = match (seen, sure) {
        (false, _) if budget.is_none() && limit.is_none() => Judged::Unjudged,
        (true, _) => Judged::Differs,
        (false, true) => Judged::Passed,
        (false, false) => Judged::Inconclusive,
    };
    let (value, floor, upper) = (reading.value, reading.noise_floor, reading.noise_upper);
    Row { metric, value, floor, upper, budget, limit, missed, verdict }
}

impl Row {
    fn why(&self) -> String {
        let limit = self.limit.map(|limit| format!(" the limit {} and", short(limit))).unwrap_or_default();
        match self.verdict {
            Judged::Differs => format!("above{limit} what noise and errors explain"),
            Judged::Passed => format!("a difference above {} would have been seen", short(self.missed)),
            Judged::Unjudged => "what the reported errors make of it is not known".into(),
            Judged::Inconclusive => format!("a difference up to {} would not have been seen", short(self.missed)),
        }
    }
}

impl Compared {
    fn to_text(&self) -> String {
        let shape = self.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let when = if self.time.is_infinite() { "at rest".to_string() } else { format!("at t = {}", short(self.time)) };
        let mut text = format!("{}  {when}, on {shape} cells\n\n", self.heading);
        let head = ["metric", "value", "noise", "at most", "errors", "verdict", ""];
        let mut rows = vec![head.map(String::from).to_vec()];
        for row in &self.rows {
            let name = row.metric.name.replace('_', " ");
            let budget = row.budget.map_or("unknown".to_string(), short);
            let cells = [
                name,
                short(row.value),
                short(row.floor),
                short(row.upper),
                budget,
                row.verdict.word().into(),
                row.why(),
            ];
            rows.push(cells.to_vec());
        }
        table(&rows, &mut text);
        text += &format!(
            "\n  errors: {} of total variation by the reported errors of grid and time step, {} by moving to one grid\n",
            short(self.error),
            short(self.blur)
        );
        text
    }

    fn data(&self) -> Value {
        let number = |x: f64| if x.is_finite() { json!(x) } else { Value::Null };
        let row = |row: &Row| {
            json!({
                "metric": row.metric.name,
                "value": number(row.value),
                "noise_floor": number(row.floor),
                "noise_upper": number(row.upper),
                "errors": row.budget.map_or(Value::Null, number),
                "limit": row.limit,
                "could_miss": number(row.missed),
                "verdict": row.verdict.word().to_lowercase(),
                "why": row.why(),
            })
        };
        json!({
            "engines": self.words,
            "time": number(self.time),
            "cells": self.shape,
            "error_of_total_variation": self.error,
            "error_of_moving": self.blur,
            "metrics": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}
