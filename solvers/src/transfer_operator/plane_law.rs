//! The law of one step put on the nodes of a plane: bilinear deposit keeps mass, mean and E\[xy\]; limited contraction along one axis
//! after the other makes both variances exact.

use super::assignment::{LEAST_VARIANCE, Moves, contract};

/// Weights on a window of nodes, relative to the node the step starts from.
#[derive(Debug, Clone, Default)]
pub struct PlaneLaw {
    /// First node along each axis.
    pub first: [i64; 2],
    /// Number of nodes along each axis.
    pub shape: [usize; 2],
    /// Weights (row-major, the second axis fastest), ≥ 0, sum 1.
    pub weights: Vec<f64>,
    /// Variance along each axis beyond the exact one (cells²).
    pub left: [f64; 2],
    moves: Moves,
    moved: Vec<[f64; 2]>,
}

/// A symmetric 2×2 matrix: [xx, xy, yy].
pub type Symmetric = [f64; 3];

fn eigenvalues(s: Symmetric) -> [f64; 2] {
    let (mean, half) = (0.5 * (s[0] + s[2]), (0.5 * (s[0] - s[2])).hypot(s[1]));
    [mean - half, mean + half]
}

/// The positive root of a positive matrix: (S + √det·I)/√(tr + 2√det).
fn root(s: Symmetric) -> Symmetric {
    let det = (s[0] * s[2] - s[1] * s[1]).max(0.0).sqrt();
    let t = (s[0] + s[2] + 2.0 * det).sqrt();
    [(s[0] + det) / t, s[1] / t, (s[2] + det) / t]
}

/// R⁻¹ S for symmetric R, S: a general matrix, by rows.
fn product(s: Symmetric, r: Symmetric) -> [f64; 4] {
    let det = r[0] * r[2] - r[1] * r[1];
    let inverse = [r[2] / det, -r[1] / det, r[0] / det];
    [
        s[0] * inverse[0] + s[1] * inverse[1],
        s[0] * inverse[1] + s[1] * inverse[2],
        s[1] * inverse[0] + s[2] * inverse[1],
        s[1] * inverse[1] + s[2] * inverse[2],
    ]
}

/// Rounds of the fixed point that shrinks the atoms.
const ROUNDS: usize = 60;

impl PlaneLaw {
    /// Assigns atoms (displacements about their mean, cells) with weights (sum 1) moved by `shift` so that the covariance is `s`: that of
    /// the atoms, or a little less along the diagonal.
    pub fn assign(&mut self, atoms: &[[f64; 2]], weights: &[f64], shift: [f64; 2], s: Symmetric) {
        let mut has = [0.0; 3];
        for (z, w) in atoms.iter().zip(weights) {
            has[0] += w * z[0] * z[0];
            has[1] += w * z[0] * z[1];
            has[2] += w * z[1] * z[1];
        }
        self.place(atoms, weights, shift, [1.0, 0.0, 0.0, 1.0], has, s);
        let worst = |left: [f64; 2]| left[0].max(left[1]);
        if worst(self.left) <= 1e-12 || eigenvalues(s)[0] <= LEAST_VARIANCE {
            return;
        }
        let inverse = root(has);
        let mut d = self.left.map(|l| l.max(0.0));
        for _ in 0..ROUNDS {
            let shrunk = [s[0] - d[0], s[1], s[2] - d[1]];
            if eigenvalues(shrunk)[0] <= 0.0 {
                break;
            }
            self.place(atoms, weights, shift, product(root(shrunk), inverse), shrunk, s);
            if self.left[0].abs().max(self.left[1].abs()) < 1e-12 {
                break;
            }
            d = [(d[0] + self.left[0]).max(0.0), (d[1] + self.left[1]).max(0.0)];
        }
    }

    /// Deposits A z + shift, whose covariance is `has`, and contracts towards the variances of `wanted`.
    fn place(
        &mut self,
        atoms: &[[f64; 2]],
        weights: &[f64],
        shift: [f64; 2],
        a: [f64; 4],
        has: Symmetric,
        wanted: Symmetric,
    ) {
        let at = |z: &[f64; 2]| [shift[0] + a[0] * z[0] + a[1] * z[1], shift[1] + a[2] * z[0] + a[3] * z[1]];
        self.moved.clear();
        self.moved.extend(atoms.iter().map(at));
        for k in 0..2 {
            let (low, high) =
                self.moved.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), z| (a.min(z[k]), b.max(z[k])));
            self.first[k] = low.floor() as i64 - 2;
            self.shape[k] = (high.floor() as i64 + 4 - self.first[k]) as usize;
        }
        let width = self.shape[1];
        self.weights.clear();
        self.weights.resize(self.shape[0] * width, 0.0);
        let mut added = [0.0; 2];
        for (z, &w) in self.moved.iter().zip(weights) {
            let floor = [z[0].floor(), z[1].floor()];
            let (x, y) = (z[0] - floor[0], z[1] - floor[1]);
            let k = (floor[0] as i64 - self.first[0]) as usize * width + (floor[1] as i64 - self.first[1]) as usize;
            self.weights[k] += w * (1.0 - x) * (1.0 - y);
            self.weights[k + 1] += w * (1.0 - x) * y;
            self.weights[k + width] += w * x * (1.0 - y);
            self.weights[k + width + 1] += w * x * y;
            added[0] += w * x * (1.0 - x);
            added[1] += w * y * (1.0 - y);
        }
        let needs = [has[0] + added[0] - wanted[0], has[2] + added[1] - wanted[2]];
        for (k, stride) in [width, 1].into_iter().enumerate() {
            self.left[k] = contract(&mut self.weights, stride, |_| 2.0, needs[k], &mut self.moves);
        }
    }

    /// Mean along each axis and covariance.
    pub fn moments(&self) -> ([f64; 2], Symmetric) {
        let (mut mean, mut s) = ([0.0; 2], [0.0; 3]);
        let place = |k: usize| {
            [(self.first[0] + (k / self.shape[1]) as i64) as f64, (self.first[1] + (k % self.shape[1]) as i64) as f64]
        };
        for (k, w) in self.weights.iter().enumerate() {
            let z = place(k);
            (0..2).for_each(|i| mean[i] += w * z[i]);
        }
        for (k, w) in self.weights.iter().enumerate() {
            let z = place(k);
            let d = [z[0] - mean[0], z[1] - mean[1]];
            s[0] += w * d[0] * d[0];
            s[1] += w * d[0] * d[1];
            s[2] += w * d[1] * d[1];
        }
        (mean, s)
    }
}
