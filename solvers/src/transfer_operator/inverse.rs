//! (I − Q)⁻¹ on some states of a chain: what invariant laws, passages and slow modes are made of.

use super::elimination::Elimination;
use super::matrix::TransitionMatrix;
use crate::Error;
use crate::engine::Interrupt;

/// (I − Q)⁻¹, Q the transitions among some states of a chain that is killed elsewhere.
pub trait Inverse {
    /// The states, increasing, in the order of solutions.
    fn states(&self) -> &[usize];
    /// x with (I − Q) x = b, in place: sums over the visits of what b gives at each. Errors: no convergence, [`Error::Interrupted`].
    fn solve(&self, b: &mut [f64]) -> Result<(), Error>;
    /// y with y (I − Q) = c, in place: expected visits from the law c until killed. Errors: as for [`Inverse::solve`].
    fn solve_left(&self, c: &mut [f64]) -> Result<(), Error>;
    /// Relative accuracy of a solution.
    fn precision(&self) -> f64;
}

/// A chain whose killed parts can be inverted.
pub trait Solver: Sync {
    /// P.
    fn matrix(&self) -> &TransitionMatrix;
    /// (I − Q)⁻¹ on `states` (increasing) with transitions P_ij·survival_j and killing probabilities `killing` (one for each of the
    /// states). From every state killing must be reachable.
    ///
    /// Errors: a state from which nothing leads out; a factorisation that fails; [`Error::Interrupted`].
    fn inverse<'a>(
        &'a self,
        states: &[usize],
        survival: &dyn Fn(usize) -> f64,
        killing: &[f64],
        interrupt: Interrupt<'a>,
    ) -> Result<Box<dyn Inverse + 'a>, Error>;
}

/// A matrix with a narrow band: by elimination without subtraction.
impl Solver for TransitionMatrix {
    fn matrix(&self) -> &TransitionMatrix {
        self
    }
    fn inverse<'a>(
        &'a self,
        states: &[usize],
        survival: &dyn Fn(usize) -> f64,
        killing: &[f64],
        interrupt: Interrupt<'a>,
    ) -> Result<Box<dyn Inverse + 'a>, Error> {
        Ok(Box::new(Elimination::new(self, states, survival, killing, interrupt)?))
    }
}

impl Inverse for Elimination {
    fn states(&self) -> &[usize] {
        self.states()
    }
    fn solve(&self, b: &mut [f64]) -> Result<(), Error> {
        self.solve(b);
        Ok(())
    }
    fn solve_left(&self, c: &mut [f64]) -> Result<(), Error> {
        self.solve_left(c);
        Ok(())
    }
    fn precision(&self) -> f64 {
        1e-15
    }
}
