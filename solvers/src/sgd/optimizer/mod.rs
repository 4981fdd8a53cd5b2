//! Optimizers: what is done with the gradient of a batch. One file each, and the table that lists them.

mod adam;
mod ema;
mod gradient_descent;
mod momentum;
mod nesterov;
pub(super) mod plain;
mod rmsprop;
mod svag;

use std::fmt;

use crate::Error;
use crate::transfer_operator::Rule;

/// One step of a block of walkers.
pub trait Optimizer: Send + Sync {
    /// Numbers remembered for each walker in d dimensions besides its position; they start at 0.
    fn memory(&self, _d: usize) -> usize {
        0
    }
    /// The gradient that a step takes.
    fn gradient(&self) -> Gradient {
        Gradient::Batch
    }
    /// Rate η_eff of descent once the memory is full: the loss flows down as dθ = −∇L dt with t = η_eff k, and the temperature
    /// is T = η_eff/(2B).
    fn effective_rate(&self, learning_rate: f64) -> f64 {
        learning_rate
    }
    /// Time that one step lasts.
    fn step_time(&self, learning_rate: f64) -> f64 {
        self.effective_rate(learning_rate)
    }
    /// The rule of its steps where they are a Markov chain whose law can be put on a grid; None for all others.
    fn chain(&self) -> Option<Rule> {
        None
    }
    /// Whether a step depends on its number, besides what is remembered.
    fn counts_steps(&self) -> bool {
        false
    }
    /// What remains of it for small steps.
    fn limit(&self) -> Limit {
        Limit::Diffusion
    }
    /// The value of (time of a step)·(curvature) beyond which descent on a quadratic loss diverges; None where the step does
    /// not grow with the gradient.
    fn stability_limit(&self) -> Option<f64> {
        Some(2.0)
    }
    /// Moves `points` by step number `step` (from 0) with the gradients (both d × block) at learning rate η.
    fn step(&self, learning_rate: f64, step: u64, gradient: &[f64], points: &mut [f64], memory: &mut [f64]);
}

/// The gradient that a step takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gradient {
    /// The mean over one batch.
    Batch,
    /// ∇L: the mean over all samples.
    Full,
    /// A sum of the gradients of two independent batches with these weights.
    Pair([f64; 2]),
}

/// The law of θ for small steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The diffusion of the Fokker–Planck equation at T = η_eff/(2B).
    Diffusion,
    /// Another one; the sentence says which.
    Other(&'static str),
}

/// Values that a parameter may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// 0 ≤ x < 1.
    Fraction,
    /// x > 0.
    Positive,
    /// x ≥ 1.
    AtLeastOne,
}

impl Range {
    fn contains(self, x: f64) -> bool {
        match self {
            Self::Fraction => (0.0..1.0).contains(&x),
            Self::Positive => x > 0.0 && x.is_finite(),
            Self::AtLeastOne => x >= 1.0 && x.is_finite(),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Fraction => "at least 0 and below 1",
            Self::Positive => "positive",
            Self::AtLeastOne => "at least 1",
        })
    }
}

/// A parameter of an optimizer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Name in scenarios.
    pub name: &'static str,
    /// Value where none is given.
    pub default: f64,
    /// Values that it may have.
    pub range: Range,
}

impl Parameter {
    const fn new(name: &'static str, default: f64, range: Range) -> Self {
        Self { name, default, range }
    }
}

/// An optimizer, its parameters, and where it comes from.
pub struct Entry {
    /// Name in scenarios and records.
    pub name: &'static str,
    /// Its step as a formula.
    pub formula: &'static str,
    /// Parameters with defaults and ranges.
    pub parameters: &'static [Parameter],
    /// Where it comes from.
    pub reference: &'static str,
    /// Makes it from the values of its parameters, all in range.
    pub build: fn(&[f64]) -> Box<dyn Optimizer>,
}

/// All optimizers; the first is the default.
pub const OPTIMIZERS: &[Entry] = &[
    plain::ENTRY,
    momentum::ENTRY,
    nesterov::ENTRY,
    ema::ENTRY,
    rmsprop::ENTRY,
    adam::ENTRY,
    svag::ENTRY,
    gradient_descent::ENTRY,
];

/// The optimizer with this name and parameters, and its description for the record.
///
/// Errors: no such optimizer or parameter, a value out of range.
pub fn build(name: &str, parameters: &[(String, f64)]) -> Result<(Box<dyn Optimizer>, String), Error> {
    let entry = OPTIMIZERS.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = OPTIMIZERS.iter().map(|entry| entry.name).collect();
        Error::invalid(format!("there is no optimizer \"{name}\""), format!("write one of: {}", names.join(", ")))
    })?;
    let mut values: Vec<f64> = entry.parameters.iter().map(|parameter| parameter.default).collect();
    for (key, value) in parameters {
        let at = entry.parameters.iter().position(|known| known.name == key).ok_or_else(|| {
            let names: Vec<&str> = entry.parameters.iter().map(|known| known.name).collect();
            let help = if names.is_empty() {
                "leave it out".to_string()
            } else {
                format!("write one of: {}", names.join(", "))
            };
            Error::invalid(format!("the optimizer \"{name}\" has no parameter \"{key}\""), help)
        })?;
        let parameter = &entry.parameters[at];
        if !parameter.range.contains(*value) {
            return Err(Error::invalid(
                format!("{key} = {value} of the optimizer \"{name}\" must be {}", parameter.range),
                format!("write for example {key} = {}", parameter.default),
            ));
        }
        values[at] = *value;
    }
    let described =
        entry.parameters.iter().zip(&values).map(|(parameter, value)| format!(", {} = {value}", parameter.name));
    Ok(((entry.build)(&values), format!("{name}{}", described.collect::<String>())))
}
