//! `/sweep`: a labelled table over the swept keys; and the report for people.

use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn};

use super::case::Answer;
use super::law::{Fit, Law, laws};
use super::plan::{Axis, Collected, Plan};
use crate::record::scales::{array, index_scale};
use crate::record::{Attribute, Dataset, Group, Record, Values};
use crate::run::Status;
use crate::scenario::sweep::Swept;
use crate::text::{count, short, table as columns, with_error};

/// `status` of a case that is not computed yet.
const OPEN: i64 = -1;
/// Most rows of the report.
const ROWS: usize = 24;

/// The root of the record: what holds for all cases, the scenario with its table `[sweep]`, how the sweep ended.
pub fn heading(first: Option<Record>, scenario: &str, status: Status) -> Record {
    let mut record = first.unwrap_or_else(|| Record::new(""));
    record.set("status", Attribute::Text(status.word().into()));
    record.set("scenario", Attribute::Text(scenario.into()));
    record
}

/// `/sweep`: a dimension for each swept key, with its values; each collected number over them, with its `_se` and `_error` where records have
/// them, and the `_slope` of its logarithm; `status`, the exit code of each case (−1 not computed yet); and `remark` over the cases, the last
/// key fastest: why a number is missing.
pub fn table(plan: &Plan, answers: &BTreeMap<usize, Answer>) -> Group {
    let mut group = Group::new("sweep");
    let names: Vec<&str> = plan.collect.iter().map(|collected| collected.name.as_str()).collect();
    group.set("collected", Attribute::Text(names.join(" ")));
    for axis in &plan.axes {
        group.datasets.extend(axis.keys.iter().enumerate().map(|(k, swept)| values(axis, k, swept)));
    }
    let (shape, axes) = (plan.shape(), plan.axes.iter().map(|axis| axis.name.as_str()).collect::<Vec<_>>());
    let over = |of: &dyn Fn(&Answer) -> f64| -> Vec<f64> {
        (0..plan.cases()).map(|number| answers.get(&number).map_or(f64::NAN, of)).collect()
    };
    let mut add = |name: String, values: Vec<f64>, long_name: &str| {
        group.datasets.push(Dataset::float(&name, array(&shape, values), &axes, "1", long_name));
    };
    for (k, Collected { path, name }) in plan.collect.iter().enumerate() {
        for (which, suffix, words) in
            [(0, "", ""), (1, "_se", "standard error of "), (2, "_error", "error by the grid of ")]
        {
            let values = over(&|answer| answer.numbers[k][which]);
            if which == 0 || values.iter().any(|v| v.is_finite()) {
                add(format!("{name}{suffix}"), values, &format!("{words}{path}"));
            }
        }
    }
    for (k, name) in ["temperature", "learning_rate", "batch_size"].into_iter().enumerate() {
        let values = over(&|answer| answer.drive[k]);
        if values.iter().any(|v| v.is_finite()) {
            add(name.into(), values, &format!("{} of the case", name.replace('_', " ")));
        }
    }
    laws(plan, answers).iter().for_each(|law| add_law(&mut group, plan, law));
    let status = |number| answers.get(&number).map_or(OPEN, |answer| i64::from(answer.outcome as u8));
    let status =
        ArrayD::from_shape_vec(IxDyn(&shape), (0..plan.cases()).map(status).collect()).expect("one for each case");
    let long_name = "exit code: 0 done, 1 failed, 2 refused, 3 a verdict failed, 4 too large, −1 not computed";
    group.datasets.push(Dataset::new("status", Values::Integer(status), &axes, "1", long_name));
    let remark = |number| answers.get(&number).map(|answer| answer.remark.clone()).unwrap_or_default();
    group.datasets.push(index_scale("case", plan.cases(), "number of the case, the last key fastest"));
    let remarks = Values::Text((0..plan.cases()).map(remark).collect());
    group.datasets.push(Dataset::new("remark", remarks, &["case"], "1", "why a case is not done, or a number missing"));
    group
}

/// The values of a key along its dimension; the first key of an axis is its scale.
fn values(axis: &Axis, k: usize, swept: &Swept) -> Dataset {
    let name = if k == 0 { axis.name.clone() } else { super::plan::name_of(&swept.key) };
    let whole: Option<Vec<i64>> = swept.values.iter().map(|v| v.replace('_', "").parse().ok()).collect();
    let numbers: Option<Vec<f64>> = swept.values.iter().map(|v| v.replace('_', "").parse().ok()).collect();
    let values = match (whole, numbers) {
        (Some(whole), _) => Values::Integer(ndarray::Array1::from_vec(whole).into_dyn()),
        (None, Some(numbers)) => Values::Float(ndarray::Array1::from_vec(numbers).into_dyn()),
        (None, None) => Values::Text(swept.values.iter().map(|v| word(v)).collect()),
    };
    Dataset::new(&name, values, &[&axis.name], "1", &swept.key)
}

/// A value as a label: a string without its quotes.
fn word(value: &str) -> String {
    let text = value.parse::<toml_edit::Value>().ok().and_then(|value| value.as_str().map(String::from));
    text.unwrap_or_else(|| value.to_string())
}

/// Slopes: attributes where there is one line, else over the axes along which B/η does not change.
fn add_law(group: &mut Group, plan: &Plan, law: &Law) {
    let name = &plan.collect[law.collected].name;
    let x = if law.of_batches { "B/η" } else { "1/T" };
    type Part = (&'static str, fn(&Fit) -> f64, &'static str);
    let parts: [Part; 3] = [
        ("_slope", |fit| fit.slope, "slope of the logarithm against "),
        ("_slope_se", |fit| fit.slope_se, "standard error of the slope against "),
        ("_intercept", |fit| fit.intercept, "logarithm at 0 of "),
    ];
    for (suffix, of, words) in parts {
        let values: Vec<f64> = law.fits.iter().map(|fit| fit.as_ref().map_or(f64::NAN, of)).collect();
        if law.others.is_empty() {
            group.set(&format!("{name}{suffix}"), Attribute::Float(values[0]));
            continue;
        }
        let shape: Vec<usize> = law.others.iter().map(|&axis| plan.axes[axis].len()).collect();
        let axes: Vec<&str> = law.others.iter().map(|&axis| plan.axes[axis].name.as_str()).collect();
        let long_name = format!("{words}{x}");
        group.datasets.push(Dataset::float(&format!("{name}{suffix}"), array(&shape, values), &axes, "1", &long_name));
    }
    group.set("slope_against", Attribute::Text(x.into()));
}

/// The sweep in words: a row for each case, what failed and why, the slopes.
pub fn report(name: &str, plan: &Plan, answers: &BTreeMap<usize, Answer>) -> String {
    let done = answers.values().filter(|answer| answer.is_complete()).count();
    let mut out = format!("{name}: {}; {done} of {} done\n", plan.title(), plan.cases());
    let head: Vec<String> = plan.axes.iter().flat_map(|axis| axis.keys.iter().map(|swept| swept.key.clone())).collect();
    let mut rows = vec![[head, plan.collect.iter().map(|collected| collected.path.clone()).collect()].concat()];
    for (&number, answer) in answers.iter().filter(|(_, answer)| answer.is_complete()).take(ROWS) {
        let place = plan.place(number);
        let values = plan
            .axes
            .iter()
            .zip(&place)
            .flat_map(|(axis, &k)| axis.keys.iter().map(move |swept| word(&swept.values[k])));
        rows.push(values.chain(answer.numbers.iter().map(number_words)).collect());
    }
    columns(&rows, &mut out);
    if done > ROWS {
        out += &format!("  … and {} more in the table\n", done - ROWS);
    }
    for law in laws(plan, answers) {
        let x = if law.of_batches { "B/η" } else { "1/T" };
        for (k, fit) in law.fits.iter().enumerate().filter_map(|(k, fit)| Some((k, fit.as_ref()?))).take(ROWS) {
            let slope = if fit.slope_se.is_nan() { short(fit.slope) } else { with_error(fit.slope, fit.slope_se) };
            let at = place_words(plan, &law.others, k);
            out += &format!(
                "  ln {} against {x}{at}: slope {slope} ({})\n",
                plan.collect[law.collected].path,
                count(fit.points, "case")
            );
        }
    }
    let failed = answers.iter().filter(|(_, answer)| !answer.is_complete() || !answer.remark.is_empty());
    let failed: Vec<String> = failed
        .map(|(&number, answer)| format!("  {}: {}: {}\n", plan.words(number), answer.word(), answer.remark))
        .collect();
    failed.iter().take(ROWS).for_each(|line| out += line);
    if failed.len() > ROWS {
        out += &format!("  … and {} more, in /sweep/remark\n", failed.len() - ROWS);
    }
    out
}

fn number_words(numbers: &[f64; 3]) -> String {
    let [value, se, error] = *numbers;
    let bar = [se, error].into_iter().filter(|b| b.is_finite()).fold(0.0, f64::hypot);
    match (value.is_nan(), bar > 0.0) {
        (true, _) => "–".into(),
        (false, true) => with_error(value, bar),
        (false, false) => short(value),
    }
}

fn place_words(plan: &Plan, others: &[usize], k: usize) -> String {
    let (mut rest, mut words) = (k, Vec::new());
    for &axis in others.iter().rev() {
        let axis = &plan.axes[axis];
        words.push(format!("{} = {}", axis.keys[0].key, word(&axis.keys[0].values[rest % axis.len()])));
        rest /= axis.len();
    }
    words.reverse();
    if words.is_empty() { String::new() } else { format!(" at {}", words.join(", ")) }
}
