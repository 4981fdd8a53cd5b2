//! `[fokker_planck]`, `[langevin]`, `[sgd]` → the options of the engines; names are looked up in their tables.

use fpsolve_solvers::fokker_planck::integrator::table::INTEGRATORS;
use fpsolve_solvers::fokker_planck::{FokkerPlanckOptions, choice};
use fpsolve_solvers::langevin::{LangevinOptions, scheme};
use fpsolve_solvers::sgd::{SgdOptions, optimizer};
use miette::Result;

use crate::scenario::Scenario;
use crate::text::nearest;

pub(super) fn fokker_planck(scenario: &Scenario) -> Result<FokkerPlanckOptions> {
    let written = &scenario.fokker_planck;
    let space = &written.discretisation;
    let discretisation = choice::from_word(&space.value)
        .map_err(|error| scenario.solver_error(&space.span, "no such discretisation", &error))?;
    let method = &written.method;
    let names: Vec<&str> = INTEGRATORS.iter().map(|method| method.name).chain(["auto"]).collect();
    if !names.contains(&method.value.as_str()) {
        let label =
            nearest(&method.value, &names).map_or("no such method".into(), |near| format!("did you mean \"{near}\"?"));
        let message = format!("there is no Fokker-Planck method \"{}\"", method.value);
        return Err(scenario.source.error(&method.span, message, label, format!("write one of: {}", names.join(", "))));
    }
    if let Some(kind) = discretisation.filter(|kind| kind.own_steps && method.value != "auto") {
        let message = format!("method = \"{}\" integrates a generator, and the {} has none", method.value, kind.name);
        let help = "write method = \"auto\", or discretisation = \"edges\"";
        return Err(scenario.source.error(
            &method.span,
            message,
            format!("not with discretisation = \"{}\"", kind.word),
            help,
        ));
    }
    Ok(FokkerPlanckOptions {
        discretisation,
        method: method.value.clone(),
        tolerance: written.tolerance.value,
        stationary: written.stationary,
        ..FokkerPlanckOptions::default()
    })
}

pub(super) fn langevin(scenario: &Scenario) -> Result<LangevinOptions> {
    let written = &scenario.langevin;
    let name = &written.scheme;
    scheme::find(&name.value).map_err(|error| scenario.solver_error(&name.span, "no such scheme", &error))?;
    Ok(LangevinOptions {
        walkers: written.walkers.value,
        step: written.step.as_ref().map(|step| step.value),
        scheme: name.value.clone(),
        trajectories: written.trajectories,
    })
}

pub(super) fn sgd(scenario: &Scenario) -> Result<SgdOptions> {
    let written = &scenario.sgd;
    let optimizer = &written.optimizer;
    optimizer::build(optimizer.value.name, &optimizer.value.parameters)
        .map_err(|error| scenario.solver_error(&optimizer.span, "this optimizer", &error))?;
    Ok(SgdOptions {
        walkers: written.walkers.value,
        optimizer: optimizer.value.name.to_string(),
        parameters: optimizer.value.parameters.clone(),
        amplitude_rate: written.amplitude_rate.as_ref().map(|rate| rate.value),
    })
}
