//! The time that the engine may take.

use std::time::{Duration, Instant};

use crate::engine::Interrupt;
use crate::error::{Error, Setting};

/// A bound on the wall time of building and advancing, and how much of it is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    whole: Option<Duration>,
    spent: Duration,
}

impl Budget {
    /// Nothing of it used; None for no bound.
    pub fn new(whole: Option<Duration>) -> Self {
        Self { whole, spent: Duration::ZERO }
    }

    /// Does the work, which stops at `interrupt` and when nothing is left.
    ///
    /// Errors: those of the work; the budget is used up at `time`, the last that was reached.
    pub fn within<T>(
        &mut self,
        time: f64,
        interrupt: Interrupt,
        work: impl FnOnce(Interrupt) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some(whole) = self.whole else { return work(interrupt) };
        let (start, spent) = (Instant::now(), self.spent);
        let used_up = || spent + start.elapsed() > whole;
        let done = work(&|| interrupt() || used_up());
        self.spent += start.elapsed();
        match done {
            Err(Error::Interrupted { time: reached }) if !interrupt() => Err(Error::numerical(
                "Fokker-Planck",
                format!("at t = {}", reached.max(time)),
                format!("its budget of {} s is used up", whole.as_secs_f64()),
                "raise the budget, or take fewer cells or the discretisation \"edges\"",
            )
            .set_by(&[Setting::Budget, Setting::Axes, Setting::Discretisation])),
            done => done,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn work_ends_with_its_budget() {
        let mut budget = Budget::new(Some(Duration::from_millis(20)));
        budget.within(0.0, &|| false, |_| Ok(())).unwrap();
        let until_stopped = |interrupt: Interrupt| {
            while !interrupt() {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err::<(), Error>(Error::Interrupted { time: 1.5 })
        };
        let error = budget.within(0.5, &|| false, until_stopped).unwrap_err();
        assert_eq!(error.to_string(), "Fokker-Planck stopped at t = 1.5: its budget of 0.02 s is used up");
        // the user's own interruption stays what it is, and without a bound nothing stops
        assert!(matches!(budget.within(0.5, &|| true, until_stopped), Err(Error::Interrupted { .. })));
        let stopped = Budget::new(None).within(0.0, &|| false, |interrupt| Ok(interrupt())).unwrap();
        assert!(!stopped);
    }
}
