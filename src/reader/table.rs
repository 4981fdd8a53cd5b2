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
    path: String,
    span: Range<usize>,
    entries: Option<&'a DeTable<'a>>,
}

/// The kinds a table may have, each with the keys that not all kinds know.
pub type Kinds<'k> = &'k [(&'static str, &'k [&'static str])];

impl<'a> Table<'a> {
    /// The whole document.
    pub fn root(source: &'a Source, document: &'a Spanned<DeTable<'a>>, keys: &[&str]) -> Result<Self> {
        let table = Self { source, path: String::new(), span: 0..0, entries: Some(document.get_ref()) };
        table.check_keys(keys)?;
        Ok(table)
    }

    /// A written table whose keys are not checked yet.
    pub(crate) fn new(source: &'a Source, path: String, span: Range<usize>, entries: &'a DeTable<'a>) -> Self {
        Self { source, path, span, entries: Some(entries) }
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

    /// Whether the table was written at all.
    pub fn is_written(&self) -> bool {
        self.entries.is_some()
    }

    /// The value of a key, if written.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        let item = self.entries?.get(key)?;
        Some(Value { source: self.source, path: self.path(key), item })
    }

    /// The value of a key that must be there; `help` says what to write.
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

    /// A table below this one; without it, a table of defaults.
    pub fn table(&self, key: &str, keys: &[&str]) -> Result<Table<'a>> {
        match self.get(key) {
            Some(value) => value.table(keys),
            None => Ok(Table::absent(self.source, self.path(key), self.span.clone())),
        }
    }

    /// `key = [from the value]` or the default, which is noted.
    pub fn or<T>(&self, key: &str, default: T, shown: &str, read: impl Fn(&Value<'a>) -> Result<T>) -> Result<T> {
        match self.get(key) {
            Some(value) => read(&value),
            None => {
                self.source.note_default(&self.path(key), shown);
                Ok(default)
            }
        }
    }

    /// The value of a key read by `read`, if written.
    pub fn optional<T>(&self, key: &str, read: impl Fn(&Value<'a>) -> Result<T>) -> Result<Option<T>> {
        self.get(key).map(|value| read(&value)).transpose()
    }

    /// `value` located at this table, for defaults that are checked like written values.
    pub fn here<T>(&self, value: T) -> Located<T> {
        Located { value, span: self.span.clone() }
    }

    /// The `kind` of the table, after checking that every key belongs to all kinds (`common`) or to this one.
    pub fn kind(&self, default: &'static str, common: &[&'static str], kinds: Kinds) -> Result<&'static str> {
        let names: Vec<&'static str> = kinds.iter().map(|&(name, _)| name).collect();
        let kind = self.or("kind", default, &format!("\"{default}\""), |value| value.word(&names).map(|w| w.value))?;
        for (key, span) in self.keys() {
            if common.contains(&key) || key == "kind" || kinds.iter().any(|&(k, own)| k == kind && own.contains(&key)) {
                continue;
            }
            let owners: Vec<String> =
                kinds.iter().filter(|(_, own)| own.contains(&key)).map(|(name, _)| format!("\"{name}\"")).collect();
            if owners.is_empty() {
                let known = kinds.iter().flat_map(|(_, own)| own.iter()).chain(common).copied().chain(["kind"]);
                return Err(self.unknown_key(key, span, &known.collect::<Vec<_>>()));
            }
            let owners = owners.join(" or ");
            let message = format!(
                "`{}` belongs to kind = {owners}, but this {} has kind = \"{kind}\"",
                self.path(key),
                bracketed(&self.path)
            );
            return Err(self.source.error(
                &span,
                message,
                "not read for this kind",
                format!("write kind = {owners} in {}, or remove `{key}`", bracketed(&self.path)),
            ));
        }
        Ok(kind)
    }

    /// Refuses `second` next to `first`.
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

    pub(crate) fn check_keys(&self, known: &[&str]) -> Result<()> {
        for (key, span) in self.keys() {
            if !known.contains(&key) {
                return Err(self.unknown_key(key, span, known));
            }
        }
        Ok(())
    }

    fn unknown_key(&self, key: &str, span: Range<usize>, known: &[&str]) -> Report {
        let place = if self.path.is_empty() { "a scenario".to_string() } else { bracketed(&self.path) };
        let mut help = format!("{place} may have: {}", known.join(", "));
        let mut label = "unknown key".to_string();
        if let Some(near) = nearest(key, known) {
            label = format!("did you mean `{near}`?");
            help = format!("write `{near}` instead of `{key}`; {help}");
        }
        self.source.error(&span, format!("unknown key `{}`", self.path(key)), label, help)
    }
}
