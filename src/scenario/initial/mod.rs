//! `[initial]`: the law at time 0. One file for each kind, which reads its keys and builds the law.

pub mod formula;
pub mod gaussian;
pub mod point;
pub mod uniform;

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::formula::Symbols;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial as Law;
use miette::Result;

use super::per_variable::PerVariable;
use crate::reader::{Kind, Source, Table};

/// The kinds of law, the default first.
pub const INITIAL_KINDS: &[Kind<'static, Read>] = &[gaussian::KIND, point::KIND, uniform::KIND, formula::KIND];

/// How a kind reads `[initial]`.
pub type Read = fn(&Table) -> Result<Arc<dyn InitialKind>>;

/// What is written of one kind of law, and the law that it means.
pub trait InitialKind: Debug + Send + Sync {
    /// What is written with one entry for each variable.
    fn per_variable(&self) -> Vec<PerVariable>;

    /// The law on the grid. Errors: off the grid; a density that is none there.
    fn build(&self, given: &Given) -> Result<Law>;

    /// The law without a box; one that only a box defines stays uniform, and is refused where a box is looked for.
    fn without_box(&self) -> Law;
}

/// What a law is built from beside its own keys.
pub struct Given<'a> {
    /// The scenario, for errors.
    pub source: &'a Source,
    /// The names that formulas of θ know.
    pub symbols: &'a Symbols,
    /// The grid.
    pub grid: &'a Grid,
}

/// Reads `[initial]`. Errors: no such table; those of its kind.
pub fn read(root: &Table) -> Result<Arc<dyn InitialKind>> {
    let help = "write for example\n[initial]\nkind = \"gaussian\"\nmean = [0.0]\nstd = [0.2]";
    let table = root.require("initial", help)?.open_table()?;
    (table.kind(&gaussian::KIND, &[], INITIAL_KINDS)?.meaning)(&table)
}

impl Given<'_> {
    /// The law, if the grid holds it. Errors: it does not, at `span`.
    fn checked(&self, law: Law, span: &Range<usize>) -> Result<Law> {
        law.cell_probability(self.grid).map_err(|error| self.source.solver_error(span, "this start", &error))?;
        Ok(law)
    }
}
