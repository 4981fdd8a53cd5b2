//! Reports of the program as exceptions, in the words of the command line.

use fpsolve::error::{Failure, Outcome};
use miette::{GraphicalReportHandler, GraphicalTheme, Report, ThemeStyles};
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyMemoryError, PyValueError};
use pyo3::prelude::*;

create_exception!(fpsolve, FpsolveError, PyException, "A run that failed.");
create_exception!(fpsolve, ScenarioError, PyValueError, "A scenario that cannot be right; the message names the key.");
create_exception!(fpsolve, TooLarge, PyMemoryError, "A run that needs more memory or steps than there are.");
create_exception!(fpsolve, RecordError, PyException, "A record that cannot be read or written.");

/// The report as the command line prints it where nobody watches: no colours, 100 columns.
pub fn words(report: &Report) -> String {
    let mut theme = GraphicalTheme::ascii();
    theme.characters.error = "error:".to_string();
    theme.styles = ThemeStyles::none();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_context_lines(1).with_links(false);
    let mut text = String::new();
    match handler.render_report(&mut text, report.as_ref()) {
        Ok(()) => text.trim_start_matches('\n').trim_end().to_string(),
        Err(_) => report.to_string(),
    }
}

/// The exception for a failure: `message` and `help` are its attributes.
pub fn exception(py: Python<'_>, failure: &Failure) -> PyErr {
    let text = format!("{}\n{}", failure.report, words(&failure.report));
    let error = match failure.outcome {
        Outcome::BadInput => ScenarioError::new_err(text),
        Outcome::TooLarge => TooLarge::new_err(text),
        Outcome::Done | Outcome::RunFailed | Outcome::VerdictFailed | Outcome::Interrupted => {
            FpsolveError::new_err(text)
        }
    };
    let value = error.value(py);
    let help = failure.report.help().map(|help| help.to_string());
    // an exception takes any attribute; where it does not, the text says the same
    let _ = value.setattr("message", failure.report.to_string());
    let _ = value.setattr("help", help);
    error
}
