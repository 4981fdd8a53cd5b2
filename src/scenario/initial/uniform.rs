//! `kind = "uniform"`: uniform on the box.

use std::sync::Arc;

use fpsolve_solvers::problem::initial::Initial as Law;
use miette::Result;

use super::{Given, InitialKind, Read};
use crate::reader::{Kind, Table};
use crate::scenario::per_variable::PerVariable;

pub(super) const KIND: Kind<'static, Read> = Kind { word: "uniform", keys: &[], meaning: read };

/// `kind = "uniform"` has no keys.
#[derive(Debug)]
struct Uniform;

fn read(_table: &Table) -> Result<Arc<dyn InitialKind>> {
    Ok(Arc::new(Uniform))
}

impl InitialKind for Uniform {
    fn per_variable(&self) -> Vec<PerVariable> {
        Vec::new()
    }

    fn build(&self, _given: &Given) -> Result<Law> {
        Ok(Law::Uniform)
    }

    fn without_box(&self) -> Law {
        Law::Uniform
    }
}
