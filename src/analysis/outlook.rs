//! What an analysis will take, from a run on a coarse grid.

use super::Finished;
use crate::engine::work::{Stepping, Work};

/// What an analysis will take.
#[derive(Debug, Default)]
pub struct Outlook {
    /// Seconds.
    pub seconds: f64,
    /// In words, where there is more to say than its name.
    pub what: String,
    /// What of it can be counted.
    pub counted: Vec<Work>,
}

/// The coarse run that an analysis is measured on.
pub struct Rehearsed<'a> {
    /// The run on the coarse grid.
    pub finished: &'a Finished<'a>,
    /// Cells of the grid for each cell of the coarse one.
    pub growth: f64,
    /// Steps of the Langevin walkers, where they run.
    pub stepping: Option<Stepping>,
}
