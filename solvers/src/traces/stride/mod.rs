//! Drift and A of one step from rows several steps apart.
//!
//! Rows `stride` steps apart have E[Δ]/τ = b + (τ/2)(b b' + A b'') + … and Var/(2τ) = A + (τ/2)(b A' + 2 A b' + A A'') + … (on one axis). To take these terms off by
//! differences of noisy estimates, or to move every node by itself until the moments agree, amplifies the noise. So b and a root of A are smooth functions of few
//! parameters, fitted by least squares to the moments of the data in narrow bins i, which are independent where the path is Markov:
//!
//! ```text
//! min Σ_i |(Δ̄_i − m_i)/se(Δ̄_i)|² + |(s²_i − v_i)/se(s²_i)|²,     m_i, v_i the mean and (co)variance over `stride` steps of the chain with b and A
//! ```
//!
//! from the places of the rows in the bin, which have their mean and their covariance: exact where moments are quadratic over a bin (over several steps the mean
//! forgets its start, so that a bin adds to the variance). The number of parameters is the one of least χ² + 2 (number of parameters) (Akaike; with n ln χ² in
//! two and three variables, where the size of the errors is a guess). Standard errors are those of the least squares, (JᵀJ)⁻¹, times max(1, √(χ²/degrees of freedom)).
//!
//! | file | holds |
//! |---|---|
//! | `line.rs` | one variable: cubic splines b and ln A |
//! | `lattice.rs` | two and three: polynomials b and a triangular root of A |
//! | `bins.rs` | their data: moments in bins |
//! | `polynomials.rs` | products of Legendre polynomials |
//! | `chain.rs` | moments over several steps in two and three variables |
//! | `least_squares.rs` | the method of Levenberg and Marquardt |

mod bins;
mod chain;
mod lattice;
mod least_squares;
mod line;
mod polynomials;
#[cfg(test)]
mod tests;

use super::trajectories::Trajectories;
use crate::Error;
use crate::model::table::Lattice;

/// Coefficients of one step at the nodes of a lattice, with standard errors.
#[derive(Default)]
pub(super) struct OneStep {
    /// b (d × nodes).
    pub drift: Vec<f64>,
    pub drift_se: Vec<f64>,
    /// A (packed × nodes).
    pub diffusion: Vec<f64>,
    pub diffusion_se: Vec<f64>,
}

/// Drift and A of one step at the nodes of a lattice, from trajectories whose rows lie `stride` steps apart; `measured` has E[Δ]/τ and
/// Cov[Δ]/(2τ) at the nodes.
///
/// # Errors
/// Rows so far apart that no coefficients are found; fewer bins with data than the fewest parameters need; in two and three variables a path that is not Markov.
pub(super) fn one_step(
    traces: &Trajectories,
    lattice: &Lattice,
    measured: &(Vec<f64>, Vec<f64>),
) -> Result<OneStep, Error> {
    let found = match lattice.axes() {
        [axis] => line::one_step(traces, axis, measured)?,
        _ => lattice::one_step(traces, lattice, &measured.1),
    };
    found.ok_or_else(|| {
        let what =
            format!("rows {} steps apart are too far for drift and diffusion to be found from them", traces.stride());
        Error::invalid(what, "keep more of the rows")
    })
}
