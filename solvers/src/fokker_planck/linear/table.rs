//! The table of linear solvers and the choice among them.

use std::sync::Arc;

use super::solver::{LinearSolver, Needed, Needs, PreparedSolver};
use super::{multifrontal, multigrid, tridiagonal};
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::stationary::law::StationaryLaw;

/// Solves that a factorisation serves, as far as the choice of a solver is concerned.
const SOLVES: f64 = 25.0;
/// How much longer elimination may take than an iteration: it is right in every digit and cannot fail to converge.
const MAX_COST_RATIO: f64 = 2.0;

/// Which solver serves a grid of this shape, and why: elimination where its factors fit into memory and take at most twice the
/// time of multigrid. `neighbours` tells whether every rate leads to the next cell on a single axis.
pub fn choice(needed: &Needed, neighbours: bool) -> (&'static LinearSolver, String) {
    if neighbours {
        return (&tridiagonal::SOLVER, "one axis: elimination along it".into());
    }
    let (direct, iterative) = ((multifrontal::SOLVER.needs)(needed), (multigrid::SOLVER.needs)(needed));
    let seconds = |needs: &Needs| needs.factor + SOLVES * needs.solve;
    let (a, b) = (seconds(&direct), seconds(&iterative));
    if direct.bytes > multifrontal::LARGEST {
        let size = direct.bytes / 1e9;
        return (&multigrid::SOLVER, format!("factors of elimination would take {size:.1} GB"));
    }
    if a > (MAX_COST_RATIO * b).max(1.0) {
        return (&multigrid::SOLVER, format!("estimated {b:.1e} s for {SOLVES} solves, elimination {a:.1e} s"));
    }
    (&multifrontal::SOLVER, format!("estimated {a:.1e} s for {SOLVES} solves, multigrid {b:.1e} s"))
}

/// The table of linear solvers, direct ones first.
pub const LINEAR_SOLVERS: &[LinearSolver] = &[tridiagonal::SOLVER, multifrontal::SOLVER, multigrid::SOLVER];

/// The linear solver by [`choice`] for a generator on a grid of the given shape (cells per axis).
pub fn prepare(generator: &Arc<Generator>, shape: &[usize]) -> Box<dyn PreparedSolver> {
    prepare_with_reason(generator, shape, None).0
}

/// [`prepare`], and why this one.
pub fn prepare_with_reason(
    generator: &Arc<Generator>,
    shape: &[usize],
    law: Option<&Arc<StationaryLaw>>,
) -> (Box<dyn PreparedSolver>, String) {
    let (method, reason) = choice(&Needed::of(generator, shape), tridiagonal::neighbours_only(generator));
    let prepared = (method.prepare)(generator, shape, law);
    // long offsets make thick separators: the exact size of the factors is known only now
    if prepared.cost().0.is_finite() {
        return (prepared, reason);
    }
    let reason = "the factors of elimination would not fit into its memory".into();
    ((multigrid::SOLVER.prepare)(generator, shape, law), reason)
}

/// What [`prepare`]'s choice is expected to need; nothing is prepared.
pub fn needs(generator: &Generator, shape: &[usize]) -> Needs {
    let needed = Needed::of(generator, shape);
    (choice(&needed, tridiagonal::neighbours_only(generator)).0.needs)(&needed)
}

/// The linear solver of the given name. Errors: an unknown name, or a method that cannot serve this generator.
pub fn prepare_named(
    name: &str,
    generator: &Arc<Generator>,
    shape: &[usize],
) -> Result<Box<dyn PreparedSolver>, Error> {
    let names = || LINEAR_SOLVERS.iter().map(|method| method.name).collect::<Vec<_>>().join(", ");
    let method = LINEAR_SOLVERS.iter().find(|method| method.name == name);
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
/// Otherwise, and in its errors, as [`solve_backward`].
pub fn solve_forward(
    generator: &Arc<Generator>,
    shape: &[usize],
    c: f64,
    p: &mut [f64],
    interrupt: Interrupt,
) -> Result<(), Error> {
    prepare(generator, shape).factor(c, 1.0, interrupt)?.solve(p, interrupt)
}
