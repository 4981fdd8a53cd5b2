//! Kullback–Leibler divergence, with the sampled side first.

use super::{Metric, Pair, Reading, Scaling};
use crate::statistics::{Cellwise, gamma_quantile};

/// KL(p‖q); see the definition for its direction and for empty cells.
pub const METRIC: Metric = Metric {
    name: "kullback_leibler",
    definition: "Σ p ln(p/q), histogram first against a density, a first between densities, q mixed with 1e-9 of p so that \
                 it stays finite; between two histograms JS/(w_a w_b) with the Jensen–Shannon divergence JS of weights \
                 w = N/(N_a + N_b), which equals KL to leading order and is finite in empty cells",
    reference: "Kullback & Leibler, Ann. Math. Stat. 22, 1951; skewing: Lee, ACL 1999; Jensen–Shannon: Lin, IEEE Trans. \
                Inf. Theory 37, 1991; noise: exact Poisson and binomial sums, gamma law (2N·KL is a G statistic)",
    scaling: Scaling::Linear,
    quick: true,
    is_quantile: true,
    budget: |_, _| None,
    read,
};

/// Share of p mixed into q: changes nothing where q > 1e-6 p, and keeps a walker where q = 0 at 20.7/N.
const SKEW: f64 = 1e-9;

fn read(pair: &Pair, rate: f64) -> Vec<Reading> {
    let value = match (pair.a.walkers, pair.b.walkers) {
        (Some(n), Some(m)) => jensen_shannon(pair, n as f64 / (n + m) as f64),
        _ => {
            let (p, q) = pair.sampled_and_density().unwrap_or((&pair.a, &pair.b));
            p.cells().zip(q.cells()).map(|(p, q)| term(p, (1.0 - SKEW) * q + SKEW * p)).sum::<f64>()
        }
    };
    let noise = pair.cellwise(Cellwise::KullbackLeibler);
    vec![Reading { value: value.max(0.0), noise_floor: noise.mean, noise_upper: gamma_quantile(noise, rate) }]
}

fn jensen_shannon(pair: &Pair, weight: f64) -> f64 {
    let other = 1.0 - weight;
    let sum: f64 = pair
        .a
        .cells()
        .zip(pair.b.cells())
        .map(|(p, q)| {
            let m = weight * p + other * q;
            weight * term(p, m) + other * term(q, m)
        })
        .sum();
    sum / (weight * other)
}

/// p ln(p/q) − p + q ≥ 0; the last two cancel in the sum and spare it rounding errors.
fn term(p: f64, q: f64) -> f64 {
    // a mixture below the range of floating-point numbers counts at its lower end
    if p > 0.0 { p * (p / q.max(f64::MIN_POSITIVE)).ln() - p + q } else { q }
}
