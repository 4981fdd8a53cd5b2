//! Means and covariances of walkers, centred in every block so that no digits cancel, merged in block order.

use super::{BLOCK, Block};
use crate::lanes::dispatch;
use crate::symmetric::{packed_index, packed_len};

/// Number, mean and centred second moments of a set of walkers.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    d: usize,
    count: f64,
    mean: [f64; 3],
    /// Σ (x_i − mean_i)(x_j − mean_j), packed.
    scatter: [f64; 6],
}

impl Moments {
    /// No walkers in d dimensions.
    pub fn new(d: usize) -> Self {
        Self { d, count: 0.0, mean: [0.0; 3], scatter: [0.0; 6] }
    }

    /// The walkers of one block that were not absorbed.
    pub fn of_block(d: usize, block: &Block) -> Self {
        let mut weight = [0.0; BLOCK];
        weight[..block.active].fill(1.0);
        for (w, _) in weight.iter_mut().zip(&block.absorbed).filter(|(_, gone)| **gone) {
            *w = 0.0;
        }
        let mut moments = Self::new(d);
        moments.count = weight.iter().sum();
        if moments.count == 0.0 {
            return moments;
        }
        let axis = |k: usize| &block.points[k * BLOCK..(k + 1) * BLOCK];
        for k in 0..d {
            // One correction of the mean, so that the scatter is centred to rounding.
            let first = block.points[k * BLOCK];
            moments.mean[k] = first + weighted(&weight, axis(k), first) / moments.count;
        }
        for i in 0..d {
            for j in i..d {
                moments.scatter[packed_index(d, i, j)] =
                    product(&weight, axis(i), axis(j), moments.mean[i], moments.mean[j]);
            }
        }
        moments
    }

    /// Both sets together (Chan, Golub & LeVeque 1983, doi:10.1080/00031305.1983.10483115).
    pub fn merge(&self, other: &Self) -> Self {
        let count = self.count + other.count;
        if count == 0.0 {
            return self.clone();
        }
        let share = other.count / count;
        let mut sum = Self { count, ..self.clone() };
        let gap: [f64; 3] = std::array::from_fn(|k| other.mean[k] - self.mean[k]);
        for i in 0..self.d {
            sum.mean[i] += share * gap[i];
            for j in i..self.d {
                let c = packed_index(self.d, i, j);
                sum.scatter[c] += other.scatter[c] + gap[i] * gap[j] * self.count * share;
            }
        }
        sum
    }

    /// Number of walkers.
    pub fn count(&self) -> f64 {
        self.count
    }
    /// Mean (d).
    pub fn mean(&self) -> &[f64] {
        &self.mean[..self.d]
    }
    /// Covariance, packed, divisor N − 1.
    pub fn covariance(&self) -> Vec<f64> {
        self.scatter[..packed_len(self.d)].iter().map(|s| s / (self.count - 1.0).max(1.0)).collect()
    }
    /// Standard error of the mean (d).
    pub fn standard_error(&self) -> Vec<f64> {
        let covariance = self.covariance();
        (0..self.d).map(|k| (covariance[packed_index(self.d, k, k)] / self.count.max(1.0)).sqrt()).collect()
    }
}

const LANES: usize = 8;

dispatch! {
    /// Σ w (x − centre).
    fn weighted(weight: &[f64; BLOCK], x: &[f64], centre: f64) -> f64 {
        let mut sums = [0.0; LANES];
        for (w, x) in weight.chunks_exact(LANES).zip(x.chunks_exact(LANES)) {
            for l in 0..LANES {
                // Padding and absorbed walkers may hold anything, so they are selected away, not multiplied by 0.
                sums[l] += if w[l] > 0.0 { x[l] - centre } else { 0.0 };
            }
        }
        sums.iter().sum()
    }
}

dispatch! {
    /// Σ w (x − a)(y − b).
    fn product(weight: &[f64; BLOCK], x: &[f64], y: &[f64], a: f64, b: f64) -> f64 {
        let mut sums = [0.0; LANES];
        for ((w, x), y) in weight.chunks_exact(LANES).zip(x.chunks_exact(LANES)).zip(y.chunks_exact(LANES)) {
            for l in 0..LANES {
                sums[l] += if w[l] > 0.0 { (x[l] - a) * (y[l] - b) } else { 0.0 };
            }
        }
        sums.iter().sum()
    }
}
