//! Distances and verdicts, in words.

use std::fmt::Write;

use crate::record::read::{column, find};
use crate::record::{Group, Record, Values};
use crate::text::{beside, fits, short, table};

/// The metrics of the table, with their titles.
const SHOWN: [(&str, &str); 4] = [
    ("total_variation", "total variation"),
    ("kullback_leibler", "Kullback–Leibler"),
    ("hellinger", "Hellinger"),
    ("wasserstein_1", "Wasserstein-1"),
];

/// The metric that is left out where the table would be too wide: it says least beside the others.
const LEFT_OUT: &str = "hellinger";

/// How far apart each two engines are: at the last time, and at the time at which they stand out most from the noise.
pub(super) fn distances(record: &Record, out: &mut String) {
    let mut rows = distance_rows(record, &SHOWN);
    if !fits(&rows) {
        let fewer: Vec<_> = SHOWN.into_iter().filter(|(metric, _)| *metric != LEFT_OUT).collect();
        rows = distance_rows(record, &fewer);
    }
    table(&rows, out);
}

/// The rows of the table, with those metrics; none where nothing was compared.
fn distance_rows(record: &Record, shown: &[(&str, &str)]) -> Vec<Vec<String>> {
    let titles = shown.iter().map(|(_, title)| (*title).to_string());
    let mut rows: Vec<Vec<String>> = vec![std::iter::once("last (noise floor)".to_string()).chain(titles).collect()];
    let groups = record.group("comparison").map_or(&[][..], |comparison| &comparison.groups);
    for pair in groups.iter().filter(|pair| pair.name.contains("_vs_")) {
        let Some(times) = column(pair, "time").filter(|times| !times.is_empty()) else { continue };
        let row = |name: String, i: usize| {
            let cells = shown.iter().map(|(metric, _)| cell(pair, metric, i));
            std::iter::once(name).chain(cells).collect::<Vec<String>>()
        };
        rows.push(row(pair.name.replace("_vs_", " vs ").replace('_', "-"), times.len() - 1));
        let worst = worst(pair, times.len());
        let word = if differs(pair, worst) { "differs at" } else { "worst," };
        let closest = times.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        rows.push(row(format!("  {word} t = {}", beside(times[worst], closest)), worst));
    }
    if rows.len() > 1 { rows } else { Vec::new() }
}

/// A distance at a time, its noise floor and what noise alone exceeds at the false-alarm rate.
fn reading(pair: &Group, metric: &str, i: usize) -> Option<(f64, f64, f64)> {
    let at = |name: &str| column(pair, name).and_then(|values| values.get(i).copied());
    let floor = at(&format!("{metric}_noise_floor")).unwrap_or(0.0);
    Some((at(metric)?, floor, at(&format!("{metric}_noise_upper")).unwrap_or(floor)))
}

fn cell(pair: &Group, metric: &str, i: usize) -> String {
    reading(pair, metric, i).map_or("-".into(), |(value, floor, _)| format!("{} ({})", short(value), rough(floor)))
}

/// A number in two significant digits.
fn rough(x: f64) -> String {
    short(format!("{x:.1e}").parse().unwrap_or(x))
}

/// Whether one of the metrics tells the two apart at a time.
fn differs(pair: &Group, i: usize) -> bool {
    let readings = SHOWN.iter().filter_map(|(metric, _)| reading(pair, metric, i));
    readings.into_iter().any(|(value, _, upper)| upper > 0.0 && value > upper)
}

/// The time at which the largest of the metrics, each in units of its noise, is largest; between two densities, which have no noise,
/// the time of the largest total variation.
fn worst(pair: &Group, times: usize) -> usize {
    let size = |i: usize| {
        let readings = SHOWN.iter().filter_map(|(metric, _)| reading(pair, metric, i));
        let ratios = readings.filter(|(_, _, upper)| *upper > 0.0).map(|(value, _, upper)| value / upper);
        ratios.reduce(f64::max).or(reading(pair, SHOWN[0].0, i).map(|(value, ..)| value)).unwrap_or(0.0)
    };
    (0..times).max_by(|&i, &j| size(i).total_cmp(&size(j))).unwrap_or(0)
}

/// What of the difference between SGD and the SDE is the length of the step, what the law of the noise, what sampling: total
/// variations at the last time.
pub(super) fn shares(record: &Record, out: &mut String) {
    let Some(comparison) = record.group("comparison") else { return };
    let pair = |name: String| comparison.groups.iter().find(|pair| pair.name == name);
    let sde = ["fokker_planck", "langevin"].into_iter().find(|sde| pair(format!("{sde}_vs_gaussian_sgd")).is_some());
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

/// How many verdicts passed, and why the others did not.
pub(super) fn verdicts(record: &Record, out: &mut String) {
    let Some(group) = record.group("comparison/verdicts") else { return };
    let values = |name: &str| find(group, name).map(|dataset| &dataset.values);
    let (Some(Values::Text(names)), Some(Values::Integer(passed)), Some(Values::Text(why))) =
        (values("name"), values("passed"), values("why"))
    else {
        return;
    };
    if names.is_empty() {
        return;
    }
    let good = passed.iter().filter(|&&p| p == 1).count();
    let _ = writeln!(out, "  verdicts: {good} of {} passed", names.len());
    for ((name, &passed), why) in names.iter().zip(passed.iter()).zip(why) {
        if passed != 1 {
            let _ = writeln!(out, "    FAILED {name}: {why}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Dataset;
    use crate::text::WIDTH;

    /// A pair that agrees at the last time and differs before it is marked there.
    #[test]
    fn a_difference_before_the_end_is_shown() {
        let mut record = Record::default();
        let pair = record.group_mut("comparison").group_mut("fokker_planck_vs_langevin");
        for (name, values) in [
            ("time", [0.0, 10.0, 300.0]),
            ("total_variation", [0.01, 0.30, 0.02]),
            ("total_variation_noise_floor", [0.02, 0.03, 0.04]),
            ("total_variation_noise_upper", [0.03, 0.05, 0.06]),
        ] {
            let values = ndarray::Array1::from(values.to_vec()).into_dyn();
            pair.datasets.push(Dataset::float(name, values, &["time"], "1", name));
        }
        let mut out = String::new();
        distances(&record, &mut out);
        assert!(out.contains("fokker-planck vs langevin  0.02 (0.04)"), "{out}");
        assert!(out.contains("  differs at t = 10        0.3 (0.03)"), "{out}");
    }

    /// A table that is too wide for a report goes without one metric, and is not folded.
    #[test]
    fn a_wide_table_has_a_metric_less() {
        let mut record = Record::default();
        let pair = record.group_mut("comparison").group_mut("transfer_operator_vs_gradient_descent");
        let numbers = |x: f64| ndarray::Array1::from(vec![x; 2]).into_dyn();
        pair.datasets.push(Dataset::float("time", numbers(1.0), &["time"], "1", "time"));
        for (metric, _) in SHOWN {
            pair.datasets.push(Dataset::float(metric, numbers(0.001234), &["time"], "1", metric));
            let floor = format!("{metric}_noise_floor");
            pair.datasets.push(Dataset::float(&floor, numbers(0.0012), &["time"], "1", "floor"));
        }
        let mut out = String::new();
        distances(&record, &mut out);
        assert!(out.contains("Wasserstein-1") && !out.contains("Hellinger"), "{out}");
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH), "{out}");
    }
}
