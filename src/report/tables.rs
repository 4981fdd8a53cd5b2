//! The parts of the report that are words and tables.

use super::html::{escape, paragraph, table};
use crate::engine::{ENGINES, EngineEntry};
use crate::record::read::{column, find, float, text};
use crate::record::{Attribute, Group, Record, Values};
use crate::run::Status;
use crate::summary::{explanations, warning_lines};
use crate::text::{relative, short};

/// Failed verdicts, warnings and a run that did not end, each with its explanation; or that nothing was found.
pub fn trust(record: &Record) -> String {
    let mut items = Vec::new();
    let status = text(record, "status").unwrap_or("unknown");
    if status != Status::Complete.word() {
        items.push(format!("<p class=\"failed\">The run is {}: what follows is what was reached.</p>", escape(status)));
    }
    for verdict in read_verdicts(record).iter().filter(|verdict| !verdict.passed) {
        let said = format!("Failed verdict {}: {}", verdict.name, verdict.why);
        items.push(explained(&said, &verdict.name));
    }
    items.extend(warning_lines(record).iter().map(|line| explained(line, line)));
    items.extend(ENGINES.iter().filter_map(|engine| outside(record, engine)).map(|said| paragraph(&said)));
    if items.is_empty() {
        let said = "No verdict failed and there is no warning. The sizes of the errors stand below.";
        return format!("<div class=\"trust\">{}</div>", paragraph(said));
    }
    format!("<div class=\"distrust\">{}</div>", items.join("\n"))
}

/// A share outside of the grid that is more than rounding and stragglers.
const OUTSIDE: f64 = 1e-3;

/// Says of an engine that a part of its law is in no density of the page.
fn outside(record: &Record, engine: &EngineEntry) -> Option<String> {
    let group = record.group(engine.group)?;
    let (times, shares) = (column(group, "time")?, column(group, "outside")?);
    let (time, share) = times.into_iter().zip(shares).max_by(|a, b| a.1.total_cmp(&b.1))?;
    (share > OUTSIDE).then(|| {
        let (percent, time) = (short(100.0 * share), short(time));
        format!("{}: up to {percent} % of the probability is outside of the grid (at t = {time}) and in none of the densities.", engine.title)
    })
}

/// A sentence that unfolds into what explains it.
fn explained(said: &str, asked: &str) -> String {
    match explanations::find(asked).as_slice() {
        [entry] => {
            let text = entry.to_text().replace("\n\n", "\u{0}").replace('\n', " ");
            let paragraphs: String = text.split('\u{0}').map(paragraph).collect();
            format!("<details><summary>{}</summary>{paragraphs}</details>", escape(said))
        }
        _ => paragraph(said),
    }
}

struct Verdict {
    name: String,
    passed: bool,
    value: f64,
    bound: f64,
    why: String,
}

fn read_verdicts(record: &Record) -> Vec<Verdict> {
    let Some(group) = record.group("comparison/verdicts") else { return Vec::new() };
    let values = |name: &str| find(group, name).map(|dataset| &dataset.values);
    let (Some(Values::Text(names)), Some(Values::Integer(passed)), Some(Values::Text(why))) =
        (values("name"), values("passed"), values("why"))
    else {
        return Vec::new();
    };
    let numbers = |name: &str| column(group, name).unwrap_or_default();
    let (value, bound) = (numbers("value"), numbers("bound"));
    let at = |numbers: &[f64], i: usize| numbers.get(i).copied().unwrap_or(f64::NAN);
    let rows = names.iter().zip(passed.iter()).zip(why).enumerate();
    let verdict = |(i, ((name, &passed), why)): (usize, ((&String, &i64), &String))| Verdict {
        name: name.clone(),
        passed: passed == 1,
        value: at(&value, i),
        bound: at(&bound, i),
        why: why.clone(),
    };
    rows.map(verdict).collect()
}

/// All verdicts.
pub fn verdicts(record: &Record) -> String {
    let row = |verdict: &Verdict| {
        let word = if verdict.passed { "passed" } else { "failed" };
        let outcome = format!("<span class=\"{word}\">{word}</span>");
        vec![escape(&verdict.name), outcome, short(verdict.value), short(verdict.bound), escape(&verdict.why)]
    };
    let rows: Vec<Vec<String>> = read_verdicts(record).iter().map(row).collect();
    match rows.is_empty() {
        true => paragraph("The scenario asked for none: [compare] sets limits, [expect] names numbers."),
        false => table(&["verdict", "outcome", "found", "limit", "why"], &rows),
    }
}

/// What is known of the errors, engine by engine.
const ERRORS: [(&str, &str); 6] = [
    ("error_grid", "grid (L1)"),
    ("error_time", "time step (L1)"),
    ("error_truncation", "beyond the walls"),
    ("mass_error", "total probability"),
    ("min_density", "least density"),
    ("residual", "residual"),
];

/// The table of errors.
pub fn errors(record: &Record) -> String {
    let mut rows = Vec::new();
    let groups =
        ENGINES.iter().map(|engine| (engine.title, engine.group)).chain([("stationary density", "stationary")]);
    for (title, group) in groups.filter_map(|(title, name)| Some((title, record.group(name)?))) {
        let mut row = vec![escape(title)];
        row.extend(ERRORS.iter().map(|(key, _)| cell(group, key)));
        let outside = column(group, "outside").map(|values| values.iter().copied().fold(0.0, f64::max));
        row.push(outside.map_or("–".into(), |share| relative(share, 1.0)));
        rows.push(row);
    }
    let headings: Vec<&str> =
        ["engine"].into_iter().chain(ERRORS.iter().map(|(_, title)| *title)).chain(["outside the grid"]).collect();
    table(&headings, &rows)
}

fn cell(group: &Group, key: &str) -> String {
    let Some(value) = float(group, key) else { return "–".into() };
    let noise = float(group, &format!("{key}_se")).filter(|se| se.is_finite());
    format!("{}{}", relative(value, 1.0), noise.map_or(String::new(), |se| format!(" ± {}", short(se))))
}

/// What made the record.
pub fn provenance(record: &Record) -> String {
    let root =
        ["fpsolve_version", "schema", "seed"].into_iter().filter_map(|name| Some((name, record.attribute(name)?)));
    let group = record.group("provenance");
    let rest = group.into_iter().flat_map(|group| &group.attributes).map(|(name, value)| (name.as_str(), value));
    let row = |(name, value): (&str, &Attribute)| {
        let value = match value {
            Attribute::Float(x) => format!("{x}"),
            Attribute::Integer(n) => n.to_string(),
            Attribute::Text(text) => escape(text),
        };
        vec![escape(name), value]
    };
    table(&["what", "value"], &root.chain(rest).map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sgd;
    use crate::record::Dataset;

    #[test]
    fn a_share_outside_of_the_grid_may_not_be_trusted() {
        let told = |most: f64| {
            let mut group = Group::new(sgd::ENTRY.group);
            for (name, values) in [("time", [0.0, 2.5]), ("outside", [0.0, most])] {
                let values = ndarray::Array1::from_vec(values.to_vec()).into_dyn();
                group.datasets.push(Dataset::float(name, values, &["time"], "1", name));
            }
            let mut record = Record::new("");
            record.groups.push(group);
            trust(&record)
        };
        let said = "SGD: up to 0.9 % of the probability is outside of the grid (at t = 2.5)";
        assert!(told(0.009).contains(said), "{}", told(0.009));
        assert!(!told(1e-4).contains("outside of the grid"));
    }
}
