//! Sampling noise: what each metric shows when two laws are the same and only N walkers speak for them.
//!
//! The null hypothesis is "same law". Against a density q, the counts of N walkers are multinomial(N, q). Between two
//! histograms the law is unknown, but given the pooled counts K the split of every cell is hypergeometric whatever the law
//! (the permutation test), so nothing has to be guessed in sparse cells. In both cases a metric is a sum of functions of
//! the counts: its mean and variance follow cell by cell ([`Null::against`], [`Null::between`]), its tail from the law of matching shape
//! ([`gamma_quantile`] for quadratic sums, [`distance_quantile`] for absolute values). Functionals of the marginal
//! distribution function follow a Brownian bridge ([`bridge`]).

mod cells;
mod estimate;
mod marginal;
mod piecewise_linear;
mod tail;

pub use cells::{Cellwise, Noise, Null};
pub use estimate::Estimate;
pub use marginal::{Functional, bridge};
pub use piecewise_linear::{absolute_integral, circular_median, square_integral};
pub use tail::{bisect, distance_quantile, gamma_quantile, normal_quantile, root_mean};

/// Number of walkers that shows a Kolmogorov distance d with false-alarm and false-pass rates `rate`: 2 ln(2/rate)/d².
///
/// Two Dvoretzky–Kiefer–Wolfowitz–Massart envelopes of √(ln(2/rate)/(2n)) must fit into d.
pub fn walkers_for_kolmogorov(distance: f64, rate: f64) -> usize {
    (2.0 * (2.0 / rate).ln() / (distance * distance)).ceil() as usize
}

/// Number of draws whose variance, of a normal law, shows the relative difference `seen` with false-alarm and false-pass rates `rate`.
pub fn draws_for_variance(seen: f64, rate: f64) -> usize {
    (2.0 * (apart(rate) / seen).powi(2)).ceil() as usize
}

/// Number of draws whose mean shows a difference of `seen` standard deviations with false-alarm and false-pass rates `rate`.
pub fn draws_for_mean(seen: f64, rate: f64) -> usize {
    (apart(rate) / seen).powi(2).ceil() as usize
}

/// Standard errors between two numbers that a check takes one for the other with the rate `rate` either way: a two-sided quantile of
/// the false alarms and a one-sided one of the power.
pub fn apart(rate: f64) -> f64 {
    standard_errors(rate) + normal_quantile(1.0 - rate)
}

/// Number of standard errors that a mean of independent draws exceeds with the given two-sided rate.
pub fn standard_errors(rate: f64) -> f64 {
    normal_quantile(1.0 - 0.5 * rate)
}

#[cfg(test)]
mod tests;
