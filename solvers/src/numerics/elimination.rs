//! A few linear equations at once: Gaussian elimination with partial pivoting.

/// Solves A x = b in place of `b` for a k×k matrix, row-major, and returns det A; None where a pivot vanishes or an entry is not finite.
pub fn solve(k: usize, matrix: &mut [f64], b: &mut [f64]) -> Option<f64> {
    let mut determinant = 1.0;
    for p in 0..k {
        let pivot = (p..k).max_by(|&i, &j| matrix[i * k + p].abs().total_cmp(&matrix[j * k + p].abs()))?;
        if pivot != p {
            (0..k).for_each(|c| matrix.swap(p * k + c, pivot * k + c));
            b.swap(p, pivot);
            determinant = -determinant;
        }
        let at = matrix[p * k + p];
        if at == 0.0 || !at.is_finite() {
            return None;
        }
        determinant *= at;
        for i in p + 1..k {
            let factor = matrix[i * k + p] / at;
            (p..k).for_each(|c| matrix[i * k + c] -= factor * matrix[p * k + c]);
            b[i] -= factor * b[p];
        }
    }
    for p in (0..k).rev() {
        let rest: f64 = (p + 1..k).map(|c| matrix[p * k + c] * b[c]).sum();
        b[p] = (b[p] - rest) / matrix[p * k + p];
    }
    b.iter().all(|x| x.is_finite()).then_some(determinant)
}

#[cfg(test)]
mod tests {
    use super::solve;

    #[test]
    fn a_system_that_needs_pivots() {
        let (mut a, mut b) = ([0.0, 2.0, 1.0, 1.0, -1.0, 0.0, 3.0, 0.0, -2.0], [7.0, -1.0, -3.0]);
        // x = (1, 2, 3): det by the first row −2(1·(−2) − 0) + 1(0 + 3) = 7
        let determinant = solve(3, &mut a, &mut b);
        assert!((determinant.unwrap_or(0.0) - 7.0).abs() < 1e-14, "{determinant:?}");
        assert!(b.iter().zip([1.0, 2.0, 3.0]).all(|(x, known)| (x - known).abs() < 1e-14), "{b:?}");
        assert_eq!(solve(2, &mut [1.0, 2.0, 2.0, 4.0], &mut [1.0, 1.0]), None);
    }
}
