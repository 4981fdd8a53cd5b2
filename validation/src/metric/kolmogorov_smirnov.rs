//! Kolmogorov–Smirnov distance of the marginals; Kuiper's on periodic axes.

use super::{Marginal, Metric, Pair, Reading, Scaling, over_axes};
use crate::statistics::bisect;

/// max |F − G| over the cell edges, the largest over the axes.
pub const METRIC: Metric = Metric {
    name: "kolmogorov_smirnov",
    definition: "max |F − G| of the marginal distribution functions at the cell edges, conditional on being on the grid; on a \
                 periodic axis max (F − G) − min (F − G) (Kuiper); the largest over the axes",
    reference: "noise: DKW inequality with Massart's constant (Ann. Prob. 18, 1990; two samples: Wei & Dudley, Stat. Prob. \
                Lett. 82, 2012) and Kuiper, Indag. Math. 22, 1960; continuum laws, hence upper bounds for binned data",
    scaling: Scaling::Root,
    read,
};

fn read(pair: &Pair, rate: f64) -> Vec<Reading> {
    over_axes(pair, rate, |marginal, rate| {
        let (mut low, mut high, mut sum) = (0.0f64, 0.0f64, 0.0);
        for (p, q) in marginal.a.iter().zip(&marginal.b) {
            sum += p - q;
            low = low.min(sum);
            high = high.max(sum);
        }
        let value = if marginal.axis.is_periodic() { high - low } else { high.max(-low) };
        let (mean, upper) = noise(marginal, rate);
        Reading { value, noise_floor: mean, noise_upper: upper }
    })
}

fn noise(marginal: &Marginal, rate: f64) -> (f64, f64) {
    let root = marginal.walkers.sqrt();
    if !root.is_finite() {
        return (0.0, 0.0);
    }
    let scale = 1.0 / root.max(1.0);
    let (mean, upper) = if marginal.axis.is_periodic() {
        let tail = |x: f64| (8.0 * x * x - 2.0) * (-2.0 * x * x).exp();
        (1.2533, bisect(1.0, 30.0, |x| tail(x) - rate)) // mean √(π/2)
    } else {
        (0.868_73, (0.5 * (2.0 / rate).ln()).sqrt()) // mean √(π/2)·ln 2
    };
    ((mean * scale).min(1.0), (upper * scale).min(1.0))
}
