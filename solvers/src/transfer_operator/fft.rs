//! Discrete Fourier transforms of real sequences whose length is a power of two.

use std::f64::consts::PI;

/// Transforms of real sequences of one length n: X_k = Σ_j x_j e^{−2πijk/n}, k = 0 … n/2, and back.
///
/// A complex transform of half the length (Stockham's autosort) and one pass that separates even and odd places.
pub struct RealTransform {
    n: usize,
    cosine: Vec<f64>,
    sine: Vec<f64>,
    scratch: [Vec<f64>; 2],
    half: [Vec<f64>; 2],
}

impl RealTransform {
    /// Transforms of length `n`, a power of two from 4 on.
    pub fn new(n: usize) -> Self {
        debug_assert!(n.is_power_of_two() && n >= 4);
        let angle = |k: usize| 2.0 * PI * k as f64 / n as f64;
        let zeros = || [vec![0.0; n / 2], vec![0.0; n / 2]];
        Self {
            n,
            cosine: (0..n / 2).map(|k| angle(k).cos()).collect(),
            sine: (0..n / 2).map(|k| angle(k).sin()).collect(),
            scratch: zeros(),
            half: zeros(),
        }
    }

    /// Length n.
    pub fn length(&self) -> usize {
        self.n
    }

    /// X (real and imaginary parts, n/2 + 1 each) of the sequence `x` (n).
    pub fn forward(&mut self, x: &[f64], real: &mut [f64], imaginary: &mut [f64]) {
        let m = self.n / 2;
        for k in 0..m {
            self.half[0][k] = x[2 * k];
            self.half[1][k] = x[2 * k + 1];
        }
        self.complex(false);
        for k in 0..=m {
            let (a, b) = (k % m, (m - k) % m);
            let (zr, zi, yr, yi) = (self.half[0][a], self.half[1][a], self.half[0][b], -self.half[1][b]);
            let (er, ei) = (0.5 * (zr + yr), 0.5 * (zi + yi));
            let (or, oi) = (0.5 * (zi - yi), -0.5 * (zr - yr));
            let (c, s) = if k == m { (-1.0, 0.0) } else { (self.cosine[k], -self.sine[k]) };
            real[k] = er + c * or - s * oi;
            imaginary[k] = ei + c * oi + s * or;
        }
    }

    /// The sequence `x` (n) of X.
    pub fn backward(&mut self, real: &[f64], imaginary: &[f64], x: &mut [f64]) {
        let m = self.n / 2;
        for k in 0..m {
            let (ar, ai, br, bi) = (real[k], imaginary[k], real[m - k], -imaginary[m - k]);
            let (er, ei, dr, di) = (0.5 * (ar + br), 0.5 * (ai + bi), 0.5 * (ar - br), 0.5 * (ai - bi));
            let (c, s) = (self.cosine[k], self.sine[k]);
            let (or, oi) = (c * dr - s * di, c * di + s * dr);
            self.half[0][k] = er - oi;
            self.half[1][k] = ei + or;
        }
        self.complex(true);
        let scale = 1.0 / m as f64;
        for k in 0..m {
            x[2 * k] = self.half[0][k] * scale;
            x[2 * k + 1] = self.half[1][k] * scale;
        }
    }

    /// The complex transform of `half`, in place; with the opposite sign and no factor for `inverse`.
    fn complex(&mut self, inverse: bool) {
        let m = self.n / 2;
        let (mut length, mut stride) = (m, 1);
        while length > 1 {
            let half = length / 2;
            let [xr, xi] = &self.half;
            let [yr, yi] = &mut self.scratch;
            for p in 0..half {
                let (c, s) = (self.cosine[2 * p * stride], self.sine[2 * p * stride]);
                let s = if inverse { s } else { -s };
                let (a, b, to) = (stride * p, stride * (p + half), stride * 2 * p);
                let (ar, ai) = (&xr[a..a + stride], &xi[a..a + stride]);
                let (br, bi) = (&xr[b..b + stride], &xi[b..b + stride]);
                let (y0r, y1r) = yr[to..to + 2 * stride].split_at_mut(stride);
                let (y0i, y1i) = yi[to..to + 2 * stride].split_at_mut(stride);
                for q in 0..stride {
                    y0r[q] = ar[q] + br[q];
                    y0i[q] = ai[q] + bi[q];
                    let (dr, di) = (ar[q] - br[q], ai[q] - bi[q]);
                    y1r[q] = dr * c - di * s;
                    y1i[q] = dr * s + di * c;
                }
            }
            std::mem::swap(&mut self.half, &mut self.scratch);
            length = half;
            stride *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_agree_with_the_sum_and_come_back() {
        for n in [4, 8, 64] {
            let x: Vec<f64> = (0..n).map(|j| ((j * j + 1) as f64 * 0.7).sin()).collect();
            let (mut real, mut imaginary) = (vec![0.0; n / 2 + 1], vec![0.0; n / 2 + 1]);
            let mut transform = RealTransform::new(n);
            transform.forward(&x, &mut real, &mut imaginary);
            for k in 0..=n / 2 {
                let angle = |j: usize| -2.0 * PI * (j * k % n) as f64 / n as f64;
                let re: f64 = (0..n).map(|j| x[j] * angle(j).cos()).sum();
                let im: f64 = (0..n).map(|j| x[j] * angle(j).sin()).sum();
                assert!((re - real[k]).abs() + (im - imaginary[k]).abs() < 1e-12, "{n} {k}");
            }
            let mut back = vec![0.0; n];
            transform.backward(&real, &imaginary, &mut back);
            assert!(x.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-14));
        }
    }
}
