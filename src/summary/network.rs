//! Networks: what was trained, how the ways of drawing compare, what slices are worth.

use std::fmt::Write;

use crate::record::read::{column, float, integer, text};
use crate::record::{Group, Record, Values};
use crate::text::{count, grouped, short, table};

/// The lines on `/network` and `/slice`.
pub(super) fn network(record: &Record, out: &mut String) {
    let Some(group) = record.group("network") else { return };
    let whole = |name: &str| integer(group, name).map_or(0, |n| n.unsigned_abs());
    let samples = group.dataset("label").map_or(0, |labels| labels.shape()[0]);
    let _ = writeln!(
        out,
        "  {}: {} parameters, on {}",
        text(group, "title").unwrap_or("network"),
        grouped(whole("parameters")),
        text(group, "device").unwrap_or("?")
    );
    let planted = match whole("wrong_labels") {
        0 => String::new(),
        n => format!(", {} of them with a planted wrong label", grouped(n)),
    };
    let _ = writeln!(
        out,
        "  {}: {} training images{planted}",
        text(group, "data_name").unwrap_or("data"),
        grouped(samples as u64)
    );
    let runs = record.group("network/run").map_or(&[][..], |runs| &runs.groups);
    let visits = whole("image_visits") / runs.len().max(1) as u64;
    let share = integer(group, "published_visits").map_or(String::new(), |all| {
        let percent = short(100.0 * visits as f64 / all as f64);
        format!(", {percent} % of the {} of the published recipe", grouped(all.unsigned_abs()))
    });
    let _ = writeln!(out, "  {} × {} image visits{share}", count(runs.len(), "run"), grouped(visits));
    match record.group("comparison/importance") {
        Some(comparison) => drawings(comparison, out),
        None => reached(runs, out),
    }
    for slice in record.group("slice").map_or(&[][..], |slices| &slices.groups) {
        plane(slice, out);
    }
    record.group("sweep").into_iter().for_each(|sizes_of| sizes(sizes_of, out));
}

/// A row for each size of network, where several were trained.
fn sizes(table_of: &Group, out: &mut String) {
    let (Some(Values::Text(names)), Some(Values::Integer(counts))) = (
        table_of.dataset("architecture").map(|names| &names.values),
        table_of.dataset("parameters").map(|counts| &counts.values),
    ) else {
        return;
    };
    let collected: Vec<&str> = text(table_of, "collected").unwrap_or_default().split(' ').collect();
    let heading = ["channels/hidden", "parameters"].into_iter().chain(collected.iter().copied());
    let mut rows = vec![heading.map(|name| name.replace('_', " ")).collect::<Vec<_>>()];
    for (k, (name, count)) in names.iter().zip(counts).enumerate() {
        let value = |name: &&str| column(table_of, name).map_or("-".into(), |values| short(values[k]));
        let first = [name.clone(), grouped(count.unsigned_abs())];
        rows.push(first.into_iter().chain(collected.iter().map(value)).collect());
    }
    table(&rows, out);
}

/// How far each run has come.
fn reached(runs: &[Group], out: &mut String) {
    for run in runs {
        let last = column(run, "test_accuracy").and_then(|accuracy| accuracy.last().copied());
        let _ = writeln!(
            out,
            "  {}, seed {}: {}, test accuracy {}",
            text(run, "title").unwrap_or("?"),
            integer(run, "seed").unwrap_or(0),
            count(integer(run, "epochs_done").unwrap_or(0).unsigned_abs() as usize, "epoch"),
            last.map_or("unknown".into(), short)
        );
    }
}

/// A row for each way of drawing: mean over the seeds, and half of their range.
fn drawings(group: &Group, out: &mut String) {
    let Some(Values::Text(names)) = group.dataset("c").map(|names| &names.values) else { return };
    let columns = [
        ("last_accuracy", "last epoch"),
        ("best_accuracy", "best epoch"),
        ("roughness", "roughness"),
        ("ess", "ESS/m"),
        ("auc", "AUC"),
        ("precision", "precision"),
        ("recall", "recall"),
    ];
    let values = columns.map(|(name, title)| (title, column(group, name).unwrap_or_default()));
    let there = |values: &[f64]| values.iter().any(|v| v.is_finite());
    let shown: Vec<_> = values.iter().filter(|(_, values)| there(values)).collect();
    let heading = std::iter::once("drawing").chain(shown.iter().map(|(title, _)| *title));
    let mut rows = vec![heading.map(String::from).collect::<Vec<_>>()];
    for (k, name) in names.iter().enumerate() {
        let title = if name == "uniform" { name.clone() } else { format!("c = {name}") };
        let cell = |values: &Vec<f64>| {
            let seeds = values.len() / names.len();
            spread(&values[k * seeds..(k + 1) * seeds])
        };
        rows.push(std::iter::once(title).chain(shown.iter().map(|(_, values)| cell(values))).collect());
    }
    table(&rows, out);
    out.push_str(
        "  epochs: test accuracy, the best chosen by the test images themselves; ± half the range over the seeds\n",
    );
}

/// Mean and half the range: `0.830±.010`.
fn spread(values: &[f64]) -> String {
    let known: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let (low, high) = known.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
    match known.len() {
        0 => "-".into(),
        1 => format!("{:.3}", known[0]),
        n => {
            let half = format!("{:.3}", 0.5 * (high - low));
            format!("{:.3}±{}", known.iter().sum::<f64>() / n as f64, half.trim_start_matches('0'))
        }
    }
}

fn plane(slice: &Group, out: &mut String) {
    let number = |name: &str| float(slice, name).map_or("unknown".into(), short);
    let percent = |name: &str| float(slice, name).map_or("unknown".into(), |share| short(100.0 * share));
    let _ = writeln!(
        out,
        "  slice {} ({}): gradient off by {} % of √tr D, D by {} % (largest {} %); gradient descent on it stays in the plane, there \
         η = {} means {}",
        slice.name,
        text(slice, "directions").unwrap_or("?"),
        percent("error_gradient"),
        percent("error_D"),
        percent("error_D_largest"),
        number("learning_rate"),
        number("learning_rate_in_plane")
    );
}
