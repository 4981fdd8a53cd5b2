//! `--set key.path=value`: applied to the text of the scenario, so that the record keeps the TOML as it was run.

use miette::{Report, Result};
use toml_edit::{DocumentMut, Item, Key, Table, TableLike, Value};

use crate::error;

/// The text with the overrides applied. Errors: not of the form path=value, a value that is no TOML, a path through something
/// that is no table. Unknown keys are left for the scenario to refuse, at their place in the new text.
pub fn apply(text: &str, overrides: &[String]) -> Result<String> {
    if overrides.is_empty() {
        return Ok(text.to_string());
    }
    // text that does not parse is reported by the scenario itself, with its place
    let Ok(mut document) = text.parse::<DocumentMut>() else { return Ok(text.to_string()) };
    for entry in overrides {
        apply_one(&mut document, entry)?;
    }
    Ok(document.to_string())
}

/// Whether one of the overrides gives this key this string.
pub fn gives(overrides: &[String], path: &[&str], value: &str) -> bool {
    overrides.iter().any(|entry| {
        let mut document = DocumentMut::new();
        let applied = apply_one(&mut document, entry).is_ok();
        let item = path.iter().try_fold(document.as_item(), |item, key| item.get(key));
        applied && item.and_then(Item::as_str) == Some(value)
    })
}

fn apply_one(document: &mut DocumentMut, entry: &str) -> Result<()> {
    let example = "write for example --set grid.axes.0.cells=128 or --set 'dynamics.learning_rate=0.1'";
    let (path, value) =
        entry.split_once('=').ok_or_else(|| error::advice(format!("--set {entry} has no `=`"), example))?;
    let keys =
        Key::parse(path).map_err(|_| error::advice(format!("--set {entry}: `{path}` is not a key path"), example))?;
    let keys: Vec<String> = keys.iter().map(|key| key.get().to_string()).collect();
    let value = read_value(value.trim()).ok_or_else(|| {
        error::advice(
            format!("--set {entry}: `{value}` is not a TOML value"),
            "quote strings: --set 'model.loss=\"x^2\"'",
        )
    })?;
    let blocked = |at: usize| -> Report {
        let message = format!("--set {entry}: `{}` is not a table", keys[..at].join("."));
        error::advice(message, "give the path of a key, with numbers for entries of lists: grid.axes.0.cells")
    };
    let (last, parents) = keys.split_last().ok_or_else(|| blocked(0))?;
    let mut place = Place::Table(document.as_table_mut());
    for (i, key) in parents.iter().enumerate() {
        place = place.enter(key).ok_or_else(|| blocked(i + 1))?;
    }
    if place.set(last, value) { Ok(()) } else { Err(blocked(parents.len())) }
}

/// A TOML value; text that is none counts as a string, unless it begins like a string, list or table.
fn read_value(text: &str) -> Option<Value> {
    if let Ok(value) = text.parse::<Value>() {
        return Some(value);
    }
    (!text.is_empty() && !text.starts_with(['"', '\'', '[', '{'])).then(|| Value::from(text))
}

enum Place<'d> {
    Table(&'d mut dyn TableLike),
    Array(&'d mut toml_edit::Array),
    Tables(&'d mut toml_edit::ArrayOfTables),
}

impl<'d> Place<'d> {
    fn enter(self, key: &str) -> Option<Self> {
        match self {
            Self::Table(table) => {
                if !table.contains_key(key) {
                    table.insert(key, Item::Table(Table::new()));
                }
                Self::of_item(table.get_mut(key)?)
            }
            Self::Array(array) => Self::of_value(array.get_mut(key.parse().ok()?)?),
            Self::Tables(tables) => Some(Self::Table(tables.get_mut(key.parse().ok()?)?)),
        }
    }

    fn of_item(item: &'d mut Item) -> Option<Self> {
        match item {
            Item::Table(table) => Some(Self::Table(table)),
            Item::ArrayOfTables(tables) => Some(Self::Tables(tables)),
            Item::Value(value) => Self::of_value(value),
            Item::None => None,
        }
    }

    fn of_value(value: &'d mut Value) -> Option<Self> {
        match value {
            Value::InlineTable(table) => Some(Self::Table(table)),
            Value::Array(array) => Some(Self::Array(array)),
            _ => None,
        }
    }

    fn set(self, key: &str, mut value: Value) -> bool {
        match self {
            Self::Table(table) => {
                if let Some(old) = table.get(key).and_then(Item::as_value) {
                    *value.decor_mut() = old.decor().clone();
                }
                table.insert(key, Item::Value(value));
                true
            }
            Self::Array(array) => match key.parse::<usize>() {
                Ok(i) if i < array.len() => {
                    array.replace(i, value);
                    true
                }
                _ => false,
            },
            Self::Tables(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::apply;

    const TEXT: &str = "seed = 1 # the seed\n[grid]\naxes = [{ from = 0, cells = 10 }] # box\n";

    fn with(overrides: &[&str]) -> String {
        apply(TEXT, &overrides.iter().map(|o| o.to_string()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn values_are_replaced_and_comments_stay() {
        assert_eq!(with(&["seed=2"]), TEXT.replace("seed = 1", "seed = 2"));
        assert_eq!(with(&["grid.axes.0.cells = 20"]), TEXT.replace("10", "20"));
        assert_eq!(with(&[]), TEXT);
    }

    #[test]
    fn new_keys_and_tables_are_added() {
        let text = with(&["langevin.walkers=5", "name=short", "expect.\"stationary/mean/x\".value=0.5"]);
        assert!(text.contains("[langevin]\nwalkers = 5"), "{text}");
        assert!(text.contains("name = \"short\""), "{text}");
        assert!(text.contains("[expect.\"stationary/mean/x\"]\nvalue = 0.5"), "{text}");
    }

    #[test]
    fn a_string_that_was_given_is_known() {
        let given = |entry: &str, value: &str| super::gives(&[entry.to_string()], &["model", "data", "file"], value);
        assert!(given("model.data.file=/a/b.csv", "/a/b.csv") && given("model.data={file='/a'}", "/a"));
        assert!(!given("model.data.file=/a/b.csv", "/a/c.csv") && !given("seed=1", "/a"));
    }

    #[test]
    fn paths_that_lead_nowhere_are_refused() {
        for bad in ["seed", "=1", "seed.more=1", "grid.axes.3.cells=1", "grid.axes.x=1", "a..b=1", "seed=[1", "seed="] {
            assert!(apply(TEXT, &[bad.to_string()]).is_err(), "{bad}");
        }
    }
}
