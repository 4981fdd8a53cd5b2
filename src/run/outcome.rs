//! What a run leaves behind, and how it ended.

use fpsolve_solvers::Error;
use fpsolve_validation::verdict::Verdict;

use crate::record::Record;

/// How a run ended; the word that the record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All output times were reached.
    Complete,
    /// The user stopped it; what was reached is in the record.
    Interrupted,
    /// An engine failed; what was reached is in the record.
    Failed,
}

impl Status {
    /// How a run with these failures ended.
    pub fn of(failures: &[Error]) -> Self {
        match failures.iter().find(|error| !matches!(error, Error::Interrupted { .. })) {
            Some(_) => Self::Failed,
            None if failures.is_empty() => Self::Complete,
            None => Self::Interrupted,
        }
    }

    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

/// A finished run.
pub struct Run {
    /// Everything that was computed.
    pub record: Record,
    /// How it ended.
    pub status: Status,
    /// The first failure of an engine.
    pub failure: Option<Error>,
    /// Limits of `[compare]` and numbers of `[expect]`, judged.
    pub verdicts: Vec<Verdict>,
}

impl Run {
    /// Whether every verdict passed.
    pub fn passed(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.passed)
    }
}
