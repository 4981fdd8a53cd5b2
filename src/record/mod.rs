//! The record of a run as a value: groups, datasets with their axes, attributes. Only [`hdf5`] knows how it is stored.

#![deny(clippy::cast_possible_truncation)] // numbers that strangers wrote are converted with a check

pub mod groups;
pub mod hdf5;
pub mod lookup;
pub mod provenance;
pub mod read;
pub mod reserved;
pub mod scales;

use ndarray::ArrayD;

pub use fpsolve_solvers::engine::Attribute;

/// The values of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers, any shape.
    Float(ArrayD<f64>),
    /// Counts, any shape.
    Integer(ArrayD<i64>),
    /// Strings, one axis.
    Text(Vec<String>),
}

/// A dataset: values, the dimension scale of each axis, units and a long name.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Name inside its group.
    pub name: String,
    /// The values.
    pub values: Values,
    /// For each axis the name of its dimension scale: `time`, a variable, `component`, … ; a scale names itself.
    pub axes: Vec<String>,
    /// Units, "1" for pure numbers.
    pub units: String,
    /// What it is, in words.
    pub long_name: String,
}

impl Dataset {
    /// Numbers; for each axis the name of its scale.
    pub fn float(name: &str, values: ArrayD<f64>, axes: &[&str], units: &str, long_name: &str) -> Self {
        Self::new(name, Values::Float(values), axes, units, long_name)
    }
    /// Values of any kind; for each axis the name of its scale.
    pub fn new(name: &str, values: Values, axes: &[&str], units: &str, long_name: &str) -> Self {
        let axes = axes.iter().map(|axis| axis.to_string()).collect();
        Self { name: name.into(), values, axes, units: units.into(), long_name: long_name.into() }
    }
    /// Number of values along each axis.
    pub fn shape(&self) -> Vec<usize> {
        match &self.values {
            Values::Float(a) => a.shape().to_vec(),
            Values::Integer(a) => a.shape().to_vec(),
            Values::Text(rows) => vec![rows.len()],
        }
    }
    /// The numbers, None when the dataset holds counts or text.
    pub fn as_float(&self) -> Option<&ArrayD<f64>> {
        match &self.values {
            Values::Float(a) => Some(a),
            _ => None,
        }
    }
}

/// A group: attributes, datasets and further groups, in the order they were added.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// Name inside its parent; empty for the root.
    pub name: String,
    /// Attributes.
    pub attributes: Vec<(String, Attribute)>,
    /// Datasets.
    pub datasets: Vec<Dataset>,
    /// Groups.
    pub groups: Vec<Group>,
}

impl Group {
    /// An empty group.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
    /// The group with this name, made where it is missing.
    pub fn group_mut(&mut self, name: &str) -> &mut Group {
        let at = self.groups.iter().position(|g| g.name == name).unwrap_or_else(|| {
            self.groups.push(Group::new(name));
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }
    /// The group at a path such as `comparison/langevin_vs_sgd`.
    pub fn group(&self, path: &str) -> Option<&Group> {
        let mut here = self;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            here = here.groups.iter().find(|g| g.name == part)?;
        }
        Some(here)
    }
    /// The dataset at a path such as `stationary/mean`.
    pub fn dataset(&self, path: &str) -> Option<&Dataset> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.group(parent)?.datasets.iter().find(|d| d.name == name)
    }
    /// The attribute at a path such as `fokker_planck/mass_error`.
    pub fn attribute(&self, path: &str) -> Option<&Attribute> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.group(parent)?.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }
    /// Sets an attribute.
    pub fn set(&mut self, name: &str, value: Attribute) {
        match self.attributes.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((name.to_string(), value)),
        }
    }
}

/// A whole record is its root group.
pub type Record = Group;
