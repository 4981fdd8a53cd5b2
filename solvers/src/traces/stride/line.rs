//! One variable: b and ln A are cubic splines of few knots.
//!
//! Half of the rows of a bin lie one standard deviation of their places below its mean, half above.
//!
//! The chain takes normal steps. Those of minibatches are skewed, and where b bends or A slopes a skewness moves the variance over several steps. So the fit is
//! made again with a skewness of the step that is a cubic of the place, to the third moments as well, and by what b and A change the bars are widened.

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
/// Parameters of the skewness of a step, and the largest that Edgeworth's first term stands for.
const SKEWNESS: usize = 4;
const STEEPEST: f64 = 2.0;
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
    third: f64,
    third_se: f64,
}

/// Bins around the nodes that hold enough rows, displacements over `lag` rows that do not overlap.
fn bins(traces: &Trajectories, axis: &SplineAxis, lag: usize) -> Vec<Bin> {
    let (nodes, [lower, upper]) = (axis.nodes(), axis.ends());
    let spacing = (upper - lower) / (nodes.len() - 1) as f64;
    let mut inside: Vec<Vec<[f64; 2]>> = vec![Vec::new(); nodes.len()];
    for walker in 0..traces.walkers() {
        for row in (0..traces.rows().saturating_sub(lag)).step_by(lag) {
            let x = traces.position(walker, row)[0];
            let inside_box = x >= lower - 0.5 * spacing && x <= upper + 0.5 * spacing;
            if inside_box && traces.is_there(walker, row + lag) {
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
        let (third, sixth) = (average(&|r| (r[1] - mean).powi(3)), average(&|r| (r[1] - mean).powi(6)));
        let scatter = sixth - third * third - 6.0 * fourth * square + 9.0 * square.powi(3);
        let spread = average(&|r| (r[0] - position).powi(2)).sqrt();
        let bin = Bin {
            rows: n,
            position,
            spread,
            mean,
            mean_se: (square / n).sqrt(),
            variance: square * n / (n - 1.0),
            variance_se,
            third,
            third_se: (scatter.max(0.0) / n).sqrt(),
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
    /// Whether steps have a skewness, of four parameters more.
    skewed: bool,
}

impl Fit<'_> {
    /// b and A at points, of values of b, then of ln A, at the knots; beyond the knots b goes on as a straight line, so that walkers out there come back, and A is constant.
    fn coefficients(&self, parameters: &[f64], points: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let knots = self.knots.nodes().len();
        let (drift, log) = (&parameters[..knots], &parameters[knots..2 * knots]);
        let [lower, upper] = self.knots.ends();
        let near = SLOPE * (upper - lower);
        let at = self.knots.interpolate(drift, &[lower, lower + near, upper - near, upper]);
        let slopes = [(at[1] - at[0]) / near, (at[3] - at[2]) / near];
        let beyond = |x: f64| slopes[0] * (x - lower).min(0.0) + slopes[1] * (x - upper).max(0.0);
        let b = self.knots.interpolate(drift, points).iter().zip(points).map(|(b, &x)| b + beyond(x)).collect();
        (b, self.knots.interpolate(log, points).iter().map(|v| v.exp()).collect())
    }

    /// Skewness of a step at points: Legendre's polynomials to the third degree, constant beyond the box.
    fn skewness(&self, parameters: &[f64]) -> Vec<f64> {
        let [lower, upper] = self.knots.ends();
        let own = &parameters[2 * self.knots.nodes().len()..];
        let at = |x: &f64| {
            let u = ((2.0 * x - lower - upper) / (upper - lower)).clamp(-1.0, 1.0);
            let basis = [1.0, u, 0.5 * (3.0 * u * u - 1.0), 0.5 * u * (5.0 * u * u - 3.0)];
            own.iter().zip(basis).map(|(p, q)| p * q).sum::<f64>().clamp(-STEEPEST, STEEPEST)
        };
        if self.skewed { self.points.iter().map(at).collect() } else { Vec::new() }
    }

    /// What is left of the data, in standard errors.
    fn residuals(&self, parameters: &[f64]) -> Vec<f64> {
        let (drift, diffusion) = self.coefficients(parameters, self.points);
        let skewness = self.skewness(parameters);
        let chain = LineChain::on(self.points.to_vec(), &drift, &diffusion, &skewness, self.step);
        let fields: Vec<Vec<f64>> = match self.skewed {
            true => chain.three_moments(self.stride).into(),
            false => <[Vec<f64>; 2]>::from(chain.moments(self.stride)).into(),
        };
        let of = |bin: &Bin| {
            let sides = [bin.position - bin.spread, bin.position + bin.spread];
            let at = |field: usize| sides.map(|x| cubic_on(self.points, &fields[field], x));
            let (m, v) = (at(0), at(1));
            let (between, variance) = (0.5 * (m[1] - m[0]), 0.5 * (v[0] + v[1]));
            let left = bin.mean - 0.5 * (m[0] + m[1]);
            let mut all = vec![left / bin.mean_se, (bin.variance - variance - between * between) / bin.variance_se];
            if self.skewed && bin.third_se > 0.0 {
                let t = at(2);
                let third = 0.5 * (t[0] + t[1]) + 1.5 * between * (v[1] - v[0]);
                all.push((bin.third - third) / bin.third_se);
            }
            all
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
        let knots = self.knots.nodes().len();
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

    /// Adds to the bars of an answer without a skewness, of these parameters, what b and A change with one.
    fn widen(&self, answer: &mut OneStep, parameters: &[f64]) {
        let knots = self.knots.nodes().len();
        let spread = parameters[..knots].iter().fold(f64::MIN_POSITIVE, |most, b| most.max(b.abs()));
        let start = [parameters, &[0.0; SKEWNESS]].concat();
        let scale = [vec![spread; knots], vec![1.0; knots + SKEWNESS]].concat();
        let free = Mat::zeros(start.len(), start.len());
        let Some(found) = minimum(&|p| self.residuals(p), &start, &scale, &free, f64::INFINITY) else { return };
        let (drift, diffusion) = self.coefficients(&found.parameters, self.axis.nodes());
        let fields =
            [(&mut answer.drift_se, &answer.drift, drift), (&mut answer.diffusion_se, &answer.diffusion, diffusion)];
        for (errors, values, others) in fields {
            for ((se, value), other) in errors.iter_mut().zip(values).zip(others) {
                *se = se.hypot(other - value);
            }
        }
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
        let fit = Fit { bins: &bins, axis, points: &points, knots, step, stride, skewed: false };
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
    let mut answer = fit.has(&found.parameters, found.parameters.len()).then(|| fit.answer(&found));
    let skewed = Fit { skewed: true, knots: fit.knots.clone(), ..fit };
    if let Some(answer) = &mut answer {
        skewed.widen(answer, &found.parameters);
    }
    let two = Fit { bins: &self::bins(traces, axis, 2), stride: 2 * fit.stride, ..fit };
    Ok(answer.filter(|_| two.has(&found.parameters, 0)))
}
