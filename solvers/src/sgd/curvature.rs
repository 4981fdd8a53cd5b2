//! The largest curvature of the loss at the walkers, against the stability limit of gradient descent.

use crate::Error;
use crate::engine::Archive;
use crate::model::Model;
use crate::numerics::symmetric::{eigen, packed_index};

/// What was seen of h λ_max, h the time of a step (η for plain descent) and λ_max the largest eigenvalue of the Hessian of the
/// mean loss.
#[derive(Debug, Clone, Default)]
pub(super) struct LargestCurvature {
    /// Largest h λ_max.
    pub largest: f64,
    at: Vec<f64>,
    walkers: u64,
    above_one: u64,
    unstable: u64,
    limit: f64,
}

impl LargestCurvature {
    /// Looks at the points (coordinate-major), with central differences of ∇L over 10⁻⁴ of the axes; beyond `limit` descent
    /// is unstable.
    pub fn look(&mut self, model: &dyn Model, points: &[f64], lengths: &[f64], step_time: f64, limit: f64) {
        self.limit = limit;
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
            let value = step_time * largest_eigenvalue(d, h);
            if !value.is_finite() {
                continue;
            }
            self.walkers += 1;
            self.above_one += u64::from(value > 1.0 + 1e-9);
            self.unstable += u64::from(value > limit);
            if value > self.largest || self.at.is_empty() {
                self.largest = value;
                self.at = (0..d).map(|k| points[k * n + i]).collect();
            }
        }
    }

    /// Notes what was seen, or puts it back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.number("largest", &mut self.largest)?;
        archive.vector("at", &mut self.at)?;
        let counts = [&mut self.walkers, &mut self.above_one, &mut self.unstable];
        archive.words("seen", counts.into_iter().map(std::slice::from_mut).collect())
    }

    /// Says where h λ_max exceeds 1, beyond which a diffusion limit has no meaning for single steps; without noise, where
    /// descent is unstable.
    pub fn warnings(&self, noise: bool) -> Vec<String> {
        if self.unstable == 0 && (self.above_one == 0 || !noise) {
            return Vec::new();
        }
        let share = |count: u64| match count {
            0 => "none".to_string(),
            _ => format!("{:.2} %", 100.0 * count as f64 / self.walkers as f64),
        };
        vec![format!(
            "learning rate times largest curvature exceeds 1 at {} of the walkers looked at ({:.1}, where descent is unstable, \
             at {}), up to {:.2} at {:.4?}{}",
            share(self.above_one),
            self.limit,
            share(self.unstable),
            self.largest,
            self.at,
            if noise { ": there SGD is not close to any diffusion" } else { "" }
        )]
    }
}

/// Largest eigenvalue of the symmetric part.
fn largest_eigenvalue(d: usize, matrix: &[[f64; 3]; 3]) -> f64 {
    let mut packed = [0.0; 6];
    for r in 0..d {
        (r..d).for_each(|c| packed[packed_index(d, r, c)] = 0.5 * (matrix[r][c] + matrix[c][r]));
    }
    eigen(d, &packed).0[d - 1]
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
