//! The closing summary: what ran, how long, how exact, how far apart, and where it may not be trusted. From a record alone.

mod colour;
mod comparison;
mod data;
pub mod explanations;
mod network;

use std::collections::HashSet;
use std::fmt::Write;

use crate::analysis::{ANALYSES, Subject};
use crate::engine::ENGINES;
use crate::record::read::{column, float, floats, integer, text};
use crate::record::{Attribute, Dataset, Group, Record, Values};
use crate::text::{beside, interval, relative, short, table, with_error, wrapped};

pub use colour::coloured;
pub use data::summary_data;

/// The summary of a record as lines of text.
pub fn summary(record: &Record) -> String {
    let mut out = String::new();
    heading(record, &mut out);
    network::network(record, &mut out);
    engines(record, &mut out);
    stationary(record, &mut out);
    analyses(Subject::Law, record, &mut out);
    comparison::distances(record, &mut out);
    comparison::shares(record, &mut out);
    analyses(Subject::Problem, record, &mut out);
    comparison::verdicts(record, &mut out);
    warnings(record, &mut out);
    wrapped(&out)
}

fn heading(record: &Record, out: &mut String) {
    let status = text(record, "status").unwrap_or("unknown");
    let _ = writeln!(out, "{}: {status}", text(record, "name").unwrap_or("(unnamed)"));
    let mut facts = Vec::new();
    if let Some(temperature) = float(record, "temperature") {
        facts.push(match (float(record, "learning_rate"), record.attribute("batch_size")) {
            (Some(eta), Some(Attribute::Integer(b))) => {
                format!("T = {} (η = {}, B = {b})", short(temperature), short(eta))
            }
            _ => format!("T = {}", short(temperature)),
        });
    }
    if let Some(grid) = record.group("grid") {
        let edges = grid.datasets.iter().filter(|d| d.name.ends_with("_edges"));
        let axes: Vec<String> = edges.filter_map(axis).collect();
        facts.push(axes.join(" × "));
    }
    if !facts.is_empty() {
        let _ = writeln!(out, "  {}", facts.join(", "));
    }
    if let Some(reason) = record.group("grid").and_then(|grid| text(grid, "bounds_reason")) {
        let _ = writeln!(out, "  box found by {reason}");
    }
    if let Some(reason) = record.group("grid").and_then(|grid| text(grid, "tolerance_reason")) {
        let _ = writeln!(out, "  cells found by trials, {reason}");
    }
    if let Some(columns) = record.group("problem/data").and_then(|data| text(data, "standardised")) {
        let _ = writeln!(out, "  data standardised: {columns}");
    }
}

/// Lengths of the axes of the grid, in their order.
pub(crate) fn axis_lengths(record: &Record) -> Vec<f64> {
    let edges = record.group("grid").into_iter().flat_map(|grid| &grid.datasets).filter(|d| d.name.ends_with("_edges"));
    edges.filter_map(floats).filter_map(|edges| Some(edges.last()? - edges.first()?)).collect()
}

fn axis(edges: &Dataset) -> Option<String> {
    let values = floats(edges)?;
    let variable = edges.name.trim_end_matches("_edges");
    let (from, to) = (values.first()?, values.last()?);
    Some(format!("{} cells on {variable} ∈ {}", values.len() - 1, interval(*from, *to)))
}

fn engines(record: &Record, out: &mut String) {
    let mut rows = vec![["engine", "method", "reached t", "seconds"].map(String::from).to_vec()];
    let (mut words, mut exactness) = (Vec::new(), String::new());
    let statuses = statuses(record);
    for engine in ENGINES {
        let status = statuses.iter().find(|(word, _)| word == engine.word).map(|(_, status)| status.as_str());
        let ended = status.filter(|status| *status != "complete");
        if let Some(group) = record.group(engine.group) {
            let wall = format!("wall_seconds_{}", engine.group);
            let seconds = record.group("provenance").and_then(|g| float(g, &wall));
            let (mut row, errors) = engine_row(engine.word, group, seconds);
            row[1].extend(ended.map(|ended| format!(" ({ended})")));
            rows.push(row);
            exactness.extend((!errors.is_empty()).then(|| format!("  {}: {errors}\n", engine.word)));
            words.extend((engine.words)(group));
        } else if let Some(ended) = ended {
            rows.push([engine.word, ended, "-", "-"].map(String::from).to_vec());
        }
    }
    if rows.len() > 1 {
        table(&rows, out);
    }
    out.push_str(&exactness);
    words.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
}

/// How each engine that was to run ended, by its word: complete, interrupted, failed or not reached.
fn statuses(record: &Record) -> Vec<(String, String)> {
    let rows = |name: &str| match record.dataset(&format!("engines/{name}")).map(|dataset| &dataset.values) {
        Some(Values::Text(rows)) => rows.clone(),
        _ => Vec::new(),
    };
    rows("engine").into_iter().zip(rows("status")).collect()
}

/// A row of the table of engines, and how exact the engine was.
fn engine_row(word: &str, group: &Group, seconds: Option<f64>) -> (Vec<String>, String) {
    let reached = column(group, "time");
    let reached = reached.and_then(|t| t.last().copied()).map_or("-".into(), short);
    let seconds = seconds.map_or("-".into(), |s| format!("{s:.2}"));
    let mut exactness = Vec::new();
    for (key, label) in [
        ("mass_error", "mass off by"),
        ("min_density", "min ρ"),
        ("error_grid", "errors in L1: grid"),
        ("error_time", "time"),
        ("error_truncation", "truncation"),
    ] {
        if let Some(value) = float(group, key) {
            let noise = float(group, &format!("{key}_se")).filter(|se| se.is_finite());
            let noise = noise.map_or(String::new(), |se| format!(" ± {}", short(se)));
            let when = float(group, &format!("{key}_time")).filter(|_| value > 0.0);
            let when = when.map_or(String::new(), |time| format!(" (largest at t = {})", short(time)));
            exactness.push(format!("{label} {}{noise}{when}", relative(value, 1.0)));
        }
    }
    let method = match (
        text(group, "method").or(text(group, "scheme")).or(text(group, "optimizer")),
        group.attributes.as_slice(),
    ) {
        (Some(method), _) => match (integer(group, "walkers"), float(group, "step")) {
            (Some(walkers), Some(step)) => format!("{method}, {walkers} walkers, step {}", short(step)),
            (Some(walkers), None) => format!("{method}, {walkers} walkers"),
            _ => method.to_string(),
        },
        _ => String::from("-"),
    };
    if let Some(outside) = column(group, "outside") {
        let largest = outside.iter().copied().fold(0.0, f64::max);
        if largest > 0.0 {
            exactness.push(format!("outside {}", relative(largest, 1.0)));
        }
    }
    (vec![word.to_string(), method, reached, seconds], exactness.join(", "))
}

fn stationary(record: &Record, out: &mut String) {
    let Some(group) = record.group("stationary") else { return };
    let lengths = axis_lengths(record);
    let mean = column(group, "mean").unwrap_or_default();
    let mean: Vec<String> = mean.into_iter().zip(lengths).map(|(mean, length)| beside(mean, length)).collect();
    let mut facts = vec![format!("mean ({})", mean.join(", "))];
    for (key, label) in
        [("residual", "residual"), ("entropy_production", "entropy production"), ("error_grid", "grid error")]
    {
        if let Some(value) = float(group, key) {
            let error = float(group, &format!("{key}_error")).filter(|error| *error != 0.0);
            let shown = error.map_or_else(|| relative(value, 1.0), |error| with_error(value, error));
            facts.push(format!("{label} {shown}"));
        }
    }
    let _ = writeln!(out, "  stationary: {}", facts.join(", "));
}

/// What the analyses of a subject found.
fn analyses(subject: Subject, record: &Record, out: &mut String) {
    for line in ANALYSES.iter().filter(|entry| entry.subject == subject).flat_map(|entry| (entry.words)(record)) {
        let _ = writeln!(out, "  {line}");
    }
}

fn warnings(record: &Record, out: &mut String) {
    for line in warning_lines(record) {
        let _ = writeln!(out, "  warning: {line}");
    }
}

/// The warnings of a record, each once.
pub fn warning_lines(record: &Record) -> Vec<String> {
    let Some(Values::Text(lines)) = record.dataset("warnings").map(|d| &d.values) else { return Vec::new() };
    let mut seen = HashSet::new();
    lines.iter().filter(|line| seen.insert(*line)).cloned().collect()
}
