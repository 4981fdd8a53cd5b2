//! `[model]`, `[noise]` and `[dynamics]` → drift and diffusion in the Itô sense.

use std::sync::Arc;

use fpsolve_solvers::diffusion::Diffusion;
use fpsolve_solvers::dynamics::{FormulaDynamics, GradientDynamics, Interpretation, ModifiedDynamics, Order};
use fpsolve_solvers::formula::Symbols;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::problem::dynamics::Dynamics;
use miette::Result;

use crate::engine::sgd::SgdTable;
use crate::scenario::dynamics::Drive;
use crate::scenario::{Scenario, model, noise};

/// Drift and diffusion in the Itô sense.
///
/// Differences are based on `lengths` (d). Errors: a noise that its data, its sampling or its formulas do not give; a modified equation without its learning rate.
pub(super) fn build(
    scenario: &Scenario,
    model: Arc<dyn Model>,
    given: &model::Given,
    temperature: f64,
    lengths: &[f64],
) -> Result<Arc<dyn Dynamics>> {
    let (written, order) = (&scenario.noise, scenario.dynamics.order.value);
    let symbols = scenario.symbols();
    let noise = noise_given(scenario, &symbols, &*model, given);
    if written.interpretation == Interpretation::Ito
        && order == 1
        && let (Some(loss), Some(noise)) = (scenario.model.kind.formulas(given)?, written.kind.formulas(&noise)?)
    {
        return Ok(Arc::new(FormulaDynamics::new(&loss, &noise, written.floor.value)));
    }
    let diffusion = written.kind.build(&noise)?;
    if order > 1 {
        return modified(scenario, model, diffusion, temperature, lengths);
    }
    let dynamics = GradientDynamics::new(model, diffusion);
    Ok(Arc::new(dynamics.with_floor(written.floor.value).with_interpretation(
        written.interpretation,
        temperature,
        lengths,
    )))
}

/// What a noise is built from.
fn noise_given<'a>(
    scenario: &'a Scenario,
    symbols: &'a Symbols,
    model: &'a dyn Model,
    given: &model::Given<'a>,
) -> noise::Given<'a> {
    noise::Given {
        source: &scenario.source,
        symbols,
        model,
        data: given.data,
        importance: scenario.dynamics.importance.as_ref(),
        weights: scenario.noise.weights,
    }
}

/// The drift −∇L as written with its D, without what differences of D add. Errors: as for [`build`].
pub(super) fn unconverted(
    scenario: &Scenario,
    model: Arc<dyn Model>,
    given: &model::Given,
) -> Result<Arc<dyn Dynamics>> {
    let symbols = scenario.symbols();
    let diffusion = scenario.noise.kind.build(&noise_given(scenario, &symbols, &*model, given))?;
    Ok(Arc::new(GradientDynamics::new(model, diffusion).with_floor(scenario.noise.floor.value)))
}

/// The stochastic modified equation of order 2 or 3. Errors: no learning rate, another sense than Itô, a floor.
fn modified(
    scenario: &Scenario,
    model: Arc<dyn Model>,
    noise: Arc<dyn Diffusion>,
    temperature: f64,
    lengths: &[f64],
) -> Result<Arc<dyn Dynamics>> {
    let order = &scenario.dynamics.order;
    let refuse = |why: &str, help: &str| {
        let message = format!("`dynamics.order = {}` {why}", order.value);
        Err(scenario.source.error(&order.span, message, "a correction for the finite step", help))
    };
    let Drive::Steps { learning_rate, .. } = &scenario.dynamics.drive else {
        return refuse("needs a learning rate", "write learning_rate and batch_size instead of temperature");
    };
    if scenario.noise.interpretation != Interpretation::Ito {
        return refuse("corrects the Itô equation only", "write interpretation = \"ito\" in [noise]");
    }
    let batches = scenario.engines_to_run()?.iter().any(|engine| engine.draws_batches);
    if batches && !scenario.options.of::<SgdTable>().is_plain() {
        return refuse("corrects plain SGD only", "write optimizer = { kind = \"sgd\" } in [sgd], or order = 1");
    }
    if scenario.noise.floor.value > 0.0 {
        return refuse("knows no floor of the noise", "remove `floor` from [noise]");
    }
    let order = if order.value == 2 { Order::Two } else { Order::Three };
    let dynamics = ModifiedDynamics::new(model, noise, order, learning_rate.value, temperature);
    Ok(Arc::new(dynamics.with_lengths(lengths)))
}
