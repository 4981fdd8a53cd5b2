//! Lines of text with a header line (CSV); errors point into the file itself.

use std::collections::HashSet;
use std::ops::Range;

use miette::{Report, Result};

use super::{Columns, DataFile};
use crate::error;
use crate::reader::source::plain_io;
use crate::scenario::data::separator::Separator;

/// Reads the wanted columns. Errors: no such file; no header or samples; lines of another length; entries that are no numbers.
pub(super) fn read(file: &DataFile) -> Result<Columns> {
    let bytes = std::fs::read(&file.path)
        .map_err(|e| file.error(format!("cannot read {}: {}", file.name(), plain_io(&e)), "not readable", ""))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        file.error(format!("{} is not UTF-8 text", file.name()), "not text", "save the data as CSV in UTF-8")
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let found = || Separator::detect(text).unwrap_or(Separator::Comma);
    let separator = file.separator.map_or_else(found, |written| written.value);
    let lines = Lines { file, text, separator };
    let columns = lines.columns()?;
    lines.note();
    Ok(columns)
}

struct Lines<'a> {
    file: &'a DataFile<'a>,
    text: &'a str,
    separator: Separator,
}

/// Places of the entries of a line.
type Entries = Vec<Range<usize>>;

impl Lines<'_> {
    fn columns(&self) -> Result<Columns> {
        let Some((header, mut next)) = self.separator.line(self.text, 0) else {
            let help = "write a header line with the column names, then one line per sample";
            return Err(self.file.error(format!("the data file {} is empty", self.file.name()), "empty file", help));
        };
        self.check_header(&header)?;
        let names: Vec<String> = header.iter().map(|entry| self.word(entry)).collect();
        let wanted = self.file.wanted(&names)?;
        let mut columns: Columns = wanted.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        while let Some((line, after)) = self.separator.line(self.text, next) {
            if line.len() != names.len() {
                return Err(self.ragged(&line, names.len()));
            }
            for ((_, index), (_, values)) in wanted.iter().zip(&mut columns) {
                values.push(self.number(&line[*index], &names[*index])?);
            }
            next = after;
        }
        if columns.first().is_none_or(|(_, values)| values.is_empty()) {
            let help = "write one line per sample after the header";
            return Err(self.at(
                0..self.text.len(),
                "the data file has a header but no samples",
                "only a header",
                help,
            ));
        }
        Ok(columns)
    }

    /// An entry without its quotes and the blanks inside of them.
    fn word(&self, entry: &Range<usize>) -> String {
        let text = &self.text[entry.clone()];
        match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(inner) => inner.trim().replace("\"\"", "\""),
            None => text.to_string(),
        }
    }

    /// Tells the separator that was found, and that commas were read as decimal points.
    fn note(&self) {
        let source = self.file.source;
        if self.file.separator.is_none() {
            let shown = format!("\"{}\", as the first lines of {} have it", self.separator.word(), self.file.name());
            source.note_default("model.data.separator", shown);
        }
        if self.separator != Separator::Comma && self.text.lines().skip(1).any(|line| line.contains(',')) {
            source.note_default("model.data (decimal sign)", "a comma in a number is read as its decimal point");
        }
    }

    fn check_header(&self, header: &Entries) -> Result<()> {
        if header.len() == 1
            && let Some(other) = Separator::detect(self.text).filter(|_| self.file.separator.is_some())
        {
            let (word, name) = (self.separator.word(), self.word(&header[0]));
            let message = format!("separated by \"{word}\", the header is the one name \"{name}\"");
            let help = format!("write separator = \"{}\" in [model.data], or leave it out", other.word());
            return Err(self.at(header[0].clone(), message, "one column", &help));
        }
        let names: Vec<String> = header.iter().map(|entry| self.word(entry)).collect();
        if names.iter().all(|name| self.decimal(name).parse::<f64>().is_ok()) {
            let help = "put the names of the columns on the first line, for example: x,y";
            return Err(self.at(whole(header), "the data file has no header line", "numbers instead of names", help));
        }
        let mut seen = HashSet::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            if !seen.insert(name) {
                let message = format!("two columns of the data file are named \"{name}\"");
                return Err(self.at(header[i].clone(), message, "second time", "give each column its own name"));
            }
        }
        Ok(())
    }

    fn number(&self, entry: &Range<usize>, name: &str) -> Result<f64> {
        let word = self.word(entry);
        let (message, label) = match self.decimal(&word).parse::<f64>() {
            Ok(value) if value.is_finite() => return Ok(value),
            Ok(_) => (format!("column `{name}` holds {word}"), "not a finite number"),
            Err(_) if word.is_empty() => (format!("column `{name}` has an empty entry"), "nothing here"),
            Err(_) => (format!("column `{name}` holds \"{word}\", which is not a number"), "not a number"),
        };
        let help = match word.contains(',') {
            true => DECIMAL_COMMA,
            false => "remove this sample or write a finite number, with a point for decimals",
        };
        Err(self.at(entry.clone(), message, label, help))
    }

    /// A number with a point for decimals: where entries are separated by another sign, a comma may stand for it.
    fn decimal(&self, word: &str) -> String {
        if self.separator == Separator::Comma { word.to_string() } else { word.replacen(',', ".", 1) }
    }

    fn ragged(&self, line: &Entries, expected: usize) -> Report {
        let number = self.text[..line[0].start].matches('\n').count() + 1;
        let message = format!("line {number} has {} entries, but the header names {expected} columns", line.len());
        let decimals = self.separator == Separator::Comma && line.len() == 2 * expected;
        let help = match (decimals, self.separator) {
            (true, _) => DECIMAL_COMMA.to_string(),
            (false, Separator::Comma) => "separate entries by commas, one for each column".to_string(),
            (false, other) => format!("entries are separated by \"{}\" here, one for each column", other.word()),
        };
        self.at(whole(line), message, format!("{} entries", line.len()), &help)
    }

    /// An error in the file.
    fn at(&self, span: Range<usize>, message: impl Into<String>, label: impl Into<String>, help: &str) -> Report {
        let message = format!("bad data in {}: {}", self.file.name(), message.into());
        error::at(&self.file.name(), self.text, span, message, label, help)
    }
}

/// From the first entry of a line to its last.
fn whole(line: &Entries) -> Range<usize> {
    line.first().map_or(0, |entry| entry.start)..line.last().map_or(0, |entry| entry.end)
}

/// What to do with commas that stand for decimal points.
const DECIMAL_COMMA: &str = "write decimals with a point; or keep decimal commas (and no signs between thousands) and separate the \
                             entries by semicolons, tabs or blanks: the key `separator` of [model.data] names the sign";
