//! `[noise]` → D(θ), and with the model the Itô drift and diffusion.

use std::sync::Arc;

use fpsolve_solvers::dynamics::Dynamics;
use fpsolve_solvers::formula::Expression;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::noise::formula::{FormulaDiffusion, FormulaDynamics};
use fpsolve_solvers::noise::{self, Diffusion, GradientDynamics, Isotropic, Minibatch};
use miette::Result;

use super::model::parse;
use crate::scenario::noise::{Interpretation, NoiseKind};
use crate::scenario::{Located, Scenario};

/// Drift and diffusion in the Itô sense.
pub(super) fn build(scenario: &Scenario, model: Arc<dyn Model>, temperature: f64) -> Result<Arc<dyn Dynamics>> {
    let written = &scenario.noise;
    if let (Some(model), Some(noise), Interpretation::Ito) =
        (super::model::formulas(scenario)?, formulas(scenario)?, written.interpretation)
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
        NoiseKind::Decomposed { .. } => {
            let message =
                "kind = \"decomposed\" needs a teacher: only with a known function can the noise be taken apart";
            let help = "write [model.data] teacher = { … } instead of file or points, or kind = \"minibatch\"";
            return Err(scenario.source.error(&written.kind.span, message, "no teacher", help));
        }
    };
    let interpretation = match written.interpretation {
        Interpretation::Ito => noise::Interpretation::Ito,
        Interpretation::Stratonovich => noise::Interpretation::Stratonovich,
        Interpretation::HaenggiKlimontovich => noise::Interpretation::HaenggiKlimontovich,
    };
    let dynamics = GradientDynamics::new(model, diffusion);
    Ok(Arc::new(dynamics.with_floor(written.floor.value).with_interpretation(interpretation, temperature)))
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
