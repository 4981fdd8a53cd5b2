//! The map as a table for people and as rows for spreadsheets.

use super::cell::{Cell, Estimate, ORDERS, OrderCell, Valid};
use super::map::Map;
use crate::run::Status;
use crate::text::{short, table, with_error, wrapped};

/// ηλ above which the steps of SGD are not small.
const LONG_STEPS: f64 = 1.0;
/// Probability that leaves the box in a step from which it is told.
const CLAMPED: f64 = 1e-8;

/// The table for the terminal: a line a computed cell, then what it means.
pub fn report(name: &str, map: &Map, status: Status) -> String {
    let computed = map.cells.iter().flatten().count();
    let mut out = format!(
        "{name}: {}; the SDE beside SGD at {computed} of {} pairs of learning rate and batch size\n",
        status.word(),
        map.cells.len()
    );
    columns(map, "TV", |order| order.total_variation, true, &mut out);
    if map.passage.is_some() {
        columns(map, "ln τ ratio", |order| order.log_ratio, false, &mut out);
    }
    let ratio = map.thresholds.log_ratio.map(|bound| format!(" and |ln τ_SGD/τ_SDE| ≤ {}", short(bound)));
    let bars = if map.exact { "bars from two grids" } else { "bars from sampling" };
    out += &format!(
        "  valid, by order of the SDE: total variation ≤ {}{}; ? where a bar crosses ({bars})\n",
        short(map.thresholds.total_variation),
        ratio.unwrap_or_default()
    );
    let count = |k: usize, valid: Valid| {
        let cells = (0..map.learning_rate.len()).flat_map(|a| (0..map.batch_size.len()).map(move |b| (a, b)));
        cells.filter(|&(a, b)| map.valid(k, a, b) == Some(valid)).count()
    };
    out += &all_remarks(map);
    for k in 0..ORDERS {
        out += &format!(
            "  order {}: {} valid, {} not, {} undecided\n",
            k + 1,
            count(k, Valid::Yes),
            count(k, Valid::No),
            count(k, Valid::Undecided)
        );
    }
    out
}

/// A table of one quantity by order of the SDE, a line a computed cell, with the verdicts behind it where they are wanted.
fn columns(map: &Map, title: &str, of: fn(&OrderCell) -> Estimate, verdicts: bool, out: &mut String) {
    let mut head: Vec<String> = ["η", "B", "η/B"].map(String::from).to_vec();
    head.extend((1..=ORDERS).map(|k| format!("{title}, order {k}")));
    head.extend(verdicts.then(|| "valid".into()));
    let mut rows = vec![head];
    for (rate, batch, cell) in computed(map) {
        let mut row = vec![short(rate), batch.to_string(), short(rate / batch as f64)];
        row.extend(cell.orders.iter().map(|order| words(of(order))));
        let valid = || (0..ORDERS).map(|k| cell.valid(k, &map.thresholds).word()).collect::<Vec<_>>().join(" ");
        row.extend(verdicts.then(valid));
        rows.push(row);
    }
    table(&rows, out);
}

/// The cells that are known: η, B, cell.
fn computed(map: &Map) -> impl Iterator<Item = (f64, usize, &Cell)> {
    let pairs = (0..map.learning_rate.len()).flat_map(|a| (0..map.batch_size.len()).map(move |b| (a, b)));
    let known = move |(a, b): (usize, usize)| {
        Some((map.learning_rate[a], map.batch_size[b], map.cells[map.at(a, b)].as_ref()?))
    };
    pairs.filter_map(known)
}

/// What there is to say of cells: each remark once, with the pairs that it is about.
fn all_remarks(map: &Map) -> String {
    let mut said: Vec<(String, Vec<String>)> = Vec::new();
    for (rate, batch, cell) in computed(map) {
        let pair = format!("({}, {batch})", short(rate));
        for remark in remarks(cell) {
            match said.iter_mut().find(|(before, _)| *before == remark) {
                Some((_, pairs)) => pairs.push(pair.clone()),
                None => said.push((remark, vec![pair.clone()])),
            }
        }
    }
    let line = |(remark, pairs): &(String, Vec<String>)| match pairs.len() == map.cells.len() && pairs.len() > 1 {
        true => format!("  all pairs: {remark}\n"),
        false => format!("  (η, B) = {}: {remark}\n", pairs.join(", ")),
    };
    wrapped(&said.iter().map(line).collect::<String>())
}

fn words(estimate: Estimate) -> String {
    match estimate.value {
        value if value.is_nan() => "–".into(),
        value if value.is_infinite() => "never".into(),
        value if estimate.error == f64::INFINITY => format!("≥ {}", short(value)),
        value if estimate.error.is_nan() => format!("{} ± ?", short(value)),
        value => with_error(value, estimate.error),
    }
}

fn remarks(cell: &Cell) -> Vec<String> {
    let flags = [
        (cell.rate_times_curvature > LONG_STEPS).then(|| "ηλ > 1: steps are not small".into()),
        (cell.classes > 1.0).then(|| format!("{} invariant laws", cell.classes)),
        (cell.clamped > CLAMPED).then(|| format!("leaves the box: {}", short(cell.clamped))),
        cell.remark.clone(),
    ];
    flags.into_iter().flatten().collect()
}

/// One line a computed cell, with a header; numbers that are not known are empty.
pub fn csv(map: &Map) -> String {
    let mut head = vec!["learning_rate".to_string(), "batch_size".into()];
    for k in 1..=ORDERS {
        for name in ["total_variation", "wasserstein_1", "log_ratio"] {
            head.extend([format!("{name}_{k}"), format!("{name}_{k}_error")]);
        }
        head.extend([format!("sde_mean_{k}"), format!("sde_variance_{k}"), format!("valid_{k}")]);
    }
    head.extend(["mean", "variance", "rate_times_curvature", "classes", "clamped"].map(String::from));
    let mut out = head.join(",") + "\n";
    for (a, rate) in map.learning_rate.iter().enumerate() {
        for (b, batch) in map.batch_size.iter().enumerate() {
            let Some(cell) = &map.cells[map.at(a, b)] else { continue };
            let mut row = vec![*rate, *batch as f64];
            for (k, order) in cell.orders.iter().enumerate() {
                for estimate in [order.total_variation, order.wasserstein_1, order.log_ratio] {
                    row.extend([estimate.value, estimate.error]);
                }
                row.extend(order.moments);
                row.push(cell.valid(k, &map.thresholds).number());
            }
            row.extend(cell.moments);
            row.extend([cell.rate_times_curvature, cell.classes, cell.clamped]);
            let text = |v: &f64| if v.is_nan() { String::new() } else { v.to_string() };
            out += &(row.iter().map(text).collect::<Vec<_>>().join(",") + "\n");
        }
    }
    out
}
