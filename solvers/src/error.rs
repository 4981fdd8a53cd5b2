//! The one error type of the solvers: what went wrong, where, and what to do instead.

/// Everything that can stop a solver; each message names the place and a way out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The problem itself cannot be right (found while it is built).
    #[error("{what}")]
    Invalid {
        /// What is wrong, with the point or the entry where it is.
        what: String,
        /// What to write instead.
        help: String,
    },
    /// A numerical method stopped before it reached its goal.
    #[error("{method} stopped {place}: {what}")]
    Numerical {
        /// The method, in the words of the record.
        method: String,
        /// Where: time, step, cell, walker.
        place: String,
        /// What happened.
        what: String,
        /// What to change.
        help: String,
    },
    /// The user interrupted the run.
    #[error("interrupted at t = {time}")]
    Interrupted {
        /// Time that was reached.
        time: f64,
    },
}

impl Error {
    /// A problem that cannot be right: `what` is wrong, `help` says what to write instead.
    pub fn invalid(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), help: help.into() }
    }

    /// The same, an interruption not before `time`: linear solvers know no time.
    #[must_use]
    pub fn interrupted_after(self, time: f64) -> Self {
        match self {
            Self::Interrupted { time: told } => Self::Interrupted { time: told.max(time) },
            other => other,
        }
    }

    /// A numerical failure of `method` at `place`.
    pub fn numerical(
        method: impl Into<String>,
        place: impl Into<String>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Numerical { method: method.into(), place: place.into(), what: what.into(), help: help.into() }
    }

    /// The advice that goes with the message, if there is any.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Invalid { help, .. } | Self::Numerical { help, .. } if !help.is_empty() => Some(help),
            _ => None,
        }
    }
}
