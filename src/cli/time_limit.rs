//! `--time-limit`: how long a run may take. What is expected to take longer is refused before it begins, and the limit ends a run as an
//! interruption does.

use std::io::IsTerminal;

use crate::error::Failure;
use crate::limits::work::{self, Expected, LONG, UNATTENDED};
use crate::scenario::{Prepared, Scenario};
use crate::signal;
use crate::text::parse_seconds;

/// Seconds from which on the time that a run will take is told before it begins.
const TOLD: f64 = 10.0;

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
        let expected = work::check(scenario, prepared, &signal::interrupted)?;
        let attended = std::io::stderr().is_terminal();
        match self.time_limit {
            Some(limit) => expected.within(limit, "--time-limit")?,
            None if !attended => expected.within(UNATTENDED, "the limit where no terminal looks on")?,
            None => {}
        }
        if !quiet && expected.seconds() > TOLD {
            let warning = if expected.seconds() > LONG { "warning: this run will take " } else { "" };
            let clear = if attended { "\r\x1b[K" } else { "" };
            super::tell(&format!("{clear}{}\n", crate::text::harmless(&format!("{warning}{}", expected.line()))));
        }
        Ok(expected)
    }
}
