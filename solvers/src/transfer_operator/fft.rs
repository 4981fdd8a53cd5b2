//! Discrete Fourier transforms of real sequences.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex64;

/// Transforms of real sequences of one length n: X_k = Σ_j x_j e^{−2πijk/n}, k = 0 … n/2, and back.
pub struct RealTransform {
    n: usize,
    there: Arc<dyn RealToComplex<f64>>,
    back: Arc<dyn ComplexToReal<f64>>,
    values: Vec<f64>,
    spectrum: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl RealTransform {
    /// Transforms of length `n`, even.
    pub fn new(n: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let (there, back) = (planner.plan_fft_forward(n), planner.plan_fft_inverse(n));
        let scratch = vec![Complex64::default(); there.get_scratch_len().max(back.get_scratch_len())];
        Self { n, there, back, values: vec![0.0; n], spectrum: vec![Complex64::default(); n / 2 + 1], scratch }
    }

    /// Length n.
    pub fn length(&self) -> usize {
        self.n
    }

    /// X (real and imaginary parts, n/2 + 1 each) of the sequence `x` (n).
    pub fn forward(&mut self, x: &[f64], real: &mut [f64], imaginary: &mut [f64]) {
        self.values.copy_from_slice(x);
        let done = self.there.process_with_scratch(&mut self.values, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths fit");
        for (k, value) in self.spectrum.iter().enumerate() {
            (real[k], imaginary[k]) = (value.re, value.im);
        }
    }

    /// The sequence `x` (n) of X.
    pub fn backward(&mut self, real: &[f64], imaginary: &[f64], x: &mut [f64]) {
        let last = self.n / 2;
        for (k, value) in self.spectrum.iter_mut().enumerate() {
            *value = Complex64::new(real[k], if k == 0 || k == last { 0.0 } else { imaginary[k] });
        }
        let done = self.back.process_with_scratch(&mut self.spectrum, x, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths fit");
        let scale = 1.0 / self.n as f64;
        x.iter_mut().for_each(|x| *x *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

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
