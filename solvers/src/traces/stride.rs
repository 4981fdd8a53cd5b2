//! Drift and A of one step from rows several steps apart, on one axis.
//!
//! Rows `stride` steps apart have E[Δ]/τ = b + (τ/2)(b b' + A b'') + … and Var/(2τ) = A + (τ/2)(b A' + 2 A b' + A A'') + …. To take these terms off by
//! differences of noisy estimates, or to move every node by itself until the moments agree, amplifies the noise. So b and ln A are cubic splines
//! of few knots, fitted by least squares to the moments of the data in narrow bins i, which are independent where the path is Markov:
//!
//! ```text
//! min Σ_i ((Δ̄_i − m_i)/se(Δ̄_i))² + ((s²_i − v_i)/se(s²_i))²,     m_i, v_i the mean and variance over `stride` steps of the chain with b and A
//! ```
//!
//! from the places of the rows in the bin: half of them one standard deviation of these places below their mean and half above, which is exact
//! where moments are quadratic over a bin (over several steps the mean forgets its start, so that a bin adds to the variance). By the method of Levenberg and Marquardt. The number of knots is the one of least χ² + 2 (number of parameters) (Akaike). Standard errors are
//! those of the least squares, (JᵀJ)⁻¹, times max(1, √(χ²/degrees of freedom)).

use faer::{Mat, Side};
use rayon::prelude::*;

use super::fields::cubic_on;
use super::lag::LineChain;
use super::trajectories::Trajectories;
use crate::Error;
use crate::model::table::SplineAxis;

/// Knots of each spline that are tried, from few to many.
const KNOTS: [usize; 8] = [4, 5, 6, 8, 10, 13, 17, 22];
/// Numbers of knots in a row that may be worse than the best before the search ends.
const PATIENCE: usize = 2;
/// Fewest rows of a bin that counts.
const FEWEST: f64 = 20.0;
/// Most steps of a fit.
const STEPS: usize = 30;
/// A gain of χ² below this ends a fit.
const GAIN: f64 = 0.01;
/// Change of a parameter for its derivative, in units of its scale.
const CHANGE: f64 = 1e-4;
/// Share of the box over which the slope of b at its ends is taken.
const SLOPE: f64 = 1e-3;
/// Eigenvalues of JᵀJ below this share of the largest count as none: what they belong to is not known at all.
const RANK: f64 = 1e-14;

/// Coefficients of one step at the nodes of an axis, with standard errors.
pub(super) struct OneStep {
    pub drift: Vec<f64>,
    pub drift_se: Vec<f64>,
    pub diffusion: Vec<f64>,
    pub diffusion_se: Vec<f64>,
}

/// Mean and variance of the displacements of the rows in a bin, with standard errors.
struct Bin {
    /// Mean and standard deviation of the places.
    position: f64,
    spread: f64,
    mean: f64,
    mean_se: f64,
    variance: f64,
    variance_se: f64,
}

/// Bins around the nodes that hold enough rows.
fn bins(traces: &Trajectories, axis: &SplineAxis) -> Vec<Bin> {
    let (nodes, [lower, upper]) = (axis.nodes(), axis.ends());
    let spacing = (upper - lower) / (nodes.len() - 1) as f64;
    let mut inside: Vec<Vec<[f64; 2]>> = vec![Vec::new(); nodes.len()];
    for walker in 0..traces.walkers() {
        for row in 0..traces.rows() - 1 {
            let x = traces.position(walker, row)[0];
            if x >= lower - 0.5 * spacing && x <= upper + 0.5 * spacing {
                let i = nodes.partition_point(|node| node + 0.5 * spacing < x).min(nodes.len() - 1);
                inside[i].push([x, traces.position(walker, row + 1)[0] - x]);
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
        let bin =
            Bin { position, spread, mean, mean_se: (square / n).sqrt(), variance: square * n / (n - 1.0), variance_se };
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
    /// Values of b, then of ln A, at the knots.
    parameters: Vec<f64>,
    /// Scale of each parameter.
    scale: Vec<f64>,
    cost: f64,
}

impl Fit<'_> {
    /// b and A at points; beyond the knots b goes on as a straight line, so that walkers out there come back, and A is constant.
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

    /// Derivatives of the residuals, one column a parameter.
    fn jacobian(&self, here: &[f64]) -> Vec<Vec<f64>> {
        let column = |j: usize| {
            let mut moved = self.parameters.clone();
            let change = CHANGE * self.scale[j];
            moved[j] += change;
            self.residuals(&moved).iter().zip(here).map(|(a, b)| (a - b) / change).collect()
        };
        (0..self.parameters.len()).into_par_iter().map(column).collect()
    }

    /// JᵀJ in the eigenvectors of its scaled form: (JᵀJ + μ diag)⁻¹ r, and (JᵀJ)⁻¹ for μ = 0. None where the solver fails.
    fn inverse(normal: &Mat<f64>, mu: f64) -> Option<Mat<f64>> {
        let n = normal.nrows();
        let root: Vec<f64> = (0..n).map(|i| normal[(i, i)].max(f64::MIN_POSITIVE).sqrt()).collect();
        let scaled = Mat::from_fn(n, n, |i, j| normal[(i, j)] / (root[i] * root[j]) + if i == j { mu } else { 0.0 });
        let eigen = scaled.self_adjoint_eigen(Side::Lower).ok()?;
        let (values, vectors) = (eigen.S(), eigen.U());
        let least = RANK * (0..n).map(|k| values[k]).fold(0.0, f64::max);
        Some(Mat::from_fn(n, n, |i, j| {
            let entry = (0..n).map(|k| vectors[(i, k)] * vectors[(j, k)] / values[k].max(least)).sum::<f64>();
            entry / (root[i] * root[j])
        }))
    }

    /// Moves the parameters to the least squares; the covariance of the parameters there, None for a fit that does not end.
    fn run(&mut self) -> Option<Mat<f64>> {
        let mut here = self.residuals(&self.parameters);
        self.cost = here.iter().map(|r| r * r).sum();
        let (mut mu, n) = (1e-3, self.parameters.len());
        for _ in 0..STEPS {
            let jacobian = self.jacobian(&here);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let normal = Mat::from_fn(n, n, |i, j| dot(&jacobian[i], &jacobian[j]));
            let slope: Vec<f64> = jacobian.iter().map(|column| -dot(column, &here)).collect();
            let mut gain = 0.0;
            while mu < 1e6 {
                let inverse = Self::inverse(&normal, mu)?;
                let moved: Vec<f64> = (0..n)
                    .map(|i| self.parameters[i] + (0..n).map(|j| inverse[(i, j)] * slope[j]).sum::<f64>())
                    .collect();
                let there = self.residuals(&moved);
                let cost: f64 = there.iter().map(|r| r * r).sum();
                if cost < self.cost {
                    gain = self.cost - cost;
                    (self.parameters, self.cost, here) = (moved, cost, there);
                    mu = (mu / 10.0).max(1e-9);
                    break;
                }
                mu *= 10.0;
            }
            if gain < GAIN {
                return Self::inverse(&normal, 0.0);
            }
        }
        None
    }

    /// The coefficients with their standard errors.
    fn answer(&self, covariance: &Mat<f64>) -> OneStep {
        let (drift, diffusion) = self.coefficients(&self.parameters, self.axis.nodes());
        let knots = self.parameters.len() / 2;
        let freedom = (2 * self.bins.len()).saturating_sub(2 * knots).max(1) as f64;
        let misfit = (self.cost / freedom).max(1.0).sqrt();
        let unit = |j: usize| {
            self.knots.interpolate(&(0..knots).map(|k| f64::from(k == j)).collect::<Vec<_>>(), self.axis.nodes())
        };
        let basis: Vec<Vec<f64>> = (0..knots).map(unit).collect();
        let error = |first: usize, node: usize| {
            let entry = |i: usize| {
                (0..knots).map(|j| basis[i][node] * covariance[(first + i, first + j)] * basis[j][node]).sum::<f64>()
            };
            misfit * (0..knots).map(entry).sum::<f64>().max(0.0).sqrt()
        };
        let nodes = 0..self.axis.nodes().len();
        let drift_se = nodes.clone().map(|node| error(0, node)).collect();
        let diffusion_se = nodes.map(|node| diffusion[node] * error(knots, node)).collect();
        OneStep { drift, drift_se, diffusion, diffusion_se }
    }
}

/// Drift and A of one step at the nodes of an axis, from trajectories whose rows lie `stride` steps apart; `measured` has E[Δ]/τ and
/// Var[Δ]/(2τ) at the nodes, where the fit begins.
///
/// # Errors
/// Rows so far apart that no coefficients are found; fewer bins with data than the fewest knots need.
pub(super) fn one_step(
    traces: &Trajectories,
    axis: &SplineAxis,
    measured: &(Vec<f64>, Vec<f64>),
) -> Result<OneStep, Error> {
    let (bins, points) = (bins(traces, axis), LineChain::lattice(axis));
    let [lower, upper] = axis.ends();
    let mut best: Option<(f64, OneStep)> = None;
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
        let mut fit = Fit { bins: &bins, axis, points: &points, knots, step, stride, parameters, scale, cost: 0.0 };
        let Some(covariance) = fit.run() else { continue };
        let criterion = fit.cost + 2.0 * fit.parameters.len() as f64;
        match &best {
            Some((least, _)) if criterion >= *least => {
                worse += 1;
                if worse >= PATIENCE {
                    break;
                }
            }
            _ => {
                best = Some((criterion, fit.answer(&covariance)));
                worse = 0;
            }
        }
    }
    best.map(|(_, answer)| answer).ok_or_else(|| {
        let what =
            format!("rows {} steps apart are too far for drift and diffusion to be found from them", traces.stride());
        Error::invalid(what, "keep more of the rows")
    })
}
