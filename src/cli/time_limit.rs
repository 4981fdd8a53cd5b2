//! `--time-limit`: how long a run may take. What is expected to take longer is refused before it begins, and the limit ends a run as an
//! interruption does.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Failure, Outcome, advice};
use crate::limits::work::{self, Expected, LONG, UNATTENDED};
use crate::scenario::{Prepared, Scenario};
use crate::signal;
use crate::text::{exact, parse_seconds};

/// Seconds from which on the time that a run will take is told before it begins.
const TOLD: f64 = 10.0;

/// Whether the time that a run will take is being estimated: so far nothing of it is done.
static ESTIMATING: AtomicBool = AtomicBool::new(false);

/// How long a run may take.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct TimeLimit {
    /// Refuse a run that will take longer, and end it then: "10 min", "2 h" [default: none on a terminal, else a day for
    /// the estimate]
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    time_limit: Option<f64>,
}

impl TimeLimit {
    /// From now on the limit ends what runs.
    pub(super) fn begin(self) {
        if let Some(seconds) = self.time_limit {
            signal::end_after(seconds);
        }
    }

    /// How long a run will take; told where that is worth a line. Errors: too long, or what no computer can do; exit code 4.
    pub(super) fn check(self, scenario: &Scenario, prepared: &Prepared, quiet: bool) -> Result<Expected, Failure> {
        ESTIMATING.store(true, Ordering::Relaxed);
        let expected = work::check(scenario, prepared, &signal::interrupted)?;
        self.left_by_the_estimate()?;
        ESTIMATING.store(false, Ordering::Relaxed);
        let attended = std::io::stderr().is_terminal();
        match self.time_limit {
            Some(limit) => expected.within(limit, "--time-limit")?,
            None if !attended => expected.within(UNATTENDED, "the limit where no terminal looks on")?,
            None => {}
        }
        if !quiet && expected.seconds() > TOLD {
            let warning = if expected.seconds() > LONG { "warning: this run will take " } else { "" };
            let clear = if attended { "\r\x1b[K" } else { "" };
            let told = crate::text::wrapped(&format!("{warning}{}\n", expected.line()));
            super::tell(&format!("{clear}{}", crate::text::harmless(&told)));
        }
        Ok(expected)
    }

    /// Errors: the limit is over before it could be estimated how long the run takes; exit code 4.
    pub(super) fn left_by_the_estimate(self) -> Result<(), Failure> {
        match self.time_limit {
            Some(limit) if ESTIMATING.load(Ordering::Relaxed) && signal::limit_reached() == Some("time") => {
                let message =
                    format!("--time-limit {} s: over before it is known how long this run takes", exact(limit));
                let help = "allow more time; fewer cells, walkers or samples make run and estimate shorter";
                Err(Failure { outcome: Outcome::TooLarge, report: advice(message, help) })
            }
            Some(_) | None => Ok(()),
        }
    }
}
