//! `analysis.first_passage` → first-passage problems on the grid.

use fpsolve_solvers::escape::passage::{Passage, Target};
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;

use crate::reader::Located;
use crate::scenario::Scenario;
use crate::scenario::verdicts::{FirstPassage, HORIZON};

/// The first-passage problems.
///
/// Errors: a start off the grid, a formula that is not one or is not a condition, a target or an avoided set that holds at the
/// start or covers no cell, an avoided set that overlaps the target, a horizon before the end of the run.
pub(super) fn build(scenario: &Scenario, grid: &Grid) -> Result<Vec<Passage>> {
    scenario.analysis.first_passage.iter().map(|passage| one(scenario, grid, passage)).collect()
}

fn one(scenario: &Scenario, grid: &Grid, written: &Located<FirstPassage>) -> Result<Passage> {
    let FirstPassage { name, from, target, avoid, walkers, horizon } = &written.value;
    for (axis, &x) in grid.axes().iter().zip(&from.value) {
        if !(x >= axis.lower() && x <= axis.upper()) {
            let (variable, lower, upper) = (axis.variable(), axis.lower(), axis.upper());
            let message = format!("the start of \"{}\" is off the grid: {variable} = {x}", name.value);
            let help = format!("write a value of {variable} between {lower} and {upper}, or widen the grid");
            return Err(scenario.source.error(&from.span, message, "off the grid", help));
        }
    }
    let end = scenario.time.at.value.last().copied().unwrap_or(0.0);
    if let Some(horizon) = horizon.as_ref().filter(|horizon| horizon.value < end) {
        let message =
            format!("the horizon {} of \"{}\" is before the last output time {end}", horizon.value, name.value);
        let help = format!("write horizon = {end} or more: the survival is shown at all output times");
        return Err(scenario.source.error(&horizon.span, message, "too early", help));
    }
    let set = |text: &Located<String>| -> Result<Target> {
        let condition = scenario.source.parse(text, &scenario.symbols())?;
        Ok(Target::new(&text.value, &condition, grid.dimension()))
    };
    let passage = Passage {
        name: name.value.clone(),
        from: from.value.clone(),
        target: set(target)?,
        avoid: avoid.as_ref().map(set).transpose()?,
        walkers: *walkers,
        horizon: horizon.as_ref().map_or(HORIZON * end, |horizon| horizon.value),
    };
    passage.check_target(grid).map_err(|error| scenario.solver_error(&target.span, "this target", &error))?;
    let span = avoid.as_ref().map_or(&target.span, |avoid| &avoid.span);
    passage.check_avoid(grid).map_err(|error| scenario.solver_error(span, "this avoided set", &error))?;
    Ok(passage)
}
