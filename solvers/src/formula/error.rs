//! What can be wrong with a formula, and where.

use std::ops::Range;

/// A formula that cannot be read: the place in its text, what is wrong and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FormulaError {
    /// Bytes of the formula's text that the message is about (always on character boundaries).
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead; empty where there is no advice.
    pub help: String,
}

impl FormulaError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: help.into() }
    }
}

impl From<FormulaError> for crate::Error {
    fn from(error: FormulaError) -> Self {
        let place = format!(" (characters {} to {} of the formula)", error.span.start + 1, error.span.end);
        Self::invalid(error.message + &place, error.help)
    }
}

/// The known name closest to `name`, if it is close enough to be what was meant: two letters may differ, or a third of
/// a long name, but not half of a short one.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters = name.chars().count();
    let allowed = (letters / 2).min(2).max(letters / 3);
    let lower = name.to_ascii_lowercase();
    let rank = |k: &'a str| (strsim::osa_distance(&lower, &k.to_ascii_lowercase()), name.len().abs_diff(k.len()), k);
    known.map(rank).filter(|rank| rank.0 <= allowed).min().map(|rank| rank.2)
}
