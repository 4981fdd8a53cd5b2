//! The noise of the comparison against noise: where two sides have the same law, p-values are uniform.
//!
//! Of histograms of N walkers against their law every metric is read, and at each of some rates α the share of those beyond its bound at
//! α is α: Kolmogorov's statistic of the p-values on these rates, n repetitions by [`walkers_for_kolmogorov`].

use fpsolve_solvers::Error;
use fpsolve_solvers::numerics::random::Stream;
use fpsolve_solvers::problem::grid::{Boundary, Grid};
use rayon::prelude::*;

use super::super::{RATE, Rows, Setting};
use crate::metric::{METRICS, Metric, Pair, Side};
use crate::reference::grids::uniform;
use crate::statistics::{Null, walkers_for_kolmogorov};

/// So many that one walker is a small part of the noise.
const WALKERS: usize = 50_000;
/// Share of the p-values by which the bounds of some metrics, wider by one walker that strays, make them larger at most.
const WIDER: f64 = 0.05;
const RATES: [f64; 12] = [0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.01];
/// Distance of the distribution function of the p-values from the uniform one that must be seen.
const SEEN: [f64; 2] = [0.15, 0.1];
/// The same for the metrics that take long.
const SEEN_OF_SLOW: f64 = 0.3;

/// The quick metrics of the table, with `--full` all.
pub(super) fn noise(setting: &Setting, rows: &mut Rows) -> Result<(), Error> {
    let grid = uniform(&[(-4.0, 4.0, 64)], Boundary::Reflecting)?;
    let mut law: Vec<f64> = (0..64).map(|i| (-0.5 * grid.center(i)[0].powi(2)).exp()).collect();
    let mass: f64 = law.iter().sum();
    law.iter_mut().for_each(|p| *p /= mass);
    let seen_of_quick = SEEN[usize::from(setting.full)];
    let repetitions = |seen: f64| walkers_for_kolmogorov(seen, RATE);
    let noise = Drawn::new(&grid, &law, repetitions(seen_of_quick), setting);
    for metric in METRICS.iter().filter(|metric| metric.quick || setting.full) {
        if (setting.interrupt)() {
            return Err(Error::Interrupted { time: 0.0 });
        }
        let seen = if metric.quick { seen_of_quick } else { SEEN_OF_SLOW };
        let repetitions = repetitions(seen);
        let shares = noise.shares_beyond(metric, repetitions);
        let off = shares.iter().zip(RATES).map(|(share, rate)| share - rate);
        let (too_small, too_large) = off.fold((0.0_f64, 0.0_f64), |(a, b), off| (a.max(off), b.max(-off)));
        let (largest, what) = if metric.is_quantile {
            (too_small.max(too_large - WIDER), "p-values from uniform ones, largest distance")
        } else {
            (too_small, "p-values too small, largest excess")
        };
        let why = format!(
            "same law, {WALKERS} walkers, {repetitions} repetitions; too large by {WIDER} they may be, for bounds that are wider by one walker; \
             false alarms 1e-6, a distance of {seen} is missed with 1e-6"
        );
        rows.below(format!("{}: {what}", metric.name), largest, 0.5 * seen, why);
    }
    Ok(())
}

/// Histograms of walkers of one law.
struct Drawn<'a> {
    grid: &'a Grid,
    law: &'a [f64],
    histograms: Vec<Vec<f64>>,
}

impl<'a> Drawn<'a> {
    fn new(grid: &'a Grid, law: &'a [f64], repetitions: usize, setting: &Setting) -> Self {
        let mut sums = vec![0.0];
        law.iter().for_each(|p| sums.push(sums[sums.len() - 1] + p));
        let histogram = |index: usize| {
            let mut stream = Stream::new(setting.seed, "validate/calibration", index as u64);
            let mut counts = vec![0_u32; law.len()];
            for _ in 0..WALKERS {
                let u = stream.uniform();
                counts[(sums.partition_point(|sum| *sum <= u) - 1).min(law.len() - 1)] += 1;
            }
            counts.iter().map(|count| f64::from(*count) / WALKERS as f64).collect()
        };
        Self { grid, law, histograms: (0..repetitions).into_par_iter().map(histogram).collect() }
    }

    /// The share of the first of the histograms whose value is beyond the bound of each rate; the bound depends on the law alone.
    fn shares_beyond(&self, metric: &Metric, repetitions: usize) -> Vec<f64> {
        let null = Null::new(Some(WALKERS), None);
        let b = Side { probability: self.law, outside: 0.0, walkers: None };
        let read = |histogram: &[f64], rate: f64| {
            let a = Side { probability: histogram, outside: 0.0, walkers: Some(WALKERS) };
            (metric.read)(&Pair::new(self.grid, a, b, &null), rate)[0]
        };
        let bounds = RATES.map(|rate| read(self.law, rate).noise_upper);
        let values: Vec<f64> =
            self.histograms[..repetitions].par_iter().map(|histogram| read(histogram, 0.5).value).collect();
        bounds.iter().map(|bound| values.iter().filter(|v| *v > bound).count() as f64 / values.len() as f64).collect()
    }
}
