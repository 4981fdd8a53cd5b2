//! The state of an engine on its way, kept in memory now and then: whatever happens, a run can go on from there.
//!
//! Keeping costs at most a hundredth of the time: the next time comes when a hundred times as long has passed as the last one took.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fpsolve_solvers::engine::State;

/// Time between two keepings, relative to what one takes.
const RARELY: u32 = 100;

/// Shortest time between two rests: a call of an engine takes a while to get going.
const SHORTEST: Duration = Duration::from_millis(100);

/// When the state of an engine was kept, and how long that took.
#[derive(Debug, Default)]
pub struct Keeping {
    last: Option<Instant>,
    took: Duration,
}

impl Keeping {
    /// Whether it is time again.
    pub fn is_due(&self) -> bool {
        self.last.is_none_or(|last| last.elapsed() > RARELY * self.took)
    }

    /// How long an engine goes on before it rests, so that its state can be kept, where that is wanted once in `pace`.
    pub fn until_rest(&self, pace: Duration) -> Duration {
        pace.max(RARELY * self.took).max(SHORTEST)
    }

    /// Keeps, and looks at the clock.
    pub fn timed(&mut self, keep: impl FnOnce()) {
        let start = Instant::now();
        keep();
        (self.last, self.took) = (Some(Instant::now()), start.elapsed());
    }
}

/// The state of an engine, and how much it had shown by then.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The state.
    pub engine: Arc<State>,
    /// Number of output times that had been reached.
    pub snapshots: usize,
    /// Number of statistics then.
    pub statistics: usize,
    /// Number of extrapolated moments then.
    pub refined: usize,
    /// Number of errors by the grid then.
    pub grid_errors: usize,
    /// Wall seconds that it had taken.
    pub seconds: f64,
}
