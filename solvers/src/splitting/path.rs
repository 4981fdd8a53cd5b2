//! A path out of the start set, as far as copies of it can begin.

use super::chain::state;
use crate::ensemble::Block;

/// A path from an exit of A until it is back or in B: its states that set a maximum of the score.
#[derive(Clone, Default)]
pub(super) struct Path {
    pub records: Vec<Record>,
    /// Steps so far, the exit among them.
    pub steps: u64,
    /// Whether it ended in B.
    pub hit: bool,
}

/// A state that set a maximum.
#[derive(Clone)]
pub(super) struct Record {
    pub score: f64,
    /// Steps of the path up to it.
    pub steps: u64,
    pub state: Vec<f64>,
}

impl Path {
    /// Sees the walker of a lane after a further step.
    pub fn see(&mut self, (block, lane): (&Block, usize), score: f64, arrived: bool) {
        self.steps += 1;
        self.hit |= arrived;
        let score = if arrived { f64::INFINITY } else { score };
        if score > self.maximum() {
            self.records.push(Record { score, steps: self.steps, state: state(block, lane) });
        }
    }

    /// The largest score, infinite where it ended in B.
    pub fn maximum(&self) -> f64 {
        self.records.last().map_or(f64::NEG_INFINITY, |record| record.score)
    }

    /// The same path up to its first state strictly above a level.
    pub fn until_above(&self, level: f64) -> Self {
        let at = self.records.partition_point(|record| record.score <= level);
        let records: Vec<Record> = self.records.iter().take(at + 1).cloned().collect();
        let (steps, last) = records.last().map_or((0, 0.0), |record| (record.steps, record.score));
        Self { records, steps, hit: last == f64::INFINITY }
    }
}
