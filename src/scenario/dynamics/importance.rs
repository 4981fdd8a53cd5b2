//! `dynamics.importance`: samples drawn by their losses or gradients.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::model::{ImportanceSampled, LossScale, Model, Sampling, Scheme};
use miette::Result;

use crate::reader::{Located, Table, Value};

/// Importance sampling.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// The scheme, its mixture with uniform draws, reweighting and clipping.
    pub sampling: Sampling,
}

/// The keys of a sampling.
pub const KEYS: &[&str] = &["scheme", "c", "scale", "exponent", "uniform", "clip", "reweight"];

/// The words of `scheme`, the default first.
pub const SCHEMES: [&str; 5] = ["soft-min", "soft-max", "power", "gradient-norm", "uniform"];

/// Reads `importance`. Errors: a key that its scheme has not, or lacks; values out of range.
pub fn read(value: &Value) -> Result<Located<Importance>> {
    let table = value.table(KEYS)?;
    Ok(Located { value: Importance { sampling: sampling(&table)? }, span: value.span() })
}

/// Reads the own keys of a scheme.
type ReadScheme = fn(&Table) -> Result<Scheme>;

/// The sampling in a table that may have other keys beside. Errors: those of [`read`].
pub fn sampling(table: &Table) -> Result<Sampling> {
    let kinds: [(&str, ReadScheme); 5] = [
        (SCHEMES[0], |table| Ok(Scheme::SoftMin { scale: scale_of(table)?, smoothing: smoothing(table)? })),
        (SCHEMES[1], |table| Ok(Scheme::SoftMax { scale: scale_of(table)?, smoothing: smoothing(table)? })),
        (SCHEMES[2], |table| {
            let help =
                "write the exponent of the losses, for example importance = { scheme = \"power\", exponent = 0.5 }";
            Ok(Scheme::Power { exponent: table.require("exponent", help)?.number()?.value })
        }),
        (SCHEMES[3], |_| Ok(Scheme::GradientNorm)),
        (SCHEMES[4], |_| Ok(Scheme::Uniform)),
    ];
    let scheme = table.or("scheme", kinds[0].1, "\"soft-min\"", |v| Ok(v.choice(&kinds)?.value))?(table)?;
    refuse_foreign(table, scheme)?;
    let uniform = table.or("uniform", 0.0, "0", share)?;
    let clip = table.or("clip", None, "none", |v| Ok(Some(v.positive()?.value)))?;
    let reweight = table.or("reweight", false, "false", |v| Ok(v.boolean()?.value))?;
    Ok(Sampling { scheme, uniform, clip, reweight })
}

/// Errors: a key of another scheme.
fn refuse_foreign(table: &Table, scheme: Scheme) -> Result<()> {
    let foreign: &[&str] = match scheme {
        Scheme::SoftMin { .. } | Scheme::SoftMax { .. } => &["exponent"],
        Scheme::Power { .. } => &["c", "scale"],
        Scheme::GradientNorm | Scheme::Uniform => &["c", "scale", "exponent"],
    };
    foreign.iter().filter_map(|key| table.get(key)).try_for_each(|value| {
        let message = format!("`{}` does not belong to this scheme", value.path());
        let help = "`c` and `scale` belong to \"soft-min\" and \"soft-max\", `exponent` to \"power\"";
        Err(value.error(message, "of another scheme", help))
    })
}

fn smoothing(table: &Table) -> Result<f64> {
    Ok(table.require("c", "write the smoothing, for example importance = { c = 1.0 }")?.positive()?.value)
}

fn scale_of(table: &Table) -> Result<LossScale> {
    table.or("scale", LossScale::MeanLoss, "\"mean-loss\"", scale)
}

fn share(value: &Value) -> Result<f64> {
    let share = value.number()?.value;
    if !(0.0..=1.0).contains(&share) {
        let message = format!("`{}` must lie between 0 and 1, but is {share}", value.path());
        return Err(value.error(message, "no share", "write the share of draws that are uniform, for example 0.1"));
    }
    Ok(share)
}

/// The loss scale U: a number, or the word for a scale that follows the losses. Errors: a number ≤ 0; another word.
pub fn scale(value: &Value) -> Result<LossScale> {
    if !value.is_string() {
        return Ok(LossScale::Constant(value.positive()?.value));
    }
    Ok(value.choice(&[("mean-loss", LossScale::MeanLoss), ("max-loss", LossScale::MaxLoss)])?.value)
}

impl Importance {
    /// The model seen through this sampling. Errors: those of [`ImportanceSampled::by`].
    pub fn build(&self, model: Arc<dyn Model>) -> Result<ImportanceSampled, Error> {
        ImportanceSampled::by(model, self.sampling)
    }

    /// Smoothing c and loss scale U, where the scheme has them.
    pub fn temperature(&self) -> Option<(f64, LossScale)> {
        match self.sampling.scheme {
            Scheme::SoftMin { scale, smoothing } | Scheme::SoftMax { scale, smoothing } => Some((smoothing, scale)),
            Scheme::Power { .. } | Scheme::GradientNorm | Scheme::Uniform => None,
        }
    }
}
