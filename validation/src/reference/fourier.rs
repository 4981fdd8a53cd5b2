//! Laws on a circle as Fourier series: what a Fokker–Planck equation does to their coefficients, by small dense matrices.
//!
//! ρ(x) = (1/2π) Σ_k c_k e^{ikx}, c_{−k} = c̄_k, k = −n..n. Coefficients are analytic here, so that n = 24 leaves nothing.

use std::f64::consts::{PI, TAU};

use fpsolve_solvers::Error;

use super::matrix;

/// A complex number as (real, imaginary).
pub type Complex = (f64, f64);

/// A complex matrix on the wave numbers −n..n.
#[derive(Debug, Clone, PartialEq)]
pub struct Waves {
    /// n.
    pub most: i32,
    /// Entries, row-major, (2n + 1)² of them.
    pub entries: Vec<Complex>,
}

impl Waves {
    /// From the entry that wave number l adds to k.
    pub fn new(most: i32, entry: impl Fn(i32, i32) -> Complex) -> Self {
        let waves = || -most..=most;
        Self { most, entries: waves().flat_map(|k| waves().map(move |l| (k, l))).map(|(k, l)| entry(k, l)).collect() }
    }

    fn size(&self) -> usize {
        2 * self.most as usize + 1
    }

    /// The same as a real matrix of twice the size: [[Re, −Im], [Im, Re]].
    fn real(&self) -> Vec<f64> {
        let n = self.size();
        let mut real = vec![0.0; 4 * n * n];
        for (at, &(re, im)) in self.entries.iter().enumerate() {
            let (k, l) = (at / n, at % n);
            real[k * 2 * n + l] = re;
            real[(k + n) * 2 * n + l + n] = re;
            real[k * 2 * n + l + n] = -im;
            real[(k + n) * 2 * n + l] = im;
        }
        real
    }

    /// e^{Mt} c.
    pub fn after(&self, start: &[Complex], time: f64) -> Vec<Complex> {
        let n = self.size();
        let flow = matrix::exponential(2 * n, &self.real().iter().map(|x| x * time).collect::<Vec<_>>());
        let stacked: Vec<f64> = start.iter().map(|c| c.0).chain(start.iter().map(|c| c.1)).collect();
        let row = |k: usize| -> f64 { flow[k * 2 * n..(k + 1) * 2 * n].iter().zip(&stacked).map(|(a, b)| a * b).sum() };
        (0..n).map(|k| (row(k), row(k + n))).collect()
    }

    /// Eigenvalues of −M, ascending in the real part; of pairs the one with Im λ > 0 first. Errors: no convergence.
    pub fn eigenvalues(&self) -> Result<Vec<Complex>, Error> {
        let n = self.size();
        let matrix = faer::Mat::from_fn(n, n, |k, l| {
            let (re, im) = self.entries[k * n + l];
            faer::c64::new(-re, -im)
        });
        let found = matrix.eigenvalues().map_err(|error| {
            Error::numerical("Fourier series", "eigenvalues", format!("{error:?}"), "use fewer waves")
        })?;
        let mut values: Vec<Complex> = found.iter().map(|value| (value.re, value.im)).collect();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9 * (1.0 + a.abs());
        values.sort_by(|a, b| if close(a.0, b.0) { b.1.total_cmp(&a.1) } else { a.0.total_cmp(&b.0) });
        Ok(values)
    }

    /// c of Mc = 0 with c₀ = 1.
    pub fn at_rest(&self) -> Vec<Complex> {
        let n = self.size();
        let fixed = Self::new(self.most, |k, l| match k {
            0 => (f64::from(u8::from(l == 0)), 0.0),
            _ => self.entries[(k + self.most) as usize * n + (l + self.most) as usize],
        });
        let mut right = vec![0.0; 2 * n];
        right[self.most as usize] = 1.0;
        let solved = matrix::solve(2 * n, &fixed.real(), &right);
        (0..n).map(|k| (solved[k], solved[k + n])).collect()
    }
}

/// The real density (1/2π) Σ c_k e^{ikx}, with 2π-periodic x.
#[derive(Debug, Clone, PartialEq)]
pub struct Series(pub Vec<Complex>);

impl Series {
    fn most(&self) -> i32 {
        (self.0.len() as i32 - 1) / 2
    }

    fn sum(&self, term: impl Fn(i32, Complex) -> f64) -> f64 {
        (-self.most()..).zip(&self.0).map(|(k, &c)| term(k, c)).sum::<f64>() / TAU
    }

    /// ρ(x).
    pub fn density(&self, x: f64) -> f64 {
        self.sum(|k, (re, im)| re * (f64::from(k) * x).cos() - im * (f64::from(k) * x).sin())
    }

    /// ∫_a^b ρ dx.
    pub fn probability(&self, a: f64, b: f64) -> f64 {
        let (middle, half) = (0.5 * (a + b), 0.5 * (b - a));
        self.sum(|k, (re, im)| {
            let k = f64::from(k);
            let length = if k == 0.0 { 2.0 * half } else { 2.0 * (k * half).sin() / k };
            (re * (k * middle).cos() - im * (k * middle).sin()) * length
        })
    }

    /// Mean and variance of x in [−π, π).
    pub fn moments(&self) -> (f64, f64) {
        // ∫ x e^{ikx} = −2πi (−1)^k/k, ∫ x² e^{ikx} = 4π (−1)^k/k²
        let sign = |k: i32| if k % 2 == 0 { 1.0 } else { -1.0 };
        let mean = self.sum(|k, (_, im)| if k == 0 { 0.0 } else { TAU * sign(k) / f64::from(k) * im });
        let square = self.sum(|k, (re, _)| match k {
            0 => re * 2.0 * PI.powi(3) / 3.0,
            _ => re * 4.0 * PI * sign(k) / f64::from(k).powi(2),
        });
        (mean, square - mean * mean)
    }
}
