//! Kramers' law: the mean time from a minimum to beyond the barrier before a target, for a temperature that is low beside it.
//!
//! In one dimension (Itô, any drift b and D(θ)), with ψ' = −b/(T D) and L'' = −b',
//!
//! τ ≈ (2π/√(L''_a |L''_b|)) √(D_b/D_a) e^{ψ_b − ψ_a}  from the minimum a over the top b;
//!
//! in more dimensions, for b = −∇L and D = σ²I, over the lowest saddle s with its one falling direction λ₋,
//!
//! 1/τ ≈ (|λ₋|/2π) √(det H_a/|det H_s|) e^{−(L_s − L_a)/(T σ²)}
//!
//! (H. A. Kramers 1940, doi:10.1016/S0031-8914(40)90098-2; P. Hänggi et al. 1990, doi:10.1103/RevModPhys.62.251). The relative error
//! is of the order of T over the barrier; the mean first-passage time on the grid is the truth. Rates over several passes add up.

pub mod eyring;
mod line;
mod minimax_path;
mod pass;
mod saddle;
#[cfg(test)]
mod tests;

use super::passage::Passage;
use crate::problem::Problem;
pub use pass::{Kramers, Pass};
use pass::{PARALLEL, place};
use saddle::Slopes;

/// What Kramers' law needs of a problem, looked up once for all its passages.
pub enum Ground<'a> {
    /// One dimension.
    Line(&'a Problem),
    /// More dimensions: the loss on the grid, and σ²; or why there is no law.
    Slopes(&'a Problem, Result<Slopes, String>),
}

impl<'a> Ground<'a> {
    /// Looks at drift, loss and diffusion on the whole grid.
    pub fn new(problem: &'a Problem) -> Self {
        match problem.dimension() {
            1 => Self::Line(problem),
            _ => Self::Slopes(problem, Slopes::new(problem)),
        }
    }

    /// Kramers' law for a passage; Errors: a sentence on why it does not apply.
    pub fn kramers(&self, passage: &Passage) -> Result<Kramers, String> {
        let mut found = match self {
            Self::Line(problem) => line::kramers(problem, passage),
            Self::Slopes(problem, Ok(slopes)) => slopes.kramers(problem, passage),
            Self::Slopes(_, Err(why)) => Err(why.clone()),
        }?;
        found.passes.sort_by(|a, b| a.barrier.total_cmp(&b.barrier));
        let lowest = found.passes[0].barrier;
        found.passes.retain(|pass| pass.barrier < lowest + PARALLEL);
        let flat =
            |pass: &Pass| pass.rate.is_nan() || pass.rate.is_infinite() || (pass.rate == 0.0 && pass.barrier < 700.0);
        if found.passes.iter().any(flat) {
            return Err(format!("the curvature vanishes at the minimum {} or at the pass", place(&found.minimum)));
        }
        match found.time().is_finite() {
            true => Ok(found),
            false => Err(format!("a barrier of {lowest:.0} T is beyond the range of floating-point numbers")),
        }
    }
}
