//! Pearson's χ² over pooled bins, per walker.

use super::{Metric, Pair, Reading, Scaling};
use crate::statistics::{Noise, gamma_quantile};

/// Σ (p − q)²/π over bins of neighbouring cells that expect 50 walkers or more.
pub const METRIC: Metric = Metric {
    name: "chi_square",
    definition: "Σ (p − q)²/π over the cells and the outside, neighbours pooled until every bin expects 50 walkers of each side; π the law \
                 both would share: the density, the pooled histogram, or the mean of two densities; N times it is Pearson's statistic",
    reference: "Pearson, Phil. Mag. 50, 1900; noise: mean k − 1 and exact variance of a multinomial law (Haldane, Biometrika 29, 1937), \
                gamma law",
    scaling: Scaling::Linear,
    quick: true,
    is_quantile: true,
    budget: |_, _| None,
    read,
};

/// Walkers that each bin expects at least: beyond, the tail of the statistic is the χ² law's at a rate of 1e-6.
const LEAST: f64 = 50.0;

fn read(pair: &Pair, rate: f64) -> Vec<Reading> {
    let (law, walkers, smaller): (Vec<f64>, f64, f64) = match (pair.a.walkers, pair.b.walkers) {
        (Some(n), Some(m)) => {
            let (n, m) = (n as f64, m as f64);
            let pooled = pair.a.cells().zip(pair.b.cells()).map(|(p, q)| (n * p + m * q) / (n + m));
            (pooled.collect(), n * m / (n + m), n.min(m))
        }
        (Some(n), None) => (pair.b.cells().collect(), n as f64, n as f64),
        (None, Some(n)) => (pair.a.cells().collect(), n as f64, n as f64),
        (None, None) => {
            let mean = pair.a.cells().zip(pair.b.cells()).map(|(p, q)| 0.5 * (p + q));
            (mean.collect(), f64::INFINITY, f64::INFINITY)
        }
    };
    let bins = pooled(pair, &law, smaller);
    let value = bins.iter().filter(|bin| bin[2] > 0.0).map(|[p, q, law]| (p - q) * (p - q) / law).sum();
    if walkers.is_infinite() {
        return vec![Reading { value, noise_floor: 0.0, noise_upper: 0.0 }];
    }
    let k = bins.len() as f64;
    if bins.len() < 2 {
        // one bin tells nothing apart: no smaller bound than the largest value of bins of 50 walkers
        return vec![Reading { value, noise_floor: 0.0, noise_upper: (walkers / LEAST).max(1.0) }];
    }
    let reciprocals: f64 = bins.iter().map(|bin| bin[2].recip()).sum();
    let variance = 2.0 * (k - 1.0) + ((reciprocals - k * k - 2.0 * k + 2.0) / walkers).max(0.0);
    let noise = Noise { mean: (k - 1.0) / walkers, variance: variance / (walkers * walkers) };
    vec![Reading { value, noise_floor: noise.mean, noise_upper: gamma_quantile(noise, rate) }]
}

/// Bins [Σp, Σq, Σπ] of neighbouring cells; what is left at the end joins the last one.
fn pooled(pair: &Pair, law: &[f64], walkers: f64) -> Vec<[f64; 3]> {
    let mut bins: Vec<[f64; 3]> = Vec::new();
    let mut bin = [0.0; 3];
    let full = |bin: &[f64; 3]| bin[2] > 0.0 && walkers * bin[2] >= LEAST;
    for ((p, q), &law) in pair.a.cells().zip(pair.b.cells()).zip(law) {
        bin = [bin[0] + p, bin[1] + q, bin[2] + law];
        if full(&bin) {
            bins.push(std::mem::take(&mut bin));
        }
    }
    match bins.last_mut() {
        Some(last) => (0..3).for_each(|k| last[k] += bin[k]),
        None => bins.push(bin),
    }
    bins
}
