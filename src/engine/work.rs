//! What an engine has to do: steps and operations, counted before anything is computed, and seconds, measured on a small part of it.

use std::ops::Range;
use std::time::{Duration, Instant};

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Engine, Interrupt};
use fpsolve_solvers::ensemble::BLOCK;
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::grid::Axis;
use fpsolve_solvers::problem::initial::Initial;

use crate::text::{grouped, short};

/// Points at which drift and noise are looked at.
const POINTS: usize = 64;
/// Shortest measurement of the seconds of a step.
const PROBE: Duration = Duration::from_millis(25);
/// Length of a burst of steps.
const BURST: Duration = Duration::from_millis(2);
/// Blocks of walkers for each thread in a measurement.
const BLOCKS: usize = 4;
/// Walkers of a block.
pub const WALKERS_OF_BLOCK: usize = BLOCK;
/// Longest that one part of a measurement may take.
pub const LONGEST_PROBE: Duration = Duration::from_millis(600);

/// Seconds that a part of a measurement takes where nothing else runs: those of the clock, but no more than this process computed in. On a
/// machine that others use too, the clock alone says how busy they are.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    clock: Instant,
    computed: Duration,
}

impl Stopwatch {
    /// From now on.
    pub fn start() -> Self {
        Self { clock: Instant::now(), computed: computed() }
    }

    /// Time since then.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed().min(computed().saturating_sub(self.computed))
    }

    /// Seconds since then.
    pub fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}

/// Time that all threads of this process have computed.
fn computed() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or(Duration::MAX)
}

/// What an engine has to do.
#[derive(Debug, Clone)]
pub struct Work {
    /// In words: what it does how often.
    pub what: String,
    /// Steps times walkers, samples or cells.
    pub operations: f64,
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
    /// The time up to which walkers are followed, at this place.
    Horizon(Range<usize>),
}

impl Work {
    /// Steps of walkers, each of which takes `each` operations.
    pub fn of_walkers(steps: f64, step: f64, walkers: usize, each: f64) -> Self {
        let (number, length, walkers_word) = (many(steps), short(step), grouped(walkers as u64));
        let what = format!("{number} steps of {length} for {walkers_word} walkers");
        let operations = steps * walkers as f64 * each;
        Self { what, operations, cause: Cause::Dynamics, bound: "10^15 steps of walkers" }
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
}

/// Whether somewhere the drift crosses a cell faster than the noise: |b| h > T·D, half of the cell Péclet number at which it matters.
pub fn is_steep(problem: &Problem) -> bool {
    let widest = |axis: &Axis| (0..axis.cells()).map(|i| axis.width(i)).fold(0.0, f64::max);
    let axes = problem.grid.axes().iter().zip(Look::at(problem).extremes());
    axes.into_iter().any(|(axis, [drift, noise])| drift * widest(axis) > noise)
}

/// Seconds that an engine will take, from a small part of its work.
pub struct Measured {
    /// Seconds of building it.
    pub building: f64,
    /// Seconds of its way through the output times, where it is not measured on coarser grids.
    pub seconds: f64,
    /// Steps of its walkers.
    pub stepping: Option<Stepping>,
    /// Bytes of the matrix that it will build, or may choose to build, where they are known.
    pub matrix: Option<f64>,
    /// Builds the engine on a coarser grid, where its way through the output times is to be measured; None where that fails.
    pub coarse: Option<Coarse>,
}

/// Builds an engine for a problem on a coarser grid; None where that fails.
pub type Coarse = Box<dyn Fn(&Problem, Interrupt) -> Option<Box<dyn Engine>>>;

/// Steps of walkers.
#[derive(Debug, Clone, Copy)]
pub struct Stepping {
    /// Length of a step.
    pub step: f64,
    /// Seconds of a block of walkers in one step, where every thread has blocks.
    pub seconds: f64,
}

/// A problem on a grid with fewer cells along each axis; None where there is none.
pub fn thinned(problem: &Problem, cells: &[usize]) -> Option<Problem> {
    let grid = problem.grid.thinned(cells)?;
    let initial = match &problem.initial {
        Initial::Cells { .. } => Initial::Uniform,
        other => other.clone(),
    };
    initial.cell_probability(&grid).ok()?;
    Some(Problem { grid, initial, ..problem.clone() })
}

/// Times as long as it may take a measurement is waited for where others use the machine.
const PATIENCE: u32 = 5;

/// Time from which on a measurement is interrupted, besides by the user.
pub fn until(longest: Duration, interrupt: Interrupt) -> impl Fn() -> bool + Sync {
    let (start, clock) = (Stopwatch::start(), Instant::now());
    move || start.elapsed() > longest || clock.elapsed() > PATIENCE * longest || interrupt()
}

/// The number of walkers that an ensemble of `walkers` is measured with.
pub fn few_walkers(walkers: usize) -> usize {
    walkers.min(BLOCKS * BLOCK * rayon::current_num_threads())
}

/// Seconds of one step of an ensemble, and of one look at it; no more than `most` steps are taken. Errors: those of the engine.
pub fn pace(engine: &mut dyn Engine, step: f64, most: f64, interrupt: Interrupt) -> Result<[f64; 2], Error> {
    let (mut taken, mut next, mut best) = (0.0, 1.0, f64::INFINITY);
    let begin = Stopwatch::start();
    while best.is_infinite() || (begin.elapsed() < PROBE && taken < most) {
        let steps = f64::min(next, most - taken).max(1.0);
        let start = Stopwatch::start();
        engine.advance((taken + steps) * step, interrupt)?;
        let elapsed = start.elapsed();
        // the best of several: other work on the machine, and threads that wake, make a burst longer but never shorter
        best = best.min(elapsed.as_secs_f64() / steps);
        next = if elapsed < BURST { 2.0 * next } else { next };
        taken += steps;
    }
    let start = Stopwatch::start();
    let _ = (engine.snapshot(), engine.statistics());
    Ok([best, start.seconds()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_steps_in_words() {
        assert_eq!((many(12_345.0), many(1e302)), ("12,345".into(), "1.0e302".into()));
    }
}
