//! A quick solution on few cells, to learn where the probability is.

use super::edges::discretisation::EDGES;
use super::engine::FokkerPlanck;
use super::options::FokkerPlanckOptions;
use crate::engine::{Engine, Interrupt, OnGrid};
use crate::error::Error;
use crate::problem::Problem;

/// What a pilot saw.
pub(super) struct Seen {
    /// Cell probabilities.
    pub probability: Vec<f64>,
    /// When: `t = 0.5`, `stationary`.
    pub when: String,
}

/// The stationary law (where `stationary` and unique) and those at up to `most` output times of a problem on its own grid, by the edge
/// generator with integration errors below `tolerance`. Times before the law covers cells are left out where the start is a point.
///
/// Errors: as for [`FokkerPlanck::new_until`] and its `advance`.
pub(super) fn laws(
    (problem, most): (&Problem, usize),
    tolerance: f64,
    stationary: bool,
    interrupt: Interrupt,
) -> Result<Vec<Seen>, Error> {
    let every = problem.times.len().div_ceil(most).max(1);
    let last = problem.times.len().saturating_sub(1);
    let times = problem.times.iter().enumerate().filter(|(i, _)| i % every == 0 || *i == last);
    let trial = Problem { times: times.map(|(_, &t)| t).collect(), ..problem.clone() };
    let options = FokkerPlanckOptions {
        discretisation: Some(&EDGES),
        tolerance,
        stationary,
        error_estimate: false,
        ..Default::default()
    };
    let mut engine = FokkerPlanck::new_until(&trial, options, interrupt)?;
    let last_time = trial.times.last().copied().unwrap_or(0.0);
    let mut seen = Vec::new();
    if let Some(law) = engine.stationary() {
        seen.push(Seen { probability: law.probability.clone(), when: "stationary".to_string() });
    }
    for &time in &trial.times {
        engine.advance(time, interrupt)?;
        if engine.covers_cells() || (time == last_time && seen.is_empty()) {
            seen.push(Seen { probability: engine.snapshot().probability, when: format!("t = {time}") });
        }
    }
    Ok(seen)
}
