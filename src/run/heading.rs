//! The root of a record: what ran, from which scenario, how it ended.

use fpsolve_solvers::problem::Problem;

use super::outcome::Status;
use crate::record::groups::grid::grid_group;
use crate::record::{Attribute, Record};
use crate::scenario::Prepared;

/// What is known of a run before its problem is built.
pub fn root(name: &str, description: &str, scenario: &str, seed: u64, status: Status) -> Record {
    let mut record = Record::new("");
    let text = |text: &str| Attribute::Text(text.to_string());
    record.set("schema", Attribute::Integer(1));
    record.set("fpsolve_version", text(env!("CARGO_PKG_VERSION")));
    record.set("status", text(status.word()));
    record.set("name", text(name));
    record.set("description", text(description));
    record.set("scenario", text(scenario));
    record.set("seed", Attribute::Integer(seed as i64));
    record
}

/// The root of a record and its `/grid`: what ran, from which scenario, how it ended.
pub fn heading(prepared: &Prepared, problem: &Problem, status: Status) -> Record {
    let mut record = root(&prepared.name, &prepared.description, &prepared.text, problem.seed, status);
    let text = |text: &str| Attribute::Text(text.to_string());
    record.set("temperature", Attribute::Float(problem.temperature));
    record.set("beta", Attribute::Float(2.0 * problem.temperature));
    if let Some(minibatch) = problem.minibatch {
        record.set("learning_rate", Attribute::Float(minibatch.learning_rate));
        record.set("batch_size", Attribute::Integer(minibatch.batch_size as i64));
    }
    let mut grid = grid_group(&problem.grid);
    if let Some(found) = &prepared.box_found {
        grid.set("bounds", text("auto"));
        grid.set("bounds_reason", text(&found.reason()));
        grid.set("bounds_trials", Attribute::Integer(found.rounds as i64));
        grid.set("bounds_share", Attribute::Float(found.share));
    }
    let found = &prepared.grid_found;
    if found.graded.contains(&true) {
        grid.set("grading", text("auto"));
    }
    if let Some(refinement) = &found.refinement {
        grid.set("tolerance", Attribute::Float(refinement.tolerance));
        grid.set("tolerance_error", Attribute::Float(refinement.error()));
        grid.set("tolerance_trials", Attribute::Integer(refinement.trials.len() as i64));
        grid.set("tolerance_reason", text(&refinement.reason()));
    }
    record.groups.push(grid);
    record
}
