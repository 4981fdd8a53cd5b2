//! `kind = "formula"`: D as a symmetric matrix of formulas of θ.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::diffusion::{Diffusion, FormulaDiffusion};
use fpsolve_solvers::formula::{Expression, Program, Symbols};
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;

use super::{Given, NoiseKind, Read};
use crate::reader::formula::formula;
use crate::reader::{Kind, Located, Source, Table, Value};
use crate::scenario::cells;
use crate::scenario::model::Brought;
use crate::scenario::per_variable::PerVariable;

pub(super) const KIND: Kind<'static, Read> = Kind { word: "formula", keys: &["diffusion"], meaning: read };

/// The keys of `kind = "formula"`: rows of formulas.
#[derive(Debug)]
struct Formula {
    diffusion: Located<Vec<Vec<Located<String>>>>,
}

fn read(table: &Table, _brought: Brought) -> Result<Arc<dyn NoiseKind>> {
    let help = "write D as rows of formulas, for example diffusion = [[\"1 + x^2\"]]";
    let value = table.require("diffusion", help)?;
    let row = |row: &Value| -> Result<Vec<_>> { row.list()?.iter().map(formula).collect() };
    let rows = value.list()?.iter().map(row).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Formula { diffusion: Located { value: rows, span: value.span() } }))
}

impl Formula {
    fn matrix(&self, given: &Given) -> Result<FormulaDiffusion> {
        let parse = |entry: &Located<String>| given.source.parse(entry, given.symbols);
        let row = |row: &Vec<Located<String>>| row.iter().map(parse).collect();
        let rows = self.diffusion.value.iter().map(row).collect::<Result<Vec<Vec<Expression>>>>()?;
        let span = &self.diffusion.span;
        FormulaDiffusion::of_upper_triangle(&rows)
            .map_err(|error| given.source.solver_error(span, "this matrix", &error))
    }
}

impl NoiseKind for Formula {
    fn span(&self) -> Range<usize> {
        self.diffusion.span.clone()
    }

    fn of_minibatches(&self) -> bool {
        false
    }

    fn is_isotropic(&self) -> bool {
        false
    }

    fn per_variable(&self) -> Vec<PerVariable> {
        let Located { value: rows, span } = &self.diffusion;
        let mut entries = vec![PerVariable::new("noise.diffusion", "row", rows.len(), span)];
        for (i, row) in rows.iter().enumerate() {
            entries.push(PerVariable::new(format!("noise.diffusion[{i}]"), "formula", row.len(), span));
        }
        entries
    }

    fn build(&self, given: &Given) -> Result<Arc<dyn Diffusion>> {
        Ok(Arc::new(self.matrix(given)?))
    }

    fn formulas(&self, given: &Given) -> Result<Option<FormulaDiffusion>> {
        self.matrix(given).map(Some)
    }

    fn check_symmetry(&self, source: &Source, symbols: &Symbols, grid: &Grid) -> Result<()> {
        let rows = &self.diffusion.value;
        for (i, row) in rows.iter().enumerate() {
            for (j, entry) in row.iter().enumerate().take(i) {
                let pair = [source.parse(entry, symbols)?, source.parse(&rows[j][i], symbols)?];
                let Some((place, lower, upper)) = first_difference(&pair, grid) else { continue };
                let message = format!(
                    "the diffusion matrix is not symmetric: entry [{i}][{j}] is {lower}, entry [{j}][{i}] is {upper} at {place}"
                );
                let help = "write the same formula in rows and columns: D is a covariance";
                return Err(source.error(&entry.span, message, format!("differs from [{j}][{i}]"), help));
            }
        }
        Ok(())
    }
}

/// The first cell where two formulas differ by more than 10⁻⁹ of their largest value on the grid, and their values there.
fn first_difference(pair: &[Expression; 2], grid: &Grid) -> Option<(String, f64, f64)> {
    let program = Program::compile(pair);
    let evaluated = |cells: Range<usize>| {
        let points = cells::centres(grid, cells);
        let mut values = vec![0.0; 2 * points.len() / grid.dimension()];
        program.evaluate(&points, &mut values);
        (points, values)
    };
    let sizes = cells::blocks(grid).into_iter().flat_map(|cells| evaluated(cells).1);
    let largest = sizes.map(f64::abs).filter(|size| size.is_finite()).fold(0.0, f64::max);
    cells::blocks(grid).into_iter().find_map(|cells| {
        let (points, values) = evaluated(cells);
        let (lower, upper) = values.split_at(values.len() / 2);
        let k = (0..lower.len()).find(|&k| (lower[k] - upper[k]).abs() > 1e-9 * largest)?;
        Some((cells::place(grid, &points, k), lower[k], upper[k]))
    })
}
