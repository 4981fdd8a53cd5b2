//! `analysis.outliers`: where to look for samples that the model does not fit, and what counts as one.

use miette::Result;

use fpsolve_solvers::model::LossScale;

use super::dynamics::importance::scale;
use crate::reader::source::Located;
use crate::reader::table::Value;

/// Most points in `at`.
const MAX_POINTS: usize = 64;

/// `analysis.outliers`: sample s is a dynamic outlier at θ where m p_s < q, p_s ∝ e^{−l_s/(U c)}.
#[derive(Debug, Clone)]
pub struct Outliers {
    /// The points; None for the minima of the loss.
    pub at: Option<Vec<Located<Vec<f64>>>>,
    /// Level q.
    pub q: f64,
    /// Smoothing c; None for that of importance sampling, or 1.
    pub c: Option<f64>,
    /// Loss scale U; None for that of importance sampling, or the mean loss.
    pub scale: Option<LossScale>,
}

/// Reads `analysis.outliers`.
pub fn read(value: &Value) -> Result<Located<Outliers>> {
    let table = value.table(&["at", "q", "c", "scale"])?;
    let at = table.or("at", None, "\"minima\"", points)?;
    let q = table.or("q", 0.5, "0.5", level)?;
    let importance = "that of dynamics.importance, else";
    let c = table.or("c", None, &format!("{importance} 1.0"), |v| Ok(Some(v.positive()?.value)))?;
    let scale = table.or("scale", None, &format!("{importance} \"mean-loss\""), |v| scale(v).map(Some))?;
    Ok(Located { value: Outliers { at, q, c, scale }, span: value.span() })
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
