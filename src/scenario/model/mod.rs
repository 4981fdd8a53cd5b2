//! `[model]`: the loss L(θ), or a general drift. One file for each kind, which reads its keys and builds the model.

pub mod formula;
pub mod sample_loss;
pub mod table;
pub mod tanh_regression;
pub mod traces;
mod variables;

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::formula::Symbols;
use fpsolve_solvers::model;
use fpsolve_solvers::model::formula::FormulaModel;
use miette::Result;

use super::data::{self, Data};
use crate::engine::EngineEntry;
use crate::reader::{Kind, Located, Source, Table};

pub use variables::{MAX_DIMENSIONS, Parameter};

/// The kinds of model, the default first.
pub const MODEL_KINDS: &[Kind<'static, Read>] =
    &[formula::KIND, sample_loss::KIND, tanh_regression::KIND, table::KIND, traces::KIND];

/// How a kind reads `[model]`, with `[model.data]` read already.
pub type Read = fn(&Table, Option<Located<Data>>) -> Result<Model>;

/// The keys of all kinds.
pub(super) const COMMON: &[&str] = &["variables", "data"];

/// `[model]`.
#[derive(Debug, Clone)]
pub struct Model {
    /// Names of the components of θ.
    pub variables: Located<Vec<Located<String>>>,
    /// What the loss is.
    pub kind: Arc<dyn ModelKind>,
    /// `[model.data]`.
    pub data: Option<Located<Data>>,
}

/// What is written of one kind of model, and the model that it means.
pub trait ModelKind: Debug + Send + Sync {
    /// The constants that formulas know by name.
    fn parameters(&self) -> &[Parameter];

    /// Where the loss or the drift is written, for errors of their values.
    fn span(&self) -> Range<usize>;

    /// Loss, gradients and per-sample gradients. Errors point at the formula or the key that is responsible.
    fn build(&self, given: &Given) -> Result<Arc<dyn model::Model>>;

    /// The model as formulas of θ; None where it is none. Errors: formulas that are none.
    fn formulas(&self, given: &Given) -> Result<Option<FormulaModel>>;

    /// The file that the kind reads itself, where it does.
    fn file(&self) -> Option<&Located<String>> {
        None
    }

    /// Sentences on what the choices mean for the result.
    fn notes(&self) -> Vec<String>;

    /// The trajectories that it was estimated from; None for most.
    fn traces(&self) -> Option<&Arc<traces::Traces>> {
        None
    }

    /// What it brings along for the noise; `data` says whether there is a `[model.data]`.
    fn brings(&self, data: bool) -> Brought {
        if data { Brought::Samples } else { Brought::Nothing("this model has none") }
    }
}

/// What a model brings along for the noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brought {
    /// Samples, whose gradients have a covariance.
    Samples,
    /// D itself, but no samples, and why.
    Diffusion(&'static str),
    /// Neither, and why.
    Nothing(&'static str),
}

impl Brought {
    /// Whether there are samples.
    pub fn samples(self) -> bool {
        self == Self::Samples
    }

    /// Why there are no samples, as the end of a sentence.
    pub fn no_samples(self) -> &'static str {
        match self {
            Self::Samples => "",
            Self::Diffusion(why) | Self::Nothing(why) => why,
        }
    }
}

/// What a model is built from beside its own keys.
pub struct Given<'a> {
    /// The scenario, for errors.
    pub source: &'a Source,
    /// `[model]`.
    pub model: &'a Model,
    /// The samples.
    pub data: Option<&'a model::data::Data>,
    /// The engines that run.
    pub engines: &'a [&'static EngineEntry],
    /// Batch size B; None where only a temperature is given.
    pub batch_size: Option<usize>,
}

/// Reads `[model]`. Errors: no such table; those of its kind and of its data.
pub fn read(root: &Table) -> Result<Model> {
    let help = "write for example\n[model]\nkind = \"formula\"\nvariables = [\"x\"]\nloss = \"(x^2 - 1)^2/4\"";
    let table = root.require("model", help)?.open_table()?;
    let kind = table.kind(&formula::KIND, COMMON, MODEL_KINDS)?;
    let data = table.optional("data", data::read)?;
    (kind.meaning)(&table, data)
}

/// Errors: a model of samples without `[model.data]`.
fn require_data(table: &Table, data: &Option<Located<Data>>) -> Result<()> {
    match data {
        Some(_) => Ok(()),
        None => Err(table.missing("data", "write [model.data] with file = \"…\", points = { … } or teacher = { … }")),
    }
}

impl Model {
    /// Number of dimensions of θ.
    pub fn dimension(&self) -> usize {
        self.variables.value.len()
    }

    /// What it brings along for the noise.
    pub fn brings(&self) -> Brought {
        self.kind.brings(self.data.is_some())
    }

    /// Names of the components of θ.
    pub fn variable_names(&self) -> Vec<String> {
        self.variables.value.iter().map(|variable| variable.value.clone()).collect()
    }

    /// The constants that formulas know by name.
    pub fn parameters(&self) -> Vec<(String, f64)> {
        self.kind.parameters().iter().map(|(name, value)| (name.value.clone(), value.value)).collect()
    }

    /// Names of formulas of θ: variables and parameters.
    pub fn symbols(&self) -> Symbols {
        Symbols::new(&self.variable_names()).with_parameters(self.parameters())
    }
}

impl<'a> Given<'a> {
    /// The samples. Errors: there are none.
    fn require_data(&self) -> Result<&'a model::data::Data> {
        self.data.ok_or_else(|| {
            let help = "write [model.data] with file, points or teacher";
            self.source.error(&self.model.variables.span, "this model needs data", "no data", help)
        })
    }
}
