//! The text of a scenario, its folder, and errors that point into it.

use std::collections::BTreeSet;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use miette::{Report, Result};

use super::convert::{Format, Written, to_toml};
use crate::error;
use crate::setting::advice;
use crate::text::refused_write;

/// Largest scenario file, bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// A value with its place in the scenario text.
#[derive(Debug, Clone, PartialEq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Its place, bytes of the text.
    pub span: Range<usize>,
}

impl<T> Located<T> {
    /// The same place, another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: f(self.value), span: self.span }
    }
}

/// A scenario as text: where it came from, what it says, and the defaults that were taken while it was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name shown in messages.
    pub file: String,
    /// Path as given.
    pub path: PathBuf,
    /// The TOML as run: the file's text with the overrides applied.
    pub text: String,
    /// The file's text where that is not TOML, for messages.
    written: Option<Arc<Written>>,
    /// The overrides that were applied.
    pub overrides: Vec<String>,
    /// Folders beside that of the scenario in which data files may lie.
    pub data_folders: Vec<PathBuf>,
    defaults: Arc<Mutex<Vec<(String, String)>>>,
    accepted: Arc<Mutex<BTreeSet<String>>>,
}

impl Source {
    /// Reads the file, or standard input where the path is `-`; JSON and YAML become TOML.
    ///
    /// Errors: missing, unreadable, larger than [`MAX_BYTES`], not UTF-8; no JSON or YAML.
    pub fn read(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            let mut bytes = Vec::new();
            let read = std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes);
            read.map_err(|error| error::advice(format!("cannot read standard input: {}", plain_io(&error)), ""))?;
            return Self::from_bytes(Path::new("stdin"), bytes);
        }
        let file = path.display().to_string();
        let unreadable = |error: std::io::Error| {
            let help = "give the path of a scenario, for example: fpsolve scenario scenarios/transient.toml";
            error::advice(format!("cannot read the scenario {file}: {}", plain_io(&error)), help)
        };
        if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
            return Err(too_large(&file));
        }
        Self::from_bytes(path, std::fs::read(path).map_err(unreadable)?)
    }

    /// A scenario of which the bytes are there. Errors: larger than [`MAX_BYTES`]; not UTF-8; no JSON or YAML.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let file = path.display().to_string();
        if bytes.len() as u64 > MAX_BYTES {
            return Err(too_large(&file));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            error::advice(format!("{file} is not UTF-8 text (byte {place})"), "save the scenario as UTF-8")
        })?;
        let format = Format::of(path, &text);
        if format == Format::Toml {
            return Ok(Self::from_text(path, text));
        }
        let (toml, places) = to_toml(&file, &text, format)?;
        Ok(Self { written: Some(Arc::new(Written { text, places })), ..Self::from_text(path, toml) })
    }

    /// A scenario whose text is already there; `path` names it and gives its folder.
    pub fn from_text(path: &Path, text: String) -> Self {
        let file = path.display().to_string();
        let (overrides, data_folders) = (Vec::new(), Vec::new());
        Self {
            file,
            path: path.to_path_buf(),
            text,
            written: None,
            overrides,
            data_folders,
            defaults: Arc::default(),
            accepted: Arc::default(),
        }
    }

    /// The same text with nothing noted yet.
    pub fn anew(&self) -> Self {
        Self { defaults: Arc::default(), accepted: Arc::default(), ..self.clone() }
    }

    /// Folder of the scenario, where its data files are looked up.
    pub fn folder(&self) -> PathBuf {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
            _ => PathBuf::from("."),
        }
    }

    /// An error at a place in the text: what is wrong, the words at the caret, and what to write instead.
    pub fn error(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> Report {
        let mut help = help.into();
        if !self.overrides.is_empty() {
            help +=
                &format!("\n(lines are those of the scenario with --set {} applied)", self.overrides.join(" --set "));
        }
        match &self.written {
            // with overrides applied, the TOML is no longer that which was made from the file
            Some(written) if self.overrides.is_empty() => {
                error::at(&self.file, &written.text, written.place(span), message, label, help)
            }
            _ => error::at(&self.file, &self.text, span.clone(), message, label, help),
        }
    }

    /// An error of the solvers, at the place that is responsible.
    pub fn solver_error(&self, span: &Range<usize>, label: &str, error: &fpsolve_solvers::Error) -> Report {
        let report = self.error(span, error.to_string(), label, advice(error));
        if matches!(error, fpsolve_solvers::Error::TooLarge { .. }) { error::too_large(report) } else { report }
    }

    /// Notes that `key` was not written and has this value.
    pub fn note_default(&self, key: &str, value: impl Into<String>) {
        if let Ok(mut defaults) = self.defaults.lock() {
            defaults.push((key.to_string(), value.into()));
        }
    }

    /// Keys that were not written, with the values they have, in reading order.
    pub fn defaults(&self) -> Vec<(String, String)> {
        self.defaults.lock().map(|defaults| defaults.clone()).unwrap_or_default()
    }

    /// Notes that a table at this path may have these keys.
    pub fn note_accepted<'k>(&self, table: &str, keys: impl IntoIterator<Item = &'k str>) {
        if let Ok(mut accepted) = self.accepted.lock() {
            accepted.extend(keys.into_iter().map(|key| format!("{table}.{key}").trim_start_matches('.').to_string()));
        }
    }

    /// Paths of all keys that the tables read so far may have, written or not.
    pub fn accepted(&self) -> BTreeSet<String> {
        self.accepted.lock().map(|accepted| accepted.clone()).unwrap_or_default()
    }

    /// Place of `inner` (bytes of the string value at `span`) in the text; the whole string where escapes hide it.
    pub fn inside(&self, string: &Located<String>, inner: Range<usize>) -> Range<usize> {
        let raw = self.text.get(string.span.clone()).unwrap_or_default();
        match raw.find(string.value.as_str()) {
            Some(start) if !string.value.is_empty() => {
                let start = string.span.start + start;
                start + inner.start..start + inner.end
            }
            _ => string.span.clone(),
        }
    }
}

fn too_large(file: &str) -> Report {
    let message = format!("{file} has more than {MAX_BYTES} bytes (1 MiB), which a scenario may not have");
    error::advice(message, "keep data in a file of its own and name it in [model.data]")
}

/// An input/output error in plain words, without the error number.
pub fn plain_io(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        std::io::ErrorKind::IsADirectory => "it is a folder".into(),
        std::io::ErrorKind::AlreadyExists => "there is such a file already".into(),
        _ => refused_write(&error.to_string()).map_or_else(|| error.to_string(), |(why, _)| why.into()),
    }
}
