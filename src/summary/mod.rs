//! The closing summary: what ran, how long, how exact, how far apart, and where it may not be trusted. From a record alone.

mod analysis;

use std::fmt::Write;

use crate::engine::{ENGINES, EngineEntry};
use crate::record::{Attribute, Dataset, Group, Record, Values};
use crate::text::{short, table};

/// The summary of a record as lines of text.
pub fn summary(record: &Record) -> String {
    let mut out = String::new();
    heading(record, &mut out);
    engines(record, &mut out);
    langevin_step(record, &mut out);
    stationary(record, &mut out);
    escapes(record, &mut out);
    distances(record, &mut out);
    shares(record, &mut out);
    analysis::landscape(record, &mut out);
    analysis::noise_parts(record, &mut out);
    analysis::outliers(record, &mut out);
    verdicts(record, &mut out);
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
    for engine in ENGINES {
        if let Some(group) = record.group(engine.group) {
            let seconds = format!("wall_seconds_{}", engine.group);
            let seconds = record.group("provenance").and_then(|g| float(g, &seconds));
            rows.push(engine_row(engine, group, seconds));
        }
    }
    if rows.len() > 1 {
        table(&rows, out);
    }
    if let Some(reason) = record.group("fokker_planck").and_then(|group| text(group, "discretisation_reason")) {
        let _ = writeln!(out, "  {reason}");
    }
}

fn engine_row(engine: &EngineEntry, group: &Group, seconds: Option<f64>) -> Vec<String> {
    let reached = group.datasets.iter().find(|d| d.name == "time").and_then(floats);
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
            let noise = float(group, &format!("{key}_se")).map_or(String::new(), |se| format!(" ± {}", short(se)));
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
    if let Some(outside) = group.datasets.iter().find(|d| d.name == "outside").and_then(floats) {
        let largest = outside.iter().copied().fold(0.0, f64::max);
        if largest > 0.0 {
            exactness.push(format!("outside {}", short(largest)));
        }
    }
    vec![engine.word.to_string(), method, reached, seconds, exactness.join(", ")]
}

/// The step that was chosen, and why.
fn langevin_step(record: &Record, out: &mut String) {
    let Some(group) = record.group("langevin") else { return };
    if let (Some(step), Some(reason)) = (float(group, "step"), text(group, "step_reason").filter(|r| *r != "given")) {
        let _ = writeln!(out, "  langevin: step {} chosen: {reason}", short(step));
    }
}

/// Mean first-passage times, engine by engine.
fn escapes(record: &Record, out: &mut String) {
    for group in record.group("escape").iter().flat_map(|g| &g.groups) {
        let mut means = Vec::new();
        if let Some(mean) = float(group, "from_value") {
            let error = float(group, "error_grid").map_or(String::new(), |error| format!(" ± {}", short(error)));
            means.push(format!("fokker-planck {}{error} (grid)", short(mean)));
        }
        if let (Some(mean), Some(se)) = (float(group, "langevin_mean"), float(group, "langevin_mean_se")) {
            let censored = float(group, "langevin_censored").is_some_and(|share| share > 0.0);
            let (bound, walkers) =
                (if censored { "at least " } else { "" }, integer(group, "langevin_walkers").unwrap_or(0));
            means.push(format!("langevin {bound}{} ± {} ({walkers} walkers)", short(mean), short(se)));
        }
        means.extend(float(group, "kramers").map(|time| format!("Kramers {} to beyond the barrier", short(time))));
        let (from, target) = (text(group, "from").unwrap_or("?"), text(group, "target").unwrap_or("?"));
        let _ = writeln!(
            out,
            "  {} from ({}) to {target}: mean time {}",
            group.name,
            from.replace(' ', ", "),
            means.join(", ")
        );
        if let Some(reason) = text(group, "kramers_reason") {
            let none = if float(group, "kramers").is_some() { "" } else { "no Kramers time: " };
            let _ = writeln!(out, "    {none}{reason}");
        }
        committor(group, target, out);
    }
}

/// The probability to reach the target before what excludes it, engine by engine.
fn committor(group: &Group, target: &str, out: &mut String) {
    let mut shares = Vec::new();
    if let Some(share) = float(group, "from_committor") {
        let error = float(group, "from_committor_error_grid").map_or(String::new(), |e| format!(" ± {}", short(e)));
        shares.push(format!("fokker-planck {}{error} (grid)", short(share)));
    }
    if let (Some(share), Some(se)) = (float(group, "langevin_committor"), float(group, "langevin_committor_se")) {
        shares.push(format!("langevin {} ± {}", short(share), short(se)));
    }
    if !shares.is_empty() {
        let before = text(group, "avoid").unwrap_or("an absorbing wall");
        let _ = writeln!(out, "    {target} before {before}: probability {}", shares.join(", "));
    }
}

fn stationary(record: &Record, out: &mut String) {
    let Some(group) = record.group("stationary") else { return };
    let mean = group.datasets.iter().find(|d| d.name == "mean").and_then(floats).unwrap_or_default();
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

fn distances(record: &Record, out: &mut String) {
    let Some(comparison) = record.group("comparison") else { return };
    let metrics = ["total_variation", "kullback_leibler", "hellinger", "wasserstein_1"];
    let mut rows = vec![
        ["at the last time (noise floor)", "total variation", "Kullback–Leibler", "Hellinger", "Wasserstein-1", ""]
            .map(String::from)
            .to_vec(),
    ];
    for pair in &comparison.groups {
        if !pair.name.contains("_vs_") {
            continue;
        }
        let mut row = vec![pair.name.replace("_vs_", " vs ").replace('_', "-")];
        let mut told = false;
        for metric in metrics {
            let (cell, differs) = distance(pair, metric);
            told |= differs;
            row.push(cell);
        }
        row.push(if told { "differs".into() } else { String::new() });
        rows.push(row);
    }
    if rows.len() > 1 {
        table(&rows, out);
    }
}

fn distance(pair: &Group, metric: &str) -> (String, bool) {
    let last =
        |name: &str| pair.datasets.iter().find(|d| d.name == name).and_then(floats).and_then(|v| v.last().copied());
    let Some(value) = last(metric) else { return ("-".into(), false) };
    let floor = last(&format!("{metric}_noise_floor")).unwrap_or(0.0);
    let upper = last(&format!("{metric}_noise_upper")).unwrap_or(floor);
    (format!("{} ({})", short(value), short(floor)), value > upper && upper > 0.0)
}

/// What of the difference between SGD and the SDE is the length of the step, what the law of the noise, what sampling: total
/// variations at the last time.
fn shares(record: &Record, out: &mut String) {
    let Some(comparison) = record.group("comparison") else { return };
    let pair = |name: String| comparison.groups.iter().find(|pair| pair.name == name);
    let column = |group: &Group, name: &str| group.datasets.iter().find(|d| d.name == name).and_then(floats);
    let continuous = ENGINES.iter().filter(|engine| engine.step.is_none()).map(|engine| engine.group);
    let sde = continuous.into_iter().find(|sde| pair(format!("{sde}_vs_gaussian_sgd")).is_some());
    let Some(sde) = sde else { return };
    let pairs =
        [format!("{sde}_vs_sgd"), format!("{sde}_vs_gaussian_sgd"), "gaussian_sgd_vs_sgd".to_string()].map(pair);
    let [Some(total), Some(step), Some(law)] = pairs else { return };
    let Some(time) = column(total, "time").and_then(|times| times.last().copied()) else { return };
    let said = |group: &Group| {
        let at = |name: &str| column(group, name).and_then(|v| v.last().copied()).unwrap_or(f64::NAN);
        let (value, upper) = (at("total_variation"), at("total_variation_noise_upper"));
        let told = if value > upper { "" } else { ", not told from sampling" };
        format!("{} (sampling alone: up to {}){told}", short(value), short(upper))
    };
    let sde = sde.replace('_', "-");
    let _ = writeln!(out, "  what separates SGD from the SDE (total variation at t = {}):", short(time));
    let _ = writeln!(out, "    altogether, sgd against {sde}: {}", said(total));
    let _ = writeln!(out, "    the length of the step, gaussian-sgd against {sde}: {}", said(step));
    let _ = writeln!(out, "    noise that is not normal, sgd against gaussian-sgd: {}", said(law));
}

fn verdicts(record: &Record, out: &mut String) {
    let Some(group) = record.group("comparison/verdicts") else { return };
    let column = |name: &str| group.datasets.iter().find(|d| d.name == name);
    let (Some(Values::Text(names)), Some(Values::Integer(passed)), Some(Values::Text(why))) =
        (column("name").map(|d| &d.values), column("passed").map(|d| &d.values), column("why").map(|d| &d.values))
    else {
        return;
    };
    let good = passed.iter().filter(|&&p| p == 1).count();
    let _ = writeln!(out, "  verdicts: {good} of {} passed", names.len());
    for ((name, &passed), why) in names.iter().zip(passed.iter()).zip(why) {
        if passed != 1 {
            let _ = writeln!(out, "    FAILED {name}: {why}");
        }
    }
}

fn warnings(record: &Record, out: &mut String) {
    let Some(Values::Text(lines)) = record.dataset("warnings").map(|d| &d.values) else { return };
    for line in lines {
        let _ = writeln!(out, "  warning: {line}");
    }
}

fn text<'a>(group: &'a Group, name: &str) -> Option<&'a str> {
    match group.attribute(name) {
        Some(Attribute::Text(text)) => Some(text),
        _ => None,
    }
}

fn float(group: &Group, name: &str) -> Option<f64> {
    match group.attribute(name) {
        Some(Attribute::Float(x)) => Some(*x),
        _ => None,
    }
}

fn integer(group: &Group, name: &str) -> Option<i64> {
    match group.attribute(name) {
        Some(Attribute::Integer(i)) => Some(*i),
        _ => None,
    }
}

fn floats(dataset: &Dataset) -> Option<Vec<f64>> {
    match &dataset.values {
        Values::Float(values) => Some(values.iter().copied().collect()),
        _ => None,
    }
}

fn integers(dataset: &Dataset) -> Option<Vec<i64>> {
    match &dataset.values {
        Values::Integer(values) => Some(values.iter().copied().collect()),
        _ => None,
    }
}
