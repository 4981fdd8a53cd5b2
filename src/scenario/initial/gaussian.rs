//! `kind = "gaussian"`: a Gaussian, cut off at the walls.

use std::sync::Arc;

use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::initial::Initial as Law;
use miette::Result;

use super::{Given, InitialKind, Read};
use crate::reader::{Kind, Located, Table, Value};
use crate::scenario::per_variable::PerVariable;

pub(super) const KIND: Kind<'static, Read> =
    Kind { word: "gaussian", keys: &["mean", "std", "covariance"], meaning: read };

/// The keys of `kind = "gaussian"`.
#[derive(Debug)]
struct Gaussian {
    mean: Located<Vec<f64>>,
    width: Width,
}

/// Width of a Gaussian.
#[derive(Debug)]
enum Width {
    /// Standard deviations.
    Std(Located<Vec<f64>>),
    /// Covariance, rows.
    Covariance(Located<Vec<Vec<f64>>>),
}

fn read(table: &Table) -> Result<Arc<dyn InitialKind>> {
    let mean = table.require("mean", "write the mean, one number per variable")?.numbers()?;
    Ok(Arc::new(Gaussian { mean, width: width(table)? }))
}

fn width(table: &Table) -> Result<Width> {
    table.exclusive("std", "covariance", "give one of the two")?;
    if let Some(covariance) = table.get("covariance") {
        let rows = covariance.list()?.iter().map(|row| row.numbers().map(|r| r.value)).collect::<Result<Vec<_>>>()?;
        check_covariance(&covariance, &rows)?;
        return Ok(Width::Covariance(Located { value: rows, span: covariance.span() }));
    }
    let std = table.require("std", "write std = [ … ], one number per variable, or covariance = [[ … ]]")?;
    let values = std.list()?.iter().map(|v| v.positive().map(|n| n.value)).collect::<Result<Vec<_>>>()?;
    Ok(Width::Std(Located { value: values, span: std.span() }))
}

fn check_covariance(value: &Value, rows: &[Vec<f64>]) -> Result<()> {
    let d = rows.len();
    if d == 0 || d > 3 || rows.iter().any(|row| row.len() != d) {
        let message = "`initial.covariance` is not a square matrix of 1 to 3 rows";
        let help = "write one row per variable, each with one number per variable";
        return Err(value.error(message, "not square", help));
    }
    for i in 0..d {
        for j in 0..i {
            if rows[i][j] != rows[j][i] {
                let message = format!(
                    "`initial.covariance` is not symmetric: entry [{i}][{j}] is {}, entry [{j}][{i}] is {}",
                    rows[i][j], rows[j][i]
                );
                return Err(value.error(message, "not symmetric", "write the same number in both places"));
            }
        }
    }
    match positive_definite(rows) {
        true => Ok(()),
        false => {
            let help = "a covariance has positive variances and |correlations| < 1; use kind = \"point\" for no spread";
            Err(value.error("`initial.covariance` is not positive definite", "not a covariance", help))
        }
    }
}

/// Whether a symmetric matrix has a Cholesky factor.
fn positive_definite(rows: &[Vec<f64>]) -> bool {
    let d = rows.len();
    let mut factor = vec![vec![0.0; d]; d];
    for i in 0..d {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
            let rest = rows[i][j] - sum;
            if i == j {
                if rest.is_nan() || rest <= 0.0 {
                    return false;
                }
                factor[i][i] = rest.sqrt();
            } else {
                factor[i][j] = rest / factor[j][j];
            }
        }
    }
    true
}

impl InitialKind for Gaussian {
    fn per_variable(&self) -> Vec<PerVariable> {
        let width = match &self.width {
            Width::Std(std) => PerVariable::new("initial.std", "number", std.value.len(), &std.span),
            Width::Covariance(rows) => PerVariable::new("initial.covariance", "row", rows.value.len(), &rows.span),
        };
        vec![PerVariable::new("initial.mean", "number", self.mean.value.len(), &self.mean.span), width]
    }

    fn build(&self, given: &Given) -> Result<Law> {
        given.checked(self.without_box(), &self.mean.span)
    }

    fn without_box(&self) -> Law {
        let d = self.mean.value.len();
        let mut covariance = vec![0.0; packed_len(d)];
        for i in 0..d {
            match &self.width {
                Width::Std(std) => covariance[packed_index(d, i, i)] = std.value[i] * std.value[i],
                Width::Covariance(rows) => (i..d).for_each(|j| covariance[packed_index(d, i, j)] = rows.value[i][j]),
            }
        }
        Law::Gaussian { mean: self.mean.value.clone(), covariance }
    }
}
