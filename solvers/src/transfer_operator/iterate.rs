//! Stationary laws and linear systems of chains too large for elimination.

use super::matrix::TransitionMatrix;
use crate::Error;
use crate::engine::Interrupt;
use crate::numerics::krylov::Krylov;

/// Applies an approximate inverse in place.
pub type Preconditioner<'a> = &'a dyn Fn(&mut [f64]);

/// The invariant law by power steps until one moves it by less than `tolerance` (L1), with the number of steps.
///
/// Errors: not there after `most` steps; [`Error::Interrupted`].
pub fn by_power_steps(
    matrix: &TransitionMatrix,
    start: &[f64],
    tolerance: f64,
    most: usize,
    interrupt: Interrupt,
) -> Result<(Vec<f64>, usize), Error> {
    let (mut law, mut next) = (start.to_vec(), vec![0.0; start.len()]);
    for k in 0..most {
        matrix.forward(&law, &mut next);
        let sum: f64 = next.iter().sum();
        next.iter_mut().for_each(|p| *p /= sum);
        let change: f64 = next.iter().zip(&law).map(|(a, b)| (a - b).abs()).sum();
        std::mem::swap(&mut law, &mut next);
        if change < tolerance {
            return Ok((law, k + 1));
        }
        if interrupt() {
            return Err(Error::Interrupted { time: 0.0 });
        }
    }
    Err(not_converged("power steps", most))
}

fn not_converged(what: &str, most: usize) -> Error {
    Error::numerical(
        format!("the transfer operator by {what}"),
        format!("after {most} iterations"),
        "it did not converge",
        "use fewer nodes, or a larger learning rate",
    )
}

fn lost() -> Error {
    Error::numerical(
        "the transfer operator by GMRES",
        "at its end",
        "the answer is so large that rounding hides its last steps: a time of more than 10^9 steps",
        "use a larger learning rate, or one axis, where elimination has no such bound",
    )
}

/// Residuals that rounding leaves, in units of the solution.
const ROUNDING: f64 = 4e-16;
/// Rounding that is borne, in units of the right-hand side.
const LOST: f64 = 1e-6;
/// Vectors of one cycle of GMRES.
const RESTART: usize = 60;

/// x with A x = b by GMRES preconditioned from the right, restarted; `x` holds a guess. Returns the number of products.
///
/// Errors: the residual is not below `tolerance`·|b| (or rounding) after `most` products; a solution that rounding hides;
/// [`Error::Interrupted`].
pub fn gmres(
    operator: &dyn Fn(&[f64], &mut [f64]),
    preconditioner: Preconditioner,
    b: &[f64],
    x: &mut [f64],
    tolerance: f64,
    most: usize,
    interrupt: Interrupt,
) -> Result<usize, Error> {
    let n = b.len();
    let weight = vec![1.0; n];
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let (goal, mut products) = (tolerance * norm(b), 0);
    let mut image = vec![0.0; n];
    loop {
        operator(x, &mut image);
        let residual: Vec<f64> = b.iter().zip(&image).map(|(b, a)| b - a).collect();
        let size = norm(&residual);
        let rounding = ROUNDING * norm(x);
        if size <= goal.max(rounding) {
            return if rounding <= LOST * norm(b) { Ok(products) } else { Err(lost()) };
        }
        if products >= most {
            return Err(not_converged("GMRES", most));
        }
        let mut krylov = Krylov::new(residual, &weight, &|_| {});
        let apply = |v: &mut [f64]| {
            if interrupt() {
                return Err(Error::Interrupted { time: 0.0 });
            }
            let mut z = v.to_vec();
            preconditioner(&mut z);
            operator(&z, v);
            Ok(())
        };
        let (mut r, mut rotations, mut rhs) = (Vec::<Vec<f64>>::new(), Vec::<(f64, f64)>::new(), vec![size]);
        for k in 0..RESTART {
            krylov.extend(&apply)?;
            products += 1;
            let mut column = krylov.columns[k].clone();
            for (i, &(c, s)) in rotations.iter().enumerate() {
                (column[i], column[i + 1]) = (c * column[i] + s * column[i + 1], c * column[i + 1] - s * column[i]);
            }
            let radius = column[k].hypot(column[k + 1]);
            if radius == 0.0 {
                break;
            }
            let (c, s) = (column[k] / radius, column[k + 1] / radius);
            rotations.push((c, s));
            column[k] = radius;
            column.truncate(k + 1);
            r.push(column);
            let last = rhs[k];
            rhs[k] = c * last;
            rhs.push(-s * last);
            if (s * last).abs() <= 0.5 * goal || krylov.columns[k][k + 1] == 0.0 {
                break;
            }
        }
        let size = r.len();
        let mut y = rhs[..size].to_vec();
        for i in (0..size).rev() {
            for j in i + 1..size {
                y[i] -= r[j][i] * y[j];
            }
            y[i] /= r[i][i];
        }
        let mut correction = krylov.combine(&y);
        preconditioner(&mut correction);
        x.iter_mut().zip(&correction).for_each(|(x, c)| *x += c);
    }
}
