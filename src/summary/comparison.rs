//! Distances and verdicts, in words.

use std::fmt::Write;

use crate::record::read::{column, find};
use crate::record::{Group, Record, Values};
use crate::text::{short, table};

/// How far apart each two engines are at the last time.
pub(super) fn distances(record: &Record, out: &mut String) {
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
    let last = |name: &str| column(pair, name).and_then(|v| v.last().copied());
    let Some(value) = last(metric) else { return ("-".into(), false) };
    let floor = last(&format!("{metric}_noise_floor")).unwrap_or(0.0);
    let upper = last(&format!("{metric}_noise_upper")).unwrap_or(floor);
    (format!("{} ({})", short(value), short(floor)), value > upper && upper > 0.0)
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
    let good = passed.iter().filter(|&&p| p == 1).count();
    let _ = writeln!(out, "  verdicts: {good} of {} passed", names.len());
    for ((name, &passed), why) in names.iter().zip(passed.iter()).zip(why) {
        if passed != 1 {
            let _ = writeln!(out, "    FAILED {name}: {why}");
        }
    }
}
