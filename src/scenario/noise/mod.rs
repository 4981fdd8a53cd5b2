//! `[noise]`: the diffusion matrix D(θ). One file for each kind, which reads its keys and builds the matrix.

pub mod decomposed;
pub mod formula;
pub mod interpretation;
pub mod isotropic;
pub mod minibatch;
pub mod table;

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::diffusion::{Diffusion, FormulaDiffusion};
use fpsolve_solvers::dynamics::Interpretation;
use fpsolve_solvers::formula::Symbols;
use fpsolve_solvers::gradient_noise::Weights;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::model::data::Data;
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;

use super::dynamics::importance::Importance;
use super::model::Brought;
use super::per_variable::PerVariable;
use crate::reader::{Kind, Located, Source, Table, Value};

/// The kinds of noise.
pub const NOISE_KINDS: &[Kind<'static, Read>] =
    &[minibatch::KIND, decomposed::KIND, formula::KIND, isotropic::KIND, table::KIND];

/// How a kind reads `[noise]`, and what the model brings along for it.
pub type Read = fn(&Table, Brought) -> Result<Arc<dyn NoiseKind>>;

/// The keys of all kinds.
pub(super) const COMMON: &[&str] = &["interpretation", "floor"];

/// `[noise]`.
#[derive(Debug, Clone)]
pub struct Noise {
    /// What D is.
    pub kind: Arc<dyn NoiseKind>,
    /// In which sense the equation is meant.
    pub interpretation: Interpretation,
    /// Added to the diagonal of D.
    pub floor: Located<f64>,
    /// Whether the parts of the noise of minibatches are those at weights that are fixed, or fitted to the data.
    pub weights: Weights,
}

/// What is written of one kind of noise, and the diffusion matrix that it means.
pub trait NoiseKind: Debug + Send + Sync {
    /// Where D is written, for errors of its values.
    fn span(&self) -> Range<usize>;

    /// Whether D is the noise of minibatches or parts of it, with `weights`, so that it can be decomposed.
    fn of_minibatches(&self) -> bool;

    /// Whether D is a multiple of the identity everywhere.
    fn is_isotropic(&self) -> bool;

    /// What is written with one entry for each variable.
    fn per_variable(&self) -> Vec<PerVariable>;

    /// D(θ). Errors point at the formula or the key that is responsible.
    fn build(&self, given: &Given) -> Result<Arc<dyn Diffusion>>;

    /// D as formulas of θ; None where it is none. Errors: formulas that are none.
    fn formulas(&self, given: &Given) -> Result<Option<FormulaDiffusion>>;

    /// Errors: a cell of the grid where what is written is no symmetric matrix.
    fn check_symmetry(&self, source: &Source, symbols: &Symbols, grid: &Grid) -> Result<()>;
}

/// What a noise is built from beside its own keys.
pub struct Given<'a> {
    /// The scenario, for errors.
    pub source: &'a Source,
    /// The names that formulas of θ know.
    pub symbols: &'a Symbols,
    /// Per-sample gradients.
    pub model: &'a dyn Model,
    /// The samples.
    pub data: Option<&'a Data>,
    /// How samples are drawn by importance, if they are.
    pub importance: Option<&'a Located<Importance>>,
    /// `weights`.
    pub weights: Weights,
}

/// Reads `[noise]`; its kind is minibatch where the model has samples, table where it has D, else isotropic. Errors: those of its kind.
pub fn read(root: &Table, brought: Brought) -> Result<Noise> {
    let Some(value) = root.get("noise") else {
        let (kind, shown): (Arc<dyn NoiseKind>, _) = match brought {
            Brought::Samples => (Arc::new(minibatch::Minibatch::default_of(root)), "\"minibatch\""),
            Brought::Diffusion(_) => (Arc::new(table::Tabulated::default_of(root)), "\"table\""),
            Brought::Nothing(_) => (Arc::new(isotropic::Isotropic::default_of(root)), "\"isotropic\", variance = 1"),
        };
        root.source().note_default("noise.kind", shown);
        let interpretation = Interpretation::Ito;
        return Ok(Noise { kind, interpretation, floor: root.here(0.0), weights: Weights::Fixed });
    };
    let table = value.open_table()?;
    let default = match brought {
        Brought::Samples => &minibatch::KIND,
        Brought::Diffusion(_) => &table::KIND,
        Brought::Nothing(_) => &isotropic::KIND,
    };
    let kind = (table.kind(default, COMMON, NOISE_KINDS)?.meaning)(&table, brought)?;
    let interpretation = table.or("interpretation", Interpretation::Ito, "\"ito\"", interpretation::read)?;
    let floor = table.or("floor", table.here(0.0), "0.0", Value::non_negative)?;
    let words = [("fixed", Weights::Fixed), ("trained", Weights::Trained)];
    let weights = match kind.of_minibatches() {
        true => table.or("weights", Weights::Fixed, "\"fixed\"", |value| Ok(value.choice(&words)?.value))?,
        false => Weights::Fixed,
    };
    Ok(Noise { kind, interpretation, floor, weights })
}
