//! `dynamics.importance`: batches drawn by importance, p_i ∝ e^{−l_i/(U c)}.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::model::{ImportanceSampled, LossScale, Model};
use miette::Result;

use crate::reader::{Located, Value};

/// Importance sampling p_i ∝ e^{−l_i/(U c)}.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// Smoothing c.
    pub c: f64,
    /// Loss scale U.
    pub scale: LossScale,
    /// Whether gradients are weighted by 1/(m p_i).
    pub reweight: bool,
}

/// Reads `importance`. Errors: no smoothing; values out of range.
pub fn read(value: &Value) -> Result<Located<Importance>> {
    let table = value.table(&["c", "scale", "reweight"])?;
    let c = table.require("c", "write the smoothing, for example importance = { c = 1.0 }")?.positive()?.value;
    let scale = table.or("scale", LossScale::MeanLoss, "\"mean-loss\"", scale)?;
    let reweight = table.or("reweight", false, "false", |v| Ok(v.boolean()?.value))?;
    Ok(Located { value: Importance { c, scale, reweight }, span: value.span() })
}

/// The loss scale U: a number, or the word for a scale that follows the losses. Errors: a number ≤ 0; another word.
pub fn scale(value: &Value) -> Result<LossScale> {
    if !value.is_string() {
        return Ok(LossScale::Constant(value.positive()?.value));
    }
    Ok(value.choice(&[("mean-loss", LossScale::MeanLoss), ("max-loss", LossScale::MaxLoss)])?.value)
}

impl Importance {
    /// The model seen through this sampling. Errors: those of [`ImportanceSampled::new`].
    pub fn build(&self, model: Arc<dyn Model>) -> Result<ImportanceSampled, Error> {
        ImportanceSampled::new(model, self.scale, self.c, self.reweight)
    }
}
