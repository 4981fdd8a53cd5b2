//! Reading TOML tables key by key: unknown keys, wrong types and values out of range become errors with a place.

use std::ops::{Range, RangeInclusive};

use miette::{Report, Result};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::{Located, Source};

/// A table of the scenario whose keys have been checked against those it may have.
pub struct Table<'a> {
    source: &'a Source,
    path: String,
    span: Range<usize>,
    entries: Option<&'a DeTable<'a>>,
}

/// A value of the scenario and the path that leads to it.
#[derive(Clone)]
pub struct Value<'a> {
    source: &'a Source,
    path: String,
    item: &'a Spanned<DeValue<'a>>,
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

    fn check_keys(&self, known: &[&str]) -> Result<()> {
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

impl<'a> Value<'a> {
    /// Place of the value.
    pub fn span(&self) -> Range<usize> {
        self.item.span()
    }

    /// Path of the value, such as `grid.axes[0].cells`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The source, for errors.
    pub fn source(&self) -> &'a Source {
        self.source
    }

    /// Whether the value is a string.
    pub fn is_string(&self) -> bool {
        self.item.get_ref().is_str()
    }

    /// Whether the value is an array.
    pub fn is_list(&self) -> bool {
        self.item.get_ref().is_array()
    }

    /// Whether the value is true or false.
    pub fn is_boolean(&self) -> bool {
        self.item.get_ref().is_bool()
    }

    fn locate<T>(&self, value: T) -> Located<T> {
        Located { value, span: self.span() }
    }

    /// An error at this value.
    pub fn error(&self, message: impl Into<String>, label: impl Into<String>, help: impl Into<String>) -> Report {
        self.source.error(&self.span(), message, label, help)
    }

    /// The error for a value of another type.
    pub fn wrong_type(&self, expected: &str, example: &str) -> Report {
        let found = describe(self.item.get_ref());
        let key = self.path.rsplit('.').next().unwrap_or_default();
        let help = match key.ends_with(']') {
            true => format!("write for example {example}"),
            false => format!("write for example {key} = {example}"),
        };
        self.error(format!("`{}` must be {expected}, not {found}", self.path), format!("this is {found}"), help)
    }

    /// A finite number; whole numbers count as numbers.
    pub fn number(&self) -> Result<Located<f64>> {
        let value = match self.item.get_ref() {
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::Integer(integer) => integer_value(integer).map(|n| n as f64),
            _ => return Err(self.wrong_type("a number", "0.5")),
        };
        match value {
            Some(value) if f64::is_finite(value) => Ok(self.locate(value)),
            _ => Err(self.error(
                format!("`{}` must be a finite number", self.path),
                "not a finite number",
                "write a finite number; nan and inf are not allowed anywhere in a scenario",
            )),
        }
    }

    /// A number > 0.
    pub fn positive(&self) -> Result<Located<f64>> {
        let number = self.number()?;
        if number.value > 0.0 {
            return Ok(number);
        }
        let message = format!("`{}` must be positive, but is {}", self.path, number.value);
        Err(self.error(message, "must be > 0", "write a number greater than 0"))
    }

    /// A number ≥ 0.
    pub fn non_negative(&self) -> Result<Located<f64>> {
        let number = self.number()?;
        if number.value >= 0.0 {
            return Ok(number);
        }
        let message = format!("`{}` must not be negative, but is {}", self.path, number.value);
        Err(self.error(message, "must be >= 0", "write 0 or a positive number"))
    }

    /// A whole number in a range.
    pub fn count(&self, range: RangeInclusive<u64>) -> Result<Located<u64>> {
        let (low, high) = (*range.start(), *range.end());
        let integer = match self.item.get_ref() {
            DeValue::Integer(integer) => integer_value(integer),
            DeValue::Float(float) => {
                let value: f64 = float.as_str().parse().unwrap_or(f64::NAN);
                if value.fract() != 0.0 || !(0.0..1e15).contains(&value) {
                    return Err(self.wrong_type("a whole number", &low.max(1).to_string()));
                }
                let message = format!("`{}` must be a whole number, without point or exponent", self.path);
                let help = format!("write {value:.0} for {}", float.as_str());
                return Err(self.error(message, "a decimal number", help));
            }
            _ => return Err(self.wrong_type("a whole number", &low.max(1).to_string())),
        };
        match integer {
            Some(n) if (i128::from(low)..=i128::from(high)).contains(&n) => Ok(self.locate(n as u64)),
            _ => {
                let shown = integer.map_or("too large".to_string(), |n| n.to_string());
                let message = format!(
                    "`{}` must be a whole number from {} to {}, but is {shown}",
                    self.path,
                    grouped(low),
                    grouped(high)
                );
                Err(self.error(message, "out of range", format!("write a number from {low} to {high}")))
            }
        }
    }

    /// A string.
    pub fn string(&self) -> Result<Located<String>> {
        match self.item.get_ref().as_str() {
            Some(text) => Ok(self.locate(text.to_string())),
            None => Err(self.wrong_type("a string", "\"text\"")),
        }
    }

    /// True or false.
    pub fn boolean(&self) -> Result<Located<bool>> {
        match self.item.get_ref().as_bool() {
            Some(flag) => Ok(self.locate(flag)),
            None => Err(self.wrong_type("true or false", "true")),
        }
    }

    /// One of the given words.
    pub fn word(&self, words: &[&'static str]) -> Result<Located<&'static str>> {
        let quoted: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
        let Some(text) = self.item.get_ref().as_str() else {
            return Err(self.wrong_type(&format!("one of {}", quoted.join(", ")), &quoted[0]));
        };
        if let Some(word) = words.iter().find(|&&w| w == text) {
            return Ok(self.locate(*word));
        }
        let label = nearest(text, words).map_or("unknown word".into(), |near| format!("did you mean \"{near}\"?"));
        let message = format!("`{}` cannot be \"{text}\"", self.path);
        Err(self.error(message, label, format!("write one of {}", quoted.join(", "))))
    }

    /// The values of an array.
    pub fn list(&self) -> Result<Vec<Value<'a>>> {
        let Some(array) = self.item.get_ref().as_array() else {
            return Err(self.wrong_type("a list", "[ … ]"));
        };
        let item = |(i, item)| Value { source: self.source, path: format!("{}[{i}]", self.path), item };
        Ok(array.iter().enumerate().map(item).collect())
    }

    /// Numbers in an array.
    pub fn numbers(&self) -> Result<Located<Vec<f64>>> {
        let numbers: Result<Vec<f64>> = self.list()?.iter().map(|v| v.number().map(|n| n.value)).collect();
        Ok(self.locate(numbers?))
    }

    /// Strings in an array.
    pub fn strings(&self) -> Result<Located<Vec<Located<String>>>> {
        let strings: Result<Vec<_>> = self.list()?.iter().map(Value::string).collect();
        Ok(self.locate(strings?))
    }

    /// A table with these keys.
    pub fn table(&self, keys: &[&str]) -> Result<Table<'a>> {
        let table = self.open_table()?;
        table.check_keys(keys)?;
        Ok(table)
    }

    /// A table whose keys are checked later, by [`Table::kind`] or because the user chooses them.
    pub fn open_table(&self) -> Result<Table<'a>> {
        let Some(entries) = self.item.get_ref().as_table() else {
            return Err(self.wrong_type("a table", "{ … }"));
        };
        Ok(Table { source: self.source, path: self.path.clone(), span: self.span(), entries: Some(entries) })
    }
}

fn integer_value(integer: &toml::de::DeInteger) -> Option<i128> {
    i128::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn describe(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// `[path]`, or `path` for entries of arrays, which have no header.
pub fn bracketed(path: &str) -> String {
    if path.contains('[') { format!("`{path}`") } else { format!("[{path}]") }
}

/// The known word nearest to `word`, if any is near enough to be meant.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = word.to_lowercase();
    let scored = known.iter().map(|&k| (strsim::damerau_levenshtein(&lower, &k.to_lowercase()), k));
    let close = scored.filter(|&(distance, k)| distance <= 1 + k.len().max(word.len()) / 4).min();
    let begins = || known.iter().copied().find(|k| lower.len() > 2 && (k.starts_with(&lower) || lower.starts_with(k)));
    close.map(|(_, k)| k).or_else(begins)
}

/// A whole number with thousands separators.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 number", "2 numbers".
pub fn count(n: usize, what: &str) -> String {
    match (n, what) {
        (1, what) => format!("1 {what}"),
        (n, "axis") => format!("{n} axes"),
        (n, what) => format!("{n} {what}s"),
    }
}
