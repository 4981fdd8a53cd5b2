//! What an ensemble shows besides densities and means: quantiles of each coordinate, standard errors of the covariance.

use rayon::prelude::*;

use super::block::{BLOCK, Block};
use super::walkers::Ensemble;
use crate::engine::{QUANTILE_LEVELS, Statistics};
use crate::numerics::lanes::{dispatch, fma};
use crate::numerics::symmetric::{packed_index, packed_len};

impl Ensemble {
    /// Quantiles at [`QUANTILE_LEVELS`] and the standard errors of the covariance.
    pub fn statistics(&self) -> Statistics {
        Statistics { quantiles: self.quantiles(&QUANTILE_LEVELS), covariance_se: self.covariance_error() }
    }

    /// Quantiles of every coordinate over the walkers that were not absorbed: that of axis k at `levels[j]` (0 to 1, increasing)
    /// stands at `[k·levels + j]`; the value below which ⌊level·(N − 1)⌋ walkers lie. Empty when no walker is left.
    pub fn quantiles(&self, levels: &[f64]) -> Vec<f64> {
        let coordinate = |k: usize| {
            let of_block =
                |block: &Block| -> Vec<f64> { present(block).map(|i| block.points[k * BLOCK + i]).collect() };
            let mut values: Vec<f64> = self.blocks.iter().flat_map(of_block).collect();
            let last = values.len().checked_sub(1)?;
            let ranks: Vec<usize> = levels.iter().map(|level| (level.clamp(0.0, 1.0) * last as f64) as usize).collect();
            let mut found = vec![0.0; ranks.len()];
            select(&mut values, 0, &ranks, &mut found);
            Some(found)
        };
        let all: Option<Vec<Vec<f64>>> = (0..self.grid.dimension()).into_par_iter().map(coordinate).collect();
        all.unwrap_or_default().concat()
    }

    /// Standard errors of the covariance, packed: √((⟨(δ_i δ_j)²⟩ − C_ij²)/N) with δ the distance from the mean.
    fn covariance_error(&self) -> Vec<f64> {
        let (d, moments) = (self.grid.dimension(), self.moments());
        let (n, covariance, mean) = (moments.count(), moments.covariance(), moments.mean());
        let mut errors = vec![0.0; packed_len(d)];
        for i in 0..d {
            for j in i..d {
                let of_block = |block: &Block| {
                    let (x, y) = (&block.points[i * BLOCK..], &block.points[j * BLOCK..]);
                    if block.active == BLOCK && block.absorbed.is_empty() {
                        return fourth(&x[..BLOCK], &y[..BLOCK], mean[i], mean[j]);
                    }
                    present(block).map(|l| ((x[l] - mean[i]) * (y[l] - mean[j])).powi(2)).sum()
                };
                let per_block: Vec<f64> = self.blocks.par_iter().map(of_block).collect();
                let square = per_block.iter().sum::<f64>() / n.max(1.0);
                let c = packed_index(d, i, j);
                errors[c] = ((square - covariance[c].powi(2)).max(0.0) / n.max(1.0)).sqrt();
            }
        }
        errors
    }
}

/// The walkers of a block that are there and were not absorbed.
fn present(block: &Block) -> impl Iterator<Item = usize> {
    (0..block.active).filter(|&i| !block.absorbed.get(i).copied().unwrap_or(false))
}

/// Writes the values of the given ranks (increasing, counted from `offset`) to `found`; reorders `values`.
fn select(values: &mut [f64], offset: usize, ranks: &[usize], found: &mut [f64]) {
    if ranks.is_empty() || values.is_empty() {
        return;
    }
    let middle = ranks.len() / 2;
    let at = (ranks[middle] - offset).min(values.len() - 1);
    let (below, value, above) = values.select_nth_unstable_by(at, f64::total_cmp);
    let value = *value;
    // Ranks that are equal have equal values; the others lie in one of both parts.
    let first = ranks.partition_point(|&rank| rank < ranks[middle]);
    let after = ranks.partition_point(|&rank| rank <= ranks[middle]);
    found[first..after].fill(value);
    let (left, right) = found.split_at_mut(after);
    select(below, offset, &ranks[..first], &mut left[..first]);
    select(above, offset + at + 1, &ranks[after..], right);
}

dispatch! {
    /// Σ ((x − a)(y − b))².
    fn fourth(x: &[f64], y: &[f64], a: f64, b: f64) -> f64 {
        let mut sums = [0.0; 32];
        for (x, y) in x.as_chunks::<32>().0.iter().zip(y.as_chunks::<32>().0) {
            for l in 0..32 {
                let product = (x[l] - a) * (y[l] - b);
                sums[l] = fma(product, product, sums[l]);
            }
        }
        sums.iter().sum()
    }
}
