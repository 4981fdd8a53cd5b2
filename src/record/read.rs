//! Reading a record: attributes and datasets of the kind that is expected, None for another.

use super::{Attribute, Dataset, Group, Values};

/// The dataset of a group with this name.
pub fn find<'g>(group: &'g Group, name: &str) -> Option<&'g Dataset> {
    group.datasets.iter().find(|dataset| dataset.name == name)
}

/// The numbers of the dataset of a group with this name, in its order.
pub fn column(group: &Group, name: &str) -> Option<Vec<f64>> {
    find(group, name).and_then(floats)
}

/// The words of an attribute.
pub fn text<'a>(group: &'a Group, name: &str) -> Option<&'a str> {
    match group.attribute(name) {
        Some(Attribute::Text(text)) => Some(text),
        _ => None,
    }
}

/// The number of an attribute.
pub fn float(group: &Group, name: &str) -> Option<f64> {
    match group.attribute(name) {
        Some(Attribute::Float(x)) => Some(*x),
        _ => None,
    }
}

/// The count of an attribute.
pub fn integer(group: &Group, name: &str) -> Option<i64> {
    match group.attribute(name) {
        Some(Attribute::Integer(i)) => Some(*i),
        _ => None,
    }
}

/// The numbers of a dataset, in its order.
pub fn floats(dataset: &Dataset) -> Option<Vec<f64>> {
    match &dataset.values {
        Values::Float(values) => Some(values.iter().copied().collect()),
        _ => None,
    }
}

/// The counts of a dataset, in its order.
pub fn integers(dataset: &Dataset) -> Option<Vec<i64>> {
    match &dataset.values {
        Values::Integer(values) => Some(values.iter().copied().collect()),
        _ => None,
    }
}
