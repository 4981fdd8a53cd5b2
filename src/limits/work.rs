//! Steps and seconds, counted before anything is computed: what no computer can do is refused, what takes hours is told.

use std::ops::Range;
use std::time::Instant;

use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::Problem;

use crate::error::{Failure, Outcome};
use crate::reader::Located;
use crate::scenario::dynamics::Drive;
use crate::scenario::{Prepared, Scenario};
use crate::text::{grouped, short};

/// Most operations of an engine: steps times walkers, samples or cells. At 10⁸ a second they take four months.
const MOST: f64 = 1e15;
/// Seconds from which on a run is warned of.
const LONG: f64 = 3600.0;
/// Points at which drift and noise are looked at.
const POINTS: usize = 64;
/// Shortest measurement of the seconds of a point.
const PROBE_SECONDS: f64 = 2e-3;

/// What an engine has to do.
#[derive(Debug, Clone)]
pub struct Work {
    /// In words: what it does how often.
    pub what: String,
    /// Steps times walkers, samples or cells.
    pub operations: f64,
    /// Seconds of an operation on one thread.
    pub seconds: f64,
    /// What makes it long.
    pub cause: Cause,
    /// What it is more of than can be done, where it is.
    pub bound: &'static str,
}

/// What makes the work of an engine long, besides the time of the run and the walkers.
#[derive(Debug, Clone)]
pub enum Cause {
    /// The step that the key at this place gives.
    Step(Range<usize>),
    /// Drift and noise, which ask for short steps.
    Dynamics,
    /// The learning rate.
    LearningRate,
    /// Rates of jumps between cells.
    Rates,
}

impl Work {
    /// Steps of walkers, each of which takes `each` operations.
    pub fn of_walkers(steps: f64, step: f64, walkers: usize, each: f64) -> Self {
        let (number, length, walkers_word) = (many(steps), short(step), grouped(walkers as u64));
        let what = format!("{number} steps of {length} for {walkers_word} walkers");
        let operations = steps * walkers as f64 * each;
        Self { what, operations, seconds: 0.0, cause: Cause::Dynamics, bound: "10^15 steps of walkers" }
    }

    fn is_possible(&self) -> bool {
        self.operations <= MOST
    }
}

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
        if !work.is_possible() {
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

/// A number of steps in words.
fn many(n: f64) -> String {
    if n < 1e6 { grouped(n as u64) } else { format!("{n:.1e}") }
}

/// A time in words.
fn duration(seconds: f64) -> String {
    let units = [("seconds", 1.0), ("minutes", 60.0), ("hours", 3600.0), ("days", 86_400.0), ("years", 3.156e7)];
    let (word, unit) = units.into_iter().rev().find(|(_, unit)| seconds >= 1.5 * unit).unwrap_or(units[0]);
    let n = (seconds / unit).round();
    if n < 1e5 { format!("{n} {word}") } else { format!("{n:.0e} {word}") }
}

/// Drift and noise at some cells of the grid: what the length of steps and the seconds of a point are guessed from.
pub struct Look<'p> {
    problem: &'p Problem,
    points: Vec<f64>,
    drift: Vec<f64>,
    diffusion: Vec<f64>,
}

impl<'p> Look<'p> {
    /// At no more than 64 cells, evenly spread.
    pub fn at(problem: &'p Problem) -> Self {
        let (d, cells) = (problem.dimension(), problem.grid.len());
        let n = cells.min(POINTS);
        let centers: Vec<[f64; 3]> = (0..n).map(|i| problem.grid.center((2 * i + 1) * cells / (2 * n))).collect();
        let points = (0..d).flat_map(|k| centers.iter().map(move |center| center[k])).collect();
        let mut look = Self { problem, points, drift: vec![0.0; d * n], diffusion: vec![0.0; packed_len(d) * n] };
        look.evaluate();
        look
    }

    fn evaluate(&mut self) {
        self.problem.dynamics.drift_diffusion(&self.points, &mut self.drift, &mut self.diffusion);
    }

    /// The largest |b_k| and T·D_kk along each axis.
    pub fn extremes(&self) -> Vec<[f64; 2]> {
        let d = self.problem.dimension();
        let n = self.points.len() / d;
        let largest = |values: &[f64]| {
            values.iter().fold(0.0, |most: f64, v| if v.is_nan() { f64::NAN } else { most.max(v.abs()) })
        };
        let one = |k: usize| {
            let c = packed_index(d, k, k);
            let noise = self.problem.temperature * largest(&self.diffusion[c * n..(c + 1) * n]);
            [largest(&self.drift[k * n..(k + 1) * n]), noise]
        };
        (0..d).map(one).collect()
    }

    /// Seconds of drift and noise at one point on one thread, measured.
    pub fn seconds(&mut self) -> f64 {
        let points = self.points.len() / self.problem.dimension();
        let (start, mut seen) = (Instant::now(), 0);
        while start.elapsed().as_secs_f64() < PROBE_SECONDS {
            self.evaluate();
            seen += points;
        }
        start.elapsed().as_secs_f64() / seen as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_in_words() {
        let words = [20.0, 80.0, 100.0, 7200.0, 3e5, 1e8, 1e20].map(duration);
        assert_eq!(words, ["20 seconds", "80 seconds", "2 minutes", "2 hours", "3 days", "3 years", "3e12 years"]);
        assert_eq!((many(12_345.0), many(1e302)), ("12,345".into(), "1.0e302".into()));
    }
}
