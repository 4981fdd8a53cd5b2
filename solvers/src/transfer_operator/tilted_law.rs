//! The far tail of the law of a batch, by exponential tilting (Cramér; Esscher).
//!
//! Fourier transforms give a law to 1e-16 of its largest weight: eight standard deviations. The law tilted by θ, w(z) e^{θz}/E e^{θz}, is the
//! B-fold convolution of the tilted law of one draw and has its largest weight far out; where it is large, w is known to the same relative
//! accuracy. Tilts from 0 to q, some deviations apart, give all weights that E e^{qz} needs, down to 1e-280.

use super::batch_law::{BatchLaw, BatchLaws, LOG_TAIL, Workspace, deposit, power, rounding};
use super::fft::RealTransform;

/// Standard deviations of the tilted law from one tilt to the next: each is used over half of it to both sides, where it is right to 1e-13.
pub(super) const STRIDE: f64 = 6.0;
/// ln of the smallest weight that is kept.
pub(super) const LEAST_LOG_WEIGHT: f64 = -650.0;

/// The law of a batch under one tilt, on a lattice.
struct Tilted {
    /// Its mean, in points of the lattice.
    mean: f64,
    /// Its standard deviation, in cells.
    deviation: f64,
    /// ln E e^{θz}.
    log_mass: f64,
    /// θ, by point of the lattice.
    tilt: f64,
    /// Weights about the point nearest the mean, which stands first; periodic.
    weights: Vec<f64>,
}

impl Tilted {
    fn centre(&self) -> i64 {
        self.mean.round() as i64
    }

    /// Adds the untilted weights at points k, `low` ≤ k < `high`, to a law.
    fn add_to(&self, law: &mut BatchLaw, finer: f64, rounding: f64, [low, high]: [i64; 2]) {
        let half = (self.weights.len() / 2) as i64;
        let least = rounding * self.weights.iter().copied().fold(0.0, f64::max);
        for j in (-half).max(low - self.centre())..half.min(high - self.centre()) {
            let weight = self.weights[j.rem_euclid(2 * half) as usize];
            let k = self.centre() + j;
            let log = weight.ln() + self.log_mass - self.tilt * k as f64;
            if weight > least && log > LEAST_LOG_WEIGHT {
                law.atoms.push(k as f64 / finer);
                law.weights.push(log.exp());
            }
        }
    }
}

impl BatchLaws {
    /// Puts into `work.law` the law of independent draws of `x` with relative accuracy as far as e^{qz} weighs it.
    pub(super) fn find_far(&self, x: &[f64], p: Option<&[f64]>, q: f64, finer: f64, work: &mut Workspace) {
        let mut tilts = vec![self.tilted(x, p, 0.0, finer, work)];
        let mut theta = 0.0f64;
        while theta.abs() < q.abs() {
            let stride = STRIDE / tilts[tilts.len() - 1].deviation;
            theta = (theta.abs() + stride).min(q.abs()).copysign(q);
            tilts.push(self.tilted(x, p, theta, finer, work));
        }
        tilts.sort_by(|a, b| a.mean.total_cmp(&b.mean));
        let variance = work.law.variance;
        work.law = BatchLaw { variance, ..BatchLaw::default() };
        for (j, tilted) in tilts.iter().enumerate() {
            let between = |a: &Tilted, b: &Tilted| (0.5 * (a.mean + b.mean)).round() as i64;
            let low = if j == 0 { i64::MIN / 2 } else { between(&tilts[j - 1], tilted) };
            let high = if j + 1 == tilts.len() { i64::MAX / 2 } else { between(tilted, &tilts[j + 1]) };
            tilted.add_to(&mut work.law, finer, rounding(self.batch), [low, high]);
        }
        work.law.centre();
    }

    fn tilted(&self, x: &[f64], p: Option<&[f64]>, theta: f64, finer: f64, work: &mut Workspace) -> Tilted {
        let (tilt, batch) = (theta / finer, self.batch as f64);
        let most = x.iter().fold(0.0f64, |a, x| a.max(x.abs()));
        let scale = self.combination.iter().fold(0.0f64, |a, c| a.max(c.abs()));
        let reach = ((most * scale * finer).ceil() as usize + 2).next_power_of_two(); // for the deposit
        let (mut mean, mut variance, mut log_mass) = (0.0, 0.0, 0.0);
        let mut draws = Vec::with_capacity(self.combination.len());
        for &c in &self.combination {
            work.scaled.clear();
            work.scaled.extend(x.iter().map(|x| c * x * finer));
            deposit(&work.scaled, p, 2 * reach, &mut work.lattice);
            let one = One::new(&work.lattice, reach as i64, tilt);
            mean += batch * one.mean;
            variance += batch * one.variance;
            log_mass += batch * one.log_mass;
            draws.push(one.weights);
        }
        let far = 2.0 * reach as f64 * LOG_TAIL / 3.0;
        let tail = (2.0 * reach as f64 * batch).min(far + (far * far + 2.0 * variance * LOG_TAIL).sqrt()) + 2.0;
        let n = (2 * (tail as usize).max(reach) + 4).next_power_of_two();
        let mut transform = work.take(n);
        let weights = convolved(&draws, reach as i64, self.batch, mean.round() as i64, n, &mut transform);
        work.put(transform);
        Tilted { mean, deviation: variance.sqrt() / finer, log_mass, tilt, weights }
    }
}

/// The tilted law of one draw.
struct One {
    /// Weights at the points −reach ≤ k < reach, sum 1.
    weights: Vec<f64>,
    mean: f64,
    variance: f64,
    /// ln E e^{tilt·k}.
    log_mass: f64,
}

impl One {
    /// From weights on a periodic lattice of 2·reach points, 0 first.
    fn new(lattice: &[f64], reach: i64, tilt: f64) -> Self {
        let highest = (tilt * reach as f64).abs();
        let point = |j: usize| j as i64 - reach;
        let tilted = |j: usize| {
            let k = point(j);
            lattice[k.rem_euclid(2 * reach) as usize] * (tilt * k as f64 - highest).exp()
        };
        let mut weights: Vec<f64> = (0..lattice.len()).map(tilted).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        let mean: f64 = weights.iter().enumerate().map(|(j, w)| w * point(j) as f64).sum();
        let variance = weights.iter().enumerate().map(|(j, w)| w * (point(j) as f64 - mean).powi(2)).sum();
        Self { weights, mean, variance, log_mass: sum.ln() + highest }
    }
}

/// The law of the sum of `batch` draws of each of these laws, on n periodic points about `centre`.
fn convolved(
    draws: &[Vec<f64>],
    reach: i64,
    batch: usize,
    centre: i64,
    n: usize,
    transform: &mut RealTransform,
) -> Vec<f64> {
    let (mut product, mut lattice) = ([vec![1.0; n / 2 + 1], vec![0.0; n / 2 + 1]], vec![0.0; n]);
    let (mut real, mut imaginary) = (vec![0.0; n / 2 + 1], vec![0.0; n / 2 + 1]);
    for weights in draws {
        lattice.fill(0.0);
        for (j, w) in weights.iter().enumerate() {
            lattice[(j as i64 - reach).rem_euclid(n as i64) as usize] += w;
        }
        transform.forward(&lattice, &mut real, &mut imaginary);
        power(&mut real, &mut imaginary, batch);
        let [a, b] = &mut product;
        for k in 0..=n / 2 {
            (a[k], b[k]) = (a[k] * real[k] - b[k] * imaginary[k], a[k] * imaginary[k] + b[k] * real[k]);
        }
    }
    transform.backward(&product[0], &product[1], &mut lattice);
    lattice.rotate_left(centre.rem_euclid(n as i64) as usize);
    lattice
}
