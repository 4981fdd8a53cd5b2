//! What an engine has to do: steps and operations, counted before anything is computed, and the seconds of one.

use std::ops::Range;
use std::time::Instant;

use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::Problem;

use crate::text::{grouped, short};

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
}

/// A number of steps in words.
fn many(n: f64) -> String {
    if n < 1e6 { grouped(n as u64) } else { format!("{n:.1e}") }
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
    fn numbers_of_steps_in_words() {
        assert_eq!((many(12_345.0), many(1e302)), ("12,345".into(), "1.0e302".into()));
    }
}
