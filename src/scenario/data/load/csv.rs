//! CSV with a header line; errors point into the CSV file itself.

use std::ops::Range;

use miette::{Report, Result};

use super::{Columns, DataFile};
use crate::error;
use crate::reader::source::plain_io;

/// Reads the wanted columns. Errors: no such file; no header or samples; lines of another length; entries that are no numbers.
pub(super) fn read(file: &DataFile) -> Result<Columns> {
    let bytes = std::fs::read(&file.path)
        .map_err(|e| file.error(format!("cannot read {}: {}", file.name(), plain_io(&e)), "not readable", ""))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        file.error(format!("{} is not UTF-8 text", file.name()), "not text", "save the data as CSV in UTF-8")
    })?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        let help = "write a header line with the column names, then one line per sample";
        return Err(file.error(format!("the data file {} is empty", file.name()), "empty file", help));
    }
    Lines { file, text }.columns()
}

struct Lines<'a> {
    file: &'a DataFile<'a>,
    text: &'a str,
}

impl Lines<'_> {
    fn columns(&self) -> Result<Columns> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(self.text.as_bytes());
        let mut records = reader.records();
        let header = match records.next() {
            Some(header) => header.map_err(|error| self.broken(&error))?,
            None => return Err(self.file.error("the data file has no header", "empty file", "")),
        };
        self.check_header(&header)?;
        let names: Vec<String> = header.iter().map(str::to_string).collect();
        let wanted = self.file.wanted(&names)?;
        let mut columns: Columns = wanted.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        for record in records {
            let record = record.map_err(|error| self.broken(&error))?;
            if record.len() != names.len() {
                return Err(self.ragged(&record, names.len()));
            }
            for ((_, index), (_, values)) in wanted.iter().zip(&mut columns) {
                values.push(self.number(&record, *index, &names[*index])?);
            }
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

    fn check_header(&self, header: &csv::StringRecord) -> Result<()> {
        if header.iter().all(|name| name.parse::<f64>().is_ok()) {
            let help = "put the names of the columns on the first line, for example: x,y";
            return Err(self.at(
                self.line(header),
                "the data file has no header line",
                "numbers instead of names",
                help,
            ));
        }
        for (i, name) in header.iter().enumerate() {
            if header.iter().take(i).any(|other| other == name) {
                let message = format!("two columns of the data file are named \"{name}\"");
                return Err(self.at(self.field(header, i), message, "second time", "give each column its own name"));
            }
        }
        Ok(())
    }

    fn number(&self, record: &csv::StringRecord, index: usize, name: &str) -> Result<f64> {
        let field = &record[index];
        let (message, label) = match field.parse::<f64>() {
            Ok(value) if value.is_finite() => return Ok(value),
            Ok(_) => (format!("column `{name}` holds {field}"), "not a finite number"),
            Err(_) if field.is_empty() => (format!("column `{name}` has an empty entry"), "nothing here"),
            Err(_) => (format!("column `{name}` holds \"{field}\", which is not a number"), "not a number"),
        };
        let help = "remove this sample or write a finite number, with a point for decimals";
        Err(self.at(self.field(record, index), message, label, help))
    }

    fn ragged(&self, record: &csv::StringRecord, expected: usize) -> Report {
        let line = record.position().map_or(0, csv::Position::line);
        let message = format!("line {line} has {} entries, but the header names {expected} columns", record.len());
        self.at(
            self.line(record),
            message,
            format!("{} entries", record.len()),
            "separate entries by commas, one for each column",
        )
    }

    fn broken(&self, error: &csv::Error) -> Report {
        let start = error.position().map_or(0, |position| position.byte() as usize).min(self.text.len());
        self.at(
            start..start,
            format!("this is not CSV: {error}"),
            "here",
            "separate entries by commas, one line per sample",
        )
    }

    /// An error in the CSV file.
    fn at(&self, span: Range<usize>, message: impl Into<String>, label: impl Into<String>, help: &str) -> Report {
        let message = format!("bad data in {}: {}", self.file.name(), message.into());
        error::at(&self.file.name(), self.text, span, message, label, help)
    }

    /// The line of a record in the text.
    fn line(&self, record: &csv::StringRecord) -> Range<usize> {
        let mut start = record.position().map_or(0, |position| position.byte() as usize).min(self.text.len());
        let rest = &self.text[start..];
        start += rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let end = self.text[start..].find(['\r', '\n']).map_or(self.text.len(), |length| start + length);
        start..end
    }

    /// One entry of a record in the text; the whole line where quotes hide it.
    fn field(&self, record: &csv::StringRecord, index: usize) -> Range<usize> {
        let line = self.line(record);
        let text = &self.text[line.clone()];
        if text.contains('"') {
            return line;
        }
        let mut start = line.start;
        for (i, part) in text.split(',').enumerate() {
            if i == index {
                let blank = part.len() - part.trim_start().len();
                return start + blank..start + blank + part.trim().len();
            }
            start += part.len() + 1;
        }
        line
    }
}
