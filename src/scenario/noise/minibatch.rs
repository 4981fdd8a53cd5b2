//! `kind = "minibatch"`: D is the covariance of the per-sample gradients.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::diffusion::{self, Diffusion, FormulaDiffusion};
use fpsolve_solvers::formula::Symbols;
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;

use super::{Given, NoiseKind, Read};
use crate::reader::{Kind, Source, Table};
use crate::scenario::model::Brought;
use crate::scenario::per_variable::PerVariable;

pub(super) const KIND: Kind<'static, Read> = Kind { word: "minibatch", keys: &["weights"], meaning: read };

/// The keys of `kind = "minibatch"`.
#[derive(Debug)]
pub(super) struct Minibatch {
    span: Range<usize>,
}

impl Minibatch {
    /// The noise of a scenario that writes none.
    pub(super) fn default_of(root: &Table) -> Self {
        Self { span: root.span() }
    }
}

fn read(table: &Table, brought: Brought) -> Result<Arc<dyn NoiseKind>> {
    let span = table.kind_span();
    if brought.samples() {
        return Ok(Arc::new(Minibatch { span }));
    }
    let message = format!("[noise] kind = \"minibatch\" needs a model with samples, and {}", brought.no_samples());
    let help = "write kind = \"isotropic\" or kind = \"formula\", or use a model with [model.data]";
    Err(table.source().error(&span, message, "no samples to draw batches from", help))
}

impl NoiseKind for Minibatch {
    fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    fn of_minibatches(&self) -> bool {
        true
    }

    fn is_isotropic(&self) -> bool {
        false
    }

    fn per_variable(&self) -> Vec<PerVariable> {
        Vec::new()
    }

    fn build(&self, given: &Given) -> Result<Arc<dyn Diffusion>> {
        let built = diffusion::Minibatch::new(given.model);
        Ok(Arc::new(built.map_err(|error| given.source.solver_error(&self.span, "this noise", &error))?))
    }

    fn formulas(&self, _given: &Given) -> Result<Option<FormulaDiffusion>> {
        Ok(None)
    }

    fn check_symmetry(&self, _source: &Source, _symbols: &Symbols, _grid: &Grid) -> Result<()> {
        Ok(()) // a covariance
    }
}
