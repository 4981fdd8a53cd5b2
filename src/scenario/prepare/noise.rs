//! `[noise]` → D(θ), and with the model the Itô drift and diffusion.

use std::sync::Arc;

use fpsolve_solvers::dynamics::Dynamics;
use fpsolve_solvers::formula::Expression;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::noise::formula::FormulaDiffusion;
use fpsolve_solvers::noise::{self, Diffusion, GradientDynamics, Isotropic, Minibatch};
use miette::Result;

use super::model::parse;
use crate::scenario::noise::{Interpretation, NoiseKind};
use crate::scenario::{Located, Scenario};

/// Drift and diffusion in the Itô sense.
pub(super) fn build(scenario: &Scenario, model: Arc<dyn Model>, temperature: f64) -> Result<Arc<dyn Dynamics>> {
    let written = &scenario.noise;
    let diffusion: Arc<dyn Diffusion> = match &written.kind.value {
        NoiseKind::Minibatch => Arc::new(Minibatch),
        NoiseKind::Isotropic { variance } => Arc::new(Isotropic { variance: variance.value }),
        NoiseKind::Formula { diffusion } => Arc::new(formulas(scenario, diffusion)?),
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

fn formulas(scenario: &Scenario, written: &Located<Vec<Vec<Located<String>>>>) -> Result<FormulaDiffusion> {
    let symbols = scenario.symbols();
    let row = |row: &Vec<Located<String>>| row.iter().map(|entry| parse(scenario, entry, &symbols)).collect();
    let rows = written.value.iter().map(row).collect::<Result<Vec<Vec<Expression>>>>()?;
    let built = FormulaDiffusion::new(&rows);
    built.map_err(|error| scenario.solver_error(&written.span, &error))
}
