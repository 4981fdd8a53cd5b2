//! A value of the scenario: wrong types and values out of range become errors with a place and an example.

use std::ops::{Range, RangeInclusive};

use miette::{Report, Result};
use toml::Spanned;
use toml::de::DeValue;

use super::source::{Located, Source};
use crate::text::{exact, grouped, nearest};

/// A value of the scenario and the path that leads to it.
#[derive(Clone)]
pub struct Value<'a> {
    pub(super) source: &'a Source,
    pub(super) path: String,
    pub(super) item: &'a Spanned<DeValue<'a>>,
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

    /// Whether the value is a table.
    pub fn is_table(&self) -> bool {
        self.item.get_ref().is_table()
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
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let help = match (key.ends_with(']'), key.chars().all(bare)) {
            (true, _) => format!("write for example {example}"),
            (false, true) => format!("write for example {key} = {example}"),
            (false, false) => format!("write for example \"{key}\" = {example}"),
        };
        self.error(format!("`{}` must be {expected}, not {found}", self.path), format!("this is {found}"), help)
    }

    /// The number that stands in a string.
    fn meant(&self) -> Option<f64> {
        self.item.get_ref().as_str()?.trim().parse().ok().filter(|x: &f64| x.is_finite())
    }

    /// A finite number; whole numbers count as numbers. Errors: another type; nan or inf.
    pub fn number(&self) -> Result<Located<f64>> {
        let value = match self.item.get_ref() {
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::Integer(integer) => integer_value(integer).map(|n| n as f64),
            _ => return Err(self.wrong_type("a number", &self.meant().map_or("0.5".into(), exact))),
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

    /// A number > 0. Errors: no finite number; one ≤ 0.
    pub fn positive(&self) -> Result<Located<f64>> {
        let number = self.number()?;
        if number.value > 0.0 {
            return Ok(number);
        }
        let message = format!("`{}` must be positive, but is {}", self.path, exact(number.value));
        Err(self.error(message, "must be > 0", "write a number greater than 0"))
    }

    /// A number ≥ 0. Errors: no finite number; one < 0.
    pub fn non_negative(&self) -> Result<Located<f64>> {
        let number = self.number()?;
        if number.value >= 0.0 {
            return Ok(number);
        }
        let message = format!("`{}` must not be negative, but is {}", self.path, exact(number.value));
        Err(self.error(message, "must be >= 0", "write 0 or a positive number"))
    }

    /// A whole number in a range. Errors: another type, also 2.0 or 1e3; out of the range.
    pub fn count(&self, range: RangeInclusive<u64>) -> Result<Located<u64>> {
        let (low, high) = (*range.start(), *range.end());
        let within = |x: &f64| (low as f64..=high as f64).contains(x);
        let example = |near: Option<f64>| match near.map(f64::round).filter(within) {
            Some(near) => format!("{near:.0}"),
            None => low.max(1).to_string(),
        };
        let integer = match self.item.get_ref() {
            DeValue::Integer(integer) => integer_value(integer),
            DeValue::Float(float) => {
                let value: f64 = float.as_str().parse().unwrap_or(f64::NAN);
                if value.fract() != 0.0 || !(0.0..1e15).contains(&value) {
                    return Err(self.wrong_type("a whole number", &example(Some(value))));
                }
                let message = format!("`{}` must be a whole number, without point or exponent", self.path);
                let help = format!("write {value:.0} for {}", float.as_str());
                return Err(self.error(message, "a decimal number", help));
            }
            _ => return Err(self.wrong_type("a whole number", &example(self.meant()))),
        };
        match integer.and_then(|n| u64::try_from(n).ok()) {
            Some(n) if (low..=high).contains(&n) => Ok(self.locate(n)),
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

    /// A string. Errors: another type.
    pub fn string(&self) -> Result<Located<String>> {
        match self.item.get_ref().as_str() {
            Some(text) => Ok(self.locate(text.to_string())),
            None => Err(self.wrong_type("a string", "\"text\"")),
        }
    }

    /// True or false. Errors: another type.
    pub fn boolean(&self) -> Result<Located<bool>> {
        match self.item.get_ref().as_bool() {
            Some(flag) => Ok(self.locate(flag)),
            None => Err(self.wrong_type("true or false", "true")),
        }
    }

    /// What the written word stands for, one of the given. Errors: no string; another word.
    pub fn choice<T: Clone>(&self, words: &[(&'static str, T)]) -> Result<Located<T>> {
        let quoted = || words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let Some(text) = self.item.get_ref().as_str() else {
            let example = words.first().map_or(String::new(), |(word, _)| format!("\"{word}\""));
            return Err(self.wrong_type(&format!("one of {}", quoted()), &example));
        };
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(self.locate(meaning.clone()));
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let label = nearest(text, &known).map_or("unknown word".into(), |near| format!("did you mean \"{near}\"?"));
        let message = format!("`{}` cannot be \"{text}\"", self.path);
        Err(self.error(message, label, format!("write one of {}", quoted())))
    }

    /// The values of an array. Errors: another type.
    pub fn list(&self) -> Result<Vec<Value<'a>>> {
        let Some(array) = self.item.get_ref().as_array() else {
            return Err(self.wrong_type("a list", "[ … ]"));
        };
        let item = |(i, item)| Value { source: self.source, path: format!("{}[{i}]", self.path), item };
        Ok(array.iter().enumerate().map(item).collect())
    }

    /// Finite numbers in an array. Errors: no array; an entry that is none.
    pub fn numbers(&self) -> Result<Located<Vec<f64>>> {
        let numbers: Result<Vec<f64>> = self.list()?.iter().map(|v| v.number().map(|n| n.value)).collect();
        Ok(self.locate(numbers?))
    }

    /// Strings in an array. Errors: no array; an entry that is none.
    pub fn strings(&self) -> Result<Located<Vec<Located<String>>>> {
        let strings: Result<Vec<_>> = self.list()?.iter().map(Value::string).collect();
        Ok(self.locate(strings?))
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
