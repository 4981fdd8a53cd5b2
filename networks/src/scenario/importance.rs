//! `[importance]`: the ways of drawing samples that are compared.

use fpsolve::reader::{Table, Value};
use fpsolve::scenario::dynamics::importance;
use fpsolve_solvers::model::{LossScale, Sampling, Scheme};
use miette::Result;

/// `[importance]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// The ways of drawing.
    pub rules: Vec<Rule>,
    /// The loss scale U.
    pub scale: LossScale,
    /// When the losses of all samples are computed anew.
    pub refresh: Refresh,
    /// First epochs in which samples are drawn uniformly.
    pub uniform_epochs: usize,
    /// A dynamic outlier has p < low/m.
    pub low: f64,
}

/// A way of drawing samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The smoothing c; None for uniform.
    pub c: Option<f64>,
    /// As the solvers draw.
    pub sampling: Sampling,
}

impl Rule {
    /// Its word in scenarios, records and pictures.
    pub fn word(&self) -> String {
        self.c.map_or("uniform".into(), fpsolve::text::exact)
    }

    /// For people.
    pub fn title(&self) -> String {
        self.c.map_or("uniform".into(), |c| format!("c = {}", fpsolve::text::exact(c)))
    }
}

/// When the table of losses is refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// At the start of each epoch.
    Epoch,
    /// Every so many steps.
    Steps(usize),
    /// Only at the very start.
    Never,
}

const KEYS: &[&str] = &["c", "scale", "refresh", "uniform_epochs", "reweight", "low"];

/// Reads `[importance]`. Errors: values out of range; one c twice.
pub(super) fn read(root: &Table) -> Result<Importance> {
    let table = root.table("importance", KEYS)?;
    let scale = table.or("scale", LossScale::MeanLoss, "\"mean-loss\"", importance::scale)?;
    let reweight = table.or("reweight", false, "false", |v| Ok(v.boolean()?.value))?;
    let rule = |value: &Value| rule(value, scale, reweight);
    let rules = match table.get("c") {
        None => vec![Rule { c: None, sampling: Sampling::of(Scheme::Uniform, false) }],
        Some(value) => {
            let rules = value.list()?.iter().map(rule).collect::<Result<Vec<_>>>()?;
            let twice = rules.iter().enumerate().find(|(k, rule)| rules[..*k].iter().any(|other| other.c == rule.c));
            if rules.is_empty() || twice.is_some() {
                let message = twice.map_or("`importance.c` is empty".into(), |(_, r)| {
                    format!("`importance.c` has {} twice", r.word())
                });
                return Err(value.error(message, "ways of drawing", "write for example c = [\"uniform\", 4.0, 1.0]"));
            }
            rules
        }
    };
    let refresh = table.or("refresh", Refresh::Epoch, "\"epoch\"", |value| match value.is_string() {
        true => Ok(value.choice(&[("epoch", Refresh::Epoch), ("never", Refresh::Never)])?.value),
        false => Ok(Refresh::Steps(value.count(1..=u64::from(u32::MAX))?.value as usize)),
    })?;
    let uniform_epochs = table.or("uniform_epochs", 2, "2", |v| Ok(v.count(0..=100_000)?.value as usize))?;
    let low = table.or("low", 0.1, "0.1", |v| Ok(v.positive()?.value))?;
    Ok(Importance { rules, scale, refresh, uniform_epochs, low })
}

fn rule(value: &Value, scale: LossScale, reweight: bool) -> Result<Rule> {
    if value.is_string() {
        value.choice(&[("uniform", ())])?;
        return Ok(Rule { c: None, sampling: Sampling::of(Scheme::Uniform, false) });
    }
    let smoothing = value.positive()?.value;
    Ok(Rule { c: Some(smoothing), sampling: Sampling::of(Scheme::SoftMin { scale, smoothing }, reweight) })
}
