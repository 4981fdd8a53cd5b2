//! The characteristic function of a sum over a simple random sample: B of m without replacement.
//!
//! With f = B/m the sum over B distinct samples is the sum over independently kept samples (each with probability f), given that
//! B are kept:
//!
//! ```text
//! φ_B(ω) = ∮ e^{−iBψ} Π_s (1 − f + f e^{i(ω x_s + ψ)}) dψ / (the same at ω = 0).
//! ```
//!
//! For small f the logarithm of the product is a series in ρ = f/(1−f) of sums Σ_s e^{ikωx_s}, one transform each. Samples sit
//! between two lattice points: each takes one of them by chance, so that the result is the law of a true random variable.

use std::f64::consts::PI;

use super::fft::RealTransform;

/// Terms of the series up to which it is used.
const MOST_TERMS: usize = 40;
/// Size below which a value of the characteristic function is 0.
const LOG_LEAST: f64 = 45.0;

/// Simple random sampling of B out of m.
pub(super) struct Simple {
    m: usize,
    /// Number of distinct samples that are summed: B or, if that is fewer, those left out.
    kept: usize,
    /// Whether they are those left out; the sum of all is 0.
    complement: bool,
    /// Angles ψ about the one where the integrand is largest.
    angles: Vec<f64>,
}

impl Simple {
    pub fn new(m: usize, batch: usize) -> Self {
        let complement = 2 * batch > m;
        let kept = if complement { m - batch } else { batch };
        let f = kept as f64 / m as f64;
        let top = 9.0 / (m as f64 * f * (1.0 - f)).sqrt();
        let angles = if top < PI {
            (0..41).map(|k| top * (f64::from(k) / 20.0 - 1.0)).collect()
        } else {
            let n = (m + 1).min(96);
            (0..n).map(|k| 2.0 * PI * k as f64 / n as f64 - PI).collect()
        };
        Self { m, kept, complement, angles }
    }

    /// φ_B at the frequencies of a periodic lattice of samples at `x` (in lattice spacings, sum 0).
    pub fn transform(&self, x: &[f64], transform: &mut RealTransform, real: &mut [f64], imaginary: &mut [f64]) {
        if self.kept == 0 {
            real.fill(1.0);
            imaginary.fill(0.0);
            return;
        }
        let sign = if self.complement { -1.0 } else { 1.0 };
        let places: Vec<(f64, f64)> =
            x.iter().map(|x| (sign * x).floor()).zip(x).map(|(l, x)| (l, sign * x - l)).collect();
        let (f, m) = (self.kept as f64 / self.m as f64, self.m as f64);
        let rho = f / (1.0 - f);
        let terms = (1..=MOST_TERMS).find(|&k| m * rho.powi(k as i32) / (k as f64) < 1e-16);
        match terms {
            Some(terms) => self.by_series(&places, terms, transform, real, imaginary),
            None => self.by_product(&places, transform.length(), real, imaginary),
        }
    }

    /// Whether |φ_B| is negligible where |Σ_s e^{iωx_s}| = `size`.
    fn negligible(&self, size: f64) -> bool {
        let f = self.kept as f64 / self.m as f64;
        f * (1.0 - f) * (self.m as f64 - size) > LOG_LEAST
    }

    fn by_series(
        &self,
        places: &[(f64, f64)],
        terms: usize,
        transform: &mut RealTransform,
        real: &mut [f64],
        imaginary: &mut [f64],
    ) {
        let (n, half) = (transform.length(), transform.length() / 2);
        let mut sums = vec![(vec![0.0; half + 1], vec![0.0; half + 1]); terms];
        let mut lattice = vec![0.0; n];
        for (k, (re, im)) in sums.iter_mut().enumerate() {
            deposit(places, k + 1, &mut lattice);
            transform.forward(&lattice, re, im);
        }
        let f = self.kept as f64 / self.m as f64;
        let (rho, start) = (f / (1.0 - f), self.m as f64 * (1.0 - f).ln());
        let coefficient: Vec<f64> = (1..=terms).map(|k| -(-rho).powi(k as i32) / k as f64).collect();
        let value = |w: usize| -> (f64, f64) {
            let (mut total, mut other) = (0.0, 0.0);
            let peak = -sums[0].1[w].atan2(sums[0].0[w]);
            for angle in self.angles.iter().map(|a| a + peak) {
                let (s, c) = angle.sin_cos();
                let (mut a, mut b) = (0.0, 0.0);
                for k in (0..terms).rev() {
                    let (x, y) = (a + coefficient[k] * sums[k].0[w], b + coefficient[k] * sums[k].1[w]);
                    (a, b) = (x * c - y * s, x * s + y * c);
                }
                let (s, c) = (b - self.kept as f64 * angle).sin_cos();
                let size = (start + a).exp();
                total += size * c;
                other += size * s;
            }
            (total, other)
        };
        self.fill(value, |w| sums[0].0[w].hypot(sums[0].1[w]), real, imaginary);
    }

    fn by_product(&self, places: &[(f64, f64)], n: usize, real: &mut [f64], imaginary: &mut [f64]) {
        let f = self.kept as f64 / self.m as f64;
        let mut factors = vec![(0.0, 0.0); self.m];
        for w in 0..real.len() {
            let omega = 2.0 * PI * w as f64 / n as f64;
            let (s1, c1) = (-omega).sin_cos();
            let (mut x, mut y) = (0.0, 0.0);
            for (factor, &(l, a)) in factors.iter_mut().zip(places) {
                let (s, c) = (-2.0 * PI * ((l as i64 * w as i64).rem_euclid(n as i64)) as f64 / n as f64).sin_cos();
                let (p, q) = (1.0 - a + a * c1, a * s1);
                *factor = (c * p - s * q, c * q + s * p);
                x += factor.0;
                y += factor.1;
            }
            let value = |_: usize| {
                let (mut total, mut other) = (0.0, 0.0);
                let peak = -y.atan2(x);
                for angle in self.angles.iter().map(|a| a + peak) {
                    let (s, c) = angle.sin_cos();
                    let (mut a, mut b) = (1.0, 0.0);
                    for &(p, q) in &factors {
                        let (u, v) = (1.0 - f + f * (c * p - s * q), f * (c * q + s * p));
                        (a, b) = (a * u - b * v, a * v + b * u);
                    }
                    let (s, c) = (-(self.kept as f64) * angle).sin_cos();
                    total += a * c - b * s;
                    other += a * s + b * c;
                }
                (total, other)
            };
            let one = w..w + 1;
            self.fill(value, |_| x.hypot(y), &mut real[one.clone()], &mut imaginary[one]);
        }
        let scale = 1.0 / real[0];
        real.iter_mut().chain(imaginary).for_each(|v| *v *= scale);
    }

    /// Fills in the values that are not negligible; divided by the first where that is frequency 0.
    fn fill(
        &self,
        value: impl Fn(usize) -> (f64, f64),
        size: impl Fn(usize) -> f64,
        real: &mut [f64],
        imaginary: &mut [f64],
    ) {
        for w in 0..real.len() {
            (real[w], imaginary[w]) = if self.negligible(size(w)) { (0.0, 0.0) } else { value(w) };
        }
        if real.len() > 1 {
            let scale = 1.0 / real[0];
            real.iter_mut().chain(imaginary).for_each(|v| *v *= scale);
        }
    }
}

/// The law of k times a sample's place, each of the k on one of its two neighbours, summed over the samples.
fn deposit(places: &[(f64, f64)], k: usize, lattice: &mut [f64]) {
    lattice.fill(0.0);
    let mask = lattice.len() - 1;
    for &(l, a) in places {
        let first = (k as i64 * l as i64) as usize & mask;
        // binomial weights by the ratio of neighbours, from the end that is not 0
        if a < 0.5 {
            let (mut w, ratio) = ((1.0 - a).powi(k as i32), a / (1.0 - a));
            for j in 0..=k {
                lattice[(first + j) & mask] += w;
                w *= ratio * (k - j) as f64 / (j + 1) as f64;
            }
        } else {
            let (mut w, ratio) = (a.powi(k as i32), (1.0 - a) / a);
            for j in (0..=k).rev() {
                lattice[(first + j) & mask] += w;
                w *= ratio * j as f64 / (k + 1 - j) as f64;
            }
        }
    }
}
