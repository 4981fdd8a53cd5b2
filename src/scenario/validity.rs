//! `[validity]`: the ranges of `fpsolve validity`, and how much SDE and SGD may differ.

use miette::Result;

use crate::reader::{Located, Table, Value};

/// `[validity]`.
#[derive(Debug, Clone)]
pub struct Validity {
    /// Learning rates η, increasing.
    pub learning_rate: Located<Vec<f64>>,
    /// Batch sizes B, increasing.
    pub batch_size: Located<Vec<usize>>,
    /// Largest total variation between the stationary laws.
    pub max_total_variation: f64,
    /// Largest |ln(τ_SGD/τ_SDE)|, and where it is written.
    pub max_log_ratio: Located<f64>,
    /// Whether every cell is computed, not only those along boundaries.
    pub every: bool,
}

/// The keys of `[validity]`.
pub const KEYS: &[&str] = &["learning_rate", "batch_size", "max_total_variation", "max_log_ratio", "every"];
/// Thresholds where none are written.
const TOTAL_VARIATION: f64 = 0.05;
const LOG_RATIO: f64 = 0.1;
/// Most learning rates, and most batch sizes.
const MOST: u64 = 64;

/// Reads `[validity]`; None where it is not written. Errors: ranges that are empty or reversed, batch sizes that do not increase.
pub fn read(root: &Table) -> Result<Option<Validity>> {
    let Some(value) = root.get("validity") else { return Ok(None) };
    let table = value.table(KEYS)?;
    let help = "write learning_rate = { from = 0.02, to = 0.4, points = 8 } or a list of numbers";
    let learning_rate = rates(&table.require("learning_rate", help)?)?;
    let batch_size = batches(&table.require("batch_size", "write batch_size = [1, 2, 4, 8]")?)?;
    let positive = |v: &Value| Ok(v.positive()?.value);
    let max_total_variation = table.or("max_total_variation", TOTAL_VARIATION, "0.05", positive)?;
    let max_log_ratio = table.or("max_log_ratio", table.here(LOG_RATIO), "0.1", Value::positive)?;
    let every = table.or("every", false, "false", |v: &Value| Ok(v.boolean()?.value))?;
    Ok(Some(Validity { learning_rate, batch_size, max_total_variation, max_log_ratio, every }))
}

fn rates(value: &Value) -> Result<Located<Vec<f64>>> {
    let span = value.span();
    if value.is_list() {
        let listed = value.list()?.iter().map(Value::positive).collect::<Result<Vec<_>>>()?;
        let rates: Vec<f64> = listed.iter().map(|rate| rate.value).collect();
        check(value, rates.len(), rates.windows(2).all(|w| w[0] < w[1]), "learning rates", "[0.05, 0.1, 0.2]")?;
        return Ok(Located { value: rates, span });
    }
    let table = value.table(&["from", "to", "points", "spacing"])?;
    let help = "write { from = 0.02, to = 0.4, points = 8, spacing = \"log\" }";
    let (from, to) = (table.require("from", help)?.positive()?, table.require("to", help)?.positive()?);
    let points = table.or("points", 8, "8", |v: &Value| Ok(v.count(1..=MOST)?.value))? as usize;
    let log = table
        .or("spacing", true, "\"log\"", |v: &Value| v.choice(&[("log", true), ("linear", false)]).map(|c| c.value))?;
    if to.value < from.value || (points > 1 && to.value == from.value) {
        let message = format!("the learning rates run from {} to {}", from.value, to.value);
        return Err(table.source().error(
            &to.span,
            message,
            "not above `from`",
            "write the smaller rate as `from`, the larger as `to`",
        ));
    }
    let share = |k: usize| k as f64 / (points.max(2) - 1) as f64;
    let rate = |k: usize| match (k, log) {
        (0, _) => from.value,
        (k, _) if k == points - 1 => to.value,
        (k, true) => from.value * (to.value / from.value).powf(share(k)),
        (k, false) => from.value + share(k) * (to.value - from.value),
    };
    Ok(Located { value: (0..points).map(rate).collect(), span })
}

fn batches(value: &Value) -> Result<Located<Vec<usize>>> {
    let read = |v: &Value| Ok(v.count(1..=u64::from(u32::MAX))?.value as usize);
    let sizes = value.list()?.iter().map(read).collect::<Result<Vec<usize>>>()?;
    check(value, sizes.len(), sizes.windows(2).all(|w| w[0] < w[1]), "batch sizes", "[1, 2, 4, 8]")?;
    Ok(Located { value: sizes, span: value.span() })
}

fn check(value: &Value, n: usize, increase: bool, what: &str, example: &str) -> Result<()> {
    let help = format!("write for example {example}");
    if n == 0 {
        return Err(value.error(format!("there are no {what}"), "empty", help));
    }
    if n > MOST as usize {
        return Err(value.error(format!("{n} {what} are more than {MOST}"), "too many", help));
    }
    if !increase {
        return Err(value.error(
            format!("the {what} do not increase"),
            "each must be larger than the one before",
            help,
        ));
    }
    Ok(())
}
