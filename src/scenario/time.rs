//! `[time]`: the output times.

use miette::Result;

use crate::reader::{Located, Table, Value};
use crate::text::exact;

/// Most output times.
pub const MAX_OUTPUTS: u64 = 1_000_000;
/// With spacing = "log" the first time after 0 is `end` divided by this, where `first` is not written.
pub const LOG_SPAN: f64 = 1000.0;

/// `[time]`: the output times, 0 first, increasing.
#[derive(Debug, Clone, PartialEq)]
pub struct Time {
    /// The times; located at the key that gave them.
    pub at: Located<Vec<f64>>,
}

/// How the output times lie between 0 and the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spacing {
    /// At equal distances.
    Linear,
    /// After 0 at equal ratios.
    Log,
}

/// Reads `[time]`. Errors: no such table; the times and their end; times that do not increase; too many.
pub fn read(root: &Table) -> Result<Time> {
    let help = "write for example\n[time]\nend = 10.0\noutputs = 40";
    let table = root.require("time", help)?.table(&["end", "outputs", "spacing", "first", "at"])?;
    for key in ["end", "outputs", "spacing", "first"] {
        table.exclusive("at", key, "give the times themselves, or end, outputs and spacing")?;
    }
    if let Some(at) = table.get("at") {
        return Ok(Time { at: written(&table, &at)? });
    }
    let end = table.require("end", "write end = 10.0, or the times themselves: at = [0.0, 1.0, 10.0]")?.positive()?;
    let outputs = table.or("outputs", table.here(40), "40", |v| v.count(2..=MAX_OUTPUTS))?.value as usize;
    let words = [("linear", Spacing::Linear), ("log", Spacing::Log)];
    let spacing = table.or("spacing", Spacing::Linear, "\"linear\"", |v| Ok(v.choice(&words)?.value))?;
    let first = first(&table, end.value, spacing)?;
    let last = outputs - 1;
    let fraction = |k: usize| match (k, spacing) {
        (0, _) => 0.0,
        (k, _) if k == last => 1.0,
        (k, Spacing::Linear) => k as f64 / last as f64,
        (k, Spacing::Log) => (end.value / first).powf((k as f64 - 1.0) / (last as f64 - 1.0) - 1.0),
    };
    let value: Vec<f64> = (0..outputs).map(|k| end.value * fraction(k)).collect();
    if value.windows(2).any(|w| w[0] >= w[1]) {
        let message = format!("{outputs} output times up to {} are too close for double precision", exact(end.value));
        return Err(table.source().error(&end.span, message, "too small", "scale the time"));
    }
    Ok(Time { at: Located { value, span: end.span } })
}

/// The first time after 0 where the spacing is logarithmic.
fn first(table: &Table, end: f64, spacing: Spacing) -> Result<f64> {
    let default = end / LOG_SPAN;
    if spacing == Spacing::Linear {
        if let Some(value) = table.get("first") {
            let help = "write spacing = \"log\" beside it, or remove `first`";
            return Err(value.error("`time.first` belongs to spacing = \"log\"", "not read for equal spacing", help));
        }
        return Ok(default);
    }
    let first = table.or("first", table.here(default), &format!("{default} (end/{LOG_SPAN})"), Value::positive)?;
    if first.value < end {
        return Ok(first.value);
    }
    let message = format!("`time.first` is {}, not before the end {}", exact(first.value), exact(end));
    Err(table.source().error(&first.span, message, "too late", "write the first output time after 0, before `end`"))
}

fn written(table: &Table, at: &Value) -> Result<Located<Vec<f64>>> {
    let list = at.list()?;
    if list.is_empty() || list.len() as u64 > MAX_OUTPUTS {
        let message = format!("`time.at` has {} times", list.len());
        return Err(at.error(message, "1 to 1,000,000 times", "write for example at = [0.0, 1.0, 10.0]"));
    }
    let mut times: Vec<f64> = Vec::with_capacity(list.len() + 1);
    for value in &list {
        let time = value.non_negative()?.value;
        if times.is_empty() && time > 0.0 {
            table.source().note_default("time.at[0]", "0 (added: the density at the start is always kept)");
            times.push(0.0);
        }
        if let Some(&before) = times.last()
            && time <= before
        {
            let message = format!("the output times do not increase: {} comes after {}", exact(time), exact(before));
            return Err(value.error(
                message,
                "must be greater than the time before",
                "sort the times and write each once",
            ));
        }
        times.push(time);
    }
    match times.len() {
        1 => Err(at.error("`time.at` has only the time 0", "nothing to run", "add at least one time > 0")),
        _ => Ok(Located { value: times, span: at.span() }),
    }
}
