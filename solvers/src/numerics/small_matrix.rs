//! Eigenvalues and eigenvectors of small symmetric matrices, and singular values of small square ones, by Jacobi's rotations.
//!
//! ```text
//! cot 2φ = (a_qq − a_pp)/(2 a_pq),   t = tan φ,   a_pp' = a_pp − t a_pq,   a_qq' = a_qq + t a_pq,   a_pq' = 0
//! ```
//!
//! Rotations change a graded matrix only by what its entries determine, so that small values come out accurate relative to
//! themselves (J. Demmel & K. Veselić 1992, doi:10.1137/0613074); that is why they are used here in the place of a reduction to
//! tridiagonal form.

/// Most sweeps over all pairs: convergence is quadratic, and five or six are usual.
const SWEEPS: usize = 30;

/// Diagonalises a symmetric k×k matrix (row-major) in place and multiplies `vectors` (rows of k numbers) from the right by the
/// rotations: from the identity, eigenvector a ends in column a. Values stand on the diagonal, in no order.
pub fn diagonalise(k: usize, matrix: &mut [f64], vectors: &mut [f64]) {
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for p in 0..k {
            for q in p + 1..k {
                let (off, product) = (matrix[p * k + q].abs(), matrix[p * k + p] * matrix[q * k + q]);
                if off > 1e-17 * product.abs().sqrt() && off > f64::MIN_POSITIVE {
                    rotate(k, matrix, vectors, p, q);
                    rotated = true;
                }
            }
        }
        if !rotated {
            break;
        }
    }
}

/// Tangent, cosine and sine of the rotation for the given cot 2φ; none for one that is not finite.
fn angle(cotangent: f64) -> (f64, f64, f64) {
    let t = match cotangent.is_finite() {
        true => cotangent.signum() / (cotangent.abs() + cotangent.hypot(1.0)),
        false => 0.0,
    };
    let c = 1.0 / t.hypot(1.0);
    (t, c, t * c)
}

fn rotate(k: usize, a: &mut [f64], vectors: &mut [f64], p: usize, q: usize) {
    let off = a[p * k + q];
    let (t, c, s) = angle((a[q * k + q] - a[p * k + p]) / (2.0 * off));
    a[p * k + p] -= t * off;
    a[q * k + q] += t * off;
    a[p * k + q] = 0.0;
    a[q * k + p] = 0.0;
    for r in (0..k).filter(|&r| r != p && r != q) {
        let (x, y) = (a[r * k + p], a[r * k + q]);
        a[r * k + p] = c * x - s * y;
        a[p * k + r] = a[r * k + p];
        a[r * k + q] = s * x + c * y;
        a[q * k + r] = a[r * k + q];
    }
    for row in vectors.chunks_exact_mut(k) {
        let (x, y) = (row[p], row[q]);
        row[p] = c * x - s * y;
        row[q] = s * x + c * y;
    }
}

/// Ratio of the largest to the smallest singular value of a k×k matrix, row-major, by one-sided rotations (M. R. Hestenes 1958,
/// doi:10.1137/0106005); infinite if the smallest is zero, NaN if an entry is not finite.
pub fn condition_number(k: usize, mut a: Vec<f64>) -> f64 {
    if a.iter().any(|x| !x.is_finite()) {
        return f64::NAN;
    }
    for _ in 0..2 * SWEEPS {
        let mut rotated = false;
        for p in 0..k {
            for q in p + 1..k {
                rotated |= orthogonalise(k, &mut a, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    let norms = (0..k).map(|j| (0..k).map(|i| a[i * k + j] * a[i * k + j]).sum::<f64>().sqrt());
    let (low, high) = norms.fold((f64::INFINITY, 0.0_f64), |(low, high), s| (low.min(s), high.max(s)));
    if low > 0.0 { high / low } else { f64::INFINITY }
}

/// Makes columns p and q orthogonal; false if they were already.
fn orthogonalise(k: usize, a: &mut [f64], p: usize, q: usize) -> bool {
    let (mut pp, mut qq, mut pq) = (0.0, 0.0, 0.0);
    for row in a.chunks_exact(k) {
        let (x, y) = (row[p], row[q]);
        pp += x * x;
        qq += y * y;
        pq += x * y;
    }
    if pq.abs() <= 1e-15 * (pp * qq).sqrt() {
        return false;
    }
    let (t, c, _) = angle((qq - pp) / (2.0 * pq));
    for row in a.chunks_exact_mut(k) {
        let (x, y) = (row[p], row[q]);
        row[p] = c * (x - t * y);
        row[q] = c * (t * x + y);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graded_matrices_keep_their_small_values() {
        // D M D with D = diag(1, 10⁻⁵, 10⁻¹⁰): the values are, to 10⁻⁹, those of the pivots of M times D²
        let m = [2.0, 1.0, 0.5, 1.0, 2.0, 1.0, 0.5, 1.0, 2.0];
        let scale = [1.0, 1e-5, 1e-10];
        let mut a: Vec<f64> = (0..9).map(|e| m[e] * scale[e / 3] * scale[e % 3]).collect();
        let mut v = vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        diagonalise(3, &mut a, &mut v);
        let mut values = [a[0], a[4], a[8]];
        values.sort_by(f64::total_cmp);
        for (value, expected) in values.into_iter().zip([1.5e-20, 1.5e-10, 2.0]) {
            assert!((value / expected - 1.0).abs() < 1e-9, "{value} {expected}");
        }
    }

    #[test]
    fn condition_numbers_of_known_matrices() {
        assert!((condition_number(2, vec![3.0, 0.0, 0.0, 1e-12]) / 3e12 - 1.0).abs() < 1e-12);
        assert!((condition_number(2, vec![1.0, 1.0, 0.0, 1.0]) - (3.0 + 5f64.sqrt()) / 2.0).abs() < 1e-14);
        assert_eq!(condition_number(2, vec![1.0, 1.0, 0.0, 0.0]), f64::INFINITY);
    }
}
