//! Differences of means and variances, in units of the spread.

use super::{Marginal, Metric, Reading, Scaling, over_axes, spreads};
use crate::statistics::normal_quantile;

/// Standard deviation of |Z|, Z standard normal: √(1 − 2/π).
const HALF_NORMAL_SD: f64 = 0.602_810_275;

/// |mean_a − mean_b|/σ, the largest over the axes.
pub const MEAN: Metric = Metric {
    name: "mean_difference",
    definition: "|mean_a − mean_b|/σ of the marginals at cell centres, σ² the variance of the law both would share; the \
                 largest over the axes; not meaningful on periodic axes, where it is 0",
    reference: "noise: normal law with variance 1/N (central limit theorem)",
    scaling: Scaling::Root,
    quick: true,
    is_quantile: true,
    budget: |pair, g| Some(g * spreads(pair).fold(0.0, f64::max)),
    read: |pair, rate| over_axes(pair, rate, |m| farthest(m, false), |m, rate| reading(m, rate, false)),
};

/// |var_a − var_b|/σ², the largest over the axes.
pub const VARIANCE: Metric = Metric {
    name: "variance_difference",
    definition: "|var_a − var_b|/σ² of the marginals at cell centres, σ² the variance of the law both would share; the \
                 largest over the axes; not meaningful on periodic axes, where it is 0",
    reference: "noise: normal law with variance (κ − 1)/N, κ the kurtosis (central limit theorem)",
    scaling: Scaling::Root,
    quick: true,
    is_quantile: true,
    budget: |pair, g| Some(g * spreads(pair).fold(0.0, f64::max).powi(2)),
    read: |pair, rate| over_axes(pair, rate, |m| farthest(m, true), |m, rate| reading(m, rate, true)),
};

/// The largest difference of two means, or of two variances, on an axis of length ℓ, in units of σ: ℓ/σ, ℓ²/(4σ²).
fn farthest(marginal: &Marginal, variance: bool) -> f64 {
    if marginal.axis.is_periodic() {
        return 0.0;
    }
    let spread = spread(marginal, mean_variance(&marginal.axis.centers(), &marginal.law).1);
    let length = marginal.axis.length() / spread.sqrt();
    if variance { 0.25 * length * length } else { length }
}

/// The variance, at least that of one cell: a law in one cell has no spread at cell centres.
fn spread(marginal: &Marginal, variance: f64) -> f64 {
    variance.max(marginal.axis.spacing().powi(2) / 12.0)
}

fn reading(marginal: &Marginal, rate: f64, variance: bool) -> (Reading, f64) {
    let none = Reading { value: 0.0, noise_floor: 0.0, noise_upper: 0.0 };
    if marginal.axis.is_periodic() {
        return (none, 0.0);
    }
    let centers = marginal.axis.centers();
    let (mean, variance_of_law) = mean_variance(&centers, &marginal.law);
    let (mean_a, var_a) = mean_variance(&centers, &marginal.a);
    let (mean_b, var_b) = mean_variance(&centers, &marginal.b);
    let spread = spread(marginal, variance_of_law);
    let value = if variance { (var_a - var_b).abs() / spread } else { (mean_a - mean_b).abs() / spread.sqrt() };
    if !marginal.walkers.is_finite() {
        return (Reading { value, ..none }, 0.0);
    }
    let power = |x: f64, k: i32| (x - mean).powi(k);
    let moment = |k| centers.iter().zip(&marginal.law).map(|(&x, &p)| p * power(x, k)).sum::<f64>();
    let second = moment(2);
    let unit = if variance { (moment(4) - second * second).max(0.0) / (spread * spread) } else { second / spread };
    // walkers that stray where less than one is expected: beyond the normal law, one more of them at the rate asked for
    let stray = centers.iter().zip(&marginal.law).filter(|&(_, &p)| p * marginal.walkers > rate);
    let stray = stray.map(|(&x, _)| power(x, if variance { 2 } else { 1 }).abs()).fold(0.0, f64::max);
    let stray = stray / if variance { spread } else { spread.sqrt() } / marginal.walkers.max(1.0);
    let sd = (unit / marginal.walkers.max(1.0)).sqrt();
    let z = normal_quantile(1.0 - 0.5 * rate);
    // a shift of the mean moves the variance in second order, which counts where the kurtosis is 1
    let second_order = if variance { z * z / marginal.walkers.max(1.0) } else { 0.0 };
    let noise_floor = sd * std::f64::consts::FRAC_2_PI.sqrt();
    (Reading { value, noise_floor, noise_upper: sd * z + stray + second_order }, sd * HALF_NORMAL_SD)
}

fn mean_variance(x: &[f64], p: &[f64]) -> (f64, f64) {
    let mean: f64 = x.iter().zip(p).map(|(x, p)| x * p).sum();
    (mean, x.iter().zip(p).map(|(x, p)| p * (x - mean) * (x - mean)).sum())
}
