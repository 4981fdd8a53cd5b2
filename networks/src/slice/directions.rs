//! The two directions of a plane.

use fpsolve::error::{self, Failure};
use fpsolve_solvers::numerics::random::Stream;

use super::eigen;
use super::table::weights;
use crate::network::flat;
use crate::network::pass::{Mode, Statistics};
use crate::progress::Progress;
use crate::scenario::{Directions, RunName, Slice};
use crate::train::{RunState, Trainer};

/// Products with the Hessian in Lanczos' method.
const PRODUCTS: usize = 30;
/// Step of the differences of gradients, as a share of |θ| along a vector of length 1.
const STEP: f64 = 1e-3;

/// Two directions, and numbers of how they were found.
type Found = ([Vec<f64>; 2], Vec<(&'static str, f64)>);

/// A plane θ₀ + s a + t b.
#[derive(Debug, Clone)]
pub struct Plane {
    /// θ₀.
    pub origin: Vec<f32>,
    /// a and b as they are used.
    pub directions: [Vec<f64>; 2],
    /// Their lengths.
    pub norms: [f64; 2],
    /// The cosine of the angle between a and b as they were found.
    pub cosine: f64,
    /// Numbers of how they were found: names and values.
    pub found: Vec<(&'static str, f64)>,
    /// Points of the plane with their names: the ends of runs.
    pub points: Vec<(String, [f64; 2])>,
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

impl Plane {
    /// The parameters at a point.
    pub fn at(&self, s: f64, t: f64) -> Vec<f64> {
        let [a, b] = &self.directions;
        let value = |k: usize| f64::from(self.origin[k]) + s * a[k] + t * b[k];
        (0..self.origin.len()).map(value).collect()
    }

    /// Where parameters lie, projected onto the plane.
    fn place(&self, theta: &[f32]) -> [f64; 2] {
        let from: Vec<f64> = theta.iter().zip(&self.origin).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
        let [a, b] = &self.directions;
        let [x, y, p, q, r] = [dot(&from, a), dot(&from, b), dot(a, a), dot(a, b), dot(b, b)];
        let determinant = p * r - q * q;
        [(x * r - y * q) / determinant, (y * p - x * q) / determinant]
    }
}

/// The run with a name. Runs of all names are made before slices.
fn run(runs: &[RunState], name: RunName) -> &RunState {
    runs.iter().find(|run| run.rule == name.rule && run.seed == name.seed).expect("every run that can be named is made")
}

/// The plane of a slice; None where it was interrupted. Errors: directions that are parallel or 0.
pub(super) fn plane(
    trainer: &Trainer,
    runs: &[RunState],
    slice: &Slice,
    samples: &[usize],
    progress: &mut Progress,
) -> Result<Option<Plane>, Failure> {
    let start = run(runs, slice.run);
    let minus = |theta: &[f32]| theta.iter().zip(&start.theta).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
    let mut others = vec![(slice.run, start)];
    let (mut directions, found): Found = match &slice.directions {
        Directions::Minima(names) => {
            others.extend(names.iter().map(|&name| (name, run(runs, name))));
            ([minus(&others[1].1.theta), minus(&others[2].1.theta)], Vec::new())
        }
        Directions::Pca => principal(start, slice)?,
        Directions::Hessian => match hessian(trainer, start, slice, samples, progress) {
            Some(found) => found,
            None => return Ok(None),
        },
        Directions::Random => {
            let one = |k: u64| random(trainer, &start.theta, &mut Stream::new(start.seed, "network/direction", k));
            ([one(0), one(1)], Vec::new())
        }
    };
    let [a, b] = &mut directions;
    let cosine = dot(a, b) / (norm(a) * norm(b));
    let thin = !cosine.is_finite() || 1.0 - cosine.abs() < 1e-9;
    if thin {
        let message = format!("slice {}: its two directions are parallel or have no length", slice.name);
        return Err(Failure::run(error::advice(message, "choose other runs, or other directions")));
    }
    if slice.orthogonal {
        let share = dot(a, b) / dot(a, a);
        b.iter_mut().zip(a.iter()).for_each(|(b, a)| *b -= share * a);
        let scale = norm(a) / norm(b);
        b.iter_mut().for_each(|b| *b *= scale);
    }
    let norms = [norm(a), norm(b)];
    let mut plane = Plane { origin: start.theta.clone(), directions, norms, cosine, found, points: Vec::new() };
    let rules = &trainer.scenario.importance.rules;
    for (name, run) in others {
        let title = format!("{}, seed {}", rules[name.rule].title(), name.seed);
        plane.points.push((title, plane.place(&run.theta)));
    }
    Ok(Some(plane))
}

/// The first two principal components of the path, as long as its spread along them. Errors: fewer than three checkpoints.
fn principal(run: &RunState, slice: &Slice) -> Result<Found, Failure> {
    let (n, d) = (run.path_epochs.len(), run.theta.len());
    if n < 3 {
        let message = format!("slice {}: {n} checkpoints have no two principal components", slice.name);
        let help = match n {
            0 => "the path was not kept while this was trained: leave --resume out, or choose other directions",
            _ => "train more epochs, or lower training.checkpoints",
        };
        return Err(Failure::input(error::advice(message, help)));
    }
    let row = |k: usize| -> Vec<f64> {
        run.path[k * d..(k + 1) * d].iter().zip(&run.theta).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect()
    };
    let rows: Vec<Vec<f64>> = (0..n).map(row).collect();
    let gram: Vec<f64> = (0..n * n).map(|k| dot(&rows[k / n], &rows[k % n])).collect();
    let (values, vectors) = eigen::symmetric(gram, n);
    let along = |k: usize| {
        let mut direction = vec![0.0; d];
        for (weight, row) in vectors[k].iter().zip(&rows) {
            direction.iter_mut().zip(row).for_each(|(x, y)| *x += weight * y);
        }
        direction
    };
    let explained = (values[0] + values[1]) / values.iter().sum::<f64>();
    Ok(([along(0), along(1)], vec![("explained", explained)]))
}

/// A normal direction with each filter as long as that of θ; biases and batch norm stay.
fn random(trainer: &Trainer, theta: &[f32], stream: &mut Stream) -> Vec<f64> {
    let mut out = vec![0.0; theta.len()];
    let mut from = 0;
    for parameter in &trainer.network.parameters {
        if parameter.is_weight() {
            for filter in parameter.filters() {
                let drawn: Vec<f64> = filter.iter().map(|_| stream.normal()).collect();
                let long: f64 = filter.iter().map(|&k| f64::from(theta[from + k]).powi(2)).sum();
                let scale = long.sqrt() / norm(&drawn).max(1e-300);
                filter.iter().zip(&drawn).for_each(|(&k, x)| out[from + k] = scale * x);
            }
        }
        from += parameter.len();
    }
    out
}

/// Eigenvectors of the two largest eigenvalues of the Hessian, by Lanczos' method with products from differences of gradients; as
/// long as θ.
fn hessian(
    trainer: &Trainer,
    run: &RunState,
    slice: &Slice,
    samples: &[usize],
    progress: &mut Progress,
) -> Option<Found> {
    let d = run.theta.len();
    let theta: Vec<f64> = run.theta.iter().map(|&x| f64::from(x)).collect();
    let size = norm(&theta);
    let statistics = trainer.statistics(&weights(trainer, &theta), samples)?;
    let mut stream = Stream::new(run.seed, "network/lanczos", 0);
    let mut v: Vec<f64> = (0..d).map(|_| stream.normal()).collect();
    let length = norm(&v);
    v.iter_mut().for_each(|x| *x /= length);
    let (mut basis, mut alpha, mut beta): (Vec<Vec<f64>>, Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new(), Vec::new());
    for k in 0..PRODUCTS.min(d) {
        progress.part(&format!("slice {}: products with the Hessian", slice.name), k + 1, PRODUCTS.min(d));
        let mut w = product(trainer, samples, &statistics, &theta, &v, STEP * size)?;
        alpha.push(dot(&v, &w));
        basis.push(v.clone());
        // twice, as rounding asks for
        for _ in 0..2 {
            for u in &basis {
                let share = dot(u, &w);
                w.iter_mut().zip(u).for_each(|(x, u)| *x -= share * u);
            }
        }
        beta.push(norm(&w));
        if beta[k] < 1e-10 * alpha[0].abs() {
            break;
        }
        v = w.iter().map(|x| x / beta[k]).collect();
    }
    let n = basis.len();
    let mut small = vec![0.0; n * n];
    for k in 0..n {
        small[k * n + k] = alpha[k];
        if k + 1 < n {
            (small[k * n + k + 1], small[(k + 1) * n + k]) = (beta[k], beta[k]);
        }
    }
    let (values, vectors) = eigen::symmetric(small, n);
    let combine = |vector: &[f64]| {
        let mut out = vec![0.0; d];
        for (weight, u) in vector.iter().zip(&basis) {
            out.iter_mut().zip(u).for_each(|(x, u)| *x += weight * u);
        }
        let scale = size / norm(&out);
        out.iter_mut().for_each(|x| *x *= scale);
        out
    };
    let residual = |k: usize| (beta[n - 1] * vectors[k][n - 1]).abs() / values[0].abs();
    let found = vec![
        ("eigenvalue_a", values[0]),
        ("eigenvalue_b", values[1]),
        ("residual_a", residual(0)),
        ("residual_b", residual(1)),
    ];
    Some(([combine(&vectors[0]), combine(&vectors[1])], found))
}

/// (∇L(θ + h v) − ∇L(θ − h v))/2h; None where it was interrupted.
fn product(
    trainer: &Trainer,
    samples: &[usize],
    statistics: &Statistics,
    theta: &[f64],
    v: &[f64],
    h: f64,
) -> Option<Vec<f64>> {
    let at = |h: f64| -> Vec<f64> { theta.iter().zip(v).map(|(x, v)| x + h * v).collect() };
    let (up, down) =
        (gradient(trainer, samples, statistics, &at(h))?, gradient(trainer, samples, statistics, &at(-h))?);
    Some(up.iter().zip(&down).map(|(a, b)| (a - b) / (2.0 * h)).collect())
}

/// ∇L over samples with frozen statistics; None where it was interrupted.
pub(super) fn gradient(
    trainer: &Trainer,
    samples: &[usize],
    statistics: &Statistics,
    theta: &[f64],
) -> Option<Vec<f64>> {
    let weights = weights(trainer, theta);
    let mut sum = vec![0.0; theta.len()];
    for places in samples.chunks(250) {
        if fpsolve::signal::interrupted() {
            return None;
        }
        let batch = trainer.batch(&trainer.data.train, places);
        let shares = vec![1.0 / samples.len() as f32; places.len()];
        let loss = trainer.scenario.training.loss;
        let (weights, statistics) = (weights.clone(), statistics.clone());
        let (_, gradient) = trainer
            .attended(move |network| network.gradient(&weights, batch, &shares, loss, Mode::Frozen(&statistics)))?;
        sum.iter_mut().zip(flat::<f64>(&gradient)).for_each(|(x, g)| *x += g);
    }
    Some(sum)
}
