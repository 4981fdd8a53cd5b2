//! The engines side by side.

use std::sync::{Arc, RwLock};

use fpsolve_solvers::engine::Snapshot;
use fpsolve_solvers::fokker_planck::Stationary;
use fpsolve_solvers::problem::Problem;
use fpsolve_validation::compare::{Comparison, Laws, STATIONARY, Series, Settings, compare};
use fpsolve_validation::verdict::Limit;

use super::engine_run::EngineRun;
use super::seen::{Seen, read};
use crate::engine::work::Stopwatch;

/// Distances between the engines that have the same limit and to the stationary density, each beside the noise and the reported
/// grid errors, by the quick metrics and those that have a limit.
pub fn comparisons(
    problem: &Problem,
    runs: &[EngineRun],
    stationary: Option<&Stationary>,
    limits: &[Limit],
) -> Vec<Comparison> {
    let runs: Vec<&EngineRun> = runs.iter().filter(|run| run.engine.another_small_step_limit().is_none()).collect();
    let shown: Vec<Observables> = runs.iter().map(|run| Observables::of(run)).collect();
    let laws: Vec<_> =
        shown.iter().map(|shown| |k: usize| read(&shown.seen).snapshots[k].probability.clone()).collect();
    let series = runs.iter().zip(&shown).zip(&laws).map(|((run, shown), law)| Series {
        name: run.engine.name(),
        walkers: run.engine.walkers(),
        times: &shown.times,
        probability: Laws::Told(law),
        outside: &shown.outside,
    });
    let series: Vec<Series> = series.collect();
    let asked: Vec<&str> = limits.iter().map(|limit| limit.metric).collect();
    let law = stationary.map(|s| s.probability.as_slice());
    let mut comparisons = compare(&problem.grid, &series, law, &Settings::with(&asked));
    for comparison in &mut comparisons {
        for run in runs.iter().filter(|run| run.engine.walkers().is_none()) {
            comparison.add_discretisation(run.engine.name(), run.seen().density_error());
        }
        comparison.add_discretisation(STATIONARY, stationary.and_then(|s| s.error_grid).unwrap_or(0.0));
    }
    comparisons
}

/// Seconds in which two engines are made ready to be compared, and those of each time, measured on uniform laws.
pub fn seconds_of_pair(problem: &Problem, limits: &[Limit]) -> [f64; 2] {
    let cells = problem.grid.len();
    let laws = vec![vec![1.0 / cells as f64; cells]; TIMES.len()];
    let asked: Vec<&str> = limits.iter().map(|limit| limit.metric).collect();
    let settings = Settings::with(&asked);
    let seconds_of = |times: usize| {
        let probability = Laws::Held(&laws[..times]);
        let (times, outside) = (&TIMES[..times], &[0.0; TIMES.len()][..times]);
        let series = |walkers| Series { name: "", walkers, times, probability, outside };
        let start = Stopwatch::start();
        compare(&problem.grid, &[series(None), series(Some(WALKERS))], None, &settings);
        start.seconds()
    };
    let (one, all) = (seconds_of(1), seconds_of(TIMES.len()));
    let each = (all - one).max(0.0) / (TIMES.len() - 1) as f64;
    [(one - each).max(0.0), each]
}

/// Times at which a comparison is measured.
const TIMES: [f64; 3] = [0.0, 1.0, 2.0];

/// Walkers of the ensemble that a comparison is measured with.
const WALKERS: usize = 10_000;

/// What an engine showed, column by column; its laws stay where they are and are looked at one by one, so that whoever cannot wait for the
/// end finds them.
struct Observables {
    seen: Arc<RwLock<Seen>>,
    times: Vec<f64>,
    outside: Vec<f64>,
}

impl Observables {
    fn of(run: &EngineRun) -> Self {
        let all = |of: fn(&Snapshot) -> f64| run.seen().snapshots.iter().map(of).collect();
        Self { seen: run.shared(), times: all(|s| s.time), outside: all(|s| s.outside) }
    }
}
