//! The exponential of the small Hessenberg matrix that shift-and-invert Krylov projects the generator on.

use faer::c64;

/// Poles and zeros (upper half plane; they come in conjugate pairs, the last zero is real) of the L-stable [5/6] Padé approximant of
/// the exponential, from 60-digit arithmetic.
///
/// It is applied factor by factor: the residues of the whole approximant are hundreds and cancel, which would cost three digits.
#[allow(clippy::excessive_precision)]
const POLES: [c64; 3] = [
    c64 { re: 4.0388475344888001542, im: 8.345600414872215668 },
    c64 { re: 6.4705149367015697536, im: 4.9001211474213864242 },
    c64 { re: 7.4906375288096300922, im: 1.6215023887783939784 },
];
#[allow(clippy::excessive_precision)]
const ZEROS: [c64; 3] = [
    c64 { re: -5.6446417378554575717, im: 7.6935461856440472084 },
    c64 { re: -7.7060966838022925187, im: 3.7400530516591525719 },
    c64 { re: -8.2985231566844998192, im: 0.0 },
];

/// A factor κ + 2 Re[ρ/(z − p)] of the approximant, 1 at z = 0, with the pole p (upper half plane) and its zeros.
struct Factor {
    pole: c64,
    constant: f64,
    residue: c64,
}

impl Factor {
    /// κ(z − q)(z − q̄)/((z − p)(z − p̄)), or κ(z − q)/((z − p)(z − p̄)) for a real zero q.
    fn new(pole: c64, zero: c64) -> Self {
        let double = zero.im != 0.0;
        let scale = if double { pole.norm_sqr() / zero.norm_sqr() } else { pole.norm_sqr() / -zero.re };
        let numerator = if double { (pole - zero) * (pole - zero.conj()) } else { pole - zero };
        let residue = scale * numerator / (pole - pole.conj());
        Self { pole, constant: if double { scale } else { 0.0 }, residue }
    }
}

/// exp(−tA) on a Krylov space of (I + γA)⁻¹, where A = (H⁻¹ − I)/γ with H upper Hessenberg.
pub(crate) struct Projected {
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
        let factors = POLES.iter().zip(ZEROS).map(|(&pole, zero)| Factor::new(pole, zero));
        let factors: Vec<(Hessenberg, Factor)> =
            factors.map(|factor| (self.factor(c64::new(a, 0.0), factor.pole), factor)).collect();
        let (mut real, mut through) = (vec![0.0; self.size], vec![0.0; self.size]);
        for _ in 0..steps {
            for (solver, Factor { constant, residue, .. }) in &factors {
                let y = solver.solve(u);
                real.iter_mut().zip(&y).for_each(|(r, y)| *r = 2.0 * (residue.re * y.re - residue.im * y.im));
                self.multiply(&real, &mut through);
                u.iter_mut().zip(&through).for_each(|(u, v)| *u = constant * *u + v);
            }
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
    fn poles_and_zeros_reproduce_the_exponential() {
        for z in [0.0, -0.1, -0.5, -30.0] {
            let factors = POLES.iter().zip(ZEROS).map(|(&pole, zero)| Factor::new(pole, zero));
            let value: f64 = factors.map(|f| f.constant + 2.0 * (f.residue / (z - f.pole)).re).product();
            let error = (value - f64::exp(z)).abs();
            assert!(error < if z > -1.0 { 2e-15 } else { 3e-2 }, "{z}: {error:e}");
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
        assert!((u[0] - exact[0]).abs() < 1e-14 && (u[1] - exact[1]).abs() < 1e-14, "{u:?} {exact:?}");
        assert!((projected.last_of_inverse(&[1.0, 0.0]) - 3.0 * gamma).abs() < 1e-13);
    }
}
