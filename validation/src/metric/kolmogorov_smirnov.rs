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
    quick: true,
    is_quantile: false,
    budget: |_, g| Some(g),
    read,
};

fn read(pair: &Pair, rate: f64) -> Vec<Reading> {
    let most = |_: &Marginal| 1.0;
    over_axes(pair, rate, most, |marginal, rate| {
        let (mut low, mut high, mut sum) = (0.0f64, 0.0f64, 0.0);
        for (p, q) in marginal.a.iter().zip(&marginal.b) {
            sum += p - q;
            low = low.min(sum);
            high = high.max(sum);
        }
        let value = if marginal.axis.is_periodic() { high - low } else { high.max(-low) };
        let (noise_floor, noise_upper, sd) = noise(marginal, rate);
        (Reading { value, noise_floor, noise_upper }, sd)
    })
}

/// Mean, quantile and standard deviation of the Kolmogorov law, or of Kuiper's.
fn noise(marginal: &Marginal, rate: f64) -> (f64, f64, f64) {
    let root = marginal.walkers.sqrt();
    if !root.is_finite() {
        return (0.0, 0.0, 0.0);
    }
    let scale = 1.0 / root.max(1.0);
    let (mean, upper, sd) = if marginal.axis.is_periodic() {
        let tail = |x: f64| (8.0 * x * x - 2.0) * (-2.0 * x * x).exp();
        (1.253_314_f64, bisect(1.0, 30.0, |x| tail(x) - rate), 0.272_5) // mean √(π/2), variance π²/6 − π/2
    } else {
        (0.868_731_f64, (0.5_f64 * (2.0 / rate).ln()).sqrt(), 0.260_333) // mean √(π/2) ln 2, variance π²/12 − (π/2) ln² 2
    };
    // where few cells hold nearly everything, F cannot be off by more than their counts are
    let off: f64 = marginal.law.iter().map(|q| (q * (1.0 - q)).max(0.0).sqrt()).sum();
    ((mean.min(0.5 * off) * scale).min(1.0), (upper * scale).min(1.0), sd * scale)
}
