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
//! Nothing is answered where χ² is larger than chance makes it, nor where the chain does not have the moments over two rows: then the path is not Markov, or the
//! rows lie too far apart.
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

/// χ²/degrees of freedom of moments that a chain has is at most 1 + MISFIT, give or take so many standard deviations; but moments that are off by less than √SMALL
/// of the scatter of single rows are good enough.
const MISFIT: f64 = 0.2;
const CHANCE: f64 = 4.0;
const SMALL: f64 = 1e-3;

/// χ²/degrees of freedom − 1, less what chance may make of it.
fn excess(cost: f64, freedom: usize) -> f64 {
    let freedom = freedom.max(1) as f64;
    cost / freedom - 1.0 - CHANCE * (2.0 / freedom).sqrt()
}

/// Whether a chain has the moments that were seen; `rows` is their mean number in a bin.
fn plausible(cost: f64, freedom: usize, rows: f64) -> bool {
    excess(cost, freedom) < MISFIT.max(SMALL * rows)
}

/// Drift and A of one step at the nodes of a lattice, from trajectories whose rows lie `stride` steps apart; `measured` has E[Δ]/τ and
/// Cov[Δ]/(2τ) at the nodes.
///
/// # Errors
/// Rows so far apart that no coefficients are found; fewer bins with data than the fewest parameters need; a path that is not Markov.
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
        let what = format!("no drift and diffusion of one step explain rows {} steps apart", traces.stride());
        Error::invalid(what, "keep more of the rows")
    })
}
