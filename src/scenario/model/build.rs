//! `[model]` → loss, gradients and per-sample gradients.

use std::sync::Arc;

use fpsolve_solvers::formula::{self, Expression, Symbols};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::model::data::Data;
use fpsolve_solvers::model::formula::FormulaModel;
use fpsolve_solvers::model::sample_loss::SampleLossModel;
use fpsolve_solvers::model::tanh_regression::{self, Amplitudes, TanhRegression};
use fpsolve_solvers::model::{ImportanceSampled, LossScale};
use fpsolve_solvers::problem::Replacement;
use miette::Result;

use crate::reader::Located;
use crate::scenario::Scenario;
use crate::scenario::dynamics::{Drive, Scale};
use crate::scenario::model::{Law, ModelKind, SampleGradient, TanhRegression as Written};

impl Scenario {
    /// The constants that formulas know by name.
    pub(crate) fn parameters(&self) -> Vec<(String, f64)> {
        match &self.model.kind {
            ModelKind::Formula { parameters, .. } | ModelKind::SampleLoss { parameters, .. } => {
                parameters.iter().map(|(name, value)| (name.value.clone(), value.value)).collect()
            }
            ModelKind::TanhRegression(_) => Vec::new(),
        }
    }

    /// Names of formulas of θ: variables and parameters.
    pub(crate) fn symbols(&self) -> Symbols {
        Symbols::new(&self.variable_names()).with_parameters(self.parameters())
    }
}

/// Parses a formula; errors point into its text.
pub(crate) fn parse(scenario: &Scenario, formula: &Located<String>, symbols: &Symbols) -> Result<Expression> {
    formula::parse(&formula.value, symbols).map_err(|error| {
        let span = scenario.source.inside(formula, error.span.clone());
        let help = if error.help.is_empty() { "write a formula such as x^2/2 + sin(x)" } else { &error.help };
        scenario.source.error(&span, error.message, "in this formula", help)
    })
}

/// The model. Errors point at the formula or the table that is responsible.
pub(crate) fn build(scenario: &Scenario, data: Option<&Data>) -> Result<Arc<dyn Model>> {
    let d = scenario.dimension();
    match &scenario.model.kind {
        ModelKind::Formula { law, .. } => Ok(Arc::new(formula_model(scenario, law)?)),
        ModelKind::SampleLoss { sample_loss, .. } => {
            let data = require(scenario, data)?;
            let symbols = scenario.symbols().with_columns(data.names());
            symbols
                .check()
                .map_err(|error| scenario.solver_error(&scenario.model.variables.span, "these names", &error))?;
            let loss = parse(scenario, sample_loss, &symbols)?;
            let model = SampleLossModel::new(d, &loss, data);
            Ok(Arc::new(model.map_err(|error| scenario.solver_error(&sample_loss.span, "this formula", &error))?))
        }
        ModelKind::TanhRegression(written) => {
            let data = require(scenario, data)?;
            let (x, y) = (column(scenario, data, "x")?, column(scenario, data, "y")?);
            let units = TanhRegression::units(&written.centers.value, &written.groups.value);
            let amplitudes = match &written.amplitudes {
                Some(values) => Amplitudes::Fixed(values.value.clone()),
                None => Amplitudes::Projected,
            };
            let sample_gradient = match written.sample_gradient.value {
                SampleGradient::Total => tanh_regression::SampleGradient::Total,
                SampleGradient::Envelope => tanh_regression::SampleGradient::Envelope,
                SampleGradient::Batch => tanh_regression::SampleGradient::Batch,
            };
            check_batch(scenario, written)?;
            let model = TanhRegression::new(x, y, &units, amplitudes, sample_gradient);
            Ok(Arc::new(model.map_err(|error| scenario.solver_error(&written.centers.span, "these units", &error))?))
        }
    }
}

/// Amplitudes solved on each batch: only SGD itself can run that, with more samples in a batch than amplitudes.
fn check_batch(scenario: &Scenario, written: &Written) -> Result<()> {
    let key = &written.sample_gradient;
    if key.value != SampleGradient::Batch || written.amplitudes.is_some() {
        return Ok(());
    }
    let refuse =
        |message: String, label: &str, help: String| Err(scenario.source.error(&key.span, message, label, help));
    if let Some(engine) = scenario.engines_to_run()?.into_iter().find(|engine| !engine.draws_batches) {
        return refuse(
            format!("sample_gradient = \"batch\" has no drift and diffusion for the engine \"{}\"", engine.word),
            "amplitudes solved on each batch: biased",
            "write engines = [\"sgd\"], or sample_gradient = \"total\"".to_string(),
        );
    }
    let units = written.centers.value.len();
    match &scenario.dynamics.drive {
        Drive::Steps { batch_size, .. } if batch_size.value <= units => refuse(
            format!(
                "sample_gradient = \"batch\": {} samples determine {units} amplitudes without a residual",
                batch_size.value
            ),
            "needs larger batches",
            format!("write batch_size = {} or more", units + 1),
        ),
        _ => Ok(()),
    }
}

/// The model as its samples are drawn: itself, or seen through importance sampling.
pub(crate) fn sampled(scenario: &Scenario, model: Arc<dyn Model>) -> Result<Arc<dyn Model>> {
    let Some(importance) = &scenario.dynamics.importance else { return Ok(model) };
    let written = &importance.value;
    if scenario.dynamics.replacement.value != Replacement::With {
        let help = "write replacement = true: samples drawn by importance are independent";
        let message = "importance sampling draws with replacement";
        return Err(scenario.source.error(&scenario.dynamics.replacement.span, message, "without replacement", help));
    }
    let scale = match written.scale {
        Scale::Constant(scale) => LossScale::Constant(scale),
        Scale::MeanLoss => LossScale::MeanLoss,
        Scale::MaxLoss => LossScale::MaxLoss,
    };
    let built = ImportanceSampled::new(model, scale, written.c, written.reweight);
    Ok(Arc::new(built.map_err(|error| scenario.solver_error(&importance.span, "this sampling", &error))?))
}

/// The model as formulas of θ, where it is one.
pub(crate) fn formulas(scenario: &Scenario) -> Result<Option<FormulaModel>> {
    match &scenario.model.kind {
        ModelKind::Formula { law, .. } => formula_model(scenario, law).map(Some),
        _ => Ok(None),
    }
}

fn formula_model(scenario: &Scenario, law: &Law) -> Result<FormulaModel> {
    let symbols = scenario.symbols();
    match law {
        Law::Loss(loss) => Ok(FormulaModel::loss(scenario.dimension(), &parse(scenario, loss, &symbols)?)),
        Law::Drift(drift) => {
            let drift = drift.value.iter().map(|b| parse(scenario, b, &symbols)).collect::<Result<Vec<_>>>()?;
            Ok(FormulaModel::drift(&drift))
        }
    }
}

fn require<'d>(scenario: &Scenario, data: Option<&'d Data>) -> Result<&'d Data> {
    data.ok_or_else(|| {
        let help = "write [model.data] with file, points or teacher";
        scenario.source.error(&scenario.model.variables.span, "this model needs data", "no data", help)
    })
}

fn column<'d>(scenario: &Scenario, data: &'d Data, name: &str) -> Result<&'d [f64]> {
    data.column(name).ok_or_else(|| {
        let names: Vec<String> = data.names().iter().map(|name| format!("`{name}`")).collect();
        let message = format!("the data have no column `{name}`; they have {}", names.join(", "));
        let help = "tanh-regression fits y as a function of x: write columns = { x = \"…\", y = \"…\" } with the names in the file";
        let span = scenario.model.data.as_ref().map_or(0..0, |data| data.span.clone());
        scenario.source.error(&span, message, format!("needs `{name}`"), help)
    })
}
