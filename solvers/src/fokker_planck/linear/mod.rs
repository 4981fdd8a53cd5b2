//! Linear solvers for (c I − γ Qᵀ) x = b: factor once, solve many times.
//!
//! The matrix is a column-diagonally-dominant M-matrix. The direct solvers use that: they eliminate cells without pivoting and
//! carry each column's excess c + γ·exit as one more row (the "ground"), so that every pivot is a sum of non-negative numbers
//! (Grassmann, Taksar & Heyman, doi:10.1287/opre.33.5.1107; Alfa, Xue & Ye, doi:10.1090/S0025-5718-01-01325-4). Nothing is ever
//! subtracted: each entry of the solution of a non-negative right-hand side is right to about N·10⁻¹⁶ *relative*, however
//! close to singular the matrix is, and non-negative.

mod aggregation;
pub mod dissection;
mod front;
pub mod multifrontal;
pub mod multigrid;
pub mod tridiagonal;

use std::sync::Arc;

use super::Generator;
use super::stationary::StationaryLaw;
use crate::Error;
use crate::engine::Interrupt;

/// A factored matrix c I − γ Qᵀ.
pub trait ShiftedSolver: Send + Sync {
    /// Solves (c I − γ Qᵀ) x = b; `x` holds b on entry. Errors: an iterative method that does not converge, with the residual where
    /// it stopped; [`Error::Interrupted`] (at time 0: a solver knows none).
    fn solve(&self, x: &mut [f64], interrupt: Interrupt) -> Result<(), Error>;
    /// Solves (c I − γ Q) x = b, the backward equation; `x` holds b on entry. Errors as for [`ShiftedSolver::solve`].
    fn solve_backward(&self, x: &mut [f64], interrupt: Interrupt) -> Result<(), Error>;
    /// Bytes that the factors occupy.
    fn bytes(&self) -> usize;
}

/// A linear solver prepared for one generator: what does not depend on c and γ is done.
pub trait LinearMethod: Send + Sync {
    /// Name, as in [`METHODS`].
    fn name(&self) -> &'static str;
    /// Factors c I − γ Qᵀ, c ≥ 0, γ > 0. Errors: c, γ out of range, or a singular matrix (c = 0 without exits);
    /// [`Error::Interrupted`].
    fn factor(&self, c: f64, gamma: f64, interrupt: Interrupt) -> Result<Box<dyn ShiftedSolver>, Error>;
    /// Estimated seconds for one factorisation and for one solve on a current core.
    fn cost(&self) -> (f64, f64);
}

/// Prepares a linear solver for a generator on a grid of the given shape, with the stationary law where it is known.
pub type Prepare = fn(&Arc<Generator>, &[usize], Option<&Arc<StationaryLaw>>) -> Box<dyn LinearMethod>;

/// An entry of the table of linear solvers.
pub struct Method {
    /// Name.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whether it can serve this generator on a grid of this shape.
    pub applies: fn(&Generator, &[usize]) -> bool,
    /// What it will need, without preparing it.
    pub needs: fn(&Needed) -> Needs,
    /// Prepares it; the stationary law, where it is known, need not be found again.
    pub prepare: Prepare,
}

/// What memory and time depend on.
#[derive(Debug, Clone, Copy)]
pub struct Needed<'a> {
    /// Cells per axis.
    pub shape: &'a [usize],
    /// Directed rates per cell.
    pub rates: f64,
}

impl<'a> Needed<'a> {
    /// Of a generator on a grid of this shape.
    pub fn of(generator: &Generator, shape: &'a [usize]) -> Self {
        Self { shape, rates: generator.rates() as f64 / generator.cells().max(1) as f64 }
    }
    /// Number of cells.
    pub fn cells(&self) -> f64 {
        self.shape.iter().map(|&n| n as f64).product()
    }
}

/// Memory and time of a linear solver on a current core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needs {
    /// Bytes while it works, the generator not counted.
    pub bytes: f64,
    /// Seconds of a factorisation.
    pub factor: f64,
    /// Seconds of a solve.
    pub solve: f64,
}

/// Solves that a factorisation serves, as far as the choice of a solver is concerned.
const SOLVES: f64 = 25.0;
/// How much longer elimination may take than an iteration: it is right in every digit and cannot fail to converge.
const PATIENCE: f64 = 2.0;

/// Which solver serves a grid of this shape, and why: elimination where its factors fit into memory and take at most twice the
/// time of multigrid. `neighbours` tells whether every rate leads to the next cell on a single axis.
pub fn choice(needed: &Needed, neighbours: bool) -> (&'static Method, String) {
    if neighbours {
        return (&tridiagonal::METHOD, "one axis: elimination along it".into());
    }
    let (direct, iterative) = ((multifrontal::METHOD.needs)(needed), (multigrid::METHOD.needs)(needed));
    let seconds = |needs: &Needs| needs.factor + SOLVES * needs.solve;
    let (a, b) = (seconds(&direct), seconds(&iterative));
    if direct.bytes > multifrontal::LARGEST {
        let size = direct.bytes / 1e9;
        return (&multigrid::METHOD, format!("factors of elimination would take {size:.1} GB"));
    }
    if a > (PATIENCE * b).max(1.0) {
        return (&multigrid::METHOD, format!("estimated {b:.1e} s for {SOLVES} solves, elimination {a:.1e} s"));
    }
    (&multifrontal::METHOD, format!("estimated {a:.1e} s for {SOLVES} solves, multigrid {b:.1e} s"))
}

/// The table of linear solvers, direct ones first.
pub const METHODS: &[Method] = &[tridiagonal::METHOD, multifrontal::METHOD, multigrid::METHOD];

/// The linear solver by [`choice`] for a generator on a grid of the given shape (cells per axis).
pub fn prepare(generator: &Arc<Generator>, shape: &[usize]) -> Box<dyn LinearMethod> {
    prepare_with_reason(generator, shape, None).0
}

/// [`prepare`], and why this one.
pub fn prepare_with_reason(
    generator: &Arc<Generator>,
    shape: &[usize],
    law: Option<&Arc<StationaryLaw>>,
) -> (Box<dyn LinearMethod>, String) {
    let (method, reason) = choice(&Needed::of(generator, shape), tridiagonal::neighbours_only(generator));
    let prepared = (method.prepare)(generator, shape, law);
    // long offsets make thick separators: the exact size of the factors is known only now
    if prepared.cost().0.is_finite() {
        return (prepared, reason);
    }
    let reason = "the factors of elimination would not fit into its memory".into();
    ((multigrid::METHOD.prepare)(generator, shape, law), reason)
}

/// What [`prepare`]'s choice is expected to need; nothing is prepared.
pub fn needs(generator: &Generator, shape: &[usize]) -> Needs {
    let needed = Needed::of(generator, shape);
    (choice(&needed, tridiagonal::neighbours_only(generator)).0.needs)(&needed)
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
    Ok((method.prepare)(generator, shape, None))
}

/// Solves (c I − Q) u = b, the backward equation, once: mean passage times with c = 0 and b = 1, where exits lead into the target;
/// `u` holds b on entry. Errors: a singular matrix (c = 0 where some cell reaches no exit), no convergence,
/// [`Error::Interrupted`].
pub fn solve_backward(
    generator: &Arc<Generator>,
    shape: &[usize],
    c: f64,
    u: &mut [f64],
    interrupt: Interrupt,
) -> Result<(), Error> {
    prepare(generator, shape).factor(c, 1.0, interrupt)?.solve_backward(u, interrupt)
}

/// Solves (c I − Qᵀ) p = b, the forward equation, once: mean times spent in each cell with c = 0 and b the initial law.
/// Otherwise as [`solve_backward`].
pub fn solve_forward(
    generator: &Arc<Generator>,
    shape: &[usize],
    c: f64,
    p: &mut [f64],
    interrupt: Interrupt,
) -> Result<(), Error> {
    prepare(generator, shape).factor(c, 1.0, interrupt)?.solve(p, interrupt)
}

/// Errors: the run is to stop.
pub(crate) fn proceed(interrupt: Interrupt) -> Result<(), Error> {
    if interrupt() { Err(Error::Interrupted { time: 0.0 }) } else { Ok(()) }
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
