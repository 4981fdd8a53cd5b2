//! The closing summary: what ran, how long, how exact, how far apart, and where it may not be trusted. From a record alone.

mod comparison;

use std::fmt::Write;

use crate::analysis::{ANALYSES, Subject};
use crate::record::read::{column, float, floats, integer, text};
use crate::record::{Attribute, Dataset, Group, Record, Values};
use crate::text::{short, table};

/// The names of the engines' groups, in the order they are reported.
pub const ENGINES: [&str; 5] = ["fokker_planck", "langevin", "gaussian_sgd", "sgd", "gradient_descent"];

/// The summary of a record as lines of text.
pub fn summary(record: &Record) -> String {
    let mut out = String::new();
    heading(record, &mut out);
    engines(record, &mut out);
    langevin_step(record, &mut out);
    stationary(record, &mut out);
    analyses(Subject::Law, record, &mut out);
    comparison::distances(record, &mut out);
    comparison::shares(record, &mut out);
    analyses(Subject::Problem, record, &mut out);
    comparison::verdicts(record, &mut out);
    warnings(record, &mut out);
    out
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
    let _ = writeln!(out, "  {}", facts.join(", "));
    if let Some(reason) = record.group("grid").and_then(|grid| text(grid, "bounds_reason")) {
        let _ = writeln!(out, "  box found by {reason}");
    }
}

fn axis(edges: &Dataset) -> Option<String> {
    let values = floats(edges)?;
    let variable = edges.name.trim_end_matches("_edges");
    let (from, to) = (values.first()?, values.last()?);
    Some(format!("{} cells on {variable} ∈ [{}, {}]", values.len() - 1, short(*from), short(*to)))
}

fn engines(record: &Record, out: &mut String) {
    let mut rows = vec![["engine", "method", "reached t", "seconds", "exactness"].map(String::from).to_vec()];
    for name in ENGINES {
        if let Some(group) = record.group(name) {
            let seconds = record.group("provenance").and_then(|g| float(g, &format!("wall_seconds_{name}")));
            rows.push(engine_row(name, group, seconds));
        }
    }
    if rows.len() > 1 {
        table(&rows, out);
    }
    if let Some(reason) = record.group("fokker_planck").and_then(|group| text(group, "discretisation_reason")) {
        let _ = writeln!(out, "  {reason}");
    }
}

fn engine_row(name: &str, group: &Group, seconds: Option<f64>) -> Vec<String> {
    let reached = column(group, "time");
    let reached = reached.and_then(|t| t.last().copied()).map_or("-".into(), short);
    let seconds = seconds.map_or("-".into(), |s| format!("{s:.2}"));
    let mut exactness = Vec::new();
    for (key, label) in [
        ("mass_error", "mass"),
        ("min_density", "min ρ"),
        ("error_grid", "grid"),
        ("error_time", "time"),
        ("error_truncation", "truncation"),
    ] {
        if let Some(value) = float(group, key) {
            let noise = float(group, &format!("{key}_se")).filter(|se| se.is_finite());
            let noise = noise.map_or(String::new(), |se| format!(" ± {}", short(se)));
            exactness.push(format!("{label} {}{noise}", short(value)));
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
            exactness.push(format!("outside {}", short(largest)));
        }
    }
    vec![name.replace('_', "-"), method, reached, seconds, exactness.join(", ")]
}

/// The step that was chosen, and why.
fn langevin_step(record: &Record, out: &mut String) {
    let Some(group) = record.group("langevin") else { return };
    if let (Some(step), Some(reason)) = (float(group, "step"), text(group, "step_reason").filter(|r| *r != "given")) {
        let _ = writeln!(out, "  langevin: step {} chosen: {reason}", short(step));
    }
}

fn stationary(record: &Record, out: &mut String) {
    let Some(group) = record.group("stationary") else { return };
    let mean = column(group, "mean").unwrap_or_default();
    let mean: Vec<String> = mean.into_iter().map(short).collect();
    let mut facts = vec![format!("mean ({})", mean.join(", "))];
    for (key, label) in
        [("residual", "residual"), ("entropy_production", "entropy production"), ("error_grid", "grid error")]
    {
        if let Some(value) = float(group, key) {
            facts.push(format!("{label} {}", short(value)));
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
    let Some(Values::Text(lines)) = record.dataset("warnings").map(|d| &d.values) else { return };
    for line in lines {
        let _ = writeln!(out, "  warning: {line}");
    }
}
