//! What an analysis will take, from a run on a coarse grid.

use fpsolve_solvers::Error;
use fpsolve_solvers::escape::by_walkers::{FirstPassage, WALKERS_PER_BLOCK, time_of_block};
use fpsolve_solvers::escape::passage::Passage;

use super::Finished;
use crate::engine::work::{Cause, Stepping, Stopwatch, WALKERS_OF_BLOCK, Work};

/// Exponent of the number of cells with which passages by the grid grow, in one to three dimensions: elimination of the cells.
const GROWTH_OF_PASSAGES: [f64; 3] = [1.2, 1.6, 1.8];

/// What an analysis will take.
#[derive(Debug, Default)]
pub struct Outlook {
    /// Seconds.
    pub seconds: f64,
    /// In words, where there is more to say than its name.
    pub what: String,
    /// What of it can be counted.
    pub counted: Vec<Work>,
}

/// The coarse run that an analysis is measured on.
pub struct Rehearsed<'a> {
    /// The run on the coarse grid.
    pub finished: &'a Finished<'a>,
    /// Cells of the grid for each cell of the coarse one.
    pub growth: f64,
    /// Steps of the Langevin walkers, where they run.
    pub stepping: Option<Stepping>,
    /// Steps of the walkers of SGD, where they run.
    pub descent: Option<Stepping>,
    /// Seconds in which the law of descent is put on the grid, where that is done.
    pub chain: Option<f64>,
}

impl Outlook {
    /// Adds walkers that are followed to a target, which they reach after `mean` on the average, or to the horizon.
    pub fn add_walkers(&mut self, passage: &Passage, mean: f64, stepping: Stepping, cause: Cause) {
        let Stepping { step, seconds } = stepping;
        let followed = mean.min(passage.horizon);
        let work = Work::of_walkers((followed / step).max(1.0), step, passage.walkers, 1.0);
        // a thread without a block waits for the others
        let blocks = passage.walkers.div_ceil(WALKERS_PER_BLOCK).next_multiple_of(rayon::current_num_threads()) as f64;
        self.seconds += seconds * blocks * time_of_block(passage.walkers, mean, passage.horizon) / step;
        self.what += &format!("{}\"{}\": {}", if self.what.is_empty() { "" } else { "; " }, passage.name, work.what);
        self.counted.push(Work { cause, ..work });
    }
}

impl Rehearsed<'_> {
    /// How many times as long as on the coarse grid passages take on the whole one.
    pub fn growth_of_passages(&self) -> f64 {
        self.growth.powf(GROWTH_OF_PASSAGES[self.finished.problem.dimension() - 1])
    }

    /// Seconds in which the chain of descent answers so many questions about times, each of them with an exponent.
    pub fn by_chain(&self, questions: usize, exponents: usize) -> f64 {
        // once with rows that keep rare steps, and once more at another rate for each exponent
        let built = if questions > 0 { 1 + exponents } else { 0 };
        self.chain.unwrap_or(0.0) * FITTED * built as f64
    }
}

/// Longest measurement of walkers that are watched, seconds, and the steps that it begins with.
const WATCHED: (f64, f64) = (0.02, 8.0);

/// Steps of walkers whose target is watched, measured on as many blocks as there are threads, none of which gets far: looking costs as much
/// as the step where that is cheap, and several times as much where the surface is curved. Those of the ensemble where that fails.
pub fn watched(
    stepping: Stepping,
    passage: &Passage,
    follow: impl Fn(&Passage) -> Result<FirstPassage, Error>,
) -> Stepping {
    let blocks = rayon::current_num_threads();
    let rounds = (WALKERS_PER_BLOCK / WALKERS_OF_BLOCK * blocks) as f64;
    let seconds_of = |steps: f64| {
        let few = Passage { walkers: blocks * WALKERS_PER_BLOCK, horizon: steps * stepping.step, ..passage.clone() };
        let start = Stopwatch::start();
        follow(&few).ok().map(|found| (found.mean, start.seconds()))
    };
    let Some((from, fixed)) = seconds_of(1.0) else { return stepping };
    let mut steps = WATCHED.1;
    while let Some((mean, seconds)) = seconds_of(steps) {
        if seconds > fixed + WATCHED.0 || steps * stepping.step > passage.horizon {
            let taken = (mean - from) / stepping.step * rounds;
            return Stepping { seconds: (seconds - fixed).max(0.0) / taken.max(1.0), ..stepping };
        }
        steps *= 2.0;
    }
    stepping
}

/// Seconds of fitted rows for each of rows of moments, roughly.
const FITTED: f64 = 2.0;
