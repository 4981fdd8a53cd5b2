//! One variable: b and ln A are cubic splines of few knots.
//!
//! Half of the rows of a bin lie one standard deviation of their places below its mean, half above.

use faer::Mat;

use super::least_squares::{Minimum, minimum};
use super::{OneStep, plausible};
use crate::Error;
use crate::model::table::SplineAxis;
use crate::traces::fields::cubic_on;
use crate::traces::lag::LineChain;
use crate::traces::trajectories::Trajectories;

/// Knots of each spline that are tried, from few to many.
const KNOTS: [usize; 8] = [4, 5, 6, 8, 10, 13, 17, 22];
/// Numbers of knots in a row that may be worse than the best before the search ends.
const PATIENCE: usize = 2;
/// Fewest rows of a bin that counts.
const FEWEST: f64 = 20.0;
/// Share of the box over which the slope of b at its ends is taken.
const SLOPE: f64 = 1e-3;

/// Mean and variance of the displacements of the rows in a bin, with standard errors.
struct Bin {
    rows: f64,
    /// Mean and standard deviation of the places.
    position: f64,
    spread: f64,
    mean: f64,
    mean_se: f64,
    variance: f64,
    variance_se: f64,
}

/// Bins around the nodes that hold enough rows, displacements over `lag` rows that do not overlap.
fn bins(traces: &Trajectories, axis: &SplineAxis, lag: usize) -> Vec<Bin> {
    let (nodes, [lower, upper]) = (axis.nodes(), axis.ends());
    let spacing = (upper - lower) / (nodes.len() - 1) as f64;
    let mut inside: Vec<Vec<[f64; 2]>> = vec![Vec::new(); nodes.len()];
    for walker in 0..traces.walkers() {
        for row in (0..traces.rows().saturating_sub(lag)).step_by(lag) {
            let x = traces.position(walker, row)[0];
            if x >= lower - 0.5 * spacing && x <= upper + 0.5 * spacing {
                let i = nodes.partition_point(|node| node + 0.5 * spacing < x).min(nodes.len() - 1);
                inside[i].push([x, traces.position(walker, row + lag)[0] - x]);
            }
        }
    }
    let of = |rows: &Vec<[f64; 2]>| {
        let n = rows.len() as f64;
        if n < FEWEST {
            return None;
        }
        let average = |f: &dyn Fn(&[f64; 2]) -> f64| rows.iter().map(f).sum::<f64>() / n;
        let (position, mean) = (average(&|r| r[0]), average(&|r| r[1]));
        let (square, fourth) = (average(&|r| (r[1] - mean).powi(2)), average(&|r| (r[1] - mean).powi(4)));
        let variance_se = ((fourth - square * square).max(0.0) / n).sqrt();
        let spread = average(&|r| (r[0] - position).powi(2)).sqrt();
        let bin = Bin {
            rows: n,
            position,
            spread,
            mean,
            mean_se: (square / n).sqrt(),
            variance: square * n / (n - 1.0),
            variance_se,
        };
        (bin.mean_se > 0.0 && bin.variance_se > 0.0).then_some(bin)
    };
    inside.iter().filter_map(of).collect()
}

/// The least squares of one number of knots.
struct Fit<'a> {
    bins: &'a [Bin],
    axis: &'a SplineAxis,
    /// Points of the chain.
    points: &'a [f64],
    knots: SplineAxis,
    step: f64,
    stride: usize,
}

impl Fit<'_> {
    /// b and A at points, of values of b, then of ln A, at the knots; beyond the knots b goes on as a straight line, so that walkers out there come back, and A is constant.
    fn coefficients(&self, parameters: &[f64], points: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (drift, log) = parameters.split_at(parameters.len() / 2);
        let [lower, upper] = self.knots.ends();
        let near = SLOPE * (upper - lower);
        let at = self.knots.interpolate(drift, &[lower, lower + near, upper - near, upper]);
        let slopes = [(at[1] - at[0]) / near, (at[3] - at[2]) / near];
        let beyond = |x: f64| slopes[0] * (x - lower).min(0.0) + slopes[1] * (x - upper).max(0.0);
        let b = self.knots.interpolate(drift, points).iter().zip(points).map(|(b, &x)| b + beyond(x)).collect();
        (b, self.knots.interpolate(log, points).iter().map(|v| v.exp()).collect())
    }

    /// What is left of the data, in standard errors.
    fn residuals(&self, parameters: &[f64]) -> Vec<f64> {
        let (drift, diffusion) = self.coefficients(parameters, self.points);
        let (mean, variance) = LineChain::on(self.points.to_vec(), &drift, &diffusion, self.step).moments(self.stride);
        let of = |bin: &Bin| {
            let sides = [bin.position - bin.spread, bin.position + bin.spread];
            let [m, v] = [&mean, &variance].map(|field| sides.map(|x| cubic_on(self.points, field, x)));
            let (between, variance) = (0.5 * (m[1] - m[0]), 0.5 * (v[0] + v[1]));
            let left = bin.mean - 0.5 * (m[0] + m[1]);
            [left / bin.mean_se, (bin.variance - variance - between * between) / bin.variance_se]
        };
        self.bins.iter().flat_map(of).collect()
    }

    /// Whether the chain has these moments.
    fn has(&self, parameters: &[f64], free: usize) -> bool {
        let cost = self.residuals(parameters).iter().map(|r| r * r).sum();
        let rows = self.bins.iter().map(|bin| bin.rows).sum::<f64>() / self.bins.len() as f64;
        plausible(cost, (2 * self.bins.len()).saturating_sub(free), rows)
    }

    /// The coefficients with their standard errors.
    fn answer(&self, found: &Minimum) -> OneStep {
        let (drift, diffusion) = self.coefficients(&found.parameters, self.axis.nodes());
        let knots = found.parameters.len() / 2;
        let freedom = (2 * self.bins.len()).saturating_sub(2 * knots).max(1) as f64;
        let misfit = (found.cost / freedom).max(1.0).sqrt();
        let unit = |j: usize| {
            self.knots.interpolate(&(0..knots).map(|k| f64::from(k == j)).collect::<Vec<_>>(), self.axis.nodes())
        };
        let basis: Vec<Vec<f64>> = (0..knots).map(unit).collect();
        let error = |first: usize, node: usize| {
            let entry = |i: usize| {
                (0..knots)
                    .map(|j| basis[i][node] * found.covariance[(first + i, first + j)] * basis[j][node])
                    .sum::<f64>()
            };
            misfit * (0..knots).map(entry).sum::<f64>().max(0.0).sqrt()
        };
        let nodes = 0..self.axis.nodes().len();
        let drift_se = nodes.clone().map(|node| error(0, node)).collect();
        let diffusion_se = nodes.map(|node| diffusion[node] * error(knots, node)).collect();
        OneStep { drift, drift_se, diffusion, diffusion_se }
    }
}

/// Drift and A of one step at the nodes of an axis; the fit begins at `measured`. None where no number of knots fits.
pub(super) fn one_step(
    traces: &Trajectories,
    axis: &SplineAxis,
    measured: &(Vec<f64>, Vec<f64>),
) -> Result<Option<OneStep>, Error> {
    let (bins, points) = (bins(traces, axis, 1), LineChain::lattice(axis));
    let [lower, upper] = axis.ends();
    let mut best: Option<(f64, Fit, Minimum)> = None;
    let mut worse = 0;
    for knots in KNOTS.into_iter().filter(|knots| 2 * knots <= bins.len()) {
        let at = (0..knots).map(|k| lower + (upper - lower) * k as f64 / (knots - 1) as f64);
        let knots = SplineAxis::new(axis.name(), at.collect())?;
        let near = |field: &[f64], x: &f64| field[axis.nodes().partition_point(|node| node < x).min(field.len() - 1)];
        let largest = measured.1.iter().copied().fold(0.0, f64::max);
        let drift: Vec<f64> = knots.nodes().iter().map(|x| near(&measured.0, x)).collect();
        let log: Vec<f64> = knots.nodes().iter().map(|x| near(&measured.1, x).max(1e-6 * largest).ln()).collect();
        let spread = drift.iter().fold(0.0, |most: f64, b| most.max(b.abs())).max(f64::MIN_POSITIVE);
        let scale = [vec![spread; drift.len()], vec![1.0; log.len()]].concat();
        let (step, stride) = (traces.step(), traces.stride());
        let parameters = [drift, log].concat();
        let fit = Fit { bins: &bins, axis, points: &points, knots, step, stride };
        let free = Mat::zeros(scale.len(), scale.len());
        let Some(found) = minimum(&|p| fit.residuals(p), &parameters, &scale, &free, f64::INFINITY) else { continue };
        let criterion = found.cost + 2.0 * found.parameters.len() as f64;
        match &best {
            Some((least, ..)) if criterion >= *least => {
                worse += 1;
                if worse >= PATIENCE {
                    break;
                }
            }
            _ => {
                best = Some((criterion, fit, found));
                worse = 0;
            }
        }
    }
    let Some((_, fit, found)) = best else { return Ok(None) };
    let answer = fit.has(&found.parameters, found.parameters.len()).then(|| fit.answer(&found));
    let two = Fit { bins: &self::bins(traces, axis, 2), stride: 2 * fit.stride, ..fit };
    Ok(answer.filter(|_| two.has(&found.parameters, 0)))
}
