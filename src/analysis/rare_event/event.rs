//! A rare event that is ready to be looked for.

use fpsolve_solvers::escape::passage::Target;
use fpsolve_solvers::formula::Program;

use crate::analysis::walkers::Walkers;

/// A rare event that is ready to be looked for.
#[derive(Debug, Clone)]
pub struct Event {
    /// Name of its group in the record.
    pub name: String,
    /// Starting point.
    pub from: Vec<f64>,
    /// The set to be reached.
    pub target: Target,
    /// What rises on the way there.
    pub score: Score,
    /// Whose walkers.
    pub walkers: Walkers,
    /// Replicas of a repetition.
    pub replicas: usize,
    /// Independent repetitions.
    pub repetitions: usize,
}

/// What rises on the way to the target.
#[derive(Debug, Clone)]
pub enum Score {
    /// The committor that an engine finds on the grid.
    Committor,
    /// A formula, as it was written and as a program.
    Formula(String, Program),
}

impl Score {
    /// As it was written.
    pub fn text(&self) -> &str {
        match self {
            Self::Committor => COMMITTOR,
            Self::Formula(text, _) => text,
        }
    }
}

/// The score that is no formula.
pub const COMMITTOR: &str = "committor";
