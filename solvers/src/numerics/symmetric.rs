//! Symmetric d×d matrices in packed form, d ≤ 3: row-major upper triangle, each component contiguous over the points.
//!
//! Component order: d = 1: `[00]`; d = 2: `[00, 01, 11]`; d = 3: `[00, 01, 02, 11, 12, 22]`.

use super::small_matrix::diagonalise;

/// Number of components of a packed symmetric d×d matrix: d(d+1)/2.
pub const fn packed_len(d: usize) -> usize {
    d * (d + 1) / 2
}

/// Component of entry (i, j) in packed order.
pub const fn packed_index(d: usize, i: usize, j: usize) -> usize {
    let (i, j) = if i <= j { (i, j) } else { (j, i) };
    i * d - i * (i + 1) / 2 + j
}

/// ℓ_i ℓ_j, packed: the units of a matrix where those of its variables are ℓ (d).
pub fn products(lengths: &[f64]) -> Vec<f64> {
    let d = lengths.len();
    (0..d).flat_map(|i| (i..d).map(move |j| lengths[i] * lengths[j])).collect()
}

/// Eigenvalues (ascending, the first d) and eigenvectors (column k belongs to value k) of a packed symmetric matrix.
///
/// Small eigenvalues of graded positive matrices come out accurate relative to themselves (see [`super::small_matrix`]). Entries
/// beyond d are zero.
pub fn eigen(d: usize, packed: &[f64]) -> ([f64; 3], [[f64; 3]; 3]) {
    let (mut a, mut v) = ([0.0; 9], [0.0; 9]);
    for i in 0..d {
        v[i * d + i] = 1.0;
        for j in 0..d {
            a[i * d + j] = packed[packed_index(d, i, j)];
        }
    }
    diagonalise(d, &mut a[..d * d], &mut v[..d * d]);
    let mut order = [0, 1, 2];
    order[..d].sort_by(|&i, &j| a[i * d + i].total_cmp(&a[j * d + j]));
    let (mut values, mut vectors) = ([0.0; 3], [[0.0; 3]; 3]);
    for k in 0..d {
        values[k] = a[order[k] * d + order[k]];
        for i in 0..d {
            vectors[i][k] = v[i * d + order[k]];
        }
    }
    (values, vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_rebuild_the_matrix() {
        let matrices: [(usize, &[f64]); 4] = [
            (1, &[-2.5]),
            (2, &[2.0, -1.3, 1.0]),
            (3, &[4.0, 1.0, -2.0, 2.0, 0.5, 3.0]),
            (3, &[1.0, 1e-9, 0.0, 1e-12, 0.0, 0.0]),
        ];
        for (d, packed) in matrices {
            let (values, vectors) = eigen(d, packed);
            for i in 0..d {
                for j in 0..d {
                    let entry: f64 = (0..d).map(|k| vectors[i][k] * values[k] * vectors[j][k]).sum();
                    assert!((entry - packed[packed_index(d, i, j)]).abs() < 4e-15, "{d}: ({i}, {j}) {entry}");
                    let unit: f64 = (0..d).map(|k| vectors[k][i] * vectors[k][j]).sum();
                    assert!((unit - f64::from(i == j)).abs() < 4e-15);
                }
                assert!(i == 0 || values[i - 1] <= values[i]);
            }
        }
        let (values, _) = eigen(2, &[1.0, 1e-9, 1e-12]);
        assert!((values[0] / (1e-12 - 1e-18) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn packed_order_is_row_major_upper() {
        for d in 1..=3 {
            let mut next = 0;
            for i in 0..d {
                for j in i..d {
                    assert_eq!(packed_index(d, i, j), next);
                    assert_eq!(packed_index(d, j, i), next);
                    next += 1;
                }
            }
            assert_eq!(next, packed_len(d));
        }
    }
}
