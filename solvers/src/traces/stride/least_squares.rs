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
    /// The sum of squares.
    pub cost: f64,
    /// (JᵀJ)⁻¹.
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

/// The parameters of least |r|² from `start` on, r = `residuals`; `scale` is the size of a change of each. None for a fit that does not end.
pub(super) fn minimum(
    residuals: &(dyn Fn(&[f64]) -> Vec<f64> + Sync),
    start: Vec<f64>,
    scale: &[f64],
) -> Option<Minimum> {
    let (mut parameters, n) = (start, scale.len());
    let mut here = residuals(&parameters);
    let mut cost: f64 = here.iter().map(|r| r * r).sum();
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
        let normal = jacobian.transpose() * &jacobian;
        let slope = Mat::from_fn(n, 1, |j, _| -columns[j].iter().zip(&here).map(|(a, b)| a * b).sum::<f64>());
        let mut gain = 0.0;
        while mu < 1e6 {
            let step = inverse(&normal, mu)? * &slope;
            let moved: Vec<f64> = parameters.iter().enumerate().map(|(i, p)| p + step[(i, 0)]).collect();
            let there = residuals(&moved);
            let less: f64 = there.iter().map(|r| r * r).sum();
            if less < cost {
                gain = cost - less;
                (parameters, cost, here) = (moved, less, there);
                mu = (mu / 10.0).max(1e-9);
                break;
            }
            mu *= 10.0;
        }
        if gain < GAIN {
            return inverse(&normal, 0.0).map(|covariance| Minimum { parameters, cost, covariance });
        }
    }
    None
}
