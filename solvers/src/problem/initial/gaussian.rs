//! Integrals of a Gaussian over the cells of a grid.

use libm::erfc;
use rayon::prelude::*;

use crate::error::{Error, Setting};
use crate::numerics::quadrature::GAUSS_8_POSITIVE;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::grid::{Axis, Grid};

/// Gaussian N(mean, L Lᵀ) in 1 to 3 dimensions.
#[derive(Debug, Clone)]
pub(crate) struct Gaussian {
    d: usize,
    mean: [f64; 3],
    /// Lower Cholesky factor of the covariance.
    factor: [[f64; 3]; 3],
}

/// Standard deviations beyond which a density underflows.
const REACH: f64 = 39.0;

impl Gaussian {
    /// Errors: sizes that disagree, entries not finite, a covariance that is not positive definite.
    pub fn new(mean: &[f64], covariance: &[f64]) -> Result<Self, Error> {
        let d = mean.len();
        let bad = || {
            Error::invalid(
                "the covariance of the initial Gaussian is not positive definite",
                "write positive standard deviations, or take a point for a sharp start",
            )
            .set_by(&[Setting::Initial])
        };
        if d == 0 || d > 3 || covariance.len() != packed_len(d) || mean.iter().any(|m| !m.is_finite()) {
            return Err(bad());
        }
        let mut factor = [[0.0; 3]; 3];
        for i in 0..d {
            for j in 0..=i {
                let inner: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
                let rest = covariance[packed_index(d, i, j)] - inner;
                factor[i][j] = if i == j { rest.sqrt() } else { rest / factor[j][j] };
            }
            if !(factor[i][i] > 0.0 && factor[i][i].is_finite()) {
                return Err(bad());
            }
        }
        let mut centre = [0.0; 3];
        centre[..d].copy_from_slice(mean);
        Ok(Self { d, mean: centre, factor })
    }

    /// mean + L z.
    pub fn transform(&self, z: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|i| self.mean[i] + (0..=i).map(|j| self.factor[i][j] * z[j]).sum::<f64>())
    }

    /// Probability of each cell (not normalised: the sum is the share of the Gaussian on the grid).
    pub fn cell_probability(&self, grid: &Grid) -> Vec<f64> {
        let mut probability = vec![0.0; grid.len()];
        let slab = grid.len() / grid.shape()[0];
        probability.par_chunks_mut(slab).enumerate().for_each(|(i, out)| self.add_axis(grid, 0, i, [0.0; 3], 1.0, out));
        probability
    }

    /// Adds the integral over cell `i` of axis k, given z_0 … z_{k−1}, times `weight`, to the cells `out` below it.
    fn add_axis(&self, grid: &Grid, k: usize, i: usize, z: [f64; 3], weight: f64, out: &mut [f64]) {
        let centre = self.conditional_mean(k, z);
        let (axis, scale) = (&grid.axes()[k], self.factor[k][k]);
        let (a, b) = ((axis.edges()[i] - centre) / scale, (axis.edges()[i + 1] - centre) / scale);
        if a > REACH || b < -REACH {
            return;
        }
        if !self.couples_below(k) {
            self.descend(grid, k, z, weight * interval(a, b), out);
            return;
        }
        // Panels of half a standard deviation of whatever varies along z_k: the density itself and, through the
        // conditional means, the density on the later axes.
        let (from, to) = (a.max(-REACH), b.min(REACH));
        let steepest = (k + 1..self.d).map(|j| self.factor[j][k].abs() / self.factor[j][j]).fold(1.0, f64::max);
        let panels = ((to - from) * steepest / 0.5).ceil().clamp(1.0, 1e5);
        let half = 0.5 * (to - from) / panels;
        for panel in 0..panels as usize {
            let middle = from + (2 * panel + 1) as f64 * half;
            for (node, w) in GAUSS_8_POSITIVE.iter().flat_map(|&(x, w)| [(x, w), (-x, w)]) {
                let mut z = z;
                z[k] = middle + half * node;
                let density = (-0.5 * z[k] * z[k]).exp() / (2.0 * std::f64::consts::PI).sqrt();
                if density * weight > 0.0 {
                    self.descend(grid, k, z, weight * w * half * density, out);
                }
            }
        }
    }

    fn descend(&self, grid: &Grid, k: usize, z: [f64; 3], weight: f64, out: &mut [f64]) {
        if k + 1 == self.d {
            out[0] += weight;
        } else if k + 2 == self.d {
            self.add_last(&grid.axes()[k + 1], k + 1, z, weight, out);
        } else {
            let slab = out.len() / grid.shape()[k + 1];
            out.chunks_mut(slab).enumerate().for_each(|(i, o)| self.add_axis(grid, k + 1, i, z, weight, o));
        }
    }

    /// The last axis, exactly: one erfc for every edge within reach.
    fn add_last(&self, axis: &Axis, k: usize, z: [f64; 3], weight: f64, out: &mut [f64]) {
        let (centre, scale) = (self.conditional_mean(k, z), self.factor[k][k]);
        let edges = axis.edges();
        let first = edges.partition_point(|&e| e < centre - REACH * scale).saturating_sub(1);
        let last = edges.partition_point(|&e| e < centre + REACH * scale).min(axis.cells());
        let mut before = Tail::at((edges[first] - centre) / scale);
        for i in first..last {
            let after = Tail::at((edges[i + 1] - centre) / scale);
            out[i] += weight * before.to(after);
            before = after;
        }
    }

    fn conditional_mean(&self, k: usize, z: [f64; 3]) -> f64 {
        self.mean[k] + (0..k).map(|j| self.factor[k][j] * z[j]).sum::<f64>()
    }

    fn couples_below(&self, k: usize) -> bool {
        (k + 1..self.d).any(|j| self.factor[j][k] != 0.0)
    }
}

/// The smaller tail of the standard normal law at x.
#[derive(Clone, Copy)]
struct Tail {
    x: f64,
    tail: f64,
}

impl Tail {
    fn at(x: f64) -> Self {
        Self { x, tail: 0.5 * erfc(x.abs() * std::f64::consts::FRAC_1_SQRT_2) }
    }
    /// Probability from this point to a larger one, by the tail on their side: no cancellation against 1.
    fn to(self, other: Self) -> f64 {
        let p = match (self.x < 0.0, other.x < 0.0) {
            (true, true) => other.tail - self.tail,
            (true, false) => 1.0 - self.tail - other.tail,
            (false, _) => self.tail - other.tail,
        };
        p.max(0.0)
    }
}

fn interval(a: f64, b: f64) -> f64 {
    Tail::at(a).to(Tail::at(b))
}
