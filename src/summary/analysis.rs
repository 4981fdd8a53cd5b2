//! The noise taken apart and the dynamic outliers, in words.

use std::fmt::Write;

use super::{float, floats, integers, text};
use crate::record::{Dataset, Group, Record};
use crate::text::short;

/// Where the noise comes from: at the start and at the end of a path of SGD.
pub(super) fn noise_parts(record: &Record, out: &mut String) {
    let Some(problem) = record.group("problem").filter(|p| p.attribute("decomposition").is_some()) else { return };
    let estimate = text(problem, "decomposition").is_some_and(|kind| kind.starts_with("estimate"));
    let std = float(problem, "data_noise_std").map_or("-".into(), short);
    let weights = text(problem, "decomposition_weights").unwrap_or("fixed");
    let (kind, sigma) = match estimate {
        true => ("estimated from residuals", format!("σ ≈ {std}")),
        false => ("means over the data's noise", format!("σ = {std}")),
    };
    let _ = writeln!(out, "  noise taken apart ({kind}, {sigma}, {weights} weights): /problem/diffusion_…");
    let Some(path) = record.group("decomposition") else { return };
    let row = |name: &str| path.datasets.iter().find(|d| d.name == name).and_then(floats).unwrap_or_default();
    let [intrinsic, exploration, mean] =
        ["intrinsic", "exploration", "mean_gradient"].map(|n| row(&format!("trace_{n}")));
    let times = row("time");
    let shares = |k: usize| -> Option<String> {
        let all = intrinsic.get(k)? + exploration.get(k)? + mean.get(k)?;
        let percent = |v: f64| format!("{:.0} %", (100.0 * v / all).round() + 0.0); // no −0
        Some(format!(
            "t = {}: intrinsic {}, exploration {}, mean gradient {}",
            short(*times.get(k)?),
            percent(intrinsic[k]),
            percent(exploration[k]),
            percent(mean[k])
        ))
    };
    for k in [0, times.len().saturating_sub(1)] {
        if let Some(line) = shares(k) {
            let _ = writeln!(out, "    along a path of SGD, of tr D at {line}");
        }
    }
}

/// How many critical points of each kind, and where the minima are.
pub(super) fn landscape(record: &Record, out: &mut String) {
    let Some(table) = record.group("landscape/critical_points") else { return };
    let (Some(index), Some(position), Some(loss)) =
        (find(table, "index").and_then(integers), find(table, "position"), find(table, "loss").and_then(floats))
    else {
        return;
    };
    let d = position.shape()[1];
    let theta = floats(position).unwrap_or_default();
    let count = |wanted: &dyn Fn(usize) -> bool| index.iter().filter(|&&i| wanted(i as usize)).count();
    let kinds = [
        (count(&|i| i == 0), "minimum", "minima"),
        (count(&|i| i > 0 && i < d), "saddle", "saddles"),
        (count(&|i| i == d), "maximum", "maxima"),
    ];
    let words =
        kinds.iter().filter(|k| k.0 > 0).map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many }));
    let words: Vec<String> = words.collect();
    let found = if words.is_empty() { "no critical point inside the grid".into() } else { words.join(", ") };
    let minima = (0..index.len()).filter(|&k| index[k] == 0).map(|k| {
        let place: Vec<String> = theta[k * d..(k + 1) * d].iter().map(|t| short(*t)).collect();
        format!("({}) L = {}", place.join(", "), short(loss[k]))
    });
    let minima: Vec<String> = minima.take(6).collect();
    let list = if minima.is_empty() { String::new() } else { format!("; minima {}", minima.join(", ")) };
    let _ = writeln!(out, "  landscape: {found}{list}");
}

/// Which samples are outliers at each point, and what of the loss they carry.
pub(super) fn outliers(record: &Record, out: &mut String) {
    let Some(group) = record.group("outliers") else { return };
    let (level, c) = (float(group, "level").unwrap_or(0.0), float(group, "smoothing").unwrap_or(0.0));
    let scale = text(group, "scale").unwrap_or("-");
    let _ =
        writeln!(out, "  dynamic outliers (m·p < {}, p ∝ exp(−l/(c·U)), c = {}, U = {scale}):", short(level), short(c));
    let Some(points) = record.group("outliers/points") else { return };
    for k in 0..find(points, "loss").map_or(0, |d| d.shape()[0]) {
        if let Some(line) = point(points, k) {
            let _ = writeln!(out, "    {line}");
        }
    }
}

fn find<'g>(group: &'g Group, name: &str) -> Option<&'g Dataset> {
    group.datasets.iter().find(|d| d.name == name)
}

fn point(points: &Group, k: usize) -> Option<String> {
    let number = |name: &str| find(points, name).and_then(floats).and_then(|v| v.get(k).copied());
    let losses = find(points, "sample_loss")?;
    let (m, d) = (losses.shape()[1], find(points, "position")?.shape()[1]);
    let position = floats(find(points, "position")?)?[k * d..(k + 1) * d].to_vec();
    let flags = integers(find(points, "outlier")?)?;
    let outliers: Vec<usize> = (0..m).filter(|s| flags[k * m + s] == 1).collect();
    let place: Vec<String> = position.into_iter().map(short).collect();
    let what = match text(points, "kind").is_some_and(|kind| kind.starts_with("minima")) {
        true if k == 0 => "lowest minimum",
        true => "local minimum",
        false => "point",
    };
    let samples = match outliers.len() {
        0 => "no outlier".to_string(),
        1 => format!("sample {} is an outlier and carries", outliers[0]),
        n if n <= 6 => {
            let names: Vec<String> = outliers.iter().map(usize::to_string).collect();
            format!("samples {} are outliers and carry", names.join(", "))
        }
        n => format!("{n} of {m} samples are outliers and carry"),
    };
    let share = match outliers.len() {
        0 => String::new(),
        _ => format!(" {:.1} % of the loss", 100.0 * number("outlier_share")?),
    };
    let (loss, size) = (short(number("loss")?), short(number("effective_sample_size")?));
    Some(format!("{what} ({}), L = {loss}: {samples}{share}; effective sample size {size} of {m}", place.join(", ")))
}
