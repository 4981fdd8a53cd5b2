//! `kind = "formula"`: a density ≥ 0 given by a formula of the variables, normalised by the program.

use std::sync::Arc;

use fpsolve_solvers::formula::Program;
use fpsolve_solvers::numerics::cubature::{Cuboid, integrals};
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_solvers::problem::initial::Initial as Law;
use miette::{Report, Result};

use super::{Given, InitialKind, Read};
use crate::reader::formula::formula;
use crate::reader::{Kind, Located, Table};
use crate::scenario::cells::place;
use crate::scenario::per_variable::PerVariable;

pub(super) const KIND: Kind<'static, Read> = Kind { word: "formula", keys: &["density"], meaning: read };

/// The keys of `kind = "formula"`.
#[derive(Debug)]
struct Formula {
    density: Located<String>,
}

fn read(table: &Table) -> Result<Arc<dyn InitialKind>> {
    let help = "write a formula of the variables, for example density = \"exp(-x^2)\"";
    Ok(Arc::new(Formula { density: formula(&table.require("density", help)?)? }))
}

impl InitialKind for Formula {
    fn per_variable(&self) -> Vec<PerVariable> {
        Vec::new()
    }

    fn build(&self, given: &Given) -> Result<Law> {
        given.checked(Law::Cells { probability: self.probability(given)? }, &self.density.span)
    }

    fn without_box(&self) -> Law {
        Law::Uniform
    }
}

impl Formula {
    /// Cell probabilities: the density's integrals over the cells, jumps inside of a cell included.
    fn probability(&self, given: &Given) -> Result<Vec<f64>> {
        let program = Program::compile(&[given.source.parse(&self.density, given.symbols)?]);
        let (grid, d) = (given.grid, given.grid.dimension());
        let evaluate = |points: &[f64], values: &mut [f64]| {
            program.evaluate(points, values);
            let wrong = values.iter().position(|v| !v.is_finite() || *v < 0.0);
            wrong.map_or(Ok(()), |i| Err(format!("the initial density is {} at {}", values[i], place(grid, points, i))))
        };
        let integrals = integrals(d, grid.len(), &|cell| cuboid(grid, cell), &evaluate);
        let mut probability = integrals.map_err(|message| self.refuse(given, message))?;
        let total: f64 = probability.iter().sum();
        if !(total.is_finite() && total > 0.0) {
            return Err(self.refuse(given, format!("the initial density has the integral {total} on the grid")));
        }
        probability.iter_mut().for_each(|p| *p /= total);
        Ok(probability)
    }

    fn refuse(&self, given: &Given, message: String) -> Report {
        let help =
            "a density is finite and ≥ 0 everywhere on the grid and positive somewhere; it need not be normalised";
        given.source.error(&self.density.span, message, "not a density", help)
    }
}

/// The corners of a cell.
fn cuboid(grid: &Grid, cell: usize) -> Cuboid {
    let (mut lower, mut upper) = ([0.0; 3], [0.0; 3]);
    for (k, (axis, i)) in grid.axes().iter().zip(grid.multi_index(cell)).enumerate() {
        (lower[k], upper[k]) = (axis.edges()[i], axis.edges()[i + 1]);
    }
    (lower, upper)
}
