//! Linear systems of the chain, (1 − M) x = b with M = P or Pᵀ, by GMRES with restarts
//! (Saad & Schultz 1986, doi:10.1137/0907058).
//!
//! The eigenvalues of M are e^{−λτ}: all but those of a few slow modes are well away from 1, so that few products are needed
//! without a preconditioner, and a metastable mode costs a few more.

use crate::Error;
use crate::engine::Interrupt;
use crate::numerics::krylov::Krylov;

/// Fewest and most vectors between restarts.
const VECTORS: [usize; 2] = [40, 250];
/// Numbers that they may hold together.
const NUMBERS: usize = 20_000_000;
/// Most restarts.
const RESTARTS: usize = 100;
/// Reduction of the residual by a restart below which rounding has been reached.
const STALLED: f64 = 0.98;

/// Improves `x` until ‖b − (1 − M) x‖₁ ≤ `tolerance`, or until rounding ends the progress; the residual in the end.
/// `product` computes M v. Errors: [`Error::Interrupted`].
pub fn solve(
    product: &dyn Fn(&[f64], &mut [f64]),
    b: Option<&[f64]>,
    x: &mut [f64],
    tolerance: f64,
    interrupt: Interrupt,
) -> Result<f64, Error> {
    let n = x.len();
    let weight = vec![1.0; n];
    let keep = |_: &mut [f64]| {};
    let mut before = f64::INFINITY;
    for _ in 0..RESTARTS {
        let residual = residual(product, b, x);
        let size: f64 = residual.iter().map(|r| r.abs()).sum();
        if size <= tolerance || size.is_nan() || size > STALLED * before {
            return Ok(size);
        }
        before = size;
        let mut krylov = Krylov::new(residual, &weight, &keep);
        let first = krylov.first_norm();
        let mut small = LeastSquares::new(first);
        let operator = |v: &mut [f64]| {
            if interrupt() {
                return Err(Error::Interrupted { time: 0.0 });
            }
            let mut next = vec![0.0; n];
            product(v, &mut next);
            v.iter_mut().zip(&next).for_each(|(v, next)| *v -= next);
            Ok(())
        };
        for _ in 0..(NUMBERS / n).clamp(VECTORS[0], VECTORS[1]).min(n) {
            krylov.extend(&operator)?;
            let column = &krylov.columns[krylov.columns.len() - 1];
            let reached = small.push(column);
            // the norm of the recursion is the 2-norm; the 1-norm is at most √n times it
            if reached * (n as f64).sqrt() <= 0.1 * tolerance || reached <= 1e-15 * first {
                break;
            }
        }
        let coordinates = small.solution();
        let step = krylov.combine(&coordinates);
        x.iter_mut().zip(&step).for_each(|(x, step)| *x += step);
    }
    let last: f64 = residual(product, b, x).iter().map(|r| r.abs()).sum();
    Ok(last)
}

/// b − (1 − M) x.
fn residual(product: &dyn Fn(&[f64], &mut [f64]), b: Option<&[f64]>, x: &[f64]) -> Vec<f64> {
    let mut r = vec![0.0; x.len()];
    product(x, &mut r);
    for (i, r) in r.iter_mut().enumerate() {
        *r += b.map_or(0.0, |b| b[i]) - x[i];
    }
    r
}

/// min ‖β e₁ − H y‖₂ for a growing Hessenberg matrix, by Givens rotations.
struct LeastSquares {
    triangle: Vec<Vec<f64>>,
    rotations: Vec<(f64, f64)>,
    right: Vec<f64>,
}

impl LeastSquares {
    fn new(beta: f64) -> Self {
        Self { triangle: Vec::new(), rotations: Vec::new(), right: vec![beta] }
    }

    /// One more column (one entry more than columns so far); the norm of what is left.
    fn push(&mut self, column: &[f64]) -> f64 {
        let mut column = column.to_vec();
        for (k, &(c, s)) in self.rotations.iter().enumerate() {
            let (a, b) = (column[k], column[k + 1]);
            (column[k], column[k + 1]) = (c * a + s * b, c * b - s * a);
        }
        let k = self.rotations.len();
        let (a, b) = (column[k], column[k + 1]);
        let length = a.hypot(b);
        let (c, s) = if length > 0.0 { (a / length, b / length) } else { (1.0, 0.0) };
        column[k] = length;
        column.truncate(k + 1);
        self.triangle.push(column);
        self.rotations.push((c, s));
        let left = self.right[k];
        self.right[k] = c * left;
        self.right.push(-s * left);
        self.right[k + 1].abs()
    }

    fn solution(&self) -> Vec<f64> {
        let m = self.triangle.len();
        let mut y = self.right[..m].to_vec();
        for k in (0..m).rev() {
            let pivot = self.triangle[k][k];
            y[k] = if pivot != 0.0 { y[k] / pivot } else { 0.0 };
            for i in 0..k {
                y[i] -= self.triangle[k][i] * y[k];
            }
        }
        y
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A ring of n states with drift; from the first quarter a share is lost.
    fn ring(n: usize, lost: f64) -> impl Fn(&[f64], &mut [f64]) {
        move |v, out| {
            out.fill(0.0);
            for i in 0..n {
                let keep = if 4 * i < n { 1.0 - lost } else { 1.0 };
                out[i] += keep * (0.3 * v[(i + 1) % n] + 0.5 * v[i] + 0.2 * v[(i + n - 1) % n]);
            }
        }
    }

    #[test]
    fn systems_are_solved_to_rounding_also_where_a_mode_is_slow() {
        for lost in [0.3, 1e-3, 1e-8] {
            let product = ring(200, lost);
            let mut x = vec![0.0; 200];
            let found = solve(&product, Some(&[1.0; 200]), &mut x, 1e-11, &|| false).unwrap();
            // x ~ 1/lost: the residual is known to 10⁻¹⁶ of that
            assert!(found < 1e-11 + 1e-13 / lost, "{lost}: {found:?}");
            let mean = x.iter().sum::<f64>() / 200.0;
            assert!(mean > 4.0 / lost, "{lost}: {mean}");
        }
        assert!(solve(&ring(50, 0.1), Some(&[1.0; 50]), &mut [0.0; 50], 1e-10, &|| true).is_err());
    }
}
