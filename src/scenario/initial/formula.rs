//! `kind = "formula"`: a density ≥ 0 given by a formula of the variables, normalised by the program.

use std::sync::Arc;

use fpsolve_solvers::formula::Program;
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
    /// Cell probabilities: Gauss's two-point rule along each axis of each cell.
    fn probability(&self, given: &Given) -> Result<Vec<f64>> {
        let program = Program::compile(&[given.source.parse(&self.density, given.symbols)?]);
        let (grid, d) = (given.grid, given.grid.dimension());
        let nodes = 1usize << d;
        let mut probability = vec![0.0; grid.len()];
        let mut points = vec![0.0; d * nodes];
        let mut values = vec![0.0; nodes];
        for (cell, out) in probability.iter_mut().enumerate() {
            nodes_of(grid, cell, &mut points);
            program.evaluate(&points, &mut values);
            if let Some(i) = values.iter().position(|v| !v.is_finite() || *v < 0.0) {
                let place = place(grid, &points, i);
                return Err(self.refuse(given, format!("the initial density is {} at {place}", values[i])));
            }
            *out = values.iter().sum::<f64>() / nodes as f64 * grid.volume(cell);
        }
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

/// The nodes of Gauss's two-point rule in a cell (d×2^d, coordinate-major).
fn nodes_of(grid: &Grid, cell: usize, points: &mut [f64]) {
    let d = grid.dimension();
    let nodes = 1 << d;
    let (center, index) = (grid.center(cell), grid.multi_index(cell));
    for node in 0..nodes {
        for k in 0..d {
            let side = if node >> k & 1 == 0 { -1.0 } else { 1.0 };
            points[k * nodes + node] = center[k] + side * 0.5 * grid.axes()[k].width(index[k]) / 3f64.sqrt();
        }
    }
}
