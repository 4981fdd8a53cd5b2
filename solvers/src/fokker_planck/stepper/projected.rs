//! The exponential of the small Hessenberg matrix that shift-and-invert Krylov projects the generator on.

use faer::c64;

/// Poles and residues (upper half plane; they come in conjugate pairs) of the L-stable [5/6] Padé approximant of the
/// exponential, from 50-digit arithmetic.
#[allow(clippy::excessive_precision)]
const PADE: [(c64, c64); 3] = [
    (
        c64 { re: 4.0388475344888001542, im: 8.345600414872215668 },
        c64 { re: 43.515533036073823344, im: -14.015306215640605794 },
    ),
    (
        c64 { re: 6.4705149367015697536, im: 4.9001211474213864242 },
        c64 { re: -226.06041189362895375, im: 305.10335904505314999 },
    ),
    (
        c64 { re: 7.4906375288096300922, im: 1.6215023887783939784 },
        c64 { re: 185.54487885755513041, im: -917.7923648638088502 },
    ),
];

/// exp(−tA) on a Krylov space of (I + γA)⁻¹, where A = (H⁻¹ − I)/γ with H upper Hessenberg.
pub(super) struct Projected {
    size: usize,
    /// Row-major m×m.
    h: Vec<f64>,
    gamma: f64,
}

impl Projected {
    /// From the columns of H, column j with j + 2 entries (the last of them outside the square for the last column).
    pub fn new(columns: &[Vec<f64>], gamma: f64) -> Self {
        let m = columns.len();
        let mut h = vec![0.0; m * m];
        for (j, column) in columns.iter().enumerate() {
            for (i, &value) in column.iter().enumerate().take(m) {
                h[i * m + j] = value;
            }
        }
        Self { size: m, h, gamma }
    }

    /// u := exp(−tA) u by equal steps of the approximant: exact to rounding where |λ|t/steps ≤ ½ for every mode still alive.
    pub fn march(&self, u: &mut [f64], t: f64, steps: usize) {
        let a = t / steps as f64 / self.gamma;
        let solvers: Vec<(Hessenberg, c64)> =
            PADE.iter().map(|&(pole, residue)| (self.factor(c64::new(a, 0.0), pole), residue)).collect();
        for _ in 0..steps {
            let mut sum = vec![0.0; self.size];
            for (solver, residue) in &solvers {
                let y = solver.solve(u);
                sum.iter_mut().zip(&y).for_each(|(sum, y)| *sum += 2.0 * (residue.re * y.re - residue.im * y.im));
            }
            self.multiply(&sum, u);
        }
    }

    /// Last entry of H⁻¹u.
    pub fn last_of_inverse(&self, u: &[f64]) -> f64 {
        self.factor(c64::new(0.0, 0.0), c64::new(-1.0, 0.0)).solve(u)[self.size - 1].re
    }

    fn multiply(&self, x: &[f64], out: &mut [f64]) {
        let m = self.size;
        for i in 0..m {
            let first = i.saturating_sub(1);
            out[i] = self.h[i * m + first..(i + 1) * m].iter().zip(&x[first..]).map(|(h, x)| h * x).sum();
        }
    }

    /// LU with row exchanges of a (H − I) − z H.
    fn factor(&self, a: c64, z: c64) -> Hessenberg {
        let m = self.size;
        let mut u: Vec<c64> = self.h.iter().map(|&h| (a - z) * h).collect();
        (0..m).for_each(|i| u[i * m + i] -= a);
        let (mut swapped, mut factor) = (vec![false; m], vec![c64::new(0.0, 0.0); m]);
        for k in 0..m.saturating_sub(1) {
            if u[(k + 1) * m + k].norm_sqr() > u[k * m + k].norm_sqr() {
                swapped[k] = true;
                (k..m).for_each(|j| u.swap(k * m + j, (k + 1) * m + j));
            }
            factor[k] = u[(k + 1) * m + k] / u[k * m + k];
            for j in k + 1..m {
                let update = factor[k] * u[k * m + j];
                u[(k + 1) * m + j] -= update;
            }
        }
        Hessenberg { size: m, u, swapped, factor }
    }
}

struct Hessenberg {
    size: usize,
    u: Vec<c64>,
    swapped: Vec<bool>,
    factor: Vec<c64>,
}

impl Hessenberg {
    fn solve(&self, b: &[f64]) -> Vec<c64> {
        let m = self.size;
        let mut x: Vec<c64> = b.iter().map(|&b| c64::new(b, 0.0)).collect();
        for k in 0..m - 1 {
            if self.swapped[k] {
                x.swap(k, k + 1);
            }
            let update = self.factor[k] * x[k];
            x[k + 1] -= update;
        }
        for k in (0..m).rev() {
            let sum = (k + 1..m).fold(x[k], |sum, j| sum - self.u[k * m + j] * x[j]);
            x[k] = sum / self.u[k * m + k];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poles_and_residues_reproduce_the_exponential() {
        for z in [0.0, -0.1, -0.5, -30.0] {
            let value: f64 = PADE.iter().map(|(pole, residue)| 2.0 * (residue / (z - pole)).re).sum();
            let error = (value - f64::exp(z)).abs();
            assert!(error < if z > -1.0 { 1e-13 } else { 3e-2 }, "{z}: {error:e}");
        }
    }

    #[test]
    fn marching_a_small_matrix_agrees_with_its_eigenvalues() {
        // H = (I + γA)⁻¹ for the rotation-decay A = [[1, −3], [3, 1]]
        let gamma = 0.2;
        let (p, q) = (1.0 + gamma, 3.0 * gamma);
        let det = p * p + q * q;
        let columns = vec![vec![p / det, -q / det, 0.0], vec![q / det, p / det, 0.0]];
        let projected = Projected::new(&columns, gamma);
        let mut u = vec![1.0, 0.0];
        projected.march(&mut u, 2.0, 64);
        let exact = [(-2.0f64).exp() * 6.0f64.cos(), -(-2.0f64).exp() * 6.0f64.sin()];
        assert!((u[0] - exact[0]).abs() < 1e-12 && (u[1] - exact[1]).abs() < 1e-12, "{u:?} {exact:?}");
        assert!((projected.last_of_inverse(&[1.0, 0.0]) - 3.0 * gamma).abs() < 1e-13);
    }
}
