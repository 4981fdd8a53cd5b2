//! Everything that has one entry for each variable must have as many as there are variables.

use std::ops::Range;

use miette::Result;

use crate::reader::Source;
use crate::text::count;

/// A key with one entry for each variable.
#[derive(Debug, Clone, PartialEq)]
pub struct PerVariable {
    key: String,
    what: &'static str,
    found: usize,
    span: Range<usize>,
}

impl PerVariable {
    /// The key has `found` entries, each a `what` ("number", "row").
    pub fn new(key: impl Into<String>, what: &'static str, found: usize, span: &Range<usize>) -> Self {
        Self { key: key.into(), what, found, span: span.clone() }
    }

    /// Errors: another number of entries than of variables.
    pub fn check(&self, source: &Source, variables: &[String]) -> Result<()> {
        let Self { key, what, found, span } = self;
        if *found == variables.len() {
            return Ok(());
        }
        let message = format!("`{key}` has {} for {}", count(*found, what), count(variables.len(), "variable"));
        let help = format!("write one {what} for each variable: {}", variables.join(", "));
        Err(source.error(span, message, format!("needs {}", variables.len()), help))
    }
}
