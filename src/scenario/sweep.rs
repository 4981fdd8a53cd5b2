//! `[sweep]`: the keys that `fpsolve sweep` varies and the numbers that it collects; written in the scenario or on the command line.

use miette::{Report, Result};

use super::schema;
use crate::error::advice;
use crate::reader::{Located, Table, Value};
use crate::text::{nearest, rounded};

/// `[sweep]`.
#[derive(Debug, Clone, Default)]
pub struct Sweep {
    /// Keys that vary independently of each other: a grid of cases.
    pub over: Vec<Swept>,
    /// Keys that vary together, from case to case.
    pub zip: Vec<Swept>,
    /// Paths of the numbers that are collected.
    pub collect: Vec<String>,
}

/// A key and the values that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// Path of the key, such as `grid.axes.0.cells`.
    pub key: String,
    /// Values as TOML.
    pub values: Vec<String>,
}

/// The keys of `[sweep]`.
pub const KEYS: &[&str] = &["over", "zip", "collect"];
/// Most values of a key.
const MOST: u64 = 100_000;
const EXAMPLE: &str = "over = { \"dynamics.batch_size\" = [1, 2, 4], \"dynamics.learning_rate\" = { from = 0.01, to = 0.1, points = 5 } }";

/// Reads `[sweep]`; None where it is not written. Errors: keys that no scenario has, values that are none or stand twice.
pub fn read(root: &Table) -> Result<Option<Sweep>> {
    let Some(value) = root.get("sweep") else { return Ok(None) };
    let table = value.table(KEYS)?;
    let (over, zip) =
        (table.optional("over", keys)?.unwrap_or_default(), table.optional("zip", keys)?.unwrap_or_default());
    let paths = |v: &Value| Ok(v.strings()?.value.into_iter().map(|path| path.value).collect());
    Ok(Some(Sweep { over, zip, collect: table.optional("collect", paths)?.unwrap_or_default() }))
}

fn keys(value: &Value) -> Result<Vec<Swept>> {
    value.open_table()?.values().iter().map(|(key, value)| swept(key, value)).collect()
}

fn swept(key: &Located<String>, value: &Value) -> Result<Swept> {
    let refuse = |why: Refusal| value.source().error(&key.span, why.message, "cannot be swept", why.help);
    check_key(&key.value).map_err(refuse)?;
    let values = match value.is_list() {
        true => {
            let text = |v: &Value| v.source().text.get(v.span()).unwrap_or_default().to_string();
            value.list()?.iter().map(text).collect()
        }
        false => {
            let table = value.open_table()?;
            let own = ["from", "to", "points", "spacing"];
            if let Some((other, span)) = table.keys().into_iter().find(|(key, _)| !own.contains(key)) {
                let message = format!("a range of values has no key `{other}`");
                return Err(value.source().error(&span, message, "unknown key", "write { from, to, points, spacing }"));
            }
            let help = "write { from = 0.01, to = 0.2, points = 8, spacing = \"log\" }, or a list of values";
            let end = |key: &str| {
                let end = table.require(key, help)?;
                end.number()?;
                Ok::<_, Report>(end.source().text.get(end.span()).unwrap_or_default().to_string())
            };
            let points = table.require("points", help)?.count(1..=MOST)?.value;
            let words = [("linear", false), ("log", true)];
            let log = table.or("spacing", false, "\"linear\"", |v: &Value| Ok(v.choice(&words)?.value))?;
            range(&end("from")?, &end("to")?, points as usize, log).map_err(refuse)?
        }
    };
    checked(&key.value, values).map_err(|why| value.error(why.message, "these values", why.help))
}

/// Why something cannot be swept.
#[derive(Debug)]
pub struct Refusal {
    message: String,
    help: String,
}

impl From<Refusal> for Report {
    fn from(refusal: Refusal) -> Self {
        advice(refusal.message, refusal.help)
    }
}

fn refusal<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { message: message.into(), help: help.into() })
}

/// Errors: a key that no scenario has, or that does not change what is computed.
fn check_key(key: &str) -> Result<(), Refusal> {
    if ["sweep", "name", "description", "schema"].iter().any(|own| key == *own || key.starts_with(&format!("{own}."))) {
        return refusal(
            format!("`{key}` cannot be swept"),
            format!("sweep a key of the problem, for example {EXAMPLE}"),
        );
    }
    let Err(known) = schema::knows(key) else { return Ok(()) };
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let help = match nearest(key, &known) {
        Some(near) => format!("did you mean `{near}`? `fpsolve list` has all keys"),
        None => "`fpsolve list` has all keys; entries of lists go by number: grid.axes.0.cells".into(),
    };
    refusal(format!("a scenario has no key `{key}`"), help)
}

/// Errors: no value, one that is no TOML, one that stands twice.
fn checked(key: &str, values: Vec<String>) -> Result<Swept, Refusal> {
    if values.is_empty() {
        return refusal(format!("`{key}` has no values: a sweep of nothing"), format!("write for example {EXAMPLE}"));
    }
    if values.len() as u64 > MOST {
        return refusal(format!("`{key}` has {} values, more than {MOST}", values.len()), "sweep fewer");
    }
    for (i, value) in values.iter().enumerate() {
        if value.parse::<toml_edit::Value>().is_err() {
            return refusal(format!("`{value}` is not a value of TOML"), "quote strings: \"weak2\"");
        }
        if values[..i].contains(value) {
            return refusal(format!("`{key}` has the value {value} twice"), "write each value once");
        }
    }
    Ok(Swept { key: key.to_string(), values })
}

/// `n` values from one number to another; whole numbers where both ends are and all values are.
fn range(from: &str, to: &str, n: usize, log: bool) -> Result<Vec<String>, Refusal> {
    let number = |text: &str| text.replace('_', "").parse::<f64>().ok().filter(|x| x.is_finite());
    let (Some(low), Some(high)) = (number(from), number(to)) else {
        return refusal(format!("`{from}` to `{to}` is no range of numbers"), "write for example 0.01..0.2:8:log");
    };
    if log && (low <= 0.0 || high <= 0.0) {
        return refusal(
            format!("from {from} to {to} there is no logarithmic spacing"),
            "begin above 0, or leave out `log`",
        );
    }
    let share = |k: usize| k as f64 / (n.max(2) - 1) as f64;
    let at = |k: usize| match (k, log) {
        (0, _) => low,
        (k, _) if k + 1 == n => high,
        (k, true) => low * (high / low).powf(share(k)),
        (k, false) => low + share(k) * (high - low),
    };
    // twelve digits: what is left of rounding in the last ones is not meant
    let values: Vec<f64> = (0..n).map(|k| format!("{:.11e}", at(k)).parse().unwrap_or_else(|_| at(k))).collect();
    let whole = [from, to].iter().all(|end| end.parse::<i64>().is_ok()) && values.iter().all(|v| v.fract() == 0.0);
    let text = |v: &f64| if whole { format!("{v}") } else { decimal(*v) };
    Ok(values.iter().map(text).collect())
}

/// A number as TOML writes one with a point or an exponent.
fn decimal(value: f64) -> String {
    let text = rounded(value);
    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}

impl Swept {
    /// `KEY=1,2,4`, `KEY=a..b:n` or `KEY=a..b:n:log`, of `--over` and `--zip`. Errors: another form, and those of `[sweep]`.
    pub fn parse(argument: &str) -> Result<Self, Refusal> {
        let help = "write --over dynamics.batch_size=1,2,4 or --over dynamics.learning_rate=0.01..0.2:8:log";
        let Some((key, values)) = argument.split_once('=') else {
            return refusal(format!("{argument} has no `=`"), help);
        };
        let (key, values) = (key.trim(), values.trim());
        check_key(key)?;
        if let Some((from, rest)) = values.split_once("..") {
            let mut parts = rest.split(':');
            let (to, n, spacing) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
            let points = n.and_then(|n| n.parse::<usize>().ok()).filter(|n| (1..=MOST as usize).contains(n));
            let log = match spacing {
                None | Some("linear") => Some(false),
                Some("log") => Some(true),
                Some(_) => None,
            };
            let (Some(points), Some(log), None) = (points, log, parts.next()) else {
                return refusal(format!("`{values}` is no range"), "write FROM..TO:POINTS or FROM..TO:POINTS:log");
            };
            return checked(key, range(from.trim(), to.trim(), points, log)?);
        }
        checked(key, listed(values))
    }
}

/// The values between commas, words as strings.
fn listed(values: &str) -> Vec<String> {
    if let Ok(array) = format!("[{values}]").parse::<toml_edit::Value>().map(|value| value.as_array().cloned()) {
        return array.into_iter().flatten().map(|value| value.to_string().trim().to_string()).collect();
    }
    let quoted = |word: &str| match word.parse::<toml_edit::Value>() {
        Ok(_) => word.to_string(),
        Err(_) => toml_edit::Value::from(word).to_string(),
    };
    values.split(',').map(str::trim).filter(|word| !word.is_empty()).map(quoted).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn values(argument: &str) -> Vec<String> {
        Swept::parse(argument).unwrap().values
    }

    #[test]
    fn lists_and_ranges_become_toml() {
        assert_eq!(values("dynamics.batch_size=1, 2,4"), ["1", "2", "4"]);
        assert_eq!(values("dynamics.batch_size=1..64:7:log"), ["1", "2", "4", "8", "16", "32", "64"]);
        assert_eq!(values("dynamics.learning_rate=0.1..0.3:3"), ["0.1", "0.2", "0.3"]);
        assert_eq!(values("dynamics.learning_rate=1..2:3"), ["1.0", "1.5", "2.0"]);
        assert_eq!(values("dynamics.learning_rate=0.01..1:3:log"), ["0.01", "0.1", "1.0"]);
        assert_eq!(values("langevin.scheme=weak2,milstein"), ["\"weak2\"", "\"milstein\""]);
        assert_eq!(values("engines=[\"sgd\"],[\"langevin\", \"sgd\"]"), ["[\"sgd\"]", "[\"langevin\", \"sgd\"]"]);
        assert_eq!(values("model.parameters.a=0.5"), ["0.5"]);
    }

    #[test]
    fn what_cannot_be_swept_says_why() {
        let said = |argument: &str| Report::from(Swept::parse(argument).unwrap_err());
        let help = |argument: &str| said(argument).help().map(|help| help.to_string()).unwrap_or_default();
        assert!(help("dynamics.batchsize=1").contains("did you mean `dynamics.batch_size`?"));
        assert!(help("grid.axes.0.cels=1").contains("`grid.axes.0.cells`"), "{}", help("grid.axes.0.cels=1"));
        assert!(said("dynamics.batch_size=").to_string().contains("a sweep of nothing"));
        assert!(said("dynamics.batch_size=1,2,1").to_string().contains("the value 1 twice"));
        for bad in
            ["seed", "seed=1..2", "seed=1..2:x", "seed=0..2:3:log", "seed=a..b:3", "name=\"a\"", "seed=1..2:3:four"]
        {
            assert!(Swept::parse(bad).is_err(), "{bad}");
        }
    }
}
