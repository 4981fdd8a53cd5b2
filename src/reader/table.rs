//! Reading TOML tables key by key: unknown and missing keys and keys of another kind become errors with a place.

use std::ops::Range;

use miette::{Report, Result};
use toml::Spanned;
use toml::de::DeTable;

use super::source::{Located, Source};
pub use super::value::Value;
use crate::text::{bracketed, nearest};

/// A table of the scenario whose keys have been checked against those it may have.
pub struct Table<'a> {
    source: &'a Source,
    pub(super) path: String,
    span: Range<usize>,
    entries: Option<&'a DeTable<'a>>,
}

impl<'a> Table<'a> {
    /// The whole document. Errors: a key that is not among `keys`.
    pub fn root(source: &'a Source, document: &'a Spanned<DeTable<'a>>, keys: &[&str]) -> Result<Self> {
        let table = Self { source, path: String::new(), span: 0..0, entries: Some(document.get_ref()) };
        table.check_keys(keys)?;
        Ok(table)
    }

    /// A table that was not written: every key has its default.
    fn absent(source: &'a Source, path: String, span: Range<usize>) -> Self {
        Self { source, path, span, entries: None }
    }

    /// The source, for errors.
    pub fn source(&self) -> &'a Source {
        self.source
    }

    /// Place of the table: its header or its braces.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Path of the table or of a key in it.
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }

    /// Place of the word after `kind =`, of the table where none is written.
    pub fn kind_span(&self) -> Range<usize> {
        self.get("kind").map_or(self.span(), |kind| kind.span())
    }

    /// The value of a key, if written.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        let item = self.entries?.get(key)?;
        Some(Value { source: self.source, path: self.path(key), item })
    }

    /// The value of a key that must be there; `help` says what to write. Errors: it is missing.
    pub fn require(&self, key: &str, help: &str) -> Result<Value<'a>> {
        self.get(key).ok_or_else(|| self.missing(key, help))
    }

    /// The error for a missing key or table.
    pub fn missing(&self, key: &str, help: &str) -> Report {
        let (message, label) = match self.path.as_str() {
            "" => (format!("the scenario has no [{key}]"), format!("[{key}] is missing")),
            path => (format!("`{key}` is missing in {}", bracketed(path)), format!("needs `{key}`")),
        };
        self.source.error(&self.span, message, label, help)
    }

    /// A table below this one; without it, a table of defaults. Errors: no table; a key that is not among `keys`.
    pub fn table(&self, key: &str, keys: &[&str]) -> Result<Table<'a>> {
        match self.get(key) {
            Some(value) => value.table(keys),
            None => {
                self.source.note_accepted(&self.path(key), keys.iter().copied());
                Ok(Table::absent(self.source, self.path(key), self.span.clone()))
            }
        }
    }

    /// What `read` makes of the value of a key, or the default, which is noted as `shown`. Errors: those of `read`.
    pub fn or<T>(&self, key: &str, default: T, shown: &str, read: impl Fn(&Value<'a>) -> Result<T>) -> Result<T> {
        match self.get(key) {
            Some(value) => read(&value),
            None => {
                self.source.note_default(&self.path(key), shown);
                Ok(default)
            }
        }
    }

    /// What `read` makes of the value of a key, if written. Errors: those of `read`.
    pub fn optional<T>(&self, key: &str, read: impl Fn(&Value<'a>) -> Result<T>) -> Result<Option<T>> {
        self.get(key).map(|value| read(&value)).transpose()
    }

    /// `value` located at this table, for defaults that are checked like written values.
    pub fn here<T>(&self, value: T) -> Located<T> {
        Located { value, span: self.span.clone() }
    }

    /// Errors: `second` is written, and `first` too.
    pub fn exclusive(&self, first: &str, second: &str, help: &str) -> Result<()> {
        if self.get(first).is_some()
            && let Some(value) = self.get(second)
        {
            let message = format!("`{}` and `{}` exclude each other", self.path(first), self.path(second));
            return Err(self.source.error(&value.span(), message, format!("`{first}` is given too"), help));
        }
        Ok(())
    }

    /// The keys with their places, in the order of the file.
    pub fn keys(&self) -> Vec<(&'a str, Range<usize>)> {
        let Some(entries) = self.entries else { return Vec::new() };
        entries.iter().map(|(key, _)| (key.get_ref().as_ref(), key.span())).collect()
    }

    /// All values with their keys, for tables whose keys the user chooses.
    pub fn values(&self) -> Vec<(Located<String>, Value<'a>)> {
        let Some(entries) = self.entries else { return Vec::new() };
        let pairs = entries.iter().map(|(key, item)| {
            let name = Located { value: key.get_ref().to_string(), span: key.span() };
            let path = self.path(&name.value);
            (name, Value { source: self.source, path, item })
        });
        pairs.collect()
    }

    fn check_keys(&self, known: &[&str]) -> Result<()> {
        self.source.note_accepted(&self.path, known.iter().copied());
        for (key, span) in self.keys() {
            if !known.contains(&key) {
                return Err(self.unknown_key(key, span, known));
            }
        }
        Ok(())
    }

    pub(super) fn unknown_key(&self, key: &str, span: Range<usize>, known: &[&str]) -> Report {
        let place = if self.path.is_empty() { "a scenario".to_string() } else { bracketed(&self.path) };
        let mut listed: Vec<&str> = Vec::new();
        for &key in known {
            if !listed.contains(&key) {
                listed.push(key); // kinds of a table may share keys
            }
        }
        let mut help = format!("{place} may have: {}", listed.join(", "));
        let mut label = "unknown key".to_string();
        if let Some(near) = nearest(key, known) {
            label = format!("did you mean `{near}`?");
            help = format!("write `{near}` instead of `{key}`; {help}");
        }
        self.source.error(&span, format!("unknown key `{}`", self.path(key)), label, help)
    }
}

impl<'a> Value<'a> {
    /// A table with these keys. Errors: no table; another key.
    pub fn table(&self, keys: &[&str]) -> Result<Table<'a>> {
        let table = self.open_table()?;
        table.check_keys(keys)?;
        Ok(table)
    }

    /// A table whose keys are checked later, by [`Table::kind`] or because the user chooses them. Errors: no table.
    pub fn open_table(&self) -> Result<Table<'a>> {
        let Some(entries) = self.item.get_ref().as_table() else {
            if self.item.get_ref().as_array().is_some_and(|list| list.iter().any(|item| item.get_ref().is_table())) {
                let message = format!("`{}` must be one table, and is a list of them", self.path);
                let help = format!("write [{}] in single brackets, once, and its keys below it", self.path);
                return Err(self.error(message, "a list of tables", help));
            }
            return Err(self.wrong_type("a table", "{ … }"));
        };
        Ok(Table { source: self.source, path: self.path.clone(), span: self.span(), entries: Some(entries) })
    }
}
