//! `[fokker_planck]`, `[langevin]`, `[sgd]` → the options of the engines; names are looked up in their tables.

use fpsolve_solvers::fokker_planck::{FokkerPlanckOptions, stepper};
use fpsolve_solvers::langevin::{LangevinOptions, scheme};
use fpsolve_solvers::sgd::{SgdOptions, optimizer};
use miette::Result;

use crate::scenario::Scenario;

pub(super) fn fokker_planck(scenario: &Scenario) -> Result<FokkerPlanckOptions> {
    let written = &scenario.fokker_planck;
    let method = &written.method;
    if method.value != "auto" {
        stepper::find(&method.value).map_err(|error| scenario.solver_error(&method.span, &error))?;
    }
    Ok(FokkerPlanckOptions {
        method: method.value.clone(),
        tolerance: written.tolerance.value,
        stationary: written.stationary,
    })
}

pub(super) fn langevin(scenario: &Scenario) -> Result<LangevinOptions> {
    let written = &scenario.langevin;
    let name = &written.scheme;
    scheme::find(&name.value).map_err(|error| scenario.solver_error(&name.span, &error))?;
    Ok(LangevinOptions {
        walkers: written.walkers.value,
        step: written.step.as_ref().map(|step| step.value),
        scheme: name.value.clone(),
        trajectories: 0,
    })
}

pub(super) fn sgd(scenario: &Scenario) -> Result<SgdOptions> {
    let written = &scenario.sgd;
    let optimizer = &written.optimizer;
    optimizer::build(optimizer.value.name, &optimizer.value.parameters)
        .map_err(|error| scenario.solver_error(&optimizer.span, &error))?;
    Ok(SgdOptions {
        walkers: written.walkers.value,
        optimizer: optimizer.value.name.to_string(),
        parameters: optimizer.value.parameters.clone(),
    })
}
