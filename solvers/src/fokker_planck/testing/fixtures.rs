//! Generators and dense linear algebra for the tests of this module.

#![allow(clippy::unwrap_used)]
use crate::fokker_planck::generator::Generator;
use crate::fokker_planck::generator::GeneratorBuilder;

pub(crate) fn bernoulli(p: f64) -> f64 {
    if p.abs() < 1e-5 { 1.0 - p / 2.0 + p * p / 12.0 } else { p / p.exp_m1() }
}

/// Scharfetter–Gummel chain for the potential, D = 1, on `n` cells of [from, to].
pub(crate) fn chain(n: usize, from: f64, to: f64, temperature: f64, potential: impl Fn(f64) -> f64) -> Generator {
    let h = (to - from) / n as f64;
    let rate = temperature / (h * h);
    let mut builder = GeneratorBuilder::new(n);
    for i in 0..n - 1 {
        let x = from + (i as f64 + 0.5) * h;
        let p = (potential(x) - potential(x + h)) / temperature;
        builder.add_edge(i, i + 1, rate * bernoulli(-p), rate * bernoulli(p));
    }
    builder.finish()
}

pub(crate) fn quartic(x: f64) -> f64 {
    x.powi(4) / 4.0 - x * x / 2.0
}

/// Ring of `n` cells with potential sin(x) and a constant force around it.
pub(crate) fn ring(n: usize, force: f64, temperature: f64) -> Generator {
    let h = std::f64::consts::TAU / n as f64;
    let rate = temperature / (h * h);
    let mut builder = GeneratorBuilder::new(n);
    for i in 0..n {
        let (a, b) = ((i as f64 * h).sin(), ((i + 1) as f64 * h).sin());
        let p = (a - b + force * h) / temperature;
        builder.add_edge(i, (i + 1) % n, rate * bernoulli(-p), rate * bernoulli(p));
    }
    builder.finish()
}

/// Double well in x, parabola in y, with rotation `omega`, on n×m cells of [−2, 2]².
pub(crate) fn plane(n: usize, m: usize, temperature: f64, omega: f64) -> Generator {
    let (hx, hy) = (4.0 / n as f64, 4.0 / m as f64);
    let mut builder = GeneratorBuilder::new(n * m);
    let at = |i: usize, j: usize| (-2.0 + (i as f64 + 0.5) * hx, -2.0 + (j as f64 + 0.5) * hy);
    let loss = |x: f64, y: f64| quartic(x) + 0.5 * y * y + 0.3 * x * y;
    for i in 0..n {
        for j in 0..m {
            let (x, y) = at(i, j);
            if i + 1 < n {
                let p = (loss(x, y) - loss(x + hx, y) - omega * y * hx) / temperature;
                let rate = temperature / (hx * hx);
                builder.add_edge(i * m + j, (i + 1) * m + j, rate * bernoulli(-p), rate * bernoulli(p));
            }
            if j + 1 < m {
                let p = (loss(x, y) - loss(x, y + hy) + omega * x * hy) / temperature;
                let rate = temperature / (hy * hy);
                builder.add_edge(i * m + j, i * m + j + 1, rate * bernoulli(-p), rate * bernoulli(p));
            }
        }
    }
    builder.finish()
}

/// Qᵀ as a dense matrix, row-major.
pub(crate) fn dense(generator: &Generator) -> Vec<f64> {
    let n = generator.cells();
    let mut a = vec![0.0; n * n];
    generator.to_csr().iter().for_each(|(&rate, (i, j))| a[j * n + i] = rate);
    a
}

/// Solves A X = B (n×k, row-major) by Gaussian elimination with partial pivoting.
pub(crate) fn dense_solve(a: &[f64], b: &[f64], k: usize) -> Vec<f64> {
    let n = b.len() / k;
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    for c in 0..n {
        let best = (c..n).max_by(|&i, &j| a[i * n + c].abs().total_cmp(&a[j * n + c].abs())).unwrap();
        for j in 0..n {
            a.swap(c * n + j, best * n + j);
        }
        for j in 0..k {
            b.swap(c * k + j, best * k + j);
        }
        for i in c + 1..n {
            let f = a[i * n + c] / a[c * n + c];
            if f != 0.0 {
                for j in c..n {
                    a[i * n + j] -= f * a[c * n + j];
                }
                for j in 0..k {
                    b[i * k + j] -= f * b[c * k + j];
                }
            }
        }
    }
    for c in (0..n).rev() {
        for j in 0..k {
            let sum: f64 = (c + 1..n).map(|i| a[c * n + i] * b[i * k + j]).sum();
            b[c * k + j] = (b[c * k + j] - sum) / a[c * n + c];
        }
    }
    b
}

pub(crate) fn dense_product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut c = vec![0.0; n * n];
    for i in 0..n {
        for k in 0..n {
            let f = a[i * n + k];
            if f != 0.0 {
                for j in 0..n {
                    c[i * n + j] += f * b[k * n + j];
                }
            }
        }
    }
    c
}

/// exp(t Qᵀ), row-major, with the cemetery as one more state (the last): Taylor's series of exp(z(B − I)), B = I + Qᵀ/Λ ≥ 0, and
/// squarings.
///
/// Only sums and products of non-negative numbers, and columns scaled to sum 1 after each squaring: a plain squaring would double
/// the rounding of the sums 2²⁵ times on the way to long times.
pub(crate) fn dense_exp(generator: &Generator, t: f64) -> Vec<f64> {
    let n = generator.cells() + 1;
    let fastest = generator.leaving().iter().copied().fold(0.0, f64::max);
    let squarings = (t * fastest).log2().ceil().max(0.0) as i32;
    let z = t * fastest * 0.5f64.powi(squarings);
    let mut b = vec![0.0; n * n];
    for i in 0..n - 1 {
        let (cells, rates) = generator.outgoing(i);
        for (&j, &rate) in cells.iter().zip(rates) {
            b[j as usize * n + i] += rate / fastest;
        }
        b[(n - 1) * n + i] = generator.exit()[i] / fastest;
        b[i * n + i] = 1.0 - generator.leaving()[i] / fastest;
    }
    b[n * n - 1] = 1.0;
    let identity: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at % (n + 1) == 0))).collect();
    let mut result = identity.clone();
    for k in (1..=20u32).rev() {
        result = dense_product(&b, &result, n);
        result.iter_mut().zip(&identity).for_each(|(r, one)| *r = one + z / f64::from(k) * *r);
    }
    for _ in 0..squarings {
        scale_columns(&mut result, n);
        result = dense_product(&result, &result, n);
    }
    scale_columns(&mut result, n);
    result
}

fn scale_columns(a: &mut [f64], n: usize) {
    let mut sums = vec![0.0; n];
    for row in a.chunks_exact(n) {
        sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
    }
    for row in a.chunks_exact_mut(n) {
        row.iter_mut().zip(&sums).for_each(|(v, sum)| *v /= sum);
    }
}

/// exp(t Qᵀ) p, by the dense exponential.
pub(crate) fn exact(generator: &Generator, p: &[f64], t: f64) -> Vec<f64> {
    let n = p.len() + 1;
    let rows = dense_exp(generator, t);
    rows.chunks_exact(n).take(p.len()).map(|row| row.iter().zip(p).map(|(a, x)| a * x).sum()).collect()
}

/// Gaussian bump over the cells of a chain, normalised.
pub(crate) fn bump(n: usize, centre: f64, width: f64) -> Vec<f64> {
    let mut p: Vec<f64> = (0..n).map(|i| (-0.5 * ((i as f64 - centre) / width).powi(2)).exp()).collect();
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|v| *v /= sum);
    p
}

/// Probability to reach 1.1 from 0.21 before −0.9 in the quartic double well at T = 0.1: ∫ e^{V/T} from −0.9 to there over that to 1.1.
pub fn double_well_committor() -> f64 {
    let integral = |to: f64| {
        let n = 4000;
        let h = (to + 0.9) / f64::from(n);
        let weight = |i: i32| {
            let x = -0.9 + (f64::from(i) + 0.5) * h;
            ((x.powi(4) / 4.0 - x * x / 2.0) / 0.1).exp()
        };
        (0..n).map(weight).sum::<f64>() * h
    };
    integral(0.21) / integral(1.1)
}
