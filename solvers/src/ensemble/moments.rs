//! Means and covariances of walkers, centred in every block so that no digits cancel, merged in block order.

use super::block::{BLOCK, Block};
use crate::numerics::lanes::{dispatch, fma};
use crate::numerics::symmetric::{packed_index, packed_len};

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
        if block.active == BLOCK && block.absorbed.is_empty() {
            return Self::of_points(d, &block.points);
        }
        // The walkers that do not count are put on one that does, and taken off again by their number.
        let counts = |i: usize| i < block.active && !block.absorbed.get(i).copied().unwrap_or(false);
        let mut points = Vec::with_capacity(d * BLOCK);
        let kept: Vec<usize> = (0..BLOCK).filter(|&i| counts(i)).collect();
        let Some(&first) = kept.first() else { return Self::new(d) };
        for x in block.points.chunks_exact(BLOCK) {
            points.extend((0..BLOCK).map(|i| x[kept.get(i).copied().unwrap_or(first)]));
        }
        let mut moments = Self::of_points(d, &points);
        let idle = (BLOCK - kept.len()) as f64;
        if idle > 0.0 {
            let mut single = Self { count: -idle, ..Self::new(d) };
            (0..d).for_each(|k| single.mean[k] = points[k * BLOCK]);
            moments = moments.merge(&single);
        }
        moments
    }

    fn of_points(d: usize, points: &[f64]) -> Self {
        let mut moments = Self { count: BLOCK as f64, ..Self::new(d) };
        let axes = points.as_chunks::<BLOCK>().0;
        for (mean, x) in moments.mean.iter_mut().zip(axes) {
            *mean = x[0] + sum(x, x[0]) / BLOCK as f64;
        }
        for i in 0..d {
            for j in i..d {
                moments.scatter[packed_index(d, i, j)] = product(&axes[i], &axes[j], moments.mean[i], moments.mean[j]);
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

const LANES: usize = 32; // several vectors of sums, to hide the latency of additions

dispatch! {
    /// Σ (x − centre).
    fn sum(x: &[f64; BLOCK], centre: f64) -> f64 {
        let mut sums = [0.0; LANES];
        for x in x.as_chunks::<LANES>().0 {
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum += x - centre;
            }
        }
        sums.iter().sum()
    }
}

dispatch! {
    /// Σ (x − a)(y − b).
    fn product(x: &[f64; BLOCK], y: &[f64; BLOCK], a: f64, b: f64) -> f64 {
        let mut sums = [0.0; LANES];
        for (x, y) in x.as_chunks::<LANES>().0.iter().zip(y.as_chunks::<LANES>().0) {
            for l in 0..LANES {
                sums[l] = fma(x[l] - a, y[l] - b, sums[l]);
            }
        }
        sums.iter().sum()
    }
}
