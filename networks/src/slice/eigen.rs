//! Eigenvalues and eigenvectors of small symmetric matrices, by Jacobi's rotations.

/// Sweeps over all pairs.
const SWEEPS: usize = 60;

/// Eigenvalues, the largest first, and their vectors, of a symmetric n×n matrix.
pub(super) fn symmetric(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut v: Vec<f64> = (0..n * n).map(|k| if k / n == k % n { 1.0 } else { 0.0 }).collect();
    for _ in 0..SWEEPS {
        for (p, q) in (0..n).flat_map(|p| (p + 1..n).map(move |q| (p, q))) {
            let off = a[p * n + q];
            if off == 0.0 {
                continue;
            }
            let theta = 0.5 * (a[q * n + q] - a[p * n + p]) / off;
            let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
            let (c, s) = (1.0 / t.hypot(1.0), t / t.hypot(1.0));
            for k in 0..n {
                let (x, y) = (a[k * n + p], a[k * n + q]);
                (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
            }
            for k in 0..n {
                let (x, y) = (a[p * n + k], a[q * n + k]);
                (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
                let (x, y) = (v[k * n + p], v[k * n + q]);
                (v[k * n + p], v[k * n + q]) = (c * x - s * y, s * x + c * y);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j * n + j].total_cmp(&a[i * n + i]));
    let values = order.iter().map(|&i| a[i * n + i]).collect();
    (values, order.iter().map(|&i| (0..n).map(|k| v[k * n + i]).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::symmetric;

    #[test]
    fn vectors_are_orthonormal_and_solve_the_equation() {
        let n = 7;
        let a: Vec<f64> = (0..n * n).map(|k| 1.0 / (1 + k / n + k % n) as f64).collect();
        let (values, vectors) = symmetric(a.clone(), n);
        assert!(values.windows(2).all(|w| w[0] >= w[1]));
        for (value, x) in values.iter().zip(&vectors) {
            for i in 0..n {
                let product: f64 = (0..n).map(|j| a[i * n + j] * x[j]).sum();
                assert!((product - value * x[i]).abs() < 1e-13);
            }
            assert!((x.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-13);
        }
    }
}
