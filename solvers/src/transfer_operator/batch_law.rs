//! The law of the sum over one batch, in units of the grid spacing: a few atoms, or a lattice law by Fourier transforms.

use super::batches::{self, Batches};
use super::fft::RealTransform;
use super::samples::{Draws, Step};
use super::tilt::{Tilt, tilt};
use super::without_replacement::Simple;

/// Distinct batches up to which they are listed one by one.
const MOST_LISTED: f64 = 4000.0;
/// Pairs of samples up to which SVAG with single draws lists them.
const MOST_PAIRS: usize = 10_000;
/// ln of the probability beyond which the tails of a lattice law are cut.
pub(super) const LOG_TAIL: f64 = 37.0;
/// Points of the lattice at most.
const LONGEST: f64 = 1e6;
/// Share of the largest weight below which the lattice law of B draws is rounding: of the transform, and B times that of the power. Left in, it
/// would be jumps of any length.
pub(super) fn rounding(batch: usize) -> f64 {
    1e-15 + 2.0 * f64::EPSILON * batch as f64
}

/// The law of the centred displacement of one step at one point, as atoms; everything in cells.
#[derive(Debug, Clone, Default)]
pub struct BatchLaw {
    /// Displacements about their mean.
    pub atoms: Vec<f64>,
    /// Their probabilities, sum 1.
    pub weights: Vec<f64>,
    /// The exact variance of the displacement (cells²); the atoms of a lattice law may have up to 0.15 more.
    pub variance: f64,
}

/// How the law of a batch is found: the same for all points.
enum Method {
    /// One draw: the samples themselves.
    Single,
    /// Two independent single draws: all pairs.
    Pairs,
    /// Few distinct batches.
    Listed(Batches),
    /// A lattice finer than the grid, transformed, taken to the power B, transformed back.
    Lattice,
}

/// Finds batch laws for one rule of a step and one number of samples.
pub struct BatchLaws {
    pub(super) batch: usize,
    draws: Draws,
    pub(super) combination: Vec<f64>,
    method: Method,
}

/// Arrays that are used again from point to point.
#[derive(Default)]
pub struct Workspace {
    transform: Vec<Option<RealTransform>>,
    pub(super) lattice: Vec<f64>,
    pub(super) spectrum: [Vec<f64>; 2],
    product: [Vec<f64>; 2],
    pub(super) scaled: Vec<f64>,
    /// The law found last.
    pub law: BatchLaw,
}

impl Workspace {
    /// The transform of a length, a power of two, out of those that are kept.
    pub(super) fn take(&mut self, length: usize) -> RealTransform {
        let place = length.trailing_zeros() as usize;
        if self.transform.len() <= place {
            self.transform.resize_with(place + 1, || None);
        }
        self.transform[place].take().unwrap_or_else(|| RealTransform::new(length))
    }

    /// Keeps a transform for later.
    pub(super) fn put(&mut self, transform: RealTransform) {
        let place = transform.length().trailing_zeros() as usize;
        self.transform[place] = Some(transform);
    }
}

impl BatchLaws {
    /// For steps of `step` with m samples.
    pub fn new(step: &Step, m: usize) -> Self {
        let (batch, draws) = (step.batch_size, step.draws);
        let combination = step.combination();
        let one = combination.len() == 1;
        let method = if batch == 1 && one {
            Method::Single
        } else if batch == 1 && m * m <= MOST_PAIRS {
            Method::Pairs
        } else if one && batches::count(m, batch, draws) <= MOST_LISTED {
            Method::Listed(Batches::new(m, batch, draws))
        } else {
            Method::Lattice
        };
        Self { batch, draws, combination, method }
    }

    /// The same by the lattice, whatever the number of batches (for tests of one way against the other).
    pub fn on_lattice(step: &Step) -> Self {
        let combination = step.combination();
        Self { batch: step.batch_size, draws: step.draws, combination, method: Method::Lattice }
    }

    /// Whether every law is a list of the same batches: atoms along two axes then belong together.
    pub fn lists_atoms(&self) -> bool {
        !matches!(self.method, Method::Lattice)
    }

    /// Variance of the displacement of a step for centred `x`.
    pub(super) fn variance(&self, x: &[f64], p: Option<&[f64]>) -> f64 {
        let m = x.len();
        let square: f64 = match p {
            Some(p) => x.iter().zip(p).map(|(x, p)| p * x * x).sum(),
            None => x.iter().map(|x| x * x).sum::<f64>() / m as f64,
        };
        let mut variance = self.batch as f64 * square * self.combination.iter().map(|c| c * c).sum::<f64>();
        if self.draws == Draws::WithoutReplacement && m > 1 {
            variance *= (m - self.batch) as f64 / (m - 1) as f64;
        }
        variance
    }

    /// Writes the law of Σ over the batch of `x` (m, centred under `p`) into `work.law`.
    pub fn find(&self, x: &[f64], p: Option<&[f64]>, work: &mut Workspace) {
        let variance = self.variance(x, p);
        if !self.find_smooth(x, p, variance, work) {
            self.find_rough(x, p, variance, work);
        }
        work.law.variance = variance;
        work.law.centre();
    }

    /// [`BatchLaws::find`] where the law is not smooth on the grid.
    fn find_rough(&self, x: &[f64], p: Option<&[f64]>, variance: f64, work: &mut Workspace) {
        let m = x.len();
        let BatchLaw { atoms, weights, .. } = &mut work.law;
        match &self.method {
            Method::Single => {
                atoms.clear();
                atoms.extend(x.iter().map(|x| self.combination[0] * x));
                weights.clear();
                match p {
                    Some(p) => weights.extend_from_slice(p),
                    None => weights.resize(m, 1.0 / m as f64),
                }
            }
            Method::Pairs => {
                let [a, b] = [self.combination[0], self.combination[1]];
                atoms.clear();
                weights.clear();
                for i in 0..m {
                    atoms.extend(x.iter().map(|y| a * x[i] + b * y));
                    match p {
                        Some(p) => weights.extend(p.iter().map(|q| p[i] * q)),
                        None => weights.resize(atoms.len(), 1.0 / (m * m) as f64),
                    }
                }
            }
            Method::Listed(batches) => batches.sums(x, p, atoms, weights),
            Method::Lattice => self.lattice(x, p, variance, work),
        }
    }

    /// q ↦ ln E e^{qX} of the centred displacement and its derivative, for draws `x` of the samples or, where batches are listed or drawn
    /// without replacement, for the atoms of their `law`; `powers` is room for the powers of x.
    pub fn cumulant<'a>(
        &'a self,
        x: &'a [f64],
        p: Option<&'a [f64]>,
        law: &'a BatchLaw,
        powers: &mut Vec<f64>,
    ) -> impl Fn(f64) -> (f64, f64) + 'a {
        let by_samples = self.by_samples();
        let most = x.iter().fold(0.0f64, |a, x| a.max(x.abs()));
        let moments = if by_samples { scaled_moments(x, p, most, powers) } else { [0.0; TERMS] };
        move |q| {
            if !by_samples {
                return log_mean_exponential(q, &law.atoms, |i| law.weights[i]);
            }
            let weight = |i: usize| p.map_or(1.0 / x.len() as f64, |p| p[i]);
            let (mut value, mut slope) = (0.0, 0.0);
            for &c in &self.combination {
                let near = (c * q * most).abs() <= SERIES_REACH;
                let (k, d) =
                    if near { by_series(c * q * most, &moments) } else { log_mean_exponential(c * q, x, weight) };
                value += self.batch as f64 * k;
                slope += self.batch as f64 * c * if near { most * d } else { d };
            }
            (value, slope)
        }
    }

    /// Finds the law of `x` moved by `shift` (see [`BatchLaws::find`]) and the q of fitted rows, the law as far as e^{qz} weighs it.
    pub(super) fn fit(
        &self,
        x: &[f64],
        p: Option<&[f64]>,
        shift: f64,
        powers: &mut Vec<f64>,
        work: &mut Workspace,
    ) -> Tilt {
        if let Some(found) = self.fit_smooth(x, p, shift, work) {
            return found;
        }
        self.find(x, p, work);
        let law = &work.law;
        let (deviation, hull) = (law.variance.sqrt(), self.hull(x, law));
        let found = tilt(self.cumulant(x, p, law, powers), shift, law.variance, hull);
        let (Tilt::At(q), Method::Lattice) = (found, &self.method) else { return found };
        match self.draws {
            Draws::WithReplacement if q.abs() * deviation > UNTILTED_DEVIATIONS => {
                let finer = lattice_reach(x, self.batch, &self.combination, law.variance).finer;
                self.find_far(x, p, q, finer, work);
                found
            }
            Draws::WithoutReplacement if q.abs() * deviation > UNTILTED_DEVIATIONS => Tilt::Beyond,
            Draws::WithReplacement | Draws::WithoutReplacement => found,
        }
    }

    /// Least and greatest displacement of a batch about its mean.
    pub(super) fn hull(&self, x: &[f64], law: &BatchLaw) -> [f64; 2] {
        let range = |values: &[f64]| values.iter().fold([0.0f64; 2], |[a, b], z| [a.min(*z), b.max(*z)]);
        if !self.by_samples() {
            return range(&law.atoms);
        }
        let [low, high] = range(x);
        let ends = |c: &f64| if *c > 0.0 { [c * low, c * high] } else { [c * high, c * low] };
        let batch = self.batch as f64;
        self.combination.iter().map(ends).fold([0.0; 2], |[a, b], [low, high]| [a + batch * low, b + batch * high])
    }

    /// Whether cumulants are those of single draws: they are independent, and batches are not listed.
    pub(super) fn by_samples(&self) -> bool {
        matches!(self.method, Method::Lattice) && self.draws == Draws::WithReplacement
    }

    fn lattice(&self, x: &[f64], p: Option<&[f64]>, variance: f64, work: &mut Workspace) {
        let spread = match (self.draws, x.len()) {
            (Draws::WithoutReplacement, m) if m > self.batch => variance * (m - 1) as f64 / (m - self.batch) as f64,
            _ => variance,
        };
        let Reach { finer, length: n, tail: _ } = lattice_reach(x, self.batch, &self.combination, spread);
        let mut transform = work.take(n);
        work.product[0].clear();
        work.product[0].resize(n / 2 + 1, 1.0);
        work.product[1].clear();
        work.product[1].resize(n / 2 + 1, 0.0);
        for &c in &self.combination {
            work.scaled.clear();
            work.scaled.extend(x.iter().map(|x| c * x * finer));
            for part in &mut work.spectrum {
                part.clear();
                part.resize(n / 2 + 1, 0.0);
            }
            let [real, imaginary] = &mut work.spectrum;
            match self.draws {
                Draws::WithReplacement => {
                    deposit(&work.scaled, p, n, &mut work.lattice);
                    transform.forward(&work.lattice, real, imaginary);
                    power(real, imaginary, self.batch);
                }
                Draws::WithoutReplacement => {
                    Simple::new(x.len(), self.batch).transform(&work.scaled, &mut transform, real, imaginary);
                }
            }
            let [a, b] = &mut work.product;
            for k in 0..=n / 2 {
                (a[k], b[k]) = (a[k] * real[k] - b[k] * imaginary[k], a[k] * imaginary[k] + b[k] * real[k]);
            }
        }
        work.lattice.resize(n, 0.0);
        transform.backward(&work.product[0], &work.product[1], &mut work.lattice);
        work.put(transform);
        work.law.read(&work.lattice, finer, rounding(self.batch));
    }
}

impl BatchLaw {
    /// Takes the positive weights of a periodic lattice `finer` times as fine as the grid, 0 first.
    fn read(&mut self, lattice: &[f64], finer: f64, rounding: f64) {
        let n = lattice.len();
        self.atoms.clear();
        self.weights.clear();
        let least = rounding * lattice.iter().copied().fold(0.0, f64::max);
        for j in 0..n {
            let k = (j + n / 2) % n;
            if lattice[k] > least {
                self.atoms.push((j as f64 - (n / 2) as f64) / finer);
                self.weights.push(lattice[k]);
            }
        }
    }

    /// Probabilities with sum 1 and atoms with mean 0.
    pub(super) fn centre(&mut self) {
        let sum: f64 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|w| *w /= sum);
        let mean: f64 = self.atoms.iter().zip(&self.weights).map(|(z, w)| z * w).sum();
        self.atoms.iter_mut().for_each(|z| *z -= mean);
    }
}

/// Standard deviations by which a tilt may move a lattice law without losing its far weights, which end at 1e-15.
pub(super) const UNTILTED_DEVIATIONS: f64 = 2.0;
/// Terms of the series of E e^{qx}.
const TERMS: usize = 24;
/// q·max|x| up to which the series is right to 1e-16.
const SERIES_REACH: f64 = 1.5;

/// E (x/most)^k/k!, k = 0 … 23.
fn scaled_moments(x: &[f64], p: Option<&[f64]>, most: f64, powers: &mut Vec<f64>) -> [f64; TERMS] {
    powers.clear();
    match p {
        Some(p) => powers.extend_from_slice(p),
        None => powers.resize(x.len(), 1.0 / x.len() as f64),
    }
    let (mut moments, mut factorial) = ([0.0; TERMS], 1.0);
    let inverse = if most > 0.0 { 1.0 / most } else { 0.0 };
    for (k, moment) in moments.iter_mut().enumerate() {
        factorial *= k.max(1) as f64;
        *moment = sum(powers) / factorial;
        powers.iter_mut().zip(x).for_each(|(power, x)| *power *= x * inverse);
    }
    moments
}

/// Σ x in eight lanes.
fn sum(x: &[f64]) -> f64 {
    let (chunks, mut lanes) = (x.chunks_exact(8), [0.0; 8]);
    let rest: f64 = chunks.remainder().iter().sum();
    chunks.for_each(|chunk| lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += x));
    lanes.iter().sum::<f64>() + rest
}

/// ln Σ_k M_k y^k and its derivative in y.
fn by_series(y: f64, moments: &[f64; TERMS]) -> (f64, f64) {
    let (mut sum, mut slope) = (0.0, 0.0);
    for moment in moments[1..].iter().rev() {
        slope = slope * y + sum;
        sum = sum * y + moment;
    }
    // here Σ = 1 + y·sum, its derivative sum + y·slope
    ((y * sum / moments[0]).ln_1p(), (sum + y * slope) / (moments[0] + y * sum))
}

/// ln Σ w e^{qz} and its derivative in q.
fn log_mean_exponential(q: f64, z: &[f64], weight: impl Fn(usize) -> f64) -> (f64, f64) {
    let most = z.iter().fold(f64::NEG_INFINITY, |a, z| a.max(q * z));
    let (mut sum, mut slope) = (0.0, 0.0);
    for (i, z) in z.iter().enumerate() {
        let e = weight(i) * (q * z - most).exp();
        sum += e;
        slope += e * z;
    }
    (sum.ln() + most, slope / sum)
}

/// A lattice on which the law of a batch is found.
pub(super) struct Reach {
    /// How many of its points there are in a cell.
    pub finer: f64,
    /// Displacement (cells) beyond which there is no probability to speak of.
    pub tail: f64,
    /// Its length, a power of two.
    pub length: usize,
}

/// The lattice for B draws of centred displacements `x` whose sum varies by `spread` (cells²): the variance that the deposit adds
/// stays below 0.1 cells², and by Bernstein's inequality nothing wraps round.
pub(super) fn lattice_reach(x: &[f64], batch: usize, combination: &[f64], spread: f64) -> Reach {
    let batch = batch as f64;
    let finer = (batch * combination.len() as f64 / 0.6).sqrt().ceil().max(4.0);
    let most = x.iter().fold(0.0f64, |a, x| a.max(x.abs()));
    let scale = combination.iter().fold(0.0f64, |a, c| a.max(c.abs()));
    let (reach, all) = (most * scale * LOG_TAIL / 3.0, most * batch * combination.iter().map(|c| c.abs()).sum::<f64>());
    let tail = all.min(reach + (reach * reach + 2.0 * spread * LOG_TAIL).sqrt()) + 1.0;
    // a law many times as wide as any grid gets a coarser lattice; what that adds to its variance is told by the rows
    let finer = finer.min(LONGEST / (2.0 * tail));
    Reach { finer, tail, length: ((2.0 * finer * tail) as usize + 4).next_power_of_two() }
}

/// Linear deposit of atoms at `x` on the periodic integers.
pub(super) fn deposit(x: &[f64], p: Option<&[f64]>, n: usize, lattice: &mut Vec<f64>) {
    lattice.clear();
    lattice.resize(n, 0.0);
    let mask = n - 1;
    let uniform = 1.0 / x.len() as f64;
    for (i, &x) in x.iter().enumerate() {
        let p = p.map_or(uniform, |p| p[i]);
        let cut = x as i64;
        let floor = cut - i64::from(x < cut as f64);
        let a = p * (x - floor as f64);
        let j = floor as usize & mask;
        lattice[j] += p - a;
        lattice[(j + 1) & mask] += a;
    }
}

/// z ↦ z^B for every entry; what is below 1e-18 in size becomes 0.
pub(super) fn power(real: &mut [f64], imaginary: &mut [f64], batch: usize) {
    let least = (-83.0 / batch as f64).exp(); // |z|² of |z|^B = 1e-18
    for (re, im) in real.iter_mut().zip(imaginary) {
        let (mut a, mut b) = (*re, *im);
        if a * a + b * b < least {
            (*re, *im) = (0.0, 0.0);
            continue;
        }
        let (mut x, mut y, mut left) = (1.0, 0.0, batch);
        while left > 0 {
            if left & 1 == 1 {
                (x, y) = (x * a - y * b, x * b + y * a);
            }
            (a, b) = (a * a - b * b, 2.0 * a * b);
            left >>= 1;
        }
        (*re, *im) = (x, y);
    }
}
