//! Faults that are planted in the solvers themselves, one at a time, so that the suites of checks can be seen to fail.
//!
//! [`plant`] is called by the self-test alone; no scenario, option or variable of the environment leads to it. Each place that a fault
//! goes wrong asks `planted` where a problem, an operator or an interval is set up, or once for a batch of points, never inside a loop
//! over cells, walkers or points, so that it costs nothing and that the release program can test itself.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A mistake of the kind that solvers of this equation make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// The temperature taken for η/B instead of η/(2B), in [`crate::problem::Minibatch::temperature`].
    TwiceTooHot = 1,
    /// Fick's law for Itô's equation: ln a(y)/a(x) left out of the exponents of the edges of a diagonal D.
    Fick,
    /// ∇·D missing: in the edges of a full tensor, and where the noise of Hänggi & Klimontovich becomes Itô's.
    NoDivergence,
    /// The second moment of the gradients of samples for their covariance, D + ∇L ∇Lᵀ, in [`crate::diffusion::Minibatch`].
    SecondMoment,
    /// An edge of the generator whose rate leaves a cell and does not arrive in the other.
    OneSided,
    /// A wall through which probability goes, with the rate 10⁻⁶ from the cell beside it, and the generator does not know.
    Leak,
    /// The second block of walkers has the random stream of the first.
    OneSeed,
    /// Noise whose standard deviation is 1 % too large in every scheme of the Langevin equation.
    Noise,
    /// Batches drawn with replacement where they should be without.
    Replacement,
    /// One step too many to the first output time, of Langevin and of descent.
    Time,
    /// Probability laid down between two nodes: the variance h²/6 too much in each step of the chain and of the transfer operator.
    Deposit,
    /// Differences with steps that do not know the length of the axis.
    Difference,
    /// Estimates of the L1 error that are half of what they should be.
    Halved,
}

static PLANTED: AtomicU8 = AtomicU8::new(0);
static TURN: Mutex<()> = Mutex::new(());

/// While it lives its fault is planted, or none; it waits for those before it.
pub struct Planting {
    _turn: MutexGuard<'static, ()>,
}

/// Plants a fault in this process, or sees to it that there is none.
pub fn plant(fault: Option<Fault>) -> Planting {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    PLANTED.store(fault.map_or(0, |fault| fault as u8), Ordering::SeqCst);
    Planting { _turn: turn }
}

impl Drop for Planting {
    fn drop(&mut self) {
        PLANTED.store(0, Ordering::SeqCst);
    }
}

/// Whether this fault is planted.
pub(crate) fn planted(fault: Fault) -> bool {
    PLANTED.load(Ordering::Relaxed) == fault as u8
}
