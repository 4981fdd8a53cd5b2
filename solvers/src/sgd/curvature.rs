//! The largest curvature of the loss at the walkers, against the stability limit of gradient descent.

use crate::model::Model;

/// What was seen of η λ_max, λ_max the largest eigenvalue of the Hessian of the mean loss.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Largest η λ_max.
    pub largest: f64,
    at: Vec<f64>,
    walkers: usize,
    above_one: usize,
    above_two: usize,
}

impl Seen {
    /// Looks at the points (coordinate-major), with central differences of ∇L over 10⁻⁴ of the axes.
    pub fn look(&mut self, model: &dyn Model, points: &[f64], lengths: &[f64], learning_rate: f64) {
        let d = lengths.len();
        let n = points.len() / d;
        let mut hessian = vec![[[0.0; 3]; 3]; n];
        let (mut up, mut down) = (vec![0.0; d * n], vec![0.0; d * n]);
        for j in 0..d {
            let delta = 1e-4 * lengths[j];
            for (sign, gradient) in [(1.0, &mut up), (-1.0, &mut down)] {
                let mut moved = points.to_vec();
                moved[j * n..(j + 1) * n].iter_mut().for_each(|x| *x += sign * delta);
                model.gradient(&moved, gradient);
            }
            for i in 0..n {
                for k in 0..d {
                    hessian[i][k][j] = (up[k * n + i] - down[k * n + i]) / (2.0 * delta);
                }
            }
        }
        for (i, h) in hessian.iter().enumerate() {
            let value = learning_rate * largest_eigenvalue(d, h);
            if !value.is_finite() {
                continue;
            }
            self.walkers += 1;
            self.above_one += usize::from(value > 1.0);
            self.above_two += usize::from(value > 2.0);
            if value > self.largest || self.at.is_empty() {
                self.largest = value;
                self.at = (0..d).map(|k| points[k * n + i]).collect();
            }
        }
    }

    /// Says where η λ_max exceeds 1, beyond which the diffusion limit has no meaning for single steps.
    pub fn warnings(&self) -> Vec<String> {
        if self.above_one == 0 {
            return Vec::new();
        }
        let share = |count: usize| 100.0 * count as f64 / self.walkers as f64;
        vec![format!(
            "learning rate times largest curvature exceeds 1 at {:.2} % of the walkers looked at (2, where descent is unstable, \
             at {:.2} %), up to {:.2} at {:?}: there SGD is not close to any diffusion",
            share(self.above_one),
            share(self.above_two),
            self.largest,
            self.at
        )]
    }
}

/// Largest eigenvalue of the symmetric part, by cyclic Jacobi rotations.
fn largest_eigenvalue(d: usize, matrix: &[[f64; 3]; 3]) -> f64 {
    let mut a = [[0.0; 3]; 3];
    for r in 0..d {
        for c in 0..d {
            a[r][c] = 0.5 * (matrix[r][c] + matrix[c][r]);
        }
    }
    for _ in 0..12 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if q >= d || a[p][q] == 0.0 {
                continue;
            }
            let (s, c) = (0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p])).sin_cos();
            for k in 0..d {
                let (x, y) = (a[k][p], a[k][q]);
                (a[k][p], a[k][q]) = (c * x - s * y, s * x + c * y);
            }
            for k in 0..d {
                let (x, y) = (a[p][k], a[q][k]);
                (a[p][k], a[q][k]) = (c * x - s * y, s * x + c * y);
            }
        }
    }
    (0..d).map(|k| a[k][k]).fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_of_known_matrices() {
        let rotated = [[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]];
        assert!((largest_eigenvalue(3, &rotated) - (2.0 + 2f64.sqrt())).abs() < 1e-13);
        assert!((largest_eigenvalue(2, &[[1.0, 2.0, 0.0], [2.0, -1.0, 0.0], [0.0; 3]]) - 5f64.sqrt()).abs() < 1e-13);
        assert_eq!(largest_eigenvalue(1, &[[-3.0, 0.0, 0.0], [0.0; 3], [0.0; 3]]), -3.0);
    }
}
