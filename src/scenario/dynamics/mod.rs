//! `[dynamics]`: learning rate and batches, or the temperature itself.

pub mod importance;

pub use fpsolve_solvers::problem::Replacement;

use std::sync::Arc;

use fpsolve_solvers::model::Model;
use miette::Result;

use crate::reader::{Located, Source, Table, Value};
use importance::Importance;

/// `[dynamics]`.
#[derive(Debug, Clone)]
pub struct Dynamics {
    /// Step and batches, or the temperature.
    pub drive: Drive,
    /// Order of the stochastic modified equation.
    pub order: Located<u64>,
    /// How batches are drawn.
    pub replacement: Located<Replacement>,
    /// Importance sampling.
    pub importance: Option<Located<Importance>>,
}

/// What sets the temperature T.
#[derive(Debug, Clone)]
pub enum Drive {
    /// T = η/(2B).
    Steps {
        /// Learning rate η.
        learning_rate: Located<f64>,
        /// Batch size B.
        batch_size: Located<usize>,
    },
    /// T itself.
    Temperature(Located<f64>),
}

const KEYS: &[&str] = &["learning_rate", "batch_size", "temperature", "order", "replacement", "importance"];

/// Reads `[dynamics]`. Errors: no such table; neither a temperature nor a learning rate, or both; values out of range.
pub fn read(root: &Table) -> Result<Dynamics> {
    let help = "write for example\n[dynamics]\nlearning_rate = 0.05\nbatch_size = 4";
    let table = root.require("dynamics", help)?.table(KEYS)?;
    let both = "T = learning_rate/(2·batch_size): give either those two, or the temperature alone";
    table.exclusive("temperature", "learning_rate", both)?;
    table.exclusive("temperature", "batch_size", both)?;
    let drive = match table.get("temperature") {
        Some(temperature) => Drive::Temperature(temperature.positive()?),
        None => {
            let help = "write learning_rate and batch_size, or temperature";
            let learning_rate = table.require("learning_rate", help)?.positive()?;
            let batch_size = |v: &Value| Ok(v.count(1..=u64::from(u32::MAX))?.map(|n| n as usize));
            Drive::Steps { learning_rate, batch_size: table.or("batch_size", table.here(1), "1", batch_size)? }
        }
    };
    let order = table.or("order", table.here(1), "1", |v| v.count(1..=3))?;
    let replacement = table.or("replacement", table.here(Replacement::With), "true", replacement)?;
    let importance = table.optional("importance", importance::read)?;
    Ok(Dynamics { drive, order, replacement, importance })
}

fn replacement(value: &Value) -> Result<Located<Replacement>> {
    if value.is_string() {
        return value.choice(&[("epoch", Replacement::Epoch)]);
    }
    if value.is_boolean() {
        return Ok(value.boolean()?.map(|with| if with { Replacement::With } else { Replacement::Without }));
    }
    Err(value.wrong_type("true, false or \"epoch\"", "false"))
}

impl Drive {
    /// Batch size B; None where only a temperature is given.
    pub fn batch_size(&self) -> Option<usize> {
        match self {
            Self::Steps { batch_size, .. } => Some(batch_size.value),
            Self::Temperature(_) => None,
        }
    }
}

impl Dynamics {
    /// The model as its samples are drawn: itself, or seen through importance sampling.
    ///
    /// Errors: batches without replacement; a model whose samples have no losses.
    pub fn sampled(&self, source: &Source, model: Arc<dyn Model>) -> Result<Arc<dyn Model>> {
        let Some(importance) = &self.importance else { return Ok(model) };
        if self.replacement.value != Replacement::With {
            let help = "write replacement = true: samples drawn by importance are independent";
            let message = "importance sampling draws with replacement";
            return Err(source.error(&self.replacement.span, message, "without replacement", help));
        }
        let built = importance.value.build(model);
        Ok(Arc::new(built.map_err(|error| source.solver_error(&importance.span, "this sampling", &error))?))
    }
}
