//! The parts of the noise in the record, `/problem/diffusion_…` and `/decomposition`, and in words.

use fpsolve_solvers::gradient_noise::{Part, Weights};
use fpsolve_solvers::problem::grid::Grid;

use super::compute::{NoiseParts, Path};
use crate::record::read::{column, float, text};
use crate::record::scales::{array, component_scale, matrix_field, series, time_scale};
use crate::record::{Attribute, Dataset, Group, Record};
use crate::text::short;

/// What the parts are, for the attribute `decomposition`.
fn source(parts: &NoiseParts) -> &'static str {
    match parts.decomposition.is_estimate() {
        true => "estimate from the residuals",
        false => "teacher: means over the noise of the data",
    }
}

/// What a part is.
fn meaning(part: Part) -> &'static str {
    match part {
        Part::Intrinsic => "what the noise of the data adds",
        Part::Exploration => "what the model misses",
        Part::MeanGradient => "minus the square of the mean gradient",
    }
}

/// Attributes that say what the parts are: `decomposition`, `decomposition_weights`, `data_noise_std`.
fn describe(group: &mut Group, parts: &NoiseParts) {
    let weights = if parts.decomposition.weights() == Weights::Trained { "trained" } else { "fixed" };
    group.set("decomposition", Attribute::Text(source(parts).into()));
    group.set("decomposition_weights", Attribute::Text(weights.into()));
    group.set("data_noise_std", Attribute::Float(parts.decomposition.variance().sqrt()));
}

/// Adds the fields `diffusion_intrinsic`, `_exploration`, `_mean_gradient` to `/problem`, and what they are.
pub fn add_parts(problem: &mut Group, grid: &Grid, parts: &NoiseParts) {
    describe(problem, parts);
    let kind = if parts.decomposition.is_estimate() { "estimated part of D" } else { "part of the mean of D" };
    for ((part, name), packed) in Part::ALL.into_iter().zip(&parts.fields) {
        let long_name = format!("{kind}: {}", meaning(part));
        problem.datasets.push(matrix_field(&format!("diffusion_{name}"), grid, packed, &long_name));
    }
}

/// `/decomposition`: one path of SGD, with the traces of D and of its parts at its points.
pub fn path_group(grid: &Grid, parts: &NoiseParts) -> Option<Group> {
    let Path { times, positions, traces, diffusion } = parts.path.as_ref()?;
    let (d, t) = (grid.dimension(), times.len());
    let mut group = Group::new("decomposition");
    describe(&mut group, parts);
    group.datasets = vec![time_scale(times), component_scale(grid)];
    let position = array(&[t, d], positions.clone());
    group.datasets.push(Dataset::float("position", position, &["time", "component"], "1", "one path of SGD"));
    group.datasets.push(series("trace", diffusion.clone(), "trace of D, the covariance of these data's gradients"));
    for ((part, name), values) in Part::ALL.into_iter().zip(traces) {
        let estimate = if parts.decomposition.is_estimate() { ", an estimate" } else { "" };
        let long_name = format!("trace of {}{estimate}", meaning(part));
        group.datasets.push(series(&format!("trace_{name}"), values.clone(), &long_name));
    }
    Some(group)
}

/// Where the noise comes from: at the start and at the end of a path of SGD.
pub fn words(record: &Record) -> Vec<String> {
    let Some(problem) = record.group("problem").filter(|p| p.attribute("decomposition").is_some()) else {
        return Vec::new();
    };
    let estimate = text(problem, "decomposition").is_some_and(|kind| kind.starts_with("estimate"));
    let std = float(problem, "data_noise_std").map_or("-".into(), short);
    let weights = text(problem, "decomposition_weights").unwrap_or("fixed");
    let (kind, sigma) = match estimate {
        true => ("estimated from residuals", format!("σ ≈ {std}")),
        false => ("means over the data's noise", format!("σ = {std}")),
    };
    let mut lines = vec![format!("noise taken apart ({kind}, {sigma}, {weights} weights): /problem/diffusion_…")];
    let Some(path) = record.group("decomposition") else { return lines };
    let row = |name: &str| column(path, name).unwrap_or_default();
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
    let ends = [0, times.len().saturating_sub(1)].into_iter().filter_map(shares);
    lines.extend(ends.map(|line| format!("  along a path of SGD, of tr D at {line}")));
    lines
}
