//! Steps and seconds, counted before anything is computed: what no computer can do is refused, what takes hours is told.

use fpsolve_solvers::engine::Interrupt;

use super::rehearsal::{Phase, rehearse, seconds_of};
use crate::engine::EngineEntry;
use crate::engine::work::{Cause, Work};
use crate::error::{Failure, Outcome};
use crate::reader::Located;
use crate::run::Doing;
use crate::scenario::dynamics::Drive;
use crate::scenario::{Prepared, Scenario};

/// Most operations of an engine: steps times walkers, samples or cells. At 10⁸ a second they take four months.
const MOST: f64 = 1e15;
/// Seconds that a run may take where nobody looks on and no limit is given.
pub const UNATTENDED: f64 = 24.0 * LONG;
/// Seconds from which on a run is told in a warning.
pub const LONG: f64 = 3600.0;

/// What a run has to do, and how long it will take.
#[derive(Debug, Clone)]
pub struct Expected {
    phases: Vec<Phase>,
    threads: usize,
}

/// Counts what the engines have to do. Errors: what no computer can do, exit code 4; a step that cannot be chosen.
pub fn count(scenario: &Scenario, prepared: &Prepared) -> Result<(), Failure> {
    for engine in &prepared.engines {
        let work = (engine.work)(&prepared.options, &prepared.problem)?;
        if is_too_much(&work) {
            return Err(refusal(scenario, engine.word, &work));
        }
    }
    Ok(())
}

/// What engines and analyses have to do, and how long it will take. Errors: those of [`count`].
pub fn check(scenario: &Scenario, prepared: &Prepared, interrupt: Interrupt) -> Result<Expected, Failure> {
    count(scenario, prepared)?;
    // an interruption is noticed by what comes next, which leaves a record
    let (phases, counted) = rehearse(prepared, interrupt).unwrap_or_default();
    match counted.iter().find(|work| is_too_much(work)) {
        Some(work) => Err(refusal(scenario, "a first passage", work)),
        None => Ok(Expected { phases, threads: rayon::current_num_threads() }),
    }
}

fn is_too_much(work: &Work) -> bool {
    work.operations > MOST || work.operations.is_nan()
}

fn refusal(scenario: &Scenario, engine: &str, work: &Work) -> Failure {
    let times = &scenario.time.at;
    // of the time and the number that sets the steps, the one that is farther from 1
    let end = times.value.last().map_or(0.0, |end| end.log10().abs());
    let farther = |key: &Located<f64>| (key.value.log10().abs() > end).then(|| key.span.clone());
    let (key, label, advice) = match (&work.cause, &scenario.dynamics.drive) {
        (Cause::Step(span), _) => {
            (Some(span.clone()), "this step", "write a longer step, or leave it out to have it chosen")
        }
        (Cause::Horizon(span), _) => (
            Some(span.clone()),
            "followed this long",
            "write a shorter `horizon`: where nobody arrives all walkers are followed to it",
        ),
        (Cause::LearningRate, Drive::Steps { learning_rate, .. }) => {
            (farther(learning_rate), "a step lasts as long", "write a larger learning rate")
        }
        (Cause::Dynamics | Cause::Rates, Drive::Temperature(temperature)) => {
            (farther(temperature), "with this noise", "scale time, temperature and axes to numbers near 1")
        }
        (Cause::Dynamics | Cause::Rates, Drive::Steps { .. }) | (Cause::LearningRate, Drive::Temperature(_)) => {
            (None, "", "scale time and axes to numbers near 1")
        }
    };
    let (span, label) = key.map_or((times.span.clone(), "until this time"), |span| (span, label));
    let message = format!("{engine} would need {}: that is more than {}", work.what, work.bound);
    let help = format!("{advice}; or end earlier (time.end), or leave {engine} out of `engines`");
    Failure { outcome: Outcome::TooLarge, report: scenario.source.error(&span, message, label, help) }
}

impl Expected {
    /// Seconds of all parts that could be measured.
    pub fn seconds(&self) -> f64 {
        self.phases.iter().filter_map(|phase| phase.seconds).sum()
    }

    /// Bytes of the matrix of an engine, where they are known.
    pub fn matrix(&self, engine: &EngineEntry) -> Option<f64> {
        self.phases.iter().find(|phase| phase.name == engine.word).and_then(|phase| phase.matrix)
    }

    /// Seconds that will pass while the run is busy with this; 0 where they are unknown.
    pub fn seconds_of(&self, doing: &Doing) -> f64 {
        seconds_of(&self.phases, doing)
    }

    /// The table as text, in the order of the run.
    pub fn to_text(&self) -> String {
        let label = |phase: &Phase| match phase.what.as_str() {
            "" => phase.name.to_string(),
            what => format!("{}: {what}", phase.name),
        };
        let labels: Vec<String> = self.phases.iter().map(label).collect();
        let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max("together".len());
        let mut text = String::new();
        for (label, phase) in labels.iter().zip(&self.phases) {
            let seconds = phase.seconds.map_or("unknown".to_string(), duration);
            text += &format!("  {label:width$}  {seconds:>12}\n");
        }
        text + &format!("  {:width$}  {:>12}\n", "together", duration(self.seconds()))
    }

    /// Threads that it was measured with.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// A line on how long the run will take and what takes most of it.
    pub fn line(&self) -> String {
        let all = self.seconds();
        let mut largest: Vec<(&str, f64)> =
            self.phases.iter().filter_map(|phase| Some((phase.name, phase.seconds?))).collect();
        largest.retain(|(_, seconds)| *seconds > 0.05 * all);
        largest.sort_by(|a, b| b.1.total_cmp(&a.1));
        let parts: Vec<String> =
            largest.iter().map(|(name, seconds)| format!("{name} {}", duration(*seconds))).collect();
        format!("about {} ({})", duration(all), parts.join(", "))
    }

    /// Errors: more than `limit` seconds; exit code 4.
    pub fn within(&self, limit: f64, why: &str) -> Result<(), Failure> {
        if self.seconds() <= limit {
            return Ok(());
        }
        let message = format!("this run will take {}: more than {} ({why})", self.line(), duration(limit));
        let help = format!(
            "fewer walkers, longer steps, fewer cells or an earlier time.end make it shorter; or allow it with --time-limit \"{}\"\n{}",
            allowed(2.0 * self.seconds()),
            self.to_text()
        );
        Err(Failure { outcome: Outcome::TooLarge, report: crate::error::advice(message, help.trim_end()) })
    }
}

/// A limit of so many seconds as it can be written, rounded up.
fn allowed(seconds: f64) -> String {
    let (unit, length) = if seconds < 7200.0 { ("min", 60.0) } else { ("h", 3600.0) };
    format!("{} {unit}", (seconds / length).ceil())
}

/// A time in words.
pub fn duration(seconds: f64) -> String {
    let units = [("seconds", 1.0), ("minutes", 60.0), ("hours", 3600.0), ("days", 86_400.0), ("years", 3.156e7)];
    let (word, unit) = units.into_iter().rev().find(|(_, unit)| seconds >= 1.5 * unit).unwrap_or(units[0]);
    if seconds < 9.95 {
        let digits = if seconds < 0.995 { 2 } else { 1 };
        return format!("{:.digits$} seconds", seconds.max(0.01));
    }
    let n = (seconds / unit).round();
    if n < 1e5 { format!("{n} {word}") } else { format!("{n:.0e} {word}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_words() {
        let words = [20.0, 80.0, 100.0, 7200.0, 3e5, 1e8, 1e20].map(duration);
        assert_eq!(words, ["20 seconds", "80 seconds", "2 minutes", "2 hours", "3 days", "3 years", "3e12 years"]);
    }
}
