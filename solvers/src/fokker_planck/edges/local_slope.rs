//! The local gradient of the quasi-potential: γ with M γ = β where M is positive definite, and the rest of β where it is not.

use crate::numerics::symmetric::{eigen, packed_index};

/// β = M γ + rest.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Node {
    /// γ.
    pub gamma: [f64; 3],
    /// The part of β that no diffusion carries.
    pub rest: [f64; 3],
}

/// Eigenvalues below this share of the largest carry nothing; between the two the share goes linearly in the logarithm.
const SINGULAR: (f64, f64) = (1e-12, 1e-10);

/// Solves (M + added·I) γ = β for the packed d×d matrix M. What was added carries no drift: along directions in which M itself has no
/// noise β is left over.
pub fn solve_node(d: usize, m: &[f64], added: f64, beta: [f64; 3]) -> Node {
    let mut full = [[0.0; 3]; 3];
    for i in 0..d {
        for j in 0..d {
            full[i][j] = m[packed_index(d, i, j)] + if i == j { added } else { 0.0 };
        }
    }
    let definite = if added == 0.0 { solve_definite(d, full, beta) } else { None };
    definite.map_or_else(|| split(d, m, added, beta), |gamma| Node { gamma, rest: [0.0; 3] })
}

/// L D Lᵀ; None where a pivot is small.
fn solve_definite(d: usize, mut m: [[f64; 3]; 3], mut x: [f64; 3]) -> Option<[f64; 3]> {
    let largest = (0..d).map(|k| m[k][k]).fold(0.0, f64::max);
    for k in 0..d {
        if m[k][k] <= 1e-6 * largest || largest == 0.0 {
            return None;
        }
        for i in k + 1..d {
            let factor = m[i][k] / m[k][k];
            for j in k + 1..d {
                m[i][j] -= factor * m[k][j];
            }
            x[i] -= factor * x[k];
        }
    }
    for k in (0..d).rev() {
        for j in k + 1..d {
            x[k] -= m[k][j] * x[j];
        }
        x[k] /= m[k][k];
    }
    Some(x)
}

fn split(d: usize, m: &[f64], added: f64, beta: [f64; 3]) -> Node {
    let mut packed = [0.0; 6];
    packed[..m.len()].copy_from_slice(m);
    (0..d).for_each(|k| packed[packed_index(d, k, k)] += added);
    let (values, vectors) = eigen(d, &packed);
    let largest = values[..d].iter().copied().fold(0.0, f64::max);
    let mut node = Node { gamma: [0.0; 3], rest: [0.0; 3] };
    for k in 0..d {
        let part = vectors[0][k] * beta[0] + vectors[1][k] * beta[1] + vectors[2][k] * beta[2];
        let ratio = if largest > 0.0 { (values[k] - added) / largest } else { 0.0 };
        let share = share(ratio);
        for i in 0..d {
            if share > 0.0 {
                node.gamma[i] += share * part / values[k] * vectors[i][k];
            }
            node.rest[i] += (1.0 - share) * part * vectors[i][k];
        }
    }
    node
}

fn share(ratio: f64) -> f64 {
    if ratio >= SINGULAR.1 {
        1.0
    } else if ratio <= SINGULAR.0 {
        0.0
    } else {
        (ratio / SINGULAR.0).ln() / (SINGULAR.1 / SINGULAR.0).ln()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn definite_and_singular_matrices_are_solved() {
        let m = [4.0, 1.0, 0.5, 3.0, -0.2, 2.0];
        let node = solve_node(3, &m, 0.0, [1.0, 2.0, 3.0]);
        let g = node.gamma;
        assert!((4.0 * g[0] + g[1] + 0.5 * g[2] - 1.0).abs() < 1e-14);
        assert!((g[0] + 3.0 * g[1] - 0.2 * g[2] - 2.0).abs() < 1e-14);
        assert_eq!(node.rest, [0.0; 3]);
        // M = (3, 2)(3, 2)ᵀ: the part along (3, 2) is carried, the part along (−2, 3) is left
        let node = solve_node(2, &[9.0, 6.0, 4.0], 0.0, [3.0 - 2.0, 2.0 + 3.0, 0.0]);
        assert!((node.rest[0] + 2.0).abs() < 1e-13 && (node.rest[1] - 3.0).abs() < 1e-13);
        assert!((node.gamma[0] - 3.0 / 13.0).abs() < 1e-14 && (node.gamma[1] - 2.0 / 13.0).abs() < 1e-14);
        let node = solve_node(2, &[0.0; 3], 0.0, [1.0, 2.0, 0.0]);
        assert_eq!((node.gamma, node.rest), ([0.0; 3], [1.0, 2.0, 0.0]));
    }
}
