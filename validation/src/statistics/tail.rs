//! Quantiles of the laws that noise follows.

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::gamma::{gamma_ur, ln_gamma};

use super::Noise;

/// Where a function that falls through 0 on [low, high] does so (80 halvings).
pub fn bisect(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if f(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
        if high - low <= 1e-13 * high.abs() {
            break;
        }
    }
    0.5 * (low + high)
}

/// Quantile of the standard normal law.
pub fn normal_quantile(probability: f64) -> f64 {
    Normal::standard().inverse_cdf(probability)
}

/// What a gamma variable of this mean and variance exceeds with probability `rate`: the tail of quadratic sums.
pub fn gamma_quantile(noise: Noise, rate: f64) -> f64 {
    if noise.mean <= 0.0 || noise.variance <= 0.0 {
        return noise.mean.max(0.0);
    }
    let shape = noise.mean * noise.mean / noise.variance;
    unit_gamma_quantile(shape, rate) * noise.variance / noise.mean
}

/// Mean of the square root of a gamma variable of this mean and variance.
pub fn root_mean(noise: Noise) -> f64 {
    if noise.mean <= 0.0 || noise.variance <= 0.0 {
        return noise.mean.max(0.0).sqrt();
    }
    root_ratio(noise.mean * noise.mean / noise.variance) * noise.mean.sqrt()
}

/// What a Nakagami variable (root of a gamma variable) of this mean and variance exceeds with probability `rate`: exact for
/// one half-normal deviation, normal for a sum of many.
pub fn distance_quantile(noise: Noise, rate: f64) -> f64 {
    let square = noise.mean * noise.mean + noise.variance;
    if noise.mean <= 0.0 || noise.variance <= 0.0 {
        return noise.mean.max(0.0);
    }
    let ratio = noise.mean / square.sqrt();
    let shape = bisect(-15.0, 21.0, |ln_shape| ratio - root_ratio(ln_shape.exp())).exp();
    (unit_gamma_quantile(shape, rate) / shape * square).sqrt()
}

/// E√G/√EG of a gamma variable G: Γ(k + ½)/(Γ(k) √k).
fn root_ratio(shape: f64) -> f64 {
    if shape > 1e4 {
        return 1.0 - 0.125 / shape;
    }
    (ln_gamma(shape + 0.5) - ln_gamma(shape) - 0.5 * shape.ln()).exp()
}

fn unit_gamma_quantile(shape: f64, rate: f64) -> f64 {
    let z = normal_quantile(1.0 - rate);
    if shape > 200.0 {
        // Wilson & Hilferty, PNAS 17, 1931
        return shape * (1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt())).powi(3);
    }
    let high = shape + 10.0 * (z.max(0.0) + 1.0) * (shape.sqrt() + 1.0);
    if gamma_ur(shape, 1e-300) < rate {
        return 0.0;
    }
    bisect(-690.0, high.ln(), |ln_x| gamma_ur(shape, ln_x.exp()) - rate).exp()
}
