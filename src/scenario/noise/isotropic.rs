//! `kind = "isotropic"`: D = variance·I.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::diffusion::{self, Diffusion, FormulaDiffusion};
use fpsolve_solvers::formula::{Expression, Symbols};
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;

use super::{Given, NoiseKind, Read};
use crate::reader::{Kind, Located, Source, Table, Value};
use crate::scenario::model::Brought;
use crate::scenario::per_variable::PerVariable;

pub(super) const KIND: Kind<'static, Read> = Kind { word: "isotropic", keys: &["variance"], meaning: read };

/// The keys of `kind = "isotropic"`.
#[derive(Debug)]
pub(super) struct Isotropic {
    variance: Located<f64>,
}

impl Isotropic {
    /// The noise of a scenario that writes none: D = I.
    pub(super) fn default_of(root: &Table) -> Self {
        Self { variance: root.here(1.0) }
    }
}

fn read(table: &Table, _brought: Brought) -> Result<Arc<dyn NoiseKind>> {
    let variance = table.or("variance", table.here(1.0), "1.0", Value::non_negative)?;
    Ok(Arc::new(Isotropic { variance }))
}

impl NoiseKind for Isotropic {
    fn span(&self) -> Range<usize> {
        self.variance.span.clone()
    }

    fn of_minibatches(&self) -> bool {
        false
    }

    fn is_isotropic(&self) -> bool {
        true
    }

    fn per_variable(&self) -> Vec<PerVariable> {
        Vec::new()
    }

    fn build(&self, _given: &Given) -> Result<Arc<dyn Diffusion>> {
        Ok(Arc::new(diffusion::Isotropic { variance: self.variance.value }))
    }

    fn formulas(&self, given: &Given) -> Result<Option<FormulaDiffusion>> {
        let d = given.model.dimension();
        let entry = |i: usize, j: usize| Expression::constant(if i == j { self.variance.value } else { 0.0 });
        let rows: Vec<Vec<Expression>> = (0..d).map(|i| (0..d).map(|j| entry(i, j)).collect()).collect();
        let span = &self.variance.span;
        FormulaDiffusion::new(&rows).map(Some).map_err(|e| given.source.solver_error(span, "this matrix", &e))
    }

    fn check_symmetry(&self, _source: &Source, _symbols: &Symbols, _grid: &Grid) -> Result<()> {
        Ok(()) // a multiple of the identity
    }
}
