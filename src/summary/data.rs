//! The summary as data: what the lines on the terminal are made from, as JSON.

use serde_json::{Map, Value, json};

use super::warning_lines;
use crate::record::read::find;
use crate::record::{Attribute, Dataset, Group, Record, Values};

/// Status, attributes of every group (method, errors, reasons, …), verdicts and warnings of a record; numbers that are none are null.
pub fn summary_data(record: &Record) -> Value {
    let mut out = attributes(record);
    out.remove("scenario");
    out.insert("verdicts".into(), verdicts(record));
    out.insert("warnings".into(), json!(warning_lines(record)));
    out.insert("groups".into(), groups(record));
    Value::Object(out)
}

/// The groups with attributes, by their paths: each has its attributes, and its numbers without an axis in time or space.
fn groups(record: &Record) -> Value {
    let mut out = Map::new();
    let mut open: Vec<(String, &Group)> = record.groups.iter().map(|group| (group.name.clone(), group)).collect();
    while let Some((path, group)) = open.pop() {
        let mut inner = attributes(group);
        inner.remove("warnings"); // those of the record say whose they are
        inner.extend(group.datasets.iter().filter(|d| is_short(d)).map(|d| (d.name.clone(), values(d))));
        open.extend(group.groups.iter().map(|inner| (format!("{path}/{}", inner.name), inner)));
        if !inner.is_empty() && path != "comparison/verdicts" {
            out.insert(path, Value::Object(inner));
        }
    }
    out.sort_keys();
    Value::Object(out)
}

/// Most values of a dataset that count as a finding.
const FEW: usize = 32;

/// Whether a dataset is a finding, such as the stationary mean, and no field or course in time.
fn is_short(dataset: &Dataset) -> bool {
    let is_scale = dataset.axes.first().is_some_and(|axis| *axis == dataset.name);
    let in_time = dataset.axes.iter().any(|axis| axis == "time");
    !is_scale && !in_time && dataset.shape().iter().product::<usize>() <= FEW
}

fn values(dataset: &Dataset) -> Value {
    match &dataset.values {
        Values::Float(values) => values.iter().copied().collect::<Vec<f64>>().into(),
        Values::Integer(values) => values.iter().copied().collect::<Vec<i64>>().into(),
        Values::Text(lines) => json!(lines),
    }
}

fn attributes(group: &Group) -> Map<String, Value> {
    let value = |value: &Attribute| match value {
        Attribute::Float(x) => json!(x),
        Attribute::Integer(n) => json!(n),
        Attribute::Text(text) => json!(text),
    };
    group.attributes.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect()
}

fn verdicts(record: &Record) -> Value {
    let Some(group) = record.group("comparison/verdicts") else { return json!([]) };
    let column = |name: &str| match find(group, name).map(values) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let columns = ["name", "passed", "value", "bound", "why"].map(column);
    let row = |i: usize| {
        let [name, passed, value, bound, why] = columns.each_ref().map(|column| column.get(i).unwrap_or(&Value::Null));
        json!({ "name": name, "passed": *passed == 1, "value": value, "bound": bound, "why": why })
    };
    (0..columns[0].len()).map(row).collect()
}
