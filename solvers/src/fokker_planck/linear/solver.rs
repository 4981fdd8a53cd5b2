//! What a linear solver is: an entry of the table, its preparation for a generator, its factors of one matrix.

use std::sync::Arc;

use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::stationary::law::StationaryLaw;

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
pub trait PreparedSolver: Send + Sync {
    /// Name, as in [`LINEAR_SOLVERS`](super::table::LINEAR_SOLVERS).
    fn name(&self) -> &'static str;
    /// Factors c I − γ Qᵀ, c ≥ 0, γ > 0. Errors: c, γ out of range, or a singular matrix (c = 0 without exits);
    /// [`Error::Interrupted`].
    fn factor(&self, c: f64, gamma: f64, interrupt: Interrupt) -> Result<Box<dyn ShiftedSolver>, Error>;
    /// Estimated seconds for one factorisation and for one solve on a current core.
    fn cost(&self) -> (f64, f64);
}

/// Prepares a linear solver for a generator on a grid of the given shape, with the stationary law where it is known.
pub type Prepare = fn(&Arc<Generator>, &[usize], Option<&Arc<StationaryLaw>>) -> Box<dyn PreparedSolver>;

/// An entry of the table of linear solvers.
pub struct LinearSolver {
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

/// Errors: the run is to stop.
pub(crate) fn proceed(interrupt: Interrupt) -> Result<(), Error> {
    if interrupt() { Err(Error::Interrupted { time: 0.0 }) } else { Ok(()) }
}

pub(super) fn check_shift(name: &str, c: f64, gamma: f64) -> Result<(), Error> {
    if c.is_finite() && c >= 0.0 && gamma.is_finite() && gamma > 0.0 {
        return Ok(());
    }
    Err(Error::numerical(name, "at factorisation", format!("the matrix {c} I − {gamma} Qᵀ is out of range"), ""))
}

pub(super) fn singular(name: &str) -> Error {
    Error::numerical(
        name,
        "at factorisation",
        "the matrix is singular: some probability can neither leave nor decay",
        "check that every cell is connected to the rest of the grid",
    )
}
