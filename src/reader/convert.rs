//! Scenarios in JSON and YAML: written out as TOML for the one reader, with a table from places there to places in the file.

use std::ops::Range;
use std::path::Path;

use miette::{Report, Result};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

use crate::error;

/// How a scenario is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// TOML.
    Toml,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

impl Format {
    /// By the ending of the file's name; without one of those, JSON where the text begins with `{`, else TOML.
    pub fn of(path: &Path, text: &str) -> Self {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("json") => Self::Json,
            Some("yaml" | "yml") => Self::Yaml,
            Some(_) => Self::Toml,
            None if text.trim_start().starts_with('{') => Self::Json,
            None => Self::Toml,
        }
    }
}

/// Places of a TOML text, and of what they were made from in the file.
pub type Places = Vec<(Range<usize>, Range<usize>)>;

/// A text that was not written in TOML, and where each place of the TOML made from it was there.
#[derive(Debug)]
pub struct Written {
    /// The text of the file.
    pub text: String,
    /// Where the places of the TOML come from.
    pub places: Places,
}

impl Written {
    /// The place in the file of a place in the TOML: that of the smallest value or key around it.
    pub fn place(&self, toml: &Range<usize>) -> Range<usize> {
        let around = self.places.iter().filter(|(there, _)| there.start <= toml.start && toml.end <= there.end);
        let inside = || self.places.iter().filter(|(there, _)| toml.start <= there.start && there.end <= toml.end);
        match around.min_by_key(|(there, _)| there.len()) {
            Some((there, here)) if there.len() == here.len() => {
                here.start + toml.start - there.start..here.start + toml.end - there.start
            }
            Some((_, here)) => here.clone(),
            None => inside().next().map_or(0..0, |(_, here)| here.clone()),
        }
    }
}

/// The TOML of a scenario in JSON or YAML, and the table of places. Errors: no such text; what TOML does not know: null, anchors.
pub fn to_toml(file: &str, text: &str, format: Format) -> Result<(String, Places)> {
    if format == Format::Json {
        serde_json::from_str::<serde_json::Value>(text).map_err(|error| not_json(file, text, &error))?;
    }
    let mut reader = Reader { file, text, events: Parser::new_from_str(text), starts: char_starts(text) };
    let root = reader.document()?;
    let mut writer = Writer::default();
    match &root.kind {
        Kind::Map(entries) => writer.document(entries),
        Kind::Scalar(_) | Kind::List(_) => {
            let help = "write the tables of the scenario by their names: model, dynamics, grid, initial, time";
            return Err(error::at(file, text, root.span, "this is not a scenario", "not a table", help));
        }
    }
    Ok((writer.text, writer.places))
}

/// The bytes at which the characters of a text begin, and its end.
fn char_starts(text: &str) -> Vec<usize> {
    text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect()
}

fn not_json(file: &str, text: &str, error: &serde_json::Error) -> Report {
    let line: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (line + error.column().saturating_sub(1)).min(text.len());
    let at = (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let help = "strings and names need quotes, no comma after the last entry, no comments; see https://www.json.org";
    error::at(file, text, at..at + 1, format!("this is not valid JSON: {message}"), "here", help)
}

/// A value with its place in the file.
struct Node {
    kind: Kind,
    span: Range<usize>,
}

enum Kind {
    /// As TOML writes it.
    Scalar(String),
    List(Vec<Node>),
    /// Names with their places, and values.
    Map(Vec<(String, Range<usize>, Node)>),
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
    starts: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn refuse(&self, span: Range<usize>, message: &str, help: &str) -> Report {
        error::at(self.file, self.text, span, message, "here", help)
    }

    fn broken(&self, error: &ScanError) -> Report {
        let at = self.byte(error.marker().index());
        let message = format!("this is not valid YAML: {}", error.info());
        self.refuse(at..at + 1, &message, "indent with blanks, put formulas into quotes; see https://yaml.org")
    }

    fn byte(&self, character: usize) -> usize {
        self.starts.get(character).copied().unwrap_or(self.text.len())
    }

    /// The next event with its place.
    fn next(&mut self) -> Result<(Event<'a>, Range<usize>)> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, self.byte(span.start.index())..self.byte(span.end.index()))),
            Some(Err(error)) => Err(self.broken(&error)),
            None => Ok((Event::StreamEnd, self.text.len()..self.text.len())),
        }
    }

    /// The one document of the file.
    fn document(&mut self) -> Result<Node> {
        loop {
            match self.next()? {
                (Event::Nothing | Event::StreamStart | Event::DocumentStart(_), _) => {}
                (Event::StreamEnd | Event::DocumentEnd, span) => {
                    return Err(self.refuse(
                        span,
                        "there is no scenario in this file",
                        "write the tables of a scenario",
                    ));
                }
                (event, span) => return self.node(event, span),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Range<usize>) -> Result<Node> {
        match event {
            Event::Scalar(value, style, _, _) => {
                let kind = Kind::Scalar(self.scalar(&value, style, &span)?);
                Ok(Node { kind, span })
            }
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, end) => {
                            return Ok(Node { kind: Kind::List(list), span: span.start..end.end.max(span.end) });
                        }
                        (event, span) => list.push(self.node(event, span)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                loop {
                    let (name, place) = match self.next()? {
                        (Event::MappingEnd, end) => {
                            return Ok(Node { kind: Kind::Map(entries), span: span.start..end.end.max(span.end) });
                        }
                        (Event::Scalar(name, ..), place) => (name.into_owned(), place),
                        (_, place) => {
                            return Err(self.refuse(place, "the name of a key must be a word", "write key: value"));
                        }
                    };
                    let (event, span) = self.next()?;
                    entries.push((name, place, self.node(event, span)?));
                }
            }
            Event::Alias(_) => Err(self.refuse(span, "references are not understood", "write the value out")),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => Err(self.refuse(span, "the text ends in the middle of a value", "write the value")),
        }
    }

    /// A scalar as TOML writes it: quoted text is a string, plain text what YAML 1.2 takes it for. Errors: null.
    fn scalar(&self, text: &str, style: ScalarStyle, span: &Range<usize>) -> Result<String> {
        let string = || toml_edit::Value::from(text).to_string();
        if style != ScalarStyle::Plain {
            return Ok(string());
        }
        Ok(match text {
            "" | "~" | "null" | "Null" | "NULL" => {
                let help = "leave the key out to take its default";
                return Err(self.refuse(span.clone(), "a value is missing", help));
            }
            "true" | "True" | "TRUE" => "true".into(),
            "false" | "False" | "FALSE" => "false".into(),
            _ if text.parse::<i64>().is_ok() => {
                text.trim_start_matches('+').parse::<i64>().map_or_else(|_| string(), |n| n.to_string())
            }
            _ => match text.parse::<f64>() {
                Ok(number) if text.contains(|sign: char| sign.is_ascii_digit()) => format!("{number:?}"),
                _ => string(),
            },
        })
    }
}

/// Writes TOML and notes what came from where.
#[derive(Default)]
struct Writer {
    text: String,
    places: Places,
}

impl Writer {
    /// The keys of the root first, then its tables under headers of their own.
    fn document(&mut self, entries: &[(String, Range<usize>, Node)]) {
        let is_table = |node: &Node| matches!(node.kind, Kind::Map(_));
        for (name, place, node) in entries.iter().filter(|(.., node)| !is_table(node)) {
            self.entry(name, place, node);
            self.text.push('\n');
        }
        for (name, place, node) in entries {
            let Kind::Map(inner) = &node.kind else { continue };
            let start = self.text.len() + 1;
            self.text.push_str("\n[");
            self.name(name, place);
            self.text.push_str("]\n");
            self.places.push((start..self.text.len() - 1, place.clone()));
            for (name, place, node) in inner {
                self.entry(name, place, node);
                self.text.push('\n');
            }
        }
    }

    fn entry(&mut self, name: &str, place: &Range<usize>, node: &Node) {
        self.name(name, place);
        self.text.push_str(" = ");
        self.value(node);
    }

    fn name(&mut self, name: &str, place: &Range<usize>) {
        let start = self.text.len();
        self.text.push_str(&toml_edit::Key::new(name).to_string());
        self.places.push((start..self.text.len(), place.clone()));
    }

    fn value(&mut self, node: &Node) {
        let start = self.text.len();
        match &node.kind {
            Kind::Scalar(text) => self.text.push_str(text.trim()),
            Kind::List(list) => {
                self.text.push('[');
                for (i, node) in list.iter().enumerate() {
                    self.text.push_str(if i > 0 { ", " } else { "" });
                    self.value(node);
                }
                self.text.push(']');
            }
            Kind::Map(entries) => {
                self.text.push_str("{ ");
                for (i, (name, place, node)) in entries.iter().enumerate() {
                    self.text.push_str(if i > 0 { ", " } else { "" });
                    self.entry(name, place, node);
                }
                self.text.push_str(" }");
            }
        }
        self.places.push((start..self.text.len(), node.span.clone()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const YAML: &str = "seed: 7 # a seed\nmodel:\n  variables: [x]\n  loss: \"x^2/2 ~ é\"\ngrid:\n  axes:\n    - { from: -1, to: 1e0, cells: 1_0 }\n";
    const JSON: &str = "{\n\t\"model\": {\"loss\": \"x\\u00e92\", \"variables\": [\"x\"]},\n\t\"seed\": 7, \"big\": 1.5e3, \"on\": true}";

    fn toml(text: &str, format: Format) -> (String, Written) {
        let (toml, places) = to_toml("file", text, format).unwrap();
        (toml, Written { text: text.into(), places })
    }

    /// The text of the file at the place of `what` in the TOML.
    fn origin<'w>(toml: &str, written: &'w Written, what: &str) -> &'w str {
        let at = toml.find(what).unwrap();
        &written.text[written.place(&(at..at + what.len()))]
    }

    #[test]
    fn yaml_becomes_toml_and_keeps_its_places() {
        let (toml, written) = toml(YAML, Format::Yaml);
        let expected = "seed = 7\n\n[model]\nvariables = [\"x\"]\nloss = \"x^2/2 ~ é\"\n\n[grid]\naxes = [{ from = -1, to = 1.0, cells = \"1_0\" }]\n";
        assert_eq!(toml, expected);
        assert_eq!(origin(&toml, &written, "loss"), "loss");
        assert_eq!(origin(&toml, &written, "é"), "é");
        assert_eq!(origin(&toml, &written, "\"1_0\""), "1_0");
        assert_eq!(origin(&toml, &written, "[model]"), "model");
    }

    #[test]
    fn json_becomes_toml_and_keeps_its_places() {
        let (toml, written) = toml(JSON, Format::Json);
        assert_eq!(toml, "seed = 7\nbig = 1500.0\non = true\n\n[model]\nloss = \"xé2\"\nvariables = [\"x\"]\n");
        assert_eq!(origin(&toml, &written, "1500.0"), "1.5e3");
        assert_eq!(origin(&toml, &written, "\"xé2\""), "\"x\\u00e92\"");
    }

    #[test]
    fn what_is_no_scenario_is_refused() {
        for (text, format) in [
            ("[1, 2]", Format::Json),
            ("{\"a\": 1,}", Format::Json),
            ("{a: 1}", Format::Json),
            ("a: [1, 2", Format::Yaml),
            ("a: &x 1\nb: *x", Format::Yaml),
            ("a: null", Format::Yaml),
            ("", Format::Yaml),
            ("just words", Format::Yaml),
        ] {
            assert!(to_toml("file", text, format).is_err(), "{text}");
        }
    }

    #[test]
    fn the_ending_of_the_name_says_how_it_is_written() {
        let of = |name: &str, text: &str| Format::of(Path::new(name), text);
        assert_eq!((of("a.json", ""), of("a.yml", ""), of("a.toml", "{")), (Format::Json, Format::Yaml, Format::Toml));
        assert_eq!((of("a", " {}"), of("a", "x = 1")), (Format::Json, Format::Toml));
    }
}
