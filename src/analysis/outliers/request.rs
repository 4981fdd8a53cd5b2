//! `analysis.outliers` as written: where to look for samples that the model does not fit, and what counts as one.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::model::{ImportanceSampled, LossScale};
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;

use super::super::{Analysis, Context, Request, Scale as Size};
use super::Search;
use crate::reader::table::{Table, Value};
use crate::reader::{Located, Source};
use crate::scenario::dynamics::importance::{Importance, scale};
use crate::text::count;

/// Most points in `at`.
const MAX_POINTS: usize = 64;

/// `analysis.outliers`: sample s is a dynamic outlier at θ where m p_s < q, p_s ∝ e^{−l_s/(U c)}.
#[derive(Debug, Clone)]
struct Written {
    /// The points; None for the minima of the loss.
    at: Option<Vec<Located<Vec<f64>>>>,
    /// Level q.
    q: f64,
    /// Smoothing c; None for that of importance sampling, or 1.
    c: Option<f64>,
    /// Loss scale U; None for that of importance sampling, or the mean loss.
    scale: Option<LossScale>,
}

/// Reads `analysis.outliers`.
pub(super) fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let written = table.optional("outliers", |value| {
        let table = value.table(&["at", "q", "c", "scale"])?;
        let at = table.or("at", None, "\"minima\"", points)?;
        let q = table.or("q", 0.5, "0.5", level)?;
        let importance = "that of dynamics.importance, else";
        let c = table.or("c", None, &format!("{importance} 1.0"), |v| Ok(Some(v.positive()?.value)))?;
        let scale = table.or("scale", None, &format!("{importance} \"mean-loss\""), |v| scale(v).map(Some))?;
        Ok(Located { value: Written { at, q, c, scale }, span: value.span() })
    })?;
    Ok(written.map(|written| Arc::new(written) as Arc<dyn Request>))
}

impl Request for Located<Written> {
    /// Errors: a model without samples; a point with another number of coordinates, or off the grid.
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let (asked, importance, model) =
            (&self.value, context.importance.and_then(Importance::temperature), context.model);
        if model.data().is_none() {
            let help = "remove `outliers`, or use kind = \"sample-loss\" or \"tanh-regression\" with [model.data]";
            let message = "`analysis.outliers` needs a model with samples, and this model has none";
            return Err(context.source.error(&self.span, message, "no samples", help));
        }
        let smoothing = asked.c.or(importance.map(|i| i.0)).unwrap_or(1.0);
        let scale = asked.scale.or(importance.map(|i| i.1)).unwrap_or(LossScale::MeanLoss);
        let words = match scale {
            LossScale::Constant(u) => format!("{u}"),
            LossScale::MeanLoss => "mean-loss".to_string(),
            LossScale::MaxLoss => "max-loss".to_string(),
        };
        let sampled = ImportanceSampled::new(Arc::clone(model), scale, smoothing, false)
            .map_err(|error| context.solver_error(&self.span, "these outliers", &error))?;
        let points = asked.at.iter().flatten();
        points.clone().try_for_each(|p| on_grid(context.source, &p.span, &p.value, &context.problem.grid))?;
        let at = asked.at.as_ref().map(|_| points.map(|point| point.value.clone()).collect());
        Ok(Some(Arc::new(Search { sampled, at, level: asked.q, scale: words, smoothing })))
    }

    fn numbers_per_cell(&self, _scale: &Size) -> f64 {
        3.0
    }
}

fn level(value: &Value) -> Result<f64> {
    let q = value.positive()?.value;
    if q >= 1.0 {
        let help = "write a number between 0 and 1: q = 0.5 counts samples that would be drawn less than half as often as others";
        return Err(value.error(format!("`{}` must be below 1, but is {q}", value.path()), "too large", help));
    }
    Ok(q)
}

fn points(value: &Value) -> Result<Option<Vec<Located<Vec<f64>>>>> {
    if value.is_string() {
        return Ok(value.choice(&[("minima", None)])?.value);
    }
    if !value.is_list() {
        return Err(value.wrong_type("\"minima\" or a list of points", "[[0.7], [4.8]]"));
    }
    let points = value.list()?.iter().map(Value::numbers).collect::<Result<Vec<_>>>()?;
    match points.len() {
        1..=MAX_POINTS => Ok(Some(points)),
        n => {
            let message = format!("`{}` has {n} points", value.path());
            Err(value.error(message, "1 to 64 points", "name at least one point, or write at = \"minima\""))
        }
    }
}

fn on_grid(source: &Source, span: &Range<usize>, point: &[f64], grid: &Grid) -> Result<()> {
    let d = grid.dimension();
    if point.len() != d {
        let message = format!(
            "a point of `analysis.outliers.at` has {} for {}",
            count(point.len(), "coordinate"),
            count(d, "variable")
        );
        let help = "write one number for each variable, for example at = [[0.7], [4.8]] for one variable";
        return Err(source.error(span, message, format!("needs {d}"), help));
    }
    match grid.axes().iter().zip(point).find(|(axis, x)| **x < axis.lower() || **x > axis.upper()) {
        None => Ok(()),
        Some((axis, x)) => {
            let (name, low, high) = (axis.variable(), axis.lower(), axis.upper());
            let message = format!("`analysis.outliers.at` has {name} = {x}, off the grid from {low} to {high}");
            Err(source.error(span, message, "off the grid", "name points on the grid, or widen the axis"))
        }
    }
}
