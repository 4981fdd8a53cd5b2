//! `[initial]`: the density at time 0.

use miette::Result;

use super::model::formula;
use crate::reader::source::Located;
use crate::reader::table::{Kinds, Table, Value};

/// The kinds, each with the keys that only it has.
pub const KINDS: Kinds =
    &[("gaussian", &["mean", "std", "covariance"]), ("point", &["at"]), ("uniform", &[]), ("formula", &["density"])];

/// `[initial]`.
#[derive(Debug, Clone)]
pub enum Initial {
    /// Gaussian, cut off at the walls.
    Gaussian {
        /// Mean.
        mean: Located<Vec<f64>>,
        /// Width.
        spread: Spread,
    },
    /// All probability at one point.
    Point {
        /// The point.
        at: Located<Vec<f64>>,
    },
    /// Uniform on the box.
    Uniform,
    /// A formula ≥ 0 of the variables, normalised by the program.
    Formula {
        /// The formula.
        density: Located<String>,
    },
}

/// Width of a Gaussian.
#[derive(Debug, Clone)]
pub enum Spread {
    /// Standard deviations.
    Std(Located<Vec<f64>>),
    /// Covariance, rows.
    Covariance(Located<Vec<Vec<f64>>>),
}

/// Reads `[initial]`.
pub fn read(root: &Table) -> Result<Initial> {
    let help = "write for example\n[initial]\nkind = \"gaussian\"\nmean = [0.0]\nstd = [0.2]";
    let table = root.require("initial", help)?.open_table()?;
    Ok(match table.kind("gaussian", &[], KINDS)? {
        "gaussian" => {
            let mean = table.require("mean", "write the mean, one number per variable")?.numbers()?;
            Initial::Gaussian { mean, spread: read_spread(&table)? }
        }
        "point" => Initial::Point { at: table.require("at", "write the point, for example at = [0.0]")?.numbers()? },
        "uniform" => Initial::Uniform,
        _ => {
            let density =
                table.require("density", "write a formula of the variables, for example density = \"exp(-x^2)\"")?;
            Initial::Formula { density: formula(&density)? }
        }
    })
}

fn read_spread(table: &Table) -> Result<Spread> {
    table.exclusive("std", "covariance", "give one of the two")?;
    if let Some(covariance) = table.get("covariance") {
        let rows = covariance.list()?.iter().map(|row| row.numbers().map(|r| r.value)).collect::<Result<Vec<_>>>()?;
        check_covariance(&covariance, &rows)?;
        return Ok(Spread::Covariance(Located { value: rows, span: covariance.span() }));
    }
    let std = table.require("std", "write std = [ … ], one number per variable, or covariance = [[ … ]]")?;
    let values = std.list()?.iter().map(|v| v.positive().map(|n| n.value)).collect::<Result<Vec<_>>>()?;
    Ok(Spread::Std(Located { value: values, span: std.span() }))
}

fn check_covariance(value: &Value, rows: &[Vec<f64>]) -> Result<()> {
    let d = rows.len();
    if d == 0 || d > 3 || rows.iter().any(|row| row.len() != d) {
        let message = "`initial.covariance` is not a square matrix of 1 to 3 rows";
        return Err(value.error(
            message,
            "not square",
            "write one row per variable, each with one number per variable",
        ));
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
