//! How critical points come and go with a parameter c: branches of ∇L(θ; c) = 0, their folds, and what each sample has to do with a minimum.
//!
//! ```text
//! predictor   y + s t,  [F_θ F_c] t = 0, |t| = 1;      corrector   F(y) = 0, t·(y − y_predicted) = 0      (pseudo-arclength)
//! fold        ∇L = 0,  H v = 0,  |v|² = 1;             regular where vᵀ ∂_c∇L ≠ 0 and ∇³L[v, v, v] ≠ 0
//! ```
//!
//! with y = (θ, c) in units of the box and of the range, F = ∇L.
//!
//! | file | holds |
//! |---|---|
//! | `family.rs` | losses with a parameter; the weight of a sample as one |
//! | `system.rs` | the equations in units of box and range, their derivatives, Newton's method with one more condition |
//! | `node.rs` | a point of a branch with its tangent |
//! | `continuation.rs` | a branch followed from a point, step by step, until it ends |
//! | `fold.rs` | where it turns round, on the bordered system; where branches cross |
//! | `branches.rs` | all branches from critical points at several values of c |
//! | `leave_one_out.rs` | which sample makes which minimum, and how little of it suffices |
//!
//! References: H. Keller 1977, Numerical solution of bifurcation and nonlinear eigenvalue problems; E. Allgower & K. Georg 2003, *Introduction to
//! Numerical Continuation Methods*, doi:10.1137/1.9780898719154; G. Moore & A. Spence 1980, doi:10.1137/0717048.

mod branches;
mod continuation;
mod family;
mod fold;
mod leave_one_out;
mod node;
mod system;
#[cfg(test)]
mod tests;

pub use branches::branches;
pub use continuation::{Branch, BranchPoint, End};
pub use family::{Family, SampleWeight};
pub use fold::{Turn, TurnKind};
pub use leave_one_out::{Born, Fate, LeaveOneOut, Ranked, leave_one_out};
