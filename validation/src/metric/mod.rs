//! The table of metrics: distances between two laws on one grid, each with its sampling noise.
//!
//! With cell probabilities p and q of the two laws (the outside of the grid is one more cell), F and G the distribution functions
//! of their marginals on an axis x, and σ² the variance of the law that both would share:
//!
//! | metric | value | noise |
//! |---|---|---|
//! | total variation | ½ Σ \|p − q\| | mean absolute deviations of binomial counts |
//! | Kullback–Leibler | Σ p ln(p/q); JS/(w_a w_b) between two histograms | sums over the counts cell by cell, χ²/(2N) where they are large |
//! | Hellinger | √(½ Σ (√p − √q)²) | of its square, sums over Poisson and binomial counts, a gamma law |
//! | Wasserstein-1 | ∫ \|F − G\| dx, the largest over the axes | a Brownian bridge, ∫ \|B(F)\| dx/√N |
//! | Kolmogorov–Smirnov | max \|F − G\|, the largest over the axes | Dvoretzky–Kiefer–Wolfowitz with Massart's constant |
//! | energy distance | √(2 ∫ (F − G)² dx), the largest over the axes | a Brownian bridge |
//! | χ² | Σ (p − q)²/π over pooled bins | k − 1 and the variance of multinomial counts, a gamma law |
//! | sliced Wasserstein | mean of W1 over directions | Gaussian concentration |
//! | transport | W1 in all variables at once, on few cells | drawn bridges, Gaussian concentration |
//! | mean difference | \|mean_a − mean_b\|/σ | normal, 1/√N |
//! | variance difference | \|var_a − var_b\|/σ² | normal, from the fourth moment |
//!
//! N is the number of walkers, for two ensembles 1/N = 1/N_a + 1/N_b. A [`Reading`] holds the value, the mean that noise alone
//! would give (the floor) and the value that noise alone exceeds with the false-alarm rate; [`Scaling::debias`] takes the floor off.
//! A new metric is one file here and one line in [`METRICS`].

mod chi_square;
mod coarse;
mod energy;
mod hellinger;
mod kolmogorov_smirnov;
mod kullback_leibler;
mod moments;
mod pair;
mod sliced;
pub(crate) mod total_variation;
mod transport;
pub(crate) mod wasserstein;

pub use pair::{Marginal, Pair, Side};

use statrs::distribution::{ContinuousCDF, Normal};

/// One value of a metric, with what sampling noise alone would show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The distance.
    pub value: f64,
    /// Its expected value if both sides had the same law; 0 where neither side is sampled.
    pub noise_floor: f64,
    /// What it exceeds with the false-alarm rate if both sides had the same law; 0 where neither side is sampled.
    pub noise_upper: f64,
}

/// How the noise of a metric falls with the number of walkers N.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaling {
    /// Like 1/√N (a distance).
    Root,
    /// Like 1/N (a squared distance, a divergence).
    Linear,
}

impl Scaling {
    /// Value with the noise taken off: √(v² − f²) for a distance, v − f for a divergence, never below 0.
    ///
    /// Exact on average for squared quantities; for the others a correction of leading order.
    pub fn debias(self, value: f64, floor: f64) -> f64 {
        match self {
            Self::Root => (value * value - floor * floor).max(0.0).sqrt(),
            Self::Linear => (value - floor).max(0.0),
        }
    }

    /// Factor on the number of walkers that brings noise `from` down to `to`.
    pub fn walkers_factor(self, from: f64, to: f64) -> f64 {
        match self {
            Self::Root => (from / to) * (from / to),
            Self::Linear => from / to,
        }
    }

    /// Largest true distance that a measured `value` with this noise leaves open (triangle inequality).
    pub fn could_miss(self, value: f64, noise_upper: f64) -> f64 {
        match self {
            Self::Root => value + noise_upper,
            Self::Linear => (value.sqrt() + noise_upper.sqrt()).powi(2),
        }
    }
}

/// A metric: what it is called in records and scenarios, what it means, and how it is read.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Name in the record and, after `max_`, in the scenario.
    pub name: &'static str,
    /// Definition in one line.
    pub definition: &'static str,
    /// Where the definition and the noise law come from.
    pub reference: &'static str,
    /// How its noise falls with the number of walkers.
    pub scaling: Scaling,
    /// Whether every pair of engines is read at every time; the others where a limit or `fpsolve compare` asks for them.
    pub quick: bool,
    /// Whether `noise_upper` is a quantile of the noise for many walkers; else it bounds it, for every law.
    pub is_quantile: bool,
    /// The largest value that laws a total variation g apart can have; None where that bounds nothing.
    pub budget: fn(&Pair, f64) -> Option<f64>,
    /// Reads the metric at a false-alarm rate: first the metric itself; where it works on the marginals of two or more
    /// axes, then one reading per axis.
    pub read: fn(&Pair, f64) -> Vec<Reading>,
}

/// All metrics, in the order of the record.
pub const METRICS: &[Metric] = &[
    total_variation::METRIC,
    kullback_leibler::METRIC,
    hellinger::METRIC,
    wasserstein::METRIC,
    kolmogorov_smirnov::METRIC,
    energy::METRIC,
    chi_square::METRIC,
    sliced::METRIC,
    transport::METRIC,
    moments::MEAN,
    moments::VARIANCE,
];

/// The metric with this name.
pub fn by_name(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// Walkers on the grid (n, or n_a n_b/(n_a + n_b)) below which the laws of large samples say nothing of a conditional law.
pub const FEW: f64 = 10.0;

/// The largest reading over the axes first, then, if there are several axes, the readings themselves.
///
/// Each axis is read (with the standard deviation of its noise) at the false-alarm rate divided by the number of axes, so
/// the largest exceeds the largest bound with at most the rate asked for (Bonferroni). The floor of the largest is the
/// mean of the largest of independent variables (Clark, Oper. Res. 9, 1961).
/// A marginal of which fewer than [`FEW`] walkers are left decides nothing: its bound is `most`, the largest value that the metric
/// can take there; where a side is empty, the value and the floor are too.
fn over_axes(
    pair: &Pair,
    rate: f64,
    most: impl Fn(&Marginal) -> f64,
    read: impl Fn(&Marginal, f64) -> (Reading, f64),
) -> Vec<Reading> {
    let share = rate / pair.marginals().len() as f64;
    let guarded = |marginal: &Marginal| {
        if marginal.is_empty() {
            let most = most(marginal);
            return (Reading { value: most, noise_floor: most, noise_upper: most }, 0.0);
        }
        let (reading, sd) = read(marginal, share);
        let noise_upper = if marginal.walkers < FEW { most(marginal).max(reading.value) } else { reading.noise_upper };
        (Reading { noise_upper, noise_floor: reading.noise_floor.min(noise_upper), ..reading }, sd)
    };
    let each: Vec<(Reading, f64)> = pair.marginals().iter().map(guarded).collect();
    let readings = each.iter().map(|&(reading, _)| reading);
    if each.len() == 1 {
        return readings.collect();
    }
    let mut floor = (each[0].0.noise_floor, each[0].1);
    for &(reading, sd) in &each[1..] {
        floor = larger(floor, (reading.noise_floor, sd));
    }
    let largest = |f: fn(&Reading) -> f64| each.iter().map(|(r, _)| f(r)).fold(0.0, f64::max);
    let all = Reading { value: largest(|r| r.value), noise_floor: floor.0, noise_upper: largest(|r| r.noise_upper) };
    std::iter::once(all).chain(readings).collect()
}

/// The largest over the axes of a function of its length, half of it on a circle.
fn over_lengths(pair: &Pair, bound: impl Fn(f64) -> f64) -> f64 {
    let length = |marginal: &Marginal| marginal.axis.length() * if marginal.axis.is_periodic() { 0.5 } else { 1.0 };
    pair.marginals().iter().map(|marginal| bound(length(marginal))).fold(0.0, f64::max)
}

/// The length of each axis that is no circle, in units of the spread of the law along it.
fn spreads(pair: &Pair) -> impl Iterator<Item = f64> {
    pair.marginals().iter().filter(|marginal| !marginal.axis.is_periodic()).map(|marginal| {
        let (centers, law) = (marginal.axis.centers(), &marginal.law);
        let mean: f64 = centers.iter().zip(law).map(|(x, p)| p * x).sum();
        let variance: f64 = centers.iter().zip(law).map(|(x, p)| p * (x - mean).powi(2)).sum();
        marginal.axis.length() / variance.max(marginal.axis.spacing().powi(2) / 12.0).sqrt()
    })
}

/// Mean and standard deviation of the larger of two independent variables, given theirs, as if they were normal.
fn larger(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let spread = a.1.hypot(b.1);
    if spread == 0.0 {
        return (a.0.max(b.0), 0.0);
    }
    let alpha = (a.0 - b.0) / spread;
    let below = Normal::standard().cdf(alpha);
    let density = (-0.5 * alpha * alpha).exp() / std::f64::consts::TAU.sqrt();
    let mean = a.0 * below + b.0 * (1.0 - below) + spread * density;
    let square =
        (a.0 * a.0 + a.1 * a.1) * below + (b.0 * b.0 + b.1 * b.1) * (1.0 - below) + (a.0 + b.0) * spread * density;
    (mean, (square - mean * mean).max(0.0).sqrt())
}

#[cfg(test)]
mod tests;
