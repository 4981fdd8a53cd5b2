//! Optimizers: what is done with the gradient of a batch. One file each, and the table that lists them.

mod momentum;
mod plain;

use crate::Error;

/// One step of a block of walkers.
pub trait Optimizer: Send + Sync {
    /// Numbers remembered for each walker in d dimensions besides its position; they start at 0.
    fn memory(&self, _d: usize) -> usize {
        0
    }
    /// Moves `points` by step number `step` (from 0) with the batch gradients (both d × block) at learning rate η.
    fn step(&self, learning_rate: f64, step: u64, gradient: &[f64], points: &mut [f64], memory: &mut [f64]);
}

/// An optimizer, or why its parameters cannot be.
pub type Built = Result<Box<dyn Optimizer>, Error>;

/// An optimizer, its parameters with defaults, and where it comes from.
pub struct Entry {
    /// Name in scenarios and records.
    pub name: &'static str,
    /// Parameters and their defaults.
    pub parameters: &'static [(&'static str, f64)],
    /// Where it comes from.
    pub reference: &'static str,
    /// Makes it from the values of its parameters. Errors: values out of range.
    pub build: fn(&[f64]) -> Built,
}

/// All optimizers; the first is the default.
pub const TABLE: &[Entry] = &[plain::ENTRY, momentum::ENTRY];

/// The optimizer with this name and parameters, and its description for the record.
///
/// Errors: no such optimizer or parameter, a value out of range.
pub fn build(name: &str, parameters: &[(String, f64)]) -> Result<(Box<dyn Optimizer>, String), Error> {
    let entry = TABLE.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = TABLE.iter().map(|entry| entry.name).collect();
        Error::invalid(format!("there is no optimizer \"{name}\""), format!("write one of: {}", names.join(", ")))
    })?;
    let mut values: Vec<f64> = entry.parameters.iter().map(|(_, default)| *default).collect();
    for (key, value) in parameters {
        let at = entry.parameters.iter().position(|(known, _)| known == key).ok_or_else(|| {
            let names: Vec<&str> = entry.parameters.iter().map(|(known, _)| *known).collect();
            let help = if names.is_empty() {
                "leave it out".to_string()
            } else {
                format!("write one of: {}", names.join(", "))
            };
            Error::invalid(format!("the optimizer \"{name}\" has no parameter \"{key}\""), help)
        })?;
        values[at] = *value;
    }
    let described = entry.parameters.iter().zip(&values).map(|((key, _), value)| format!(", {key} = {value}"));
    Ok(((entry.build)(&values)?, format!("{name}{}", described.collect::<String>())))
}
