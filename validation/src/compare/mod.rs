//! Every pair of engines, and each engine against the stationary density, through every metric at every common time.
//!
//! n engines give n(n − 1)/2 pairs and n rows against the stationary density. Each [`MetricSeries`] holds, for every time that both
//! sides have (to a relative 1e-9), the distance d, its noise floor f and the bound u that noise alone exceeds with the rate α of
//! [`Settings::false_alarm_rate`]: a difference is *seen* where d > u. With k readings that are all of the same law, k α of them
//! are seen by chance. The discretisation errors ε of densities are kept beside the noise ([`Comparison::discretisation`]).

mod gather;

use std::borrow::Cow;

use fpsolve_solvers::problem::grid::Grid;
use rayon::prelude::*;

use crate::metric::{METRICS, Metric, Pair, Reading, Scaling, Side};
use crate::statistics::Null;

pub use gather::{Moved, common, moved};

/// Name of the stationary density in comparisons.
pub const STATIONARY: &str = "stationary";

/// Cell probabilities at the output times.
#[derive(Clone, Copy)]
pub enum Laws<'a> {
    /// All of them, held elsewhere.
    Held(&'a [Vec<f64>]),
    /// Told for one time at a time, so that all need not be there twice.
    Told(&'a (dyn Fn(usize) -> Vec<f64> + Sync)),
}

impl<'a> Laws<'a> {
    /// Those at the time with this number.
    fn at(self, i: usize) -> Cow<'a, [f64]> {
        match self {
            Self::Held(laws) => Cow::Borrowed(&laws[i]),
            Self::Told(tell) => Cow::Owned(tell(i)),
        }
    }
}

/// What one engine gave: cell probabilities at its output times.
#[derive(Clone, Copy)]
pub struct Series<'a> {
    /// Name of the engine's group: `fokker_planck`, `langevin`, `sgd`.
    pub name: &'a str,
    /// Number of walkers of an ensemble; None for a density.
    pub walkers: Option<usize>,
    /// Output times, increasing.
    pub times: &'a [f64],
    /// Cell probabilities at each time.
    pub probability: Laws<'a>,
    /// Probability off the grid at each time.
    pub outside: &'a [f64],
}

/// How differences are judged.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Probability that one reading (one metric, one pair, one time) exceeds its bound although the laws are the same.
    pub false_alarm_rate: f64,
    /// The metrics that are read, in the order of the table.
    pub metrics: Vec<&'static Metric>,
}

impl Default for Settings {
    /// The quick metrics.
    fn default() -> Self {
        Self::with(&[])
    }
}

impl Settings {
    /// The quick metrics, and those that are asked for by name.
    pub fn with(asked: &[&str]) -> Self {
        let metrics = METRICS.iter().filter(|metric| metric.quick || asked.contains(&metric.name)).collect();
        Self { false_alarm_rate: 1e-3, metrics }
    }

    /// All metrics.
    pub fn all() -> Self {
        Self { metrics: METRICS.iter().collect(), ..Self::default() }
    }
}

/// One metric over the common output times.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSeries {
    /// Name in the record: the metric's, for a marginal followed by `_` and the variable.
    pub name: String,
    /// Definition in one line.
    pub definition: &'static str,
    /// How the noise falls with the number of walkers.
    pub scaling: Scaling,
    /// The distance at each time.
    pub value: Vec<f64>,
    /// Its expected value if the two laws were the same.
    pub noise_floor: Vec<f64>,
    /// What it would exceed with the false-alarm rate if the two laws were the same.
    pub noise_upper: Vec<f64>,
}

impl MetricSeries {
    /// Whether the difference at time index `i` is told from sampling noise.
    pub fn differs(&self, i: usize) -> bool {
        self.value[i] > self.noise_upper[i]
    }

    /// The distances with the noise taken off (see [`Scaling::debias`]).
    pub fn debiased(&self) -> Vec<f64> {
        self.value.iter().zip(&self.noise_floor).map(|(&v, &f)| self.scaling.debias(v, f)).collect()
    }

    /// Index of the largest value; None without any time.
    pub fn worst(&self) -> Option<usize> {
        (0..self.value.len()).max_by(|&i, &j| self.value[i].total_cmp(&self.value[j]))
    }
}

/// One pair of laws over the common output times.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// First name.
    pub a: String,
    /// Second name, possibly [`STATIONARY`].
    pub b: String,
    /// Walkers of each side; None for a density.
    pub walkers: [Option<usize>; 2],
    /// The common output times.
    pub times: Vec<f64>,
    /// False-alarm rate of each single reading.
    pub false_alarm_rate: f64,
    /// Total variation that the discretisation errors of the two sides may make, as far as they are known: see
    /// [`Comparison::add_discretisation`].
    pub discretisation: f64,
    /// All metrics, in the order of the table; marginals follow their metric.
    pub metrics: Vec<MetricSeries>,
}

impl Comparison {
    /// Name of its group in the record: `a_vs_b`.
    pub fn name(&self) -> String {
        format!("{}_vs_{}", self.a, self.b)
    }

    /// Takes note that the side called `name` (if it is one of the two) reports the L1 discretisation error `l1`: half of it
    /// joins [`Comparison::discretisation`], which verdicts on total variation put beside the sampling noise.
    pub fn add_discretisation(&mut self, name: &str, l1: f64) {
        if l1.is_finite() && (self.a == name || self.b == name) {
            self.discretisation += 0.5 * l1.abs();
        }
    }

    /// The metric with this name.
    pub fn metric(&self, name: &str) -> Option<&MetricSeries> {
        self.metrics.iter().find(|m| m.name == name)
    }

    /// Number of readings that carry the false-alarm rate: metrics times times; the expected number of false alarms is at
    /// most this times the rate.
    pub fn readings(&self) -> usize {
        self.metrics.len() * self.times.len()
    }
}

/// Compares every pair of `engines` in their order, then each engine with the `stationary` cell probabilities.
///
/// Times are common when they agree to 1e-9 of their size. A comparison without common times is left out.
pub fn compare(grid: &Grid, engines: &[Series], stationary: Option<&[f64]>, settings: &Settings) -> Vec<Comparison> {
    let mut jobs = Vec::new();
    for (i, a) in engines.iter().enumerate() {
        jobs.extend(engines[i + 1..].iter().map(|b| (a, Other::Engine(b))));
    }
    if let Some(density) = stationary {
        jobs.extend(engines.iter().map(|a| (a, Other::Stationary(density))));
    }
    let comparisons = jobs.iter().map(|(a, b)| one(grid, a, b, settings));
    comparisons.filter(|comparison| !comparison.times.is_empty()).collect()
}

enum Other<'a> {
    Engine(&'a Series<'a>),
    Stationary(&'a [f64]),
}

impl Other<'_> {
    fn walkers(&self) -> Option<usize> {
        match self {
            Self::Engine(series) => series.walkers,
            Self::Stationary(_) => None,
        }
    }

    /// Pairs of time indices at which both speak.
    fn common(&self, times: &[f64]) -> Vec<(usize, usize)> {
        let Self::Engine(series) = self else { return (0..times.len()).map(|i| (i, 0)).collect() };
        let same = |t: f64, u: f64| (t - u).abs() <= 1e-9 * t.abs().max(u.abs());
        let find = |(i, &t): (usize, &f64)| series.times.iter().position(|&u| same(t, u)).map(|j| (i, j));
        times.iter().enumerate().filter_map(find).collect()
    }

    /// Cell probabilities and the probability off the grid.
    fn law(&self, i: usize) -> (Cow<'_, [f64]>, f64) {
        match self {
            Self::Engine(series) => (series.probability.at(i), series.outside[i]),
            Self::Stationary(probability) => (Cow::Borrowed(*probability), 0.0),
        }
    }
}

fn one(grid: &Grid, a: &Series, b: &Other, settings: &Settings) -> Comparison {
    let rate = settings.false_alarm_rate;
    let null = Null::new(a.walkers, b.walkers());
    let common = b.common(a.times);
    let at = |&(i, j): &(usize, usize)| -> Vec<Vec<Reading>> {
        let (first, (second, outside)) = (a.probability.at(i), b.law(j));
        let first = Side { probability: &first, outside: a.outside[i], walkers: a.walkers };
        let pair = Pair::new(grid, first, Side { probability: &second, outside, walkers: b.walkers() }, &null);
        settings.metrics.iter().map(|metric| (metric.read)(&pair, rate)).collect()
    };
    let readings: Vec<Vec<Vec<Reading>>> = common.par_iter().map(at).collect();
    let mut metrics = Vec::new();
    for (m, metric) in settings.metrics.iter().enumerate() {
        for part in 0..readings.first().map_or(0, |r| r[m].len()) {
            let each: Vec<Reading> = readings.iter().map(|r| r[m][part]).collect();
            metrics.push(series(grid, metric, part, &each));
        }
    }
    Comparison {
        a: a.name.to_string(),
        b: match b {
            Other::Engine(series) => series.name.to_string(),
            Other::Stationary(_) => STATIONARY.to_string(),
        },
        walkers: [a.walkers, b.walkers()],
        times: common.iter().map(|&(i, _)| a.times[i]).collect(),
        false_alarm_rate: rate,
        discretisation: 0.0,
        metrics,
    }
}

fn series(grid: &Grid, metric: &Metric, part: usize, readings: &[Reading]) -> MetricSeries {
    let name = match part {
        0 => metric.name.to_string(),
        axis => format!("{}_{}", metric.name, grid.axes()[axis - 1].variable()),
    };
    MetricSeries {
        name,
        definition: metric.definition,
        scaling: metric.scaling,
        value: readings.iter().map(|r| r.value).collect(),
        noise_floor: readings.iter().map(|r| r.noise_floor).collect(),
        noise_upper: readings.iter().map(|r| r.noise_upper).collect(),
    }
}

#[cfg(test)]
mod tests;
