//! Least squares by the method of Levenberg and Marquardt.

use faer::{Mat, Side};
use rayon::prelude::*;

/// Most steps of a fit.
const STEPS: usize = 30;
/// A gain of χ² below this ends a fit.
const GAIN: f64 = 0.05;
/// Change of a parameter for its derivative, in units of its scale.
const CHANGE: f64 = 1e-4;
/// Eigenvalues of JᵀJ below this share of the largest count as none: what they belong to is not known at all.
const RANK: f64 = 1e-14;

/// Parameters at the least sum of squares.
pub(super) struct Minimum {
    pub parameters: Vec<f64>,
    /// |r|².
    pub cost: f64,
    /// (JᵀJ + H)⁻¹.
    pub covariance: Mat<f64>,
}

/// (JᵀJ + μ diag)⁻¹ in the eigenvectors of its scaled form. None where the solver fails.
fn inverse(normal: &Mat<f64>, mu: f64) -> Option<Mat<f64>> {
    let n = normal.nrows();
    let root: Vec<f64> = (0..n).map(|i| normal[(i, i)].max(f64::MIN_POSITIVE).sqrt()).collect();
    let scaled = Mat::from_fn(n, n, |i, j| normal[(i, j)] / (root[i] * root[j]) + if i == j { mu } else { 0.0 });
    let eigen = scaled.self_adjoint_eigen(Side::Lower).ok()?;
    let (values, vectors) = (eigen.S(), eigen.U());
    let least = RANK * (0..n).map(|k| values[k]).fold(0.0, f64::max);
    let half = Mat::from_fn(n, n, |i, k| vectors[(i, k)] / (root[i] * values[k].max(least).sqrt()));
    Some(&half * half.transpose())
}

/// The parameters p of least |r|² + (p − start)ᵀ H (p − start), r = `residuals`, H = `held`; `scale` is the size of a change of each. None for a fit that does not
/// end, and once twice the gain that its slope promises brings the sum not down to `wanted`.
pub(super) fn minimum(
    residuals: &(dyn Fn(&[f64]) -> Vec<f64> + Sync),
    start: &[f64],
    scale: &[f64],
    held: &Mat<f64>,
    wanted: f64,
) -> Option<Minimum> {
    let (mut parameters, n) = (start.to_vec(), scale.len());
    let pull = |parameters: &[f64]| held * Mat::from_fn(n, 1, |i, _| parameters[i] - start[i]);
    let sum = |parameters: &[f64], r: &[f64]| -> [f64; 2] {
        let pull = pull(parameters);
        [r.iter().map(|r| r * r).sum(), (0..n).map(|i| pull[(i, 0)] * (parameters[i] - start[i])).sum()]
    };
    let mut here = residuals(&parameters);
    let mut cost = sum(&parameters, &here);
    let mut mu = 1e-3;
    for _ in 0..STEPS {
        let column = |j: usize| -> Vec<f64> {
            let mut moved = parameters.clone();
            let change = CHANGE * scale[j];
            moved[j] += change;
            residuals(&moved).iter().zip(&here).map(|(a, b)| (a - b) / change).collect()
        };
        let columns: Vec<Vec<f64>> = (0..n).into_par_iter().map(column).collect();
        let jacobian = Mat::from_fn(here.len(), n, |i, j| columns[j][i]);
        let normal = jacobian.transpose() * &jacobian + held;
        let left = Mat::from_fn(here.len(), 1, |i, _| here[i]);
        let slope = -(jacobian.transpose() * left) - pull(&parameters);
        let covariance = inverse(&normal, 0.0)?;
        let promised = (slope.transpose() * &covariance * &slope)[(0, 0)];
        if cost[0] + cost[1] - 2.0 * promised > wanted {
            return None;
        }
        let mut gain = 0.0;
        while mu < 1e6 {
            let step = inverse(&normal, mu)? * &slope;
            let moved: Vec<f64> = parameters.iter().enumerate().map(|(i, p)| p + step[(i, 0)]).collect();
            let there = residuals(&moved);
            let less = sum(&moved, &there);
            if less[0] + less[1] < cost[0] + cost[1] {
                gain = cost[0] + cost[1] - less[0] - less[1];
                (parameters, cost, here) = (moved, less, there);
                mu = (mu / 10.0).max(1e-9);
                break;
            }
            mu *= 10.0;
        }
        if gain < GAIN {
            return Some(Minimum { parameters, cost: cost[0], covariance });
        }
    }
    None
}
