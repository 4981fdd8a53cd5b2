//! The law of the sum over one batch in a plane: listed atoms, or a lattice finer than the grid by Fourier transforms.

use std::sync::Arc;

use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};

use super::batch_law::{self, BatchLaws, LOG_TAIL, lattice_reach};
use super::plane_law::Symmetric;
use super::samples::{Draws, Step};
use crate::Error;

/// How the law of a batch is found: the same for all points.
pub(super) struct PlaneBatches {
    laws: BatchLaws,
    batch: usize,
    combination: Vec<f64>,
}

/// Arrays that are used again from point to point.
#[derive(Default)]
pub(super) struct Workspace {
    /// Displacements about their mean (cells).
    pub atoms: Vec<[f64; 2]>,
    /// Their probabilities, sum 1.
    pub weights: Vec<f64>,
    lines: [batch_law::Workspace; 2],
    planner: Option<FftPlanner<f64>>,
    lattice: Vec<Complex64>,
    product: Vec<Complex64>,
    turned: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

/// Share of the largest weight below which a lattice law is rounding.
const ROUNDING: f64 = 1e-15;
/// Size below which a value of the characteristic function is 0.
const LEAST: f64 = 1e-18;

impl PlaneBatches {
    /// For steps of `step` with m samples. Errors: without replacement, more distinct batches than can be listed.
    pub fn new(step: &Step, m: usize) -> Result<Self, Error> {
        let laws = BatchLaws::new(step, m);
        if !laws.lists_atoms() && step.draws == Draws::WithoutReplacement {
            return Err(Error::invalid(
                format!("{m} samples in batches of {} have too many distinct batches for a plane", step.batch_size),
                "draw with replacement, or take fewer samples or another batch size",
            ));
        }
        Ok(Self { laws, batch: step.batch_size, combination: step.combination() })
    }

    /// Writes the law of Σ over the batch of `x` (2×m, centred under `p`) into `work`; returns its exact covariance.
    pub fn find(&self, x: &[Vec<f64>; 2], p: Option<&[f64]>, work: &mut Workspace) -> Symmetric {
        if self.laws.lists_atoms() {
            for k in 0..2 {
                self.laws.find(&x[k], p, &mut work.lines[k]);
            }
            let [a, b] = work.lines.each_ref().map(|line| &line.law);
            work.atoms.clear();
            work.atoms.extend(a.atoms.iter().zip(&b.atoms).map(|(a, b)| [*a, *b]));
            work.weights.clear();
            work.weights.extend_from_slice(&a.weights);
            return second_moments(work.atoms.iter().copied(), |i| work.weights[i]);
        }
        let m = x[0].len();
        let weight = |i: usize| p.map_or(1.0 / m as f64, |p| p[i]);
        let single = second_moments((0..m).map(|i| [x[0][i], x[1][i]]), weight);
        let draws = self.batch as f64 * self.combination.iter().map(|c| c * c).sum::<f64>();
        let exact = single.map(|s| draws * s);
        self.lattice(x, p, [exact[0], exact[2]], work);
        exact
    }

    /// The displacement (cells) beyond which a side of the law of the sum has less than 1e-16 of it: min over q of (K(±q) + Λ)/q,
    /// K(q) = Σ_c B ln E e^{cqx} (Chernoff's bound), q on a geometric ladder about √(2Λ/Var).
    fn chernoff(&self, x: &[f64], p: Option<&[f64]>, variance: f64) -> f64 {
        let best = (2.0 * LOG_TAIL / variance).sqrt();
        let side = |sign: f64| {
            let bound = |q: f64| {
                let cumulant: f64 = self.combination.iter().map(|c| log_mean_exponential(c * sign * q, x, p)).sum();
                (self.batch as f64 * cumulant + LOG_TAIL) / q
            };
            (-3..=3).map(|k| bound(best * 1.35f64.powi(k))).fold(f64::INFINITY, f64::min)
        };
        side(1.0).max(side(-1.0))
    }

    fn lattice(&self, x: &[Vec<f64>; 2], p: Option<&[f64]>, variance: [f64; 2], work: &mut Workspace) {
        let finer = lattice_reach(&x[0], self.batch, &self.combination, variance[0]).finer;
        let n = [0, 1].map(|k| {
            let reach = lattice_reach(&x[k], self.batch, &self.combination, variance[k]).tail;
            let tail = reach.min(self.chernoff(&x[k], p, variance[k]) + 1.0);
            smooth_number((2.0 * finer * tail) as usize + 4)
        });
        let planner = work.planner.get_or_insert_with(FftPlanner::new);
        let forward = n.map(|n| planner.plan_fft_forward(n));
        let backward = n.map(|n| planner.plan_fft_inverse(n));
        work.product.clear();
        work.product.resize(n[0] * n[1], Complex64::new(1.0, 0.0));
        let least = LEAST.powf(2.0 / self.batch as f64);
        for &c in &self.combination {
            work.lattice.clear();
            work.lattice.resize(n[0] * n[1], Complex64::default());
            deposit(x, c * finer, p, n, &mut work.lattice);
            transform(&forward[1], &forward[0], n, &mut work.lattice, &mut work.turned, &mut work.scratch);
            for (product, value) in work.product.iter_mut().zip(&work.turned) {
                let least = value.norm_sqr() < least;
                *product = if least { Complex64::default() } else { *product * value.powu(self.batch as u32) };
            }
        }
        // the transform stands turned; so does its way back
        transform(&backward[0], &backward[1], [n[1], n[0]], &mut work.product, &mut work.turned, &mut work.scratch);
        self.read(n, finer, work);
    }

    /// Takes the positive weights of the periodic lattice, 0 first.
    fn read(&self, n: [usize; 2], finer: f64, work: &mut Workspace) {
        let Workspace { atoms, weights, turned, .. } = work;
        let least = ROUNDING * turned.iter().map(|v| v.re).fold(0.0, f64::max);
        atoms.clear();
        weights.clear();
        let centred = |j: usize, n: usize| if j < n / 2 { j as f64 } else { j as f64 - n as f64 };
        for i in 0..n[0] {
            for j in 0..n[1] {
                let w = turned[i * n[1] + j].re;
                if w > least {
                    atoms.push([centred(i, n[0]) / finer, centred(j, n[1]) / finer]);
                    weights.push(w);
                }
            }
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        for k in 0..2 {
            let mean: f64 = atoms.iter().zip(&*weights).map(|(z, w)| z[k] * w).sum();
            atoms.iter_mut().for_each(|z| z[k] -= mean);
        }
    }
}

/// ln Σ p e^{qx}.
fn log_mean_exponential(q: f64, x: &[f64], p: Option<&[f64]>) -> f64 {
    let most = x.iter().fold(f64::NEG_INFINITY, |a, x| a.max(q * x));
    let uniform = 1.0 / x.len() as f64;
    let term = |(i, x): (usize, &f64)| p.map_or(uniform, |p| p[i]) * (q * x - most).exp();
    x.iter().enumerate().map(term).sum::<f64>().ln() + most
}

/// The least even number from n on without prime factors beyond 5.
fn smooth_number(n: usize) -> usize {
    let is_smooth = |mut k: usize| {
        for prime in [2, 3, 5] {
            while k.is_multiple_of(prime) {
                k /= prime;
            }
        }
        k == 1
    };
    (n..).find(|k| k.is_multiple_of(2) && is_smooth(*k)).unwrap_or(n)
}

/// Σ w z zᵀ.
fn second_moments(atoms: impl Iterator<Item = [f64; 2]>, weight: impl Fn(usize) -> f64) -> Symmetric {
    let mut s = [0.0; 3];
    for (i, z) in atoms.enumerate() {
        let w = weight(i);
        s = [s[0] + w * z[0] * z[0], s[1] + w * z[0] * z[1], s[2] + w * z[1] * z[1]];
    }
    s
}

/// Bilinear deposit on a periodic lattice n₁×n₂ of the points `scale`·x.
fn deposit(x: &[Vec<f64>; 2], scale: f64, p: Option<&[f64]>, n: [usize; 2], lattice: &mut [Complex64]) {
    let uniform = 1.0 / x[0].len() as f64;
    for i in 0..x[0].len() {
        let w = p.map_or(uniform, |p| p[i]);
        let z = [scale * x[0][i], scale * x[1][i]];
        let floor = z.map(f64::floor);
        let (a, b) = (z[0] - floor[0], z[1] - floor[1]);
        let place = |k: usize, one: i64| (floor[k] as i64 + one).rem_euclid(n[k] as i64) as usize;
        for (one, along) in [(0, 1.0 - a), (1, a)] {
            let row = place(0, one) * n[1];
            lattice[row + place(1, 0)].re += w * along * (1.0 - b);
            lattice[row + place(1, 1)].re += w * along * b;
        }
    }
}

/// Transforms `values` (n₁×n₂, row-major) along rows by `rows`, then along columns by `columns`; the result stands turned (n₂×n₁).
fn transform(
    rows: &Arc<dyn Fft<f64>>,
    columns: &Arc<dyn Fft<f64>>,
    n: [usize; 2],
    values: &mut [Complex64],
    turned: &mut Vec<Complex64>,
    scratch: &mut Vec<Complex64>,
) {
    let most = rows.get_inplace_scratch_len().max(columns.get_inplace_scratch_len());
    scratch.resize(most.max(scratch.len()), Complex64::default());
    rows.process_with_scratch(values, scratch);
    turned.clear();
    turned.resize(values.len(), Complex64::default());
    for i in 0..n[0] {
        for j in 0..n[1] {
            turned[j * n[0] + i] = values[i * n[1] + j];
        }
    }
    columns.process_with_scratch(turned, scratch);
}
