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

/// Seconds in which one pair of laws is compared at one time, measured on uniform ones.
pub fn seconds_of_one(problem: &Problem, limits: &[Limit]) -> f64 {
    let cells = problem.grid.len();
    let law = [vec![1.0 / cells as f64; cells]];
    let series = |walkers| Series { name: "", walkers, times: &[0.0], probability: Laws::Held(&law), outside: &[0.0] };
    let asked: Vec<&str> = limits.iter().map(|limit| limit.metric).collect();
    let start = Stopwatch::start();
    compare(&problem.grid, &[series(None), series(Some(WALKERS))], None, &Settings::with(&asked));
    start.seconds()
}

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
