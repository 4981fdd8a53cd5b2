//! Keys of the format whose feature is not there yet: refused by name, one line each, to be removed one by one.

use std::ops::Range;

use miette::{Report, Result};

use crate::scenario::{EngineKind, Scenario};

/// Refuses every key that would be ignored.
pub(super) fn refuse(scenario: &Scenario) -> Result<()> {
    let mut found: Vec<(&Range<usize>, String, &str)> = Vec::new();
    if let Some(importance) = &scenario.dynamics.importance
        && scenario.engines_to_run()?.contains(&EngineKind::Sgd)
    {
        let help = "write engines = [\"fokker-planck\", \"langevin\"], or remove `importance`";
        found.push((&importance.span, "dynamics.importance with the engine sgd".into(), help));
    }
    match found.into_iter().next() {
        Some((span, what, help)) => Err(report(scenario, span, &what, help)),
        None => Ok(()),
    }
}

/// The error for a key of the format that this version does not compute.
pub(super) fn report(scenario: &Scenario, span: &Range<usize>, what: &str, help: &str) -> Report {
    scenario.source.error(span, format!("`{what}` is not computed by this version"), "not there yet", help)
}
