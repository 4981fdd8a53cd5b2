//! `[dynamics]`: learning rate and batches, or the temperature itself.

use miette::Result;

use crate::reader::source::Located;
use crate::reader::table::{Table, Value};

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

pub use fpsolve_solvers::problem::Replacement;

/// Importance sampling p_i ∝ e^{−l_i/(U c)}.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// Smoothing c.
    pub c: f64,
    /// Loss scale U.
    pub scale: Scale,
    /// Whether gradients are weighted by 1/(m p_i).
    pub reweight: bool,
}

/// The loss scale of importance sampling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// A constant.
    Constant(f64),
    /// L(θ).
    MeanLoss,
    /// max l_i(θ).
    MaxLoss,
}

const KEYS: &[&str] = &["learning_rate", "batch_size", "temperature", "order", "replacement", "importance"];

/// Reads `[dynamics]`.
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
    let importance = table.optional("importance", importance)?;
    Ok(Dynamics { drive, order, replacement, importance })
}

fn replacement(value: &Value) -> Result<Located<Replacement>> {
    let replacement = if value.is_string() {
        value.word(&["epoch"])?;
        Replacement::Epoch
    } else if value.is_boolean() {
        if value.boolean()?.value { Replacement::With } else { Replacement::Without }
    } else {
        return Err(value.wrong_type("true, false or \"epoch\"", "false"));
    };
    Ok(Located { value: replacement, span: value.span() })
}

fn importance(value: &Value) -> Result<Located<Importance>> {
    let table = value.table(&["c", "scale", "reweight"])?;
    let c = table.require("c", "write the smoothing, for example importance = { c = 1.0 }")?.positive()?.value;
    let scale = table.or("scale", Scale::MeanLoss, "\"mean-loss\"", scale)?;
    let reweight = table.or("reweight", false, "false", |v| Ok(v.boolean()?.value))?;
    Ok(Located { value: Importance { c, scale, reweight }, span: value.span() })
}

/// A number, or the word for a scale that follows the losses.
pub fn scale(value: &Value) -> Result<Scale> {
    if !value.is_string() {
        return Ok(Scale::Constant(value.positive()?.value));
    }
    Ok(match value.word(&["mean-loss", "max-loss"])?.value {
        "mean-loss" => Scale::MeanLoss,
        _ => Scale::MaxLoss,
    })
}
