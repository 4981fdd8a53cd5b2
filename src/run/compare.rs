//! The engines side by side.

use fpsolve_solvers::engine::Snapshot;
use fpsolve_solvers::fokker_planck::Stationary;
use fpsolve_solvers::problem::Problem;
use fpsolve_validation::compare::{Comparison, STATIONARY, Series, Settings, compare};
use fpsolve_validation::verdict::Limit;

use super::engine_run::EngineRun;

/// Distances between the engines that have the same limit and to the stationary density, each beside the noise and the reported
/// grid errors, by the quick metrics and those that have a limit.
pub fn comparisons(
    problem: &Problem,
    runs: &[EngineRun],
    stationary: Option<&Stationary>,
    limits: &[Limit],
) -> Vec<Comparison> {
    let runs: Vec<&EngineRun> = runs.iter().filter(|run| run.engine.another_small_step_limit().is_none()).collect();
    let shown: Vec<Observables> = runs.iter().map(|run| Observables::of(&run.seen().snapshots)).collect();
    let series = runs.iter().zip(&shown).map(|(run, shown)| Series {
        name: run.engine.name(),
        walkers: run.engine.walkers(),
        times: &shown.times,
        probability: &shown.probability,
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

/// The snapshots of an engine, column by column.
struct Observables {
    times: Vec<f64>,
    probability: Vec<Vec<f64>>,
    outside: Vec<f64>,
}

impl Observables {
    fn of(snapshots: &[Snapshot]) -> Self {
        Self {
            times: snapshots.iter().map(|s| s.time).collect(),
            probability: snapshots.iter().map(|s| s.probability.clone()).collect(),
            outside: snapshots.iter().map(|s| s.outside).collect(),
        }
    }
}
