//! `kind = "point"`: all probability at one point.

use std::sync::Arc;

use fpsolve_solvers::problem::grid::Axis;
use fpsolve_solvers::problem::initial::Initial as Law;
use miette::Result;

use super::{Given, InitialKind, Read};
use crate::reader::{Kind, Located, Table};
use crate::scenario::per_variable::PerVariable;
use crate::text::interval;

pub(super) const KIND: Kind<'static, Read> = Kind { word: "point", keys: &["at"], meaning: read };

/// The keys of `kind = "point"`.
#[derive(Debug)]
struct Point {
    at: Located<Vec<f64>>,
}

fn read(table: &Table) -> Result<Arc<dyn InitialKind>> {
    Ok(Arc::new(Point { at: table.require("at", "write the point, for example at = [0.0]")?.numbers()? }))
}

impl InitialKind for Point {
    fn per_variable(&self) -> Vec<PerVariable> {
        vec![PerVariable::new("initial.at", "number", self.at.value.len(), &self.at.span)]
    }

    fn build(&self, given: &Given) -> Result<Law> {
        if given.grid.locate(&self.at.value).is_none() {
            let axes = given.grid.axes().iter();
            let ends = |axis: &Axis| format!("{} in {}", axis.variable(), interval(axis.lower(), axis.upper()));
            let box_: Vec<String> = axes.map(ends).collect();
            let help = format!("write a point with {}", box_.join(", "));
            let message = "the initial point lies off the grid";
            return Err(given.source.error(&self.at.span, message, "off the grid", help));
        }
        given.checked(self.without_box(), &self.at.span)
    }

    fn without_box(&self) -> Law {
        Law::Point { at: self.at.value.clone() }
    }
}
