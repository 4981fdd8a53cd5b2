//! Verdicts: limits on the distances between engines, and expected numbers; each row says why it passed or failed.
//!
//! A limit b is held against the distance d and the noise bound u at every common time, and against the total variation g that the
//! reported discretisation errors may make (0 for the other metrics). The row
//!
//! * **differs**, and fails, where d > b and d > u + g at some time: neither noise nor the grid explains it;
//! * is **inconclusive**, which counts as failed, where g > b, where the largest u > b, or where d > b within u + g; it says which cells,
//!   or how many walkers, would decide;
//! * else **passes**, and says what could have been missed: [`Scaling::could_miss`](crate::metric::Scaling::could_miss)(d, u) + g.
//!
//! An expected number v passes within |found − v| ≤ atol, or ≤ rtol |v|.

use crate::compare::{Comparison, MetricSeries, STATIONARY};
use crate::metric::{METRICS, Metric, total_variation};

/// One row of the table of verdicts.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What was judged: `max_total_variation langevin_vs_sgd`, or the path of an expected number.
    pub name: String,
    /// The distance, or the number found (NaN where there is none; `why` says so).
    pub value: f64,
    /// The limit, or the largest allowed difference from the expected number.
    pub bound: f64,
    /// Whether it passed.
    pub passed: bool,
    /// Why, and for a pass the difference it could have missed.
    pub why: String,
}

/// A limit of the scenario's `[compare]`: `max_` + metric, and the largest distance allowed at any time.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// The metric.
    pub metric: &'static str,
    /// The largest distance allowed.
    pub bound: f64,
}

impl Limit {
    /// From a scenario key such as `max_total_variation`; None where there is no such metric.
    pub fn from_key(key: &str, bound: f64) -> Option<Self> {
        let metric = crate::metric::by_name(key.strip_prefix("max_")?)?;
        Some(Self { metric: metric.name, bound })
    }
}

/// The keys that `[compare]` may hold.
pub fn limit_keys() -> Vec<String> {
    METRICS.iter().map(|metric: &Metric| format!("max_{}", metric.name)).collect()
}

/// Applies each limit to every pair of engines at every common time, one row for each pair.
///
/// A row passes when the distance stays within the limit everywhere *and* the walkers could have shown more: where noise
/// alone reaches beyond the limit the row is inconclusive, and that counts as failed. The stationary density is no engine:
/// its distance is a result, not an error.
pub fn judge_limits(comparisons: &[Comparison], limits: &[Limit]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for limit in limits {
        let name = format!("max_{}", limit.metric);
        let pairs: Vec<&Comparison> = comparisons.iter().filter(|c| c.b != STATIONARY).collect();
        if pairs.is_empty() {
            let why = "there is no pair of engines to compare: run at least two engines".to_string();
            verdicts.push(Verdict { name: name.clone(), value: f64::NAN, bound: limit.bound, passed: false, why });
        }
        for pair in pairs {
            if let Some(series) = pair.metric(limit.metric) {
                verdicts.push(judge(&format!("{name} {}", pair.name()), pair, series, limit.bound));
            }
        }
    }
    verdicts
}

fn judge(name: &str, pair: &Comparison, series: &MetricSeries, bound: f64) -> Verdict {
    let worst = series.worst().unwrap_or(0);
    let value = series.value[worst];
    let noisiest = (0..series.noise_upper.len())
        .max_by(|&i, &j| series.noise_upper[i].total_cmp(&series.noise_upper[j]))
        .unwrap_or(0);
    let upper = series.noise_upper[noisiest];
    let grid = if series.name == total_variation::METRIC.name { pair.discretisation } else { 0.0 };
    let beyond = |i: &usize| series.value[*i] > bound && series.value[*i] > series.noise_upper[*i] + grid;
    if let Some(i) = (0..series.value.len()).find(beyond) {
        let value = series.value[i];
        return Verdict {
            name: name.to_string(),
            value,
            bound,
            passed: false,
            why: differ(pair, series, i, bound, grid),
        };
    }
    let (passed, why) = if value.is_nan() {
        (false, "the distance is not a number".to_string())
    } else if grid > bound || (value > bound && upper + grid > bound && upper <= bound) {
        let why = format!(
            "inconclusive: the reported discretisation error may make up to {} beside the noise of {}, for a limit of {}; use \
             more cells, or a limit above {}",
            short(grid),
            short(upper),
            short(bound),
            short(upper + grid)
        );
        (false, why)
    } else if value > bound || upper > bound {
        (false, inconclusive(pair, series, noisiest, bound))
    } else {
        let missed = series.scaling.could_miss(value, upper) + grid;
        let noise = if upper + grid > 0.0 {
            format!("; a difference up to {} could be missed", short(missed))
        } else {
            String::new()
        };
        (true, format!("largest {} at t = {}{noise}", short(value), short(pair.times[worst])))
    };
    Verdict { name: name.to_string(), value, bound, passed, why }
}

fn differ(pair: &Comparison, series: &MetricSeries, i: usize, bound: f64, grid: f64) -> String {
    let with_grid = if grid > 0.0 { format!(", the discretisation up to {} more", short(grid)) } else { String::new() };
    format!(
        "differ: {} at t = {} is above the limit {}; sampling noise explains at most {} (rate {}){with_grid}",
        short(series.value[i]),
        short(pair.times[i]),
        short(bound),
        short(series.noise_upper[i]),
        short(pair.false_alarm_rate)
    )
}

fn inconclusive(pair: &Comparison, series: &MetricSeries, i: usize, bound: f64) -> String {
    let now = pair.walkers.iter().flatten().min().copied().unwrap_or(0);
    let factor = series.scaling.walkers_factor(series.noise_upper[i], bound);
    let needed = round_up(now as f64 * factor);
    format!(
        "inconclusive: with {now} walkers in these cells noise alone reaches {} at t = {}, beyond the limit {}; use at \
         least {needed} walkers, fewer cells, or a limit above {}",
        short(series.noise_upper[i]),
        short(pair.times[i]),
        short(bound),
        short(series.noise_upper[i])
    )
}

/// Rounded up to two leading digits.
fn round_up(x: f64) -> String {
    if !(x.is_finite() && x > 0.0) {
        return "infinitely many".to_string();
    }
    let unit = 10f64.powf(x.log10().floor() - 1.0);
    format!("{}", (x / unit).ceil() * unit)
}

/// How far a number may be from what is expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// |found − expected| ≤ rtol·|expected|.
    Relative(f64),
    /// |found − expected| ≤ atol.
    Absolute(f64),
}

/// A row of the scenario's `[expect]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Path in the record, then an index or the name of a component.
    pub path: String,
    /// The expected value.
    pub value: f64,
    /// How far off it may be.
    pub tolerance: Tolerance,
}

/// Looks up each expectation and judges it; a path without a number fails.
pub fn judge_expectations(expectations: &[Expectation], lookup: &dyn Fn(&str) -> Option<f64>) -> Vec<Verdict> {
    expectations.iter().map(|expected| expect(expected, lookup(&expected.path))).collect()
}

fn expect(expected: &Expectation, found: Option<f64>) -> Verdict {
    let bound = match expected.tolerance {
        Tolerance::Relative(rtol) => rtol * expected.value.abs(),
        Tolerance::Absolute(atol) => atol,
    };
    let name = expected.path.clone();
    let Some(value) = found else {
        let why = "the record has no number at this path".to_string();
        return Verdict { name, value: f64::NAN, bound, passed: false, why };
    };
    let off = (value - expected.value).abs();
    let passed = off <= bound; // false for NaN
    let relation = if passed { "within" } else { "beyond" };
    let why = format!("found {value}, expected {}: off by {}, {relation} {}", expected.value, short(off), short(bound));
    Verdict { name, value, bound, passed, why }
}

/// A number in at most three significant digits.
fn short(x: f64) -> String {
    if x == 0.0 {
        return "0".to_string();
    }
    if (1e-3..1e5).contains(&x.abs()) {
        let digits = (2 - x.abs().log10().floor() as i32).max(0) as usize;
        let text = format!("{x:.digits$}");
        return if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text };
    }
    format!("{x:.2e}")
}

#[cfg(test)]
mod tests;
