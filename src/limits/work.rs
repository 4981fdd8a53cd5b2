//! Steps and seconds, counted before anything is computed: what no computer can do is refused, what takes hours is told.

use crate::engine::work::{Cause, Work};
use crate::error::{Failure, Outcome};
use crate::reader::Located;
use crate::scenario::dynamics::Drive;
use crate::scenario::{Prepared, Scenario};

/// Most operations of an engine: steps times walkers, samples or cells. At 10⁸ a second they take four months.
const MOST: f64 = 1e15;
/// Seconds from which on a run is warned of.
const LONG: f64 = 3600.0;
/// What the engines of a scenario have to do.
pub struct Expected {
    /// Seconds of all engines together.
    seconds: f64,
    lines: Vec<(&'static str, f64, String)>,
}

/// What the engines have to do. Errors: what no computer can do, exit code 4; a step that cannot be chosen.
pub fn check(scenario: &Scenario, prepared: &Prepared) -> Result<Expected, Failure> {
    let threads = rayon::current_num_threads() as f64;
    let mut expected = Expected { seconds: 0.0, lines: Vec::new() };
    for engine in &prepared.engines {
        let work = (engine.work)(&prepared.options, &prepared.problem)?;
        if work.operations > MOST || work.operations.is_nan() {
            return Err(refusal(scenario, engine.word, &work));
        }
        let seconds = work.operations * work.seconds / threads;
        expected.seconds += seconds;
        expected.lines.push((engine.word, seconds, work.what));
    }
    Ok(expected)
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
    /// A sentence on a run that takes long, and on what it does; None for one that is over within the hour.
    pub fn warning(&self) -> Option<String> {
        let lines = self.lines.iter().filter(|(_, seconds, _)| *seconds > 0.05 * self.seconds);
        let lines = lines.map(|(engine, seconds, what)| format!("{engine} {}, {what}", duration(*seconds)));
        (self.seconds > LONG).then(|| {
            format!(
                "this run will take about {} ({}); Ctrl-C ends it with what was reached, fewer walkers, longer steps or an earlier \
                 time.end make it shorter",
                duration(self.seconds),
                lines.collect::<Vec<_>>().join("; ")
            )
        })
    }
}

/// A time in words.
fn duration(seconds: f64) -> String {
    let units = [("seconds", 1.0), ("minutes", 60.0), ("hours", 3600.0), ("days", 86_400.0), ("years", 3.156e7)];
    let (word, unit) = units.into_iter().rev().find(|(_, unit)| seconds >= 1.5 * unit).unwrap_or(units[0]);
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
