//! Linear solvers for (c I − γ Qᵀ) x = b: factor once, solve many times.
//!
//! The matrix is a column-diagonally-dominant M-matrix. The direct solvers use that: they eliminate cells without pivoting and
//! carry each column's excess c + γ·exit as one more row (the "ground"), so that every pivot is a sum of non-negative numbers
//! (Grassmann, Taksar & Heyman, doi:10.1287/opre.33.5.1107; Alfa, Xue & Ye, doi:10.1090/S0025-5718-01-01325-4). Nothing is ever
//! subtracted: each entry of the solution of a non-negative right-hand side is right to about N·10⁻¹⁶ *relative*, however
//! close to singular the matrix is, and non-negative.

pub mod dissection;
mod front;
pub mod multifrontal;
pub mod tridiagonal;

use std::sync::Arc;

use super::Generator;
use crate::Error;

/// A factored matrix c I − γ Qᵀ.
pub trait ShiftedSolver: Send + Sync {
    /// Solves (c I − γ Qᵀ) x = b; `x` holds b on entry. Errors: an iterative method that does not converge.
    fn solve(&self, x: &mut [f64]) -> Result<(), Error>;
    /// Solves (c I − γ Q) x = b, the backward equation; `x` holds b on entry. Errors as for [`ShiftedSolver::solve`].
    fn solve_backward(&self, x: &mut [f64]) -> Result<(), Error>;
    /// Bytes that the factors occupy.
    fn bytes(&self) -> usize;
}

/// A linear solver prepared for one generator: what does not depend on c and γ is done.
pub trait LinearMethod: Send + Sync {
    /// Name, as in [`METHODS`].
    fn name(&self) -> &'static str;
    /// Factors c I − γ Qᵀ, c ≥ 0, γ > 0. Errors: c, γ out of range, or a singular matrix (c = 0 without exits).
    fn factor(&self, c: f64, gamma: f64) -> Result<Box<dyn ShiftedSolver>, Error>;
    /// Estimated seconds for one factorisation and for one solve on a current core.
    fn cost(&self) -> (f64, f64);
}

/// An entry of the table of linear solvers.
pub struct Method {
    /// Name.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whether it can serve this generator on a grid of this shape.
    pub applies: fn(&Generator, &[usize]) -> bool,
    /// Prepares it.
    pub prepare: fn(&Arc<Generator>, &[usize]) -> Box<dyn LinearMethod>,
}

/// The table of linear solvers; the first that applies is the default.
pub const METHODS: &[Method] = &[tridiagonal::METHOD, multifrontal::METHOD];

/// The default linear solver for a generator on a grid of the given shape (cells per axis).
pub fn prepare(generator: &Arc<Generator>, shape: &[usize]) -> Box<dyn LinearMethod> {
    let chosen = METHODS.iter().find(|method| (method.applies)(generator, shape)).unwrap_or(&multifrontal::METHOD);
    (chosen.prepare)(generator, shape)
}

/// The linear solver of the given name. Errors: an unknown name, or a method that cannot serve this generator.
pub fn prepare_named(name: &str, generator: &Arc<Generator>, shape: &[usize]) -> Result<Box<dyn LinearMethod>, Error> {
    let names = || METHODS.iter().map(|method| method.name).collect::<Vec<_>>().join(", ");
    let method = METHODS.iter().find(|method| method.name == name);
    let method = method.ok_or_else(|| {
        Error::invalid(format!("there is no linear solver \"{name}\""), format!("write one of: {}", names()))
    })?;
    if !(method.applies)(generator, shape) {
        return Err(Error::invalid(
            format!("the linear solver \"{name}\" cannot serve this grid"),
            format!("leave the choice to the program, or write one of: {}", names()),
        ));
    }
    Ok((method.prepare)(generator, shape))
}

fn check_shift(name: &str, c: f64, gamma: f64) -> Result<(), Error> {
    if c.is_finite() && c >= 0.0 && gamma.is_finite() && gamma > 0.0 {
        return Ok(());
    }
    Err(Error::numerical(name, "at factorisation", format!("the matrix {c} I − {gamma} Qᵀ is out of range"), ""))
}

fn singular(name: &str) -> Error {
    Error::numerical(
        name,
        "at factorisation",
        "the matrix is singular: some probability can neither leave nor decay",
        "check that every cell is connected to the rest of the grid",
    )
}

#[cfg(test)]
pub(crate) mod tests;
