//! `[analysis]` → what is computed besides the engines: the parts of the noise, dynamic outliers.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::gradient_noise::{Decomposition, Weights};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::model::data::Data;
use fpsolve_solvers::model::{ImportanceSampled, LossScale};
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;

use crate::scenario::Scenario;
use crate::scenario::verdicts;
use crate::text::count;

/// Where the parts of the noise come from.
#[derive(Clone)]
pub enum Decompose {
    /// The teacher: means over the noise of the data.
    Teacher(Decomposition),
    /// The residuals, once the best fit on the grid is known.
    Estimate(Weights),
}

/// The search for dynamic outliers.
#[derive(Clone)]
pub struct Outliers {
    /// Losses and sampling probabilities.
    pub sampled: Arc<ImportanceSampled>,
    /// Points to look at; None for the minima of the loss.
    pub at: Option<Vec<Vec<f64>>>,
    /// A sample is an outlier where m p < level.
    pub level: f64,
    /// U and c of p ∝ e^{−l/(U c)}, in words for the record.
    pub scale: String,
    /// Smoothing c.
    pub smoothing: f64,
}

/// What the noise is taken apart into: what is asked for, else the means of a teacher wherever they can be had.
///
/// Errors: a teacher that is not there; a model, a noise or a sampling that cannot be taken apart, where it is asked for.
pub(super) fn decomposition(scenario: &Scenario, model: &dyn Model, data: Option<&Data>) -> Result<Option<Decompose>> {
    let weights = scenario.noise.weights;
    let teacher = data.and_then(Data::teacher);
    let minibatch = scenario.noise.kind.of_minibatches();
    let Some(written) = &scenario.analysis.decomposition else {
        let plain = minibatch && scenario.dynamics.importance.is_none();
        let known = teacher.filter(|_| plain).and_then(|t| Decomposition::of_teacher(model, t, weights).ok());
        return Ok(known.map(Decompose::Teacher));
    };
    let span = &written.span;
    let refuse = |message: &str, label: &str, help: &str| Err(scenario.source.error(span, message, label, help));
    if !minibatch {
        let help = "write [noise] kind = \"minibatch\", or remove `decomposition`";
        return refuse("`analysis.decomposition` takes apart the noise of minibatches", "another noise", help);
    }
    if scenario.dynamics.importance.is_some() {
        let message = "`analysis.decomposition` takes apart the noise of uniform sampling, not of importance sampling";
        return refuse(message, "another noise", "remove `importance` from [dynamics], or remove `decomposition`");
    }
    let solver_error = |error| scenario.solver_error(span, "cannot be taken apart", &error);
    match (written.value, teacher) {
        (verdicts::Decomposition::Teacher, Some(teacher)) => Decomposition::of_teacher(model, teacher, weights)
            .map(|d| Some(Decompose::Teacher(d)))
            .map_err(solver_error),
        (verdicts::Decomposition::Teacher, None) => {
            let message = "`analysis.decomposition = \"teacher\"` needs a teacher: only with a known function is the noise of the data known";
            let help =
                "write decomposition = \"estimate\" for estimates from the residuals, or [model.data] teacher = { … }";
            refuse(message, "no teacher", help)
        }
        (verdicts::Decomposition::Estimate, _) => {
            Decomposition::residual_variance(model, 0.0).map_err(solver_error)?;
            Ok(Some(Decompose::Estimate(weights)))
        }
    }
}

/// Samples times cells up to which a teacher's parts are computed without being asked for: some ten seconds.
const UNASKED: f64 = 1e8;

/// The decomposition, unless nobody asked for it and it would take long; then a note says so.
pub(super) fn unless_too_long(
    scenario: &Scenario,
    decomposition: Option<Decompose>,
    grid: &Grid,
    samples: usize,
    notes: &mut Vec<String>,
) -> Option<Decompose> {
    let asked = scenario.analysis.decomposition.is_some();
    if decomposition.is_none() || asked || grid.len() as f64 * samples as f64 <= UNASKED {
        return decomposition;
    }
    let sizes = format!("{samples} samples on {} cells", grid.len());
    notes.push(format!(
        "the noise is not taken apart ({sizes} take long): write [analysis] decomposition = \"teacher\" to have it"
    ));
    None
}

/// Whether critical points are searched for. Errors: a general drift, or importance sampling without a loss.
pub(super) fn critical_points(scenario: &Scenario, model: &dyn Model) -> Result<bool> {
    let Some(written) = scenario.analysis.critical_points.as_ref().filter(|on| on.value) else { return Ok(false) };
    if model.has_loss() {
        return Ok(true);
    }
    let message = "`analysis.critical_points` needs a loss, and this drift is not the gradient of one";
    let help =
        "remove `critical_points`, or write `loss` instead of `drift` (importance sampling: a number as `scale`)";
    Err(scenario.source.error(&written.span, message, "no loss", help))
}

/// The search for dynamic outliers, where it is asked for.
///
/// Errors: a model without samples; a point with another number of coordinates, or off the grid.
pub(super) fn outliers(scenario: &Scenario, model: &Arc<dyn Model>, grid: &Grid) -> Result<Option<Outliers>> {
    let Some(written) = &scenario.analysis.outliers else { return Ok(None) };
    let (asked, importance) = (&written.value, scenario.dynamics.importance.as_ref().map(|i| &i.value));
    if model.data().is_none() {
        let help = "remove `outliers`, or use kind = \"sample-loss\" or \"tanh-regression\" with [model.data]";
        let message = "`analysis.outliers` needs a model with samples, and this model has none";
        return Err(scenario.source.error(&written.span, message, "no samples", help));
    }
    let smoothing = asked.c.or(importance.map(|i| i.c)).unwrap_or(1.0);
    let scale = asked.scale.or(importance.map(|i| i.scale)).unwrap_or(LossScale::MeanLoss);
    let words = match scale {
        LossScale::Constant(u) => format!("{u}"),
        LossScale::MeanLoss => "mean-loss".to_string(),
        LossScale::MaxLoss => "max-loss".to_string(),
    };
    let sampled = ImportanceSampled::new(Arc::clone(model), scale, smoothing, false)
        .map_err(|error| scenario.solver_error(&written.span, "these outliers", &error))?;
    let mut at = None;
    if let Some(points) = &asked.at {
        points.iter().try_for_each(|point| on_grid(scenario, &point.span, &point.value, grid))?;
        at = Some(points.iter().map(|point| point.value.clone()).collect());
    }
    Ok(Some(Outliers { sampled: Arc::new(sampled), at, level: asked.q, scale: words, smoothing }))
}

fn on_grid(scenario: &Scenario, span: &Range<usize>, point: &[f64], grid: &Grid) -> Result<()> {
    let d = grid.dimension();
    if point.len() != d {
        let message = format!(
            "a point of `analysis.outliers.at` has {} for {}",
            count(point.len(), "coordinate"),
            count(d, "variable")
        );
        let help = "write one number for each variable, for example at = [[0.7], [4.8]] for one variable";
        return Err(scenario.source.error(span, message, format!("needs {d}"), help));
    }
    match grid.axes().iter().zip(point).find(|(axis, x)| **x < axis.lower() || **x > axis.upper()) {
        None => Ok(()),
        Some((axis, x)) => {
            let (name, low, high) = (axis.variable(), axis.lower(), axis.upper());
            let message = format!("`analysis.outliers.at` has {name} = {x}, off the grid from {low} to {high}");
            Err(scenario.source.error(span, message, "off the grid", "name points on the grid, or widen the axis"))
        }
    }
}
