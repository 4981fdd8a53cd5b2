//! Whether trajectories can be those of a diffusion in the variables that were kept.
//!
//! * Residuals e_k = (Δ − b̂τ)/√(2Âτ) of a Markov chain are uncorrelated: ρ_j = mean of e_k e_{k+j}, standard error 1/√n. A momentum that
//!   was left out makes ρ₁ its μ; epochs of n batches each drawn once make ρ_j = −(n − j)/(n(n − 1)), 0 from n on.
//! * The variance over ℓ rows is that of ℓ steps of the chain with b̂ and Â (Chapman–Kolmogorov): a ratio that leaves 1 as ℓ grows
//!   is a slow direction that was left out.

use rayon::prelude::*;

use super::Trajectories;
use super::estimate::{Estimate, moments};
use super::fields::{filled, linear, linear_on};
use crate::Error;
use crate::numerics::random::Stream;
use crate::numerics::symmetric::{packed_index, packed_len};

/// Lags in rows at which variances are compared.
const LAGS: [usize; 3] = [2, 10, 50];
/// Correlations up to this distance are looked at.
const DISTANCES: usize = 8;
/// Standard errors that count as a correlation.
const SIGNIFICANT: f64 = 5.0;
/// Correlations below this do not matter for what the coefficients predict.
const SMALL: f64 = 0.02;
/// Correlations of neighbouring steps above this are those of a velocity; a slow direction makes smaller ones.
const VELOCITY: f64 = 0.1;
/// Ratios of variances within this of 1 are those of a diffusion: coefficients err by about as much.
const TOLERANCE: f64 = 0.05;
/// Bootstrap samples over walkers.
const BOOTSTRAP: usize = 200;
/// Starting points of the comparison in more than one variable.
const STARTS: usize = 20_000;
/// Change of the mean distance from the plane, in standard deviations of it, that counts as a drift.
const DRIFTING: f64 = 1.0;

/// What kind of process the projection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// A diffusion in these variables: the coefficients say all.
    Markov,
    /// Steps remember the one before: a velocity is missing.
    AddVelocity,
    /// Variances over many steps are not those that the steps say: a slow direction is missing.
    HiddenSlowDirection,
    /// Steps compensate each other, as with batches of reshuffled epochs.
    EpochSampling,
}

/// What a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Evidence {
    /// Nothing speaks against a diffusion.
    None,
    /// Residuals so many rows apart correlate so much.
    Correlation(usize, f64),
    /// The variance over so many rows, data by model.
    Variance(usize, f64),
    /// Change of the mean distance from the plane, in its standard deviations.
    Distance(f64),
}

/// What was found of the trajectories.
#[derive(Debug, Clone)]
pub struct Markov {
    /// ρ_j for j = 1, 2, …: of the component with the largest |ρ₁|.
    pub correlation: Vec<f64>,
    /// Standard error of each.
    pub correlation_se: f64,
    /// Lags in rows.
    pub lags: Vec<usize>,
    /// Variance over each lag, data by model.
    pub variance_ratio: Vec<f64>,
    /// Its standard errors, by bootstrap over the walkers; NaN for a single walker.
    pub variance_ratio_se: Vec<f64>,
    /// Change of the mean distance from the plane from the first to the last quarter, in its standard deviations.
    pub distance_drift: Option<f64>,
    /// The verdict.
    pub nature: Nature,
    /// What it rests on.
    pub evidence: Evidence,
}

impl Nature {
    /// The word in a record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Markov => "markov",
            Self::AddVelocity => "add velocity",
            Self::HiddenSlowDirection => "hidden slow direction",
            Self::EpochSampling => "epoch sampling",
        }
    }
}

impl Markov {
    /// Tests trajectories against the coefficients estimated from them; `distance` is the distance off the plane (walkers × rows).
    ///
    /// # Errors
    /// Those of lattices.
    pub fn test(
        traces: &Trajectories,
        estimate: &Estimate,
        distance: Option<&[f64]>,
        seed: u64,
    ) -> Result<Self, Error> {
        let (drift, diffusion) = estimate.filled();
        let (correlation, correlation_se) = correlations(traces, estimate, &drift, &diffusion);
        let lags: Vec<usize> = LAGS.into_iter().filter(|lag| *lag < traces.rows() / 2).collect();
        let mut ratios = Vec::new();
        for &lag in &lags {
            ratios.push(match traces.dimension() {
                1 => on_a_line(traces, estimate, lag)?,
                _ => displacements(traces, estimate, &drift, &diffusion, lag, seed),
            });
        }
        let distance_drift = distance.and_then(|distance| drifting(traces, distance));
        let mut found = Self {
            correlation,
            correlation_se,
            lags,
            variance_ratio: ratios.iter().map(|r| r.0).collect(),
            variance_ratio_se: ratios.iter().map(|r| r.1).collect(),
            distance_drift,
            nature: Nature::Markov,
            evidence: Evidence::None,
        };
        (found.nature, found.evidence) = found.judge();
        Ok(found)
    }

    fn judge(&self) -> (Nature, Evidence) {
        let matters = (SIGNIFICANT * self.correlation_se).max(SMALL);
        let first = |speaks: &dyn Fn(f64) -> bool| {
            let at = self.correlation.iter().position(|r| speaks(*r))?;
            Some(Evidence::Correlation(at + 1, self.correlation[at]))
        };
        // first: a velocity turns round in a well, and correlations further apart are negative
        if self.correlation[0] > matters.max(VELOCITY) {
            return (Nature::AddVelocity, Evidence::Correlation(1, self.correlation[0]));
        }
        if let Some(negative) = first(&|r| r < -matters) {
            return (Nature::EpochSampling, negative);
        }
        if let (Some(lag), Some(ratio), Some(se)) =
            (self.lags.last(), self.variance_ratio.last(), self.variance_ratio_se.last())
            && (ratio - 1.0).abs() - 3.0 * se.max(0.0) > TOLERANCE
        {
            return (Nature::HiddenSlowDirection, Evidence::Variance(*lag, *ratio));
        }
        if let Some(drift) = self.distance_drift.filter(|drift| drift.abs() > DRIFTING) {
            return (Nature::HiddenSlowDirection, Evidence::Distance(drift));
        }
        match first(&|r| r > matters) {
            Some(positive) => (Nature::HiddenSlowDirection, positive),
            None => (Nature::Markov, Evidence::None),
        }
    }
}

/// Residual correlations of the component whose first is largest, and their standard error.
fn correlations(traces: &Trajectories, estimate: &Estimate, drift: &[f64], diffusion: &[f64]) -> (Vec<f64>, f64) {
    let (d, n, tau) = (traces.dimension(), estimate.lattice.len(), traces.interval());
    let steps = traces.rows() - 1;
    let distances = DISTANCES.min(steps - 1);
    // the mean displacement over a lag of rows: where rows are several steps apart b and A are those of one step
    let measured = estimate.corrected.then(|| moments(traces, &estimate.lattice, &estimate.bandwidth, 1));
    let fields = measured.map(|found| {
        let mean = filled(&estimate.lattice, d, &found.mean.values);
        (mean, filled(&estimate.lattice, packed_len(d), &found.covariance.values))
    });
    let moment = |walker: usize, row: usize, k: usize| {
        let at = traces.position(walker, row);
        let field = |fields: &[f64], c: usize| linear(&estimate.lattice, &fields[c * n..][..n], at);
        match &fields {
            Some((mean, variance)) => (field(mean, k), field(variance, packed_index(d, k, k))),
            None => (tau * field(drift, k), 2.0 * tau * field(diffusion, packed_index(d, k, k))),
        }
    };
    // sums of products, and how many there are
    let of_walker = |walker: usize| {
        let mut sums = vec![[0.0; 2]; d * distances];
        for k in 0..d {
            let residual = |row: usize| {
                if !traces.is_there(walker, row) || !traces.is_there(walker, row + 1) {
                    return f64::NAN;
                }
                let (mean, variance) = moment(walker, row, k);
                let moved = traces.position(walker, row + 1)[k] - traces.position(walker, row)[k];
                if variance > 0.0 { (moved - mean) / variance.sqrt() } else { 0.0 }
            };
            let residuals: Vec<f64> = (0..steps).map(residual).collect();
            for j in 1..=distances {
                let products = residuals.iter().zip(&residuals[j..]).map(|(a, b)| a * b).filter(|p| !p.is_nan());
                let sum = products.fold([0.0; 2], |[sum, count], p| [sum + p, count + 1.0]);
                sums[k * distances + j - 1] = sum;
            }
        }
        sums
    };
    let walkers: Vec<Vec<[f64; 2]>> = (0..traces.walkers()).into_par_iter().map(of_walker).collect();
    let sum = |at: usize| walkers.iter().fold([0.0; 2], |t, w| [t[0] + w[at][0], t[1] + w[at][1]]);
    let mean = |k: usize| -> Vec<f64> {
        let ratio = |[sum, count]: [f64; 2]| sum / count.max(1.0);
        (0..distances).map(|j| ratio(sum(k * distances + j))).collect()
    };
    let all: Vec<Vec<f64>> = (0..d).map(mean).collect();
    let worst = (0..d).max_by(|&a, &b| all[a][0].abs().total_cmp(&all[b][0].abs())).unwrap_or(0);
    (all[worst].clone(), 1.0 / sum(worst * distances)[1].max(1.0).sqrt())
}

/// Median over the nodes of the conditional variance over a lag, data by chain, and its standard error from those of the nodes.
fn on_a_line(traces: &Trajectories, estimate: &Estimate, lag: usize) -> Result<(f64, f64), Error> {
    let Some(chain) = estimate.line_chain(traces.step()) else { return Ok((f64::NAN, f64::NAN)) };
    let data = moments(traces, &estimate.lattice, &estimate.bandwidth, lag);
    let (_, variance) = chain.moments(lag * traces.stride());
    let nodes = estimate.lattice.axes()[0].nodes();
    let margin = nodes.len() / 12; // at the rim the chain is that of constants beyond it
    let mut ratios: Vec<(f64, f64)> = (margin..nodes.len() - margin)
        .filter(|&node| data.covariance.values[node].is_finite() && estimate.has_data(node))
        .map(|node| {
            let model = linear_on(chain.points(), &variance, nodes[node]);
            // displacements over a lag overlap, lag − 1 of lag
            (data.covariance.values[node] / model, data.covariance.errors[node] / model * (lag as f64).sqrt())
        })
        .collect();
    if ratios.is_empty() {
        return Ok((f64::NAN, f64::NAN));
    }
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let median = ratios[ratios.len() / 2].0;
    let mut errors: Vec<f64> = ratios.iter().map(|r| r.1).collect();
    errors.sort_by(f64::total_cmp);
    Ok((median, errors[errors.len() / 2]))
}

/// Mean square displacement over a lag, data by chain, from the same starting points; its standard error by bootstrap over walkers.
fn displacements(
    traces: &Trajectories,
    estimate: &Estimate,
    drift: &[f64],
    diffusion: &[f64],
    lag: usize,
    seed: u64,
) -> (f64, f64) {
    let (d, n, step) = (traces.dimension(), estimate.lattice.len(), traces.step());
    let starts = STARTS.div_ceil(traces.walkers());
    let of_walker = |walker: usize| {
        let mut random = Stream::new(seed, "traces", (walker * 1000 + lag) as u64);
        let (mut data, mut model) = (0.0, 0.0);
        for _ in 0..starts {
            let row = random.below(traces.rows() - lag);
            let (start, end) = (traces.position(walker, row), traces.position(walker, row + lag));
            if !traces.is_there(walker, row) || !traces.is_there(walker, row + lag) {
                continue;
            }
            let mut x = start.to_vec();
            for _ in 0..lag * traces.stride() {
                let field = |fields: &[f64], c: usize| linear(&estimate.lattice, &fields[c * n..][..n], &x);
                let b: Vec<f64> = (0..d).map(|k| field(drift, k)).collect();
                let a: Vec<f64> = (0..packed_len(d)).map(|c| field(diffusion, c)).collect();
                let root = cholesky(d, &a);
                let noise: Vec<f64> = (0..d).map(|_| random.normal() * (2.0 * step).sqrt()).collect();
                for k in 0..d {
                    x[k] += step * b[k] + (0..=k).map(|l| root[k][l] * noise[l]).sum::<f64>();
                }
            }
            for k in 0..d {
                data += (end[k] - start[k]).powi(2);
                model += (x[k] - start[k]).powi(2);
            }
        }
        [data, model]
    };
    let sums: Vec<[f64; 2]> = (0..traces.walkers()).into_par_iter().map(of_walker).collect();
    let ratio = |chosen: &mut dyn Iterator<Item = usize>| {
        let total = chosen.fold([0.0; 2], |t, w| [t[0] + sums[w][0], t[1] + sums[w][1]]);
        total[0] / total[1]
    };
    let all = ratio(&mut (0..sums.len()));
    if sums.len() < 2 {
        return (all, f64::NAN);
    }
    let mut random = Stream::new(seed, "traces bootstrap", lag as u64);
    let resampled: Vec<f64> = (0..BOOTSTRAP)
        .map(|_| {
            let chosen: Vec<usize> = (0..sums.len()).map(|_| random.below(sums.len())).collect();
            ratio(&mut chosen.into_iter())
        })
        .collect();
    let mean = resampled.iter().sum::<f64>() / BOOTSTRAP as f64;
    let variance = resampled.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (BOOTSTRAP - 1) as f64;
    (all, variance.sqrt())
}

/// The lower root of a positive semidefinite matrix.
fn cholesky(d: usize, a: &[f64]) -> [[f64; 3]; 3] {
    let mut root = [[0.0; 3]; 3];
    for i in 0..d {
        for j in 0..=i {
            let rest: f64 = a[packed_index(d, i, j)] - (0..j).map(|k| root[i][k] * root[j][k]).sum::<f64>();
            root[i][j] = if i == j {
                rest.max(0.0).sqrt()
            } else if root[j][j] > 0.0 {
                rest / root[j][j]
            } else {
                0.0
            };
        }
    }
    root
}

/// Change of the mean distance from the first to the last quarter of the rows, in standard deviations within the quarters.
fn drifting(traces: &Trajectories, distance: &[f64]) -> Option<f64> {
    let rows = traces.rows();
    let part = |last: bool| -> Vec<f64> {
        let of = |w: usize| {
            let there: Vec<f64> =
                (0..rows).filter(|&row| traces.is_there(w, row)).map(|row| distance[w * rows + row]).collect();
            let quarter = (there.len() / 4).max(1).min(there.len());
            if last { there[there.len() - quarter..].to_vec() } else { there[..quarter].to_vec() }
        };
        (0..traces.walkers()).flat_map(of).filter(|x| x.is_finite()).collect()
    };
    let [first, last] = [part(false), part(true)].map(|values| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
    });
    let spread = (0.5 * (first.1 + last.1)).sqrt();
    let change = (last.0 - first.0) / spread;
    change.is_finite().then_some(change)
}
