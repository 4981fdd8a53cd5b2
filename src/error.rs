//! How a run ends: exit codes, and the failures that carry a report for the person.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

use miette::{Diagnostic, NamedSource, Report, SourceSpan};

use crate::setting;
use crate::text::harmless;

/// What is said of a failure that no scenario should bring about.
pub const BUG: &str = "this is a bug of the method: please report it with the scenario";

/// Exit codes of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// Done and every verdict passed.
    Done = 0,
    /// The run failed.
    RunFailed = 1,
    /// The input is wrong; nothing was written.
    BadInput = 2,
    /// A verdict or expectation failed; the record is written.
    VerdictFailed = 3,
    /// Too large for the memory limit, or more steps than any computer can take; nothing was allocated.
    TooLarge = 4,
    /// Interrupted by the user; the record is written.
    Interrupted = 130,
}

impl Outcome {
    /// The outcome with this exit code; a failed run for a number that none has.
    pub fn of_code(code: i32) -> Self {
        let all = [Self::Done, Self::BadInput, Self::VerdictFailed, Self::TooLarge, Self::Interrupted, Self::RunFailed];
        all.into_iter().find(|outcome| i32::from(*outcome as u8) == code).unwrap_or(Self::RunFailed)
    }
}

/// A failure: the exit code and what is printed on standard error.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub outcome: Outcome,
    /// What happened, where, and what to do.
    pub report: Report,
}

impl Failure {
    /// A run that failed.
    pub fn run(report: impl Into<Report>) -> Self {
        Self { outcome: Outcome::RunFailed, report: report.into() }
    }
    /// What a panic said, which no scenario should bring about.
    pub fn bug(panic: &str) -> Self {
        Self::run(advice(format!("this is a bug in fpsolve: {panic}"), "please report it with the scenario"))
    }
    /// Wrong input.
    pub fn input(report: impl Into<Report>) -> Self {
        Self { outcome: Outcome::BadInput, report: report.into() }
    }
}

/// Reports of the scenario module are about wrong input, or say that it asks for too much.
impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        let outcome = report.downcast_ref::<At>().map_or(Outcome::BadInput, |at| at.outcome);
        Self { outcome, report }
    }
}

/// What stops a solver: wrong problems are bad input, all else is a failed run.
impl From<fpsolve_solvers::Error> for Failure {
    fn from(error: fpsolve_solvers::Error) -> Self {
        let outcome = match error {
            fpsolve_solvers::Error::Invalid { .. } => Outcome::BadInput,
            fpsolve_solvers::Error::TooLarge { .. } => Outcome::TooLarge,
            fpsolve_solvers::Error::Numerical { .. } => Outcome::RunFailed,
            fpsolve_solvers::Error::Interrupted { .. } => Outcome::Interrupted,
        };
        Self { outcome, report: solver(&error) }
    }
}

/// A complaint about a place in a text file.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct At {
    message: String,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("{label}")]
    at: SourceSpan,
    label: String,
    #[help]
    help: Option<String>,
    /// The exit code that it leads to.
    outcome: Outcome,
}

/// A complaint without a place in a text.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct Plain {
    message: String,
    #[help]
    help: Option<String>,
}

/// A report that points at `span` of `text`, the content of `file`; `help` may be empty.
pub fn at(
    file: &str,
    text: &str,
    span: std::ops::Range<usize>,
    message: impl Into<String>,
    label: impl Into<String>,
    help: impl Into<String>,
) -> Report {
    // nothing that is shown may steer the terminal: each control character gives its place to one that is seen
    let text = &visible(text);
    let start = span.start.min(text.len());
    let end = span.end.clamp(start, text.len());
    // a label over several lines draws a long bracket and hides the point: keep to the first line
    let end = text[start..end].find('\n').map_or(end, |line| start + line);
    let source_code = NamedSource::new(harmless(file), text.clone());
    let help = Some(bounded(&help.into())).filter(|help| !help.is_empty());
    let (message, label) = (bounded(&message.into()), bounded(&label.into()));
    Report::new(At { message, source_code, at: (start..end).into(), label, help, outcome: Outcome::BadInput })
}

/// The same report about something that is too large.
pub fn too_large(report: Report) -> Report {
    match report.downcast::<At>() {
        Ok(at) => Report::new(At { outcome: Outcome::TooLarge, ..at }),
        Err(report) => report,
    }
}

/// The same report about something that the user ended.
pub fn interrupted(report: Report) -> Report {
    match report.downcast::<At>() {
        Ok(at) => Report::new(At { outcome: Outcome::Interrupted, ..at }),
        Err(report) => report,
    }
}

/// Most characters of a message that are shown: it may quote what a stranger wrote.
const LONGEST: usize = 4000;

/// A message as a terminal may show it, cut where it is too long.
fn bounded(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => harmless(&text[..end]) + " …",
        None => harmless(text),
    }
}

/// The text of a file with every control character replaced by a sign of as many bytes, so that places stay.
fn visible(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => c,
        c if harmless(c.encode_utf8(&mut [0; 4])).starts_with('\\') && c != '\\' => {
            ['?', '¿', '\u{fffd}'][c.len_utf8() - 1]
        }
        c => c,
    };
    text.chars().map(shown).collect()
}

/// A report without a place; `help` may be empty.
pub fn advice(message: impl Into<String>, help: impl Into<String>) -> Report {
    let help = Some(bounded(&help.into())).filter(|help| !help.is_empty());
    Report::new(Plain { message: bounded(&message.into()), help })
}

/// The report of a solver's error, with its advice and the keys that it speaks of.
pub fn solver(error: &fpsolve_solvers::Error) -> Report {
    advice(error.to_string(), setting::advice(error))
}

/// Makes reports readable on terminals and in logs: colours and box drawing only where a terminal shows them.
pub fn install_reporter() {
    use std::io::IsTerminal;
    let terminal = std::io::stderr().is_terminal();
    let hook = miette::set_hook(Box::new(move |_| {
        let options = miette::MietteHandlerOpts::new().terminal_links(false).context_lines(1).force_graphical(true);
        let mut theme = if terminal { miette::GraphicalTheme::unicode() } else { miette::GraphicalTheme::ascii() };
        theme.characters.error = "error:".to_string();
        if !terminal || std::env::var_os("NO_COLOR").is_some() {
            theme.styles = miette::ThemeStyles::none();
        }
        let options = options.graphical_theme(theme);
        let options = if terminal { options } else { options.width(120) };
        Box::new(options.build())
    }));
    debug_assert!(hook.is_ok(), "the reporter is installed once");
}

/// Does `work`; a panic in it is given back as what it said and where, and ends there.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|payload| said(&*payload))
}

/// What panics said last, and where.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Keeps what a panic says for the report, instead of printing it.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let said =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let said = said.unwrap_or("panic");
        let place = panic.location().map_or(String::new(), |place| format!(" ({}:{})", place.file(), place.line()));
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{said}{place}"));
    }));
}

/// What a panic said, and where, if the hook is installed.
pub fn said(payload: &(dyn Any + Send)) -> String {
    let kept = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
    let words = || payload.downcast_ref::<&str>().map(|said| said.to_string());
    kept.or_else(words).or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".into())
}

/// Prints a report on standard error.
pub fn show(report: &Report) {
    use std::io::Write;
    let _ = write!(std::io::stderr(), "{report:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_bounded() {
        assert_eq!(bounded("short\u{7}"), "short\\u{7}");
        assert_eq!(bounded(&"ä".repeat(1_000_000)).chars().count(), LONGEST + 2);
    }

    #[test]
    fn a_panic_ends_where_it_is_caught() {
        assert_eq!(caught(|| 3), Ok(3));
        assert_eq!(
            caught(|| if true {
                panic!("too {}", "many")
            }),
            Err("too many".into())
        );
    }

    #[test]
    fn a_file_shows_no_control_characters_and_keeps_its_places() {
        let text = "a\u{1b}b\u{9b}c\u{202e}d\te\\\n";
        assert_eq!(visible(text), "a?b¿c\u{fffd}d\te\\\n");
        assert_eq!(visible(text).len(), text.len());
        let report = format!("{:?}", at("f\u{7}", text, 0..1, "m\u{1b}", "l\u{1b}", "h\u{1b}"));
        assert!(!report.contains('\u{7}') && report.contains("\\u{7}"), "{report}");
    }
}
