//! Drift and diffusion: the two functions that every engine of the SDE sees.

use std::sync::Arc;

use crate::Error;
use crate::engine::Interrupt;
use crate::fault::{Fault, planted};
use crate::numerics::difference::{STEP, stencils};
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::grid::{Axis, Grid};

/// Drift b(θ) and diffusion matrix D(θ) of dθ = b dt + √(2T) S dW, S Sᵀ = D, in the Itô sense.
///
/// Points come in batches, coordinate-major: with n points in d dimensions θ_k of point i is `points[k·n + i]`,
/// drift likewise; symmetric matrices are packed (see [`crate::numerics::symmetric`]), component c of point i at `[c·n + i]`.
pub trait Dynamics: Send + Sync {
    /// Number of dimensions d, 1 to 3.
    fn dimension(&self) -> usize;

    /// Drift b (d×n) and diffusion D (packed, d(d+1)/2 × n; without the temperature) at n points.
    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]);

    /// The drift alone where the noise is known to be additive, D the same everywhere (its root is then taken once a step, not
    /// once a walker); None where it is not known to be.
    fn additive(&self) -> Option<&dyn Drift> {
        None
    }

    /// The part f·I of D that is injected beside the noise of the gradients; 0 where there is none. Descent step by step adds
    /// it as normal numbers of variance 2T η f (stochastic gradient Langevin dynamics, M. Welling & Y. W. Teh 2011).
    fn floor(&self) -> f64 {
        0.0
    }

    /// The potential U of the drift, b = −∇U + c with a smooth rest c (the drift that another sense of the noise brings): writes U (n)
    /// and c (d×n) at n points. False, and nothing written, where no potential is known.
    ///
    /// Differences of U are right across kinks and jumps, where a quadrature of b is not.
    fn potential(&self, _points: &[f64], _potential: &mut [f64], _rest: &mut [f64]) -> bool {
        false
    }

    /// How many times dearer than a formula a value of the potential is (the number of samples).
    fn potential_cost(&self) -> usize {
        1
    }

    /// The same b and D interpolated between the nodes of a lattice over the box, made when they are first asked for; None where
    /// that is not offered. Errors: [`Error::Interrupted`].
    fn table(&self, _interrupt: Interrupt) -> Result<Option<Arc<dyn Dynamics>>, Error> {
        Ok(None)
    }

    /// What is known of the interpolation; None for a dynamics that is evaluated as it is.
    fn interpolation(&self) -> Option<Interpolation> {
        None
    }

    /// Share of n points (d×n) at which b and D are evaluated as they are and not interpolated.
    fn exact_share(&self, _points: &[f64]) -> f64 {
        1.0
    }

    /// Divergence (∇·D)_i = Σ_j ∂_j D_ij at n points (d×n).
    ///
    /// The default takes fourth-order central differences with the step 10⁻³ ℓ_j, ℓ = `lengths` (d, see [`lengths`]), good to
    /// about 10⁻¹¹ relative where D is smooth on that scale; models that know their derivatives override it.
    fn diffusion_divergence(&self, points: &[f64], lengths: &[f64], divergence: &mut [f64]) {
        central_divergence(self, points, lengths, divergence);
    }
}

/// How b and D are interpolated, and how well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interpolation {
    /// Nodes of the lattice.
    pub nodes: usize,
    /// Evaluations of b and D at a point that it took.
    pub evaluations: usize,
    /// Share of the box in which b and D are evaluated as they are, because no polynomial serves.
    pub exact_share: f64,
    /// Largest error of b at random points, relative to |b| nearby.
    pub drift_error: f64,
    /// Largest error of an entry of D at random points, relative to the largest entry nearby, both in units of the axes.
    pub diffusion_error: f64,
}

/// Cells that make up the length ℓ on which differences are based, at most.
const CELLS: f64 = 100.0;

/// The lengths ℓ (d) on which differences along the axes are based: that of the axis, but no more than 100 of its narrowest cells.
pub fn lengths(grid: &Grid) -> Vec<f64> {
    if planted(Fault::Difference) {
        return vec![1.0; grid.dimension()];
    }
    let narrowest = |axis: &Axis| axis.edges().windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
    grid.axes().iter().map(|axis| axis.length().min(CELLS * narrowest(axis))).collect()
}

/// A drift without its noise.
pub trait Drift: Send + Sync {
    /// Drift b (d×n) at n points.
    fn drift(&self, points: &[f64], drift: &mut [f64]);
}

/// (∇·D)_i by central differences of fourth order, for dynamics that know no better.
pub(crate) fn central_divergence<D: Dynamics + ?Sized>(
    dynamics: &D,
    points: &[f64],
    lengths: &[f64],
    divergence: &mut [f64],
) {
    let d = dynamics.dimension();
    let n = points.len() / d;
    divergence.fill(0.0);
    let mut drift = vec![0.0; d * n];
    let diffusion = |points: &[f64], diffusion: &mut [f64]| dynamics.drift_diffusion(points, &mut drift, diffusion);
    stencils(d, points, lengths, STEP, packed_len(d), diffusion, |j, weights, diffusion| {
        for row in 0..d {
            let c = packed_index(d, row, j);
            for i in 0..n {
                divergence[row * n + i] += weights[i] * diffusion[c * n + i];
            }
        }
    });
}
