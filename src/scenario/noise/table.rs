//! `kind = "table"`: D of the table that the model is read from.

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

pub(super) const KIND: Kind<'static, Read> = Kind { word: "table", keys: &[], meaning: read };

/// D of the model's table.
#[derive(Debug)]
pub(super) struct Tabulated {
    span: Range<usize>,
}

impl Tabulated {
    /// The noise of a scenario that writes none.
    pub(super) fn default_of(root: &Table) -> Self {
        Self { span: root.span() }
    }
}

fn read(table: &Table, brought: Brought) -> Result<Arc<dyn NoiseKind>> {
    let span = table.kind_span();
    let help = match brought {
        Brought::Diffusion(_) => return Ok(Arc::new(Tabulated { span })),
        Brought::Samples => "write kind = \"minibatch\": D is the covariance of the gradients of its samples",
        Brought::Nothing(_) => "use [model] kind = \"table\" with an array `diffusion`, or another kind of noise",
    };
    let message = "[noise] kind = \"table\" needs a model whose table gives D, and this one gives none";
    Err(table.source().error(&span, message, "no D in the model", help))
}

impl NoiseKind for Tabulated {
    fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    fn of_minibatches(&self) -> bool {
        false
    }

    fn is_isotropic(&self) -> bool {
        false
    }

    fn per_variable(&self) -> Vec<PerVariable> {
        Vec::new()
    }

    fn build(&self, given: &Given) -> Result<Arc<dyn Diffusion>> {
        let built = diffusion::Table::new(given.model);
        Ok(Arc::new(built.map_err(|error| given.source.solver_error(&self.span, "this noise", &error))?))
    }

    fn formulas(&self, _given: &Given) -> Result<Option<FormulaDiffusion>> {
        Ok(None)
    }

    fn check_symmetry(&self, _source: &Source, _symbols: &Symbols, _grid: &Grid) -> Result<()> {
        Ok(()) // checked when the table was read
    }
}
