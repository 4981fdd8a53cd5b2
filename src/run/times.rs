//! The output times that all engines can meet.

use fpsolve_solvers::problem::Problem;

use crate::engine::EngineEntry;
use crate::scenario::Prepared;

/// SGD lives at multiples of its step: with it among the engines the output times move to the nearest whole step, for all.
pub fn align_with_sgd(problem: &mut Problem, prepared: &Prepared) -> Vec<String> {
    let Some(minibatch) = problem.minibatch else { return Vec::new() };
    let step = |engine: &&EngineEntry| engine.step?(&prepared.options, minibatch.learning_rate).ok();
    let Some(eta) = prepared.engines.iter().find_map(step) else { return Vec::new() };
    let aligned: Vec<f64> = problem.times.iter().map(|t| (t / eta).round() * eta).collect();
    let moved = aligned.iter().zip(&problem.times).map(|(a, t)| (a - t).abs()).fold(0.0, f64::max);
    problem.times = aligned;
    problem.times.dedup();
    if moved <= 1e-9 * eta {
        return Vec::new();
    }
    vec![format!(
        "sgd: output times moved by up to {moved:.2e} to whole steps of {eta}, for all engines; write times that are multiples of it"
    )]
}
