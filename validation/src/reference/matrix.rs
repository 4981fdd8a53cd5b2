//! Small dense matrices (row-major, a few rows): products, linear systems, exponentials, Lyapunov equations.

/// Product of two n×n matrices.
pub fn product(n: usize, a: &[f64], b: &[f64]) -> Vec<f64> {
    let entry = |i: usize, j: usize| (0..n).map(|k| a[i * n + k] * b[k * n + j]).sum();
    (0..n * n).map(|at| entry(at / n, at % n)).collect()
}

/// Transpose of an n×n matrix.
pub fn transpose(n: usize, a: &[f64]) -> Vec<f64> {
    (0..n * n).map(|at| a[(at % n) * n + at / n]).collect()
}

/// Identity of n rows.
pub fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect()
}

/// Solution of a x = b by elimination with row pivoting; entries are not finite where a is singular.
pub fn solve(n: usize, a: &[f64], b: &[f64]) -> Vec<f64> {
    let (mut a, mut x) = (a.to_vec(), b.to_vec());
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[i * n + k].abs().total_cmp(&a[j * n + k].abs())).unwrap_or(k);
        (0..n).for_each(|j| a.swap(k * n + j, pivot * n + j));
        x.swap(k, pivot);
        for i in k + 1..n {
            let factor = a[i * n + k] / a[k * n + k];
            (k..n).for_each(|j| a[i * n + j] -= factor * a[k * n + j]);
            x[i] -= factor * x[k];
        }
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| a[i * n + j] * x[j]).sum();
        x[i] = (x[i] - known) / a[i * n + i];
    }
    x
}

/// Inverse of an n×n matrix.
pub fn inverse(n: usize, a: &[f64]) -> Vec<f64> {
    let columns: Vec<Vec<f64>> = identity(n).chunks(n).map(|e| solve(n, a, e)).collect();
    (0..n * n).map(|at| columns[at % n][at / n]).collect()
}

/// e^a by halving to a norm below 1/8, 16 terms of the series, and squaring.
pub fn exponential(n: usize, a: &[f64]) -> Vec<f64> {
    let norm = a.chunks(n).map(|row| row.iter().map(|x| x.abs()).sum::<f64>()).fold(0.0, f64::max);
    let halvings = (norm * 8.0).log2().ceil().max(0.0) as i32;
    let small: Vec<f64> = a.iter().map(|x| x / 2f64.powi(halvings)).collect();
    let mut term = identity(n);
    let mut sum = identity(n);
    for k in 1..=16 {
        term = product(n, &term, &small).iter().map(|x| x / f64::from(k)).collect();
        sum.iter_mut().zip(&term).for_each(|(s, t)| *s += t);
    }
    (0..halvings).for_each(|_| sum = product(n, &sum, &sum));
    sum
}

/// Kronecker product of two n×n matrices.
pub fn kronecker(n: usize, a: &[f64], b: &[f64]) -> Vec<f64> {
    let m = n * n;
    let entry = |r: usize, c: usize| a[(r / n) * n + c / n] * b[(r % n) * n + c % n];
    (0..m * m).map(|at| entry(at / m, at % m)).collect()
}

/// C with h C + C hᵀ = q.
pub fn lyapunov(n: usize, h: &[f64], q: &[f64]) -> Vec<f64> {
    let one = identity(n);
    let sum: Vec<f64> = kronecker(n, h, &one).iter().zip(kronecker(n, &one, h)).map(|(a, b)| a + b).collect();
    solve(n * n, &sum, q)
}
