//! `[noise]` → D(θ), and with the model the Itô drift and diffusion.

use std::sync::Arc;

use fpsolve_solvers::diffusion::formula::{FormulaDiffusion, FormulaDynamics};
use fpsolve_solvers::diffusion::{Decomposed, Diffusion, Isotropic, Minibatch};
use fpsolve_solvers::dynamics::{GradientDynamics, ModifiedDynamics, Order};
use fpsolve_solvers::formula::Expression;
use fpsolve_solvers::gradient_noise::Part;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::model::data::Data;
use fpsolve_solvers::problem::dynamics::Dynamics;
use miette::Result;

use crate::engine::sgd::SgdTable;
use crate::reader::Located;
use crate::scenario::Scenario;
use crate::scenario::dynamics::Drive;
use crate::scenario::model::build::parse;
use crate::scenario::noise::{Interpretation, NoiseKind};

/// Drift and diffusion in the Itô sense.
pub(crate) fn build(
    scenario: &Scenario,
    model: Arc<dyn Model>,
    data: Option<&Data>,
    temperature: f64,
) -> Result<Arc<dyn Dynamics>> {
    let written = &scenario.noise;
    let order = scenario.dynamics.order.value;
    if let (Some(model), Some(noise), Interpretation::Ito, 1) =
        (crate::scenario::model::build::formulas(scenario)?, formulas(scenario)?, written.interpretation, order)
    {
        return Ok(Arc::new(FormulaDynamics::new(&model, &noise, written.floor.value)));
    }
    let diffusion: Arc<dyn Diffusion> = match &written.kind.value {
        NoiseKind::Minibatch => Arc::new(Minibatch),
        NoiseKind::Isotropic { variance } => Arc::new(Isotropic { variance: variance.value }),
        NoiseKind::Formula { .. } => match formulas(scenario)? {
            Some(formulas) => Arc::new(formulas),
            None => Arc::new(Isotropic { variance: 0.0 }), // a formula noise has formulas
        },
        NoiseKind::Decomposed { parts } => Arc::new(decomposed(scenario, &*model, data, parts)?),
    };
    let interpretation = match written.interpretation {
        Interpretation::Ito => fpsolve_solvers::dynamics::Interpretation::Ito,
        Interpretation::Stratonovich => fpsolve_solvers::dynamics::Interpretation::Stratonovich,
        Interpretation::HaenggiKlimontovich => fpsolve_solvers::dynamics::Interpretation::HaenggiKlimontovich,
    };
    if order > 1 {
        return modified(scenario, model, diffusion, temperature);
    }
    let dynamics = GradientDynamics::new(model, diffusion);
    Ok(Arc::new(dynamics.with_floor(written.floor.value).with_interpretation(interpretation, temperature)))
}

/// The noise of minibatches, or some of its parts, averaged over the noise of the data.
fn decomposed(
    scenario: &Scenario,
    model: &dyn Model,
    data: Option<&Data>,
    parts: &[Located<&'static str>],
) -> Result<Decomposed> {
    let span = &scenario.noise.kind.span;
    let Some(teacher) = data.and_then(Data::teacher) else {
        let message = "kind = \"decomposed\" needs a teacher: only with a known function can the noise be taken apart";
        let help = "write [model.data] teacher = { … } instead of file or points; or kind = \"minibatch\", and \
                    [analysis] decomposition = \"estimate\" for estimates of the parts from residuals";
        return Err(scenario.source.error(span, message, "no teacher", help));
    };
    if let Some(importance) = &scenario.dynamics.importance {
        let message = "kind = \"decomposed\" takes apart the noise of uniform sampling, not of importance sampling";
        let help = "remove `importance` from [dynamics], or write kind = \"minibatch\"";
        return Err(scenario.source.error(&importance.span, message, "another noise", help));
    }
    let part = |part: &Located<&str>| match part.value {
        "intrinsic" => Part::Intrinsic,
        "exploration" => Part::Exploration,
        _ => Part::MeanGradient,
    };
    let parts: Vec<Part> = parts.iter().map(part).collect();
    let built = Decomposed::new(model, teacher, &parts, scenario.noise.weights);
    built.map_err(|error| scenario.solver_error(span, "this noise", &error))
}

/// The stochastic modified equation of order 2 or 3. Errors: no learning rate, another sense than Itô, a floor.
fn modified(
    scenario: &Scenario,
    model: Arc<dyn Model>,
    noise: Arc<dyn Diffusion>,
    temperature: f64,
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
    Ok(Arc::new(ModifiedDynamics::new(model, noise, order, learning_rate.value, temperature)))
}

/// The matrix of formulas of D, where the noise is one: written as such, or a constant times the identity.
fn formulas(scenario: &Scenario) -> Result<Option<FormulaDiffusion>> {
    let d = scenario.dimension();
    let (rows, span) = match &scenario.noise.kind.value {
        NoiseKind::Formula { diffusion } => {
            let symbols = scenario.symbols();
            let row = |row: &Vec<Located<String>>| row.iter().map(|entry| parse(scenario, entry, &symbols)).collect();
            (diffusion.value.iter().map(row).collect::<Result<Vec<Vec<Expression>>>>()?, &diffusion.span)
        }
        NoiseKind::Isotropic { variance } => {
            let entry = |i: usize, j: usize| Expression::constant(if i == j { variance.value } else { 0.0 });
            ((0..d).map(|i| (0..d).map(|j| entry(i, j)).collect()).collect(), &variance.span)
        }
        NoiseKind::Minibatch | NoiseKind::Decomposed { .. } => return Ok(None),
    };
    FormulaDiffusion::new(&rows).map(Some).map_err(|error| scenario.solver_error(span, "this matrix", &error))
}
