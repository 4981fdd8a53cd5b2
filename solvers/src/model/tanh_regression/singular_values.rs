//! Condition number of a small square matrix by one-sided Jacobi rotations, accurate relative for graded columns.

/// Ratio of the largest to the smallest singular value of a u×u matrix, row-major; infinite if the smallest is zero.
pub(super) fn condition_number(mut a: Vec<f64>, u: usize) -> f64 {
    if a.iter().any(|x| !x.is_finite()) {
        return f64::NAN;
    }
    for _ in 0..60 {
        let mut rotated = false;
        for p in 0..u {
            for q in p + 1..u {
                rotated |= rotate(&mut a, u, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    let norms = (0..u).map(|j| (0..u).map(|i| a[i * u + j] * a[i * u + j]).sum::<f64>().sqrt());
    let (low, high) = norms.fold((f64::INFINITY, 0.0_f64), |(low, high), s| (low.min(s), high.max(s)));
    if low > 0.0 { high / low } else { f64::INFINITY }
}

/// Makes columns p and q orthogonal; false if they were already.
fn rotate(a: &mut [f64], u: usize, p: usize, q: usize) -> bool {
    let (mut pp, mut qq, mut pq) = (0.0, 0.0, 0.0);
    for i in 0..u {
        let (x, y) = (a[i * u + p], a[i * u + q]);
        pp += x * x;
        qq += y * y;
        pq += x * y;
    }
    if pq.abs() <= 1e-15 * (pp * qq).sqrt() {
        return false;
    }
    let zeta = (qq - pp) / (2.0 * pq);
    let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    for i in 0..u {
        let (x, y) = (a[i * u + p], a[i * u + q]);
        a[i * u + p] = c * (x - t * y);
        a[i * u + q] = c * (t * x + y);
    }
    true
}
