//! The law of a large batch of independent draws whose characteristic function dies out on the grid.
//!
//! The law of one draw is put on a lattice so that every polynomial of degree 7 keeps its mean (interpolation on eight points; some weights
//! are negative): its characteristic function at s is right to C (s/r)⁸, r points a cell, and r need not grow with √B as it must where a
//! deposit adds variance. The B-th power is looked at: where it has not died out by the lattice's highest frequency, as for a few values on
//! a comb, there is no such law. Tilted laws (see [`super::tilted_law`]) follow from the same few weights.

use super::batch_law::{BatchLaw, BatchLaws, LOG_TAIL, UNTILTED_DEVIATIONS, Workspace, power, rounding};
use super::tilt::{MOST_TILT, Tilt, tilt};
use super::tilted_law::{LEAST_LOG_WEIGHT, STRIDE};

/// Smallest batch of which it is tried.
const LEAST_BATCH: usize = 16;
/// Points that one draw is interpolated on.
const POINTS: usize = 8;
/// C: the largest |Π_j (a − j)|/8! between the two points in the middle.
const REMAINDER: f64 = 1.07e-3;
/// Greatest error of the law by the interpolation, beside its largest weight.
const MOST_ERROR: f64 = 1e-9;
/// Greatest error of ln E e^{qz} at the tilt.
const MOST_LOG_ERROR: f64 = 1e-8;
/// Most points of the lattice in a cell.
const FINEST: f64 = 64.0;
/// Points that a standard deviation of the law covers at least on the lattice on which it is written.
const WRITTEN: f64 = 5.0;

/// The law of one draw on a lattice.
#[derive(Debug, Clone)]
struct OneDraw {
    /// Weights, some of them negative, sum 1.
    weights: Vec<f64>,
    /// The point of the first.
    first: i64,
    /// Points in a cell: a power of two.
    finer: f64,
    batch: usize,
}

/// The law of the batch under a tilt.
struct Tilted {
    /// θ, by point of the lattice.
    tilt: f64,
    /// ln E e^{θz}.
    log_mass: f64,
    /// Mean and standard deviation, in points of the lattice.
    mean: f64,
    deviation: f64,
}

fn eighth_root(x: f64) -> f64 {
    x.powf(1.0 / POINTS as f64)
}

/// Points in a cell on which the cumulant of B draws is right at q: its error is at most B C (q/r)⁸.
fn points_for_tilt(batch: usize, q: f64) -> f64 {
    eighth_root(batch as f64 * REMAINDER / MOST_LOG_ERROR) * q.abs()
}

/// Points of a lattice on either side beyond which a law is left to the coarse lattice: it is many times as wide as any grid.
const WIDEST: f64 = 2.5e5;

/// Points in a cell that B draws need whose sum has a standard deviation of `deviation` cells, at tilts up to q; None where they are too many.
fn points_in_a_cell(batch: usize, deviation: f64, q: f64) -> Option<f64> {
    // the error of the law is about B C max_u u⁸ e^{−u²/2} (σ r)^{−8}
    let wanted =
        (eighth_root(75.0 * batch as f64 * REMAINDER / MOST_ERROR) / deviation).max(1.2 * points_for_tilt(batch, q));
    (wanted <= FINEST).then(|| wanted.max(1.0).log2().ceil().exp2())
}

/// Row k: coefficients of the k-th Lagrange polynomial on the points −7/2, −5/2 … 7/2, constant first.
fn lagrange() -> [[f64; POINTS]; POINTS] {
    std::array::from_fn(|k| {
        let at = |j: usize| j as f64 - 3.5;
        let mut polynomial = [0.0; POINTS];
        polynomial[0] = 1.0;
        for j in (0..POINTS).filter(|j| *j != k) {
            for i in (0..POINTS).rev() {
                let lower = if i > 0 { polynomial[i - 1] } else { 0.0 };
                polynomial[i] = (lower - at(j) * polynomial[i]) / (at(k) - at(j));
            }
        }
        polynomial
    })
}

impl OneDraw {
    /// The law of one of `batch` centred draws `x` (cells) whose sum has the variance `variance`, fine enough for tilts up to q; None where the
    /// lattice would be too fine or too wide.
    pub fn new(x: &[f64], p: Option<&[f64]>, batch: usize, variance: f64, q: f64) -> Option<Self> {
        let finer = points_in_a_cell(batch, variance.sqrt(), q)?;
        let (low, high) = x.iter().fold((0.0f64, 0.0f64), |(a, b), x| (a.min(*x), b.max(*x)));
        let first = (low * finer).floor() as i64 - 3;
        if (high - low) * finer > WIDEST {
            return None;
        }
        let bins = (high * finer).floor() as i64 - first - 2;
        // moments of the draws within each interval, then their mean Lagrange polynomials
        let mut moments = vec![[0.0; POINTS]; bins as usize];
        let start = (first + 3) as f64;
        for (i, x) in x.iter().enumerate() {
            let place = x * finer - start; // ≥ 0: cutting it is its floor
            let bin = (place as usize).min(moments.len() - 1); // the difference may round up to the next point
            let a = place - bin as f64 - 0.5;
            let (w, b, c) = (p.map_or(1.0, |p| p[i]), a * a, a * a * a * a);
            let powers = [1.0, a, b, a * b, c, a * c, b * c, a * b * c];
            moments[bin].iter_mut().zip(powers).for_each(|(m, power)| *m += w * power);
        }
        let polynomials = lagrange();
        let mut weights = vec![0.0; moments.len() + POINTS - 1];
        for (bin, moments) in moments.iter().enumerate() {
            for (weight, polynomial) in weights[bin..].iter_mut().zip(&polynomials) {
                *weight += polynomial.iter().zip(moments).map(|(c, m)| c * m).sum::<f64>();
            }
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        Some(Self { weights, first, finer, batch })
    }

    /// Whether it is fine enough for tilts up to q.
    pub fn holds(&self, q: f64) -> bool {
        points_for_tilt(self.batch, q) <= self.finer
    }

    /// ln E e^{tz} of one draw, its first and second derivative; z and 1/t in points of the lattice.
    fn cumulants(&self, t: f64) -> [f64; 3] {
        let (first, last) = (self.first as f64, self.first as f64 + (self.weights.len() - 1) as f64);
        let highest = (t * first).max(t * last);
        let (ratio, mut e) = (t.exp(), (t * first - highest).exp());
        let (mut z, mut sums) = (first, [0.0; 3]);
        for w in &self.weights {
            let term = w * e;
            sums[0] += term;
            sums[1] += term * z;
            sums[2] += term * z * z;
            e *= ratio;
            z += 1.0;
        }
        let mean = sums[1] / sums[0];
        [sums[0].ln() + highest, mean, sums[2] / sums[0] - mean * mean]
    }

    /// ln E e^{qz} of the batch and its derivative, q in 1/cells.
    pub fn cumulant(&self, q: f64) -> (f64, f64) {
        let [k, mean, _] = self.cumulants(q / self.finer);
        (self.batch as f64 * k, self.batch as f64 * mean / self.finer)
    }

    fn tilted(&self, q: f64) -> Tilted {
        let tilt = q / self.finer;
        let batch = self.batch as f64;
        let [log_mass, mean, variance] = self.cumulants(tilt);
        Tilted { tilt, log_mass: batch * log_mass, mean: batch * mean, deviation: (batch * variance.max(0.0)).sqrt() }
    }

    /// Distance from the mean (points) beyond which a side of a tilted law has less than 1e-16 of it: min over t of
    /// (K(θ ± t) − K(θ) ∓ tμ + Λ)/t (Chernoff's bound).
    fn reach(&self, tilted: &Tilted) -> f64 {
        let best = (2.0 * LOG_TAIL).sqrt() / tilted.deviation;
        let bound = |t: f64| {
            let mass = self.batch as f64 * self.cumulants(tilted.tilt + t)[0] - tilted.log_mass - t * tilted.mean;
            (mass + LOG_TAIL) / t.abs()
        };
        let side =
            |sign: f64| [0.6, 0.8, 1.0].map(|k| bound(sign * k * best)).into_iter().fold(f64::INFINITY, f64::min);
        side(1.0).max(side(-1.0))
    }

    /// Adds the weights of the batch at every `coarser`-th point between two places (cells) to `work.law`, from its law under a tilt. False
    /// where that has not died out.
    fn add(&self, tilted: &Tilted, coarser: usize, between: [f64; 2], work: &mut Workspace) -> bool {
        let reach = self.reach(tilted);
        if !(reach.is_finite() && tilted.deviation > 0.0) || reach > WIDEST {
            return false;
        }
        let length = ((2.0 * reach) as usize + 4 * coarser).max(self.weights.len()).next_power_of_two();
        let one = self.tilted_weights(tilted, length);
        let mut transform = work.take(length);
        let [real, imaginary] = &mut work.spectrum;
        for part in [&mut *real, &mut *imaginary] {
            part.clear();
            part.resize(length / 2 + 1, 0.0);
        }
        transform.forward(&one, real, imaginary);
        work.put(transform);
        let [real, imaginary] = &mut work.spectrum;
        power(real, imaginary, self.batch);
        let n = length / coarser;
        if self.band(tilted.tilt, length, real, imaginary).is_none_or(|band| 2 * band >= n) {
            return false;
        }
        // back on the lattice that is written, about a point of it near the mean
        let centre = (tilted.mean / coarser as f64).round() as i64 * coarser as i64;
        real.truncate(n / 2 + 1);
        imaginary.truncate(n / 2 + 1);
        turn(real, imaginary, std::f64::consts::TAU * (centre.rem_euclid(length as i64)) as f64 / length as f64);
        let mut transform = work.take(n);
        work.lattice.resize(n, 0.0);
        transform.backward(&work.spectrum[0], &work.spectrum[1], &mut work.lattice);
        work.put(transform);
        self.untilt(tilted, (centre, coarser as i64), between, work);
        true
    }

    /// Weights of one draw under a tilt, sum 1, on `length` periodic points.
    fn tilted_weights(&self, tilted: &Tilted, length: usize) -> Vec<f64> {
        let last = self.first + self.weights.len() as i64 - 1;
        let highest = (tilted.tilt * self.first as f64).max(tilted.tilt * last as f64);
        let (ratio, mut e) = (tilted.tilt.exp(), (tilted.tilt * self.first as f64 - highest).exp());
        let (mut one, mut sum) = (vec![0.0; length], 0.0);
        for (j, w) in self.weights.iter().enumerate() {
            one[(self.first + j as i64).rem_euclid(length as i64) as usize] = w * e;
            sum += w * e;
            e *= ratio;
        }
        one.iter_mut().for_each(|w| *w /= sum);
        one
    }

    /// The highest frequency of φ^B that counts; None where the interpolation is not right enough for those that do.
    fn band(&self, tilt: f64, length: usize, real: &[f64], imaginary: &[f64]) -> Option<usize> {
        let (mut all, mut wrong, mut band) = (0.0, 0.0, 0);
        for (k, (a, b)) in real.iter().zip(imaginary).enumerate().filter(|(_, (a, b))| **a != 0.0 || **b != 0.0) {
            let (size, omega) = (a.hypot(*b), std::f64::consts::TAU * k as f64 / length as f64);
            let off = self.batch as f64 * REMAINDER * (omega * omega + tilt * tilt).powi(POINTS as i32 / 2);
            all += size;
            wrong += size * if omega > tilt.abs() { off } else { 0.0 };
            band = k;
        }
        (wrong <= MOST_ERROR * all).then_some(band)
    }

    /// Adds the weights w(z) e^{−θz} E e^{θz} of the points in the lattice of `work`, of which the first stands at `centre`.
    fn untilt(&self, tilted: &Tilted, (centre, coarser): (i64, i64), [low, high]: [f64; 2], work: &mut Workspace) {
        let half = (work.lattice.len() / 2) as i64;
        let point = |place: f64| ((place * self.finer - centre as f64) / coarser as f64).ceil().clamp(-1e9, 1e9) as i64;
        let range = (-half).max(point(low))..half.min(point(high));
        let least = rounding(self.batch) * work.lattice.iter().copied().fold(0.0, f64::max);
        let step = tilted.tilt * coarser as f64;
        let log = |j: i64| tilted.log_mass - tilted.tilt * centre as f64 - step * j as f64;
        let BatchLaw { atoms, weights, .. } = &mut work.law;
        for j in range {
            let weight = work.lattice[j.rem_euclid(2 * half) as usize];
            if weight > least && log(j) + weight.ln() > LEAST_LOG_WEIGHT {
                atoms.push((centre + j * coarser) as f64 / self.finer);
                weights.push(weight * log(j).exp());
            }
        }
    }

    /// Puts the law of the batch into `work.law`, with relative accuracy as far as e^{qz} weighs it. False where it has not died out on the
    /// lattice: then `work.law` has no atoms.
    pub fn batch(&self, q: f64, work: &mut Workspace) -> bool {
        let mut tilts = vec![self.tilted(0.0)];
        let mut at = 0.0f64;
        while at.abs() < q.abs() && tilts[tilts.len() - 1].deviation > 0.0 {
            let stride = STRIDE * self.finer / tilts[tilts.len() - 1].deviation;
            at = (at.abs() + stride).min(q.abs()).copysign(q);
            tilts.push(self.tilted(at));
        }
        tilts.sort_by(|a, b| a.mean.total_cmp(&b.mean));
        let between = |k: usize| 0.5 * (tilts[k].mean + tilts[k + 1].mean) / self.finer;
        work.law.atoms.clear();
        work.law.weights.clear();
        let narrowest = tilts.iter().fold(self.finer * WRITTEN, |least, tilted| least.min(tilted.deviation));
        let coarser = (narrowest / WRITTEN).max(1.0).log2().floor().exp2() as usize;
        let all = (0..tilts.len()).all(|k| {
            let low = if k == 0 { f64::NEG_INFINITY } else { between(k - 1) };
            let high = if k + 1 == tilts.len() { f64::INFINITY } else { between(k) };
            self.add(&tilts[k], coarser, [low, high], work)
        });
        if !all {
            work.law.atoms.clear();
            work.law.weights.clear();
        }
        all
    }
}

impl BatchLaws {
    /// One draw on a lattice for tilts up to q, where batches are large enough for their law to be smooth.
    fn one_draw(&self, x: &[f64], p: Option<&[f64]>, variance: f64, q: f64) -> Option<OneDraw> {
        let independent = self.by_samples() && self.combination == [1.0] && self.batch >= LEAST_BATCH;
        if independent && variance > 0.0 { OneDraw::new(x, p, self.batch, variance, q) } else { None }
    }

    /// [`BatchLaws::find`] where the law is smooth on the grid; false where it is not.
    pub(super) fn find_smooth(&self, x: &[f64], p: Option<&[f64]>, variance: f64, work: &mut Workspace) -> bool {
        self.one_draw(x, p, variance, 0.0).is_some_and(|one| one.batch(0.0, work))
    }

    /// [`BatchLaws::fit`] where the law is smooth on the grid; None where it is not.
    pub(super) fn fit_smooth(&self, x: &[f64], p: Option<&[f64]>, shift: f64, work: &mut Workspace) -> Option<Tilt> {
        let variance = self.variance(x, p);
        let gaussian = (2.0 * shift / variance).abs().min(MOST_TILT);
        let mut one = self.one_draw(x, p, variance, gaussian)?;
        let found = tilt(|q| one.cumulant(q), shift, variance, self.hull(x, &work.law));
        let q = match found {
            Tilt::At(q) if q.abs() * variance.sqrt() > UNTILTED_DEVIATIONS => q,
            Tilt::At(_) | Tilt::None | Tilt::Beyond => 0.0,
        };
        if !one.holds(q) {
            one = self.one_draw(x, p, variance, q)?;
        }
        if !one.batch(q, work) {
            return None;
        }
        work.law.variance = variance;
        work.law.centre();
        Some(found)
    }
}

/// Multiplies frequency k by e^{iak}: moves a periodic sequence so that a point comes first.
fn turn(real: &mut [f64], imaginary: &mut [f64], a: f64) {
    for (k, (re, im)) in real.iter_mut().zip(imaginary).enumerate() {
        let (sine, cosine) = (a * k as f64).sin_cos();
        (*re, *im) = (*re * cosine - *im * sine, *re * sine + *im * cosine);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws of a skewed law, centred: −ln(1 − u) − 1 at midpoints, in cells.
    fn skewed(m: usize, size: f64) -> Vec<f64> {
        let x: Vec<f64> = (0..m).map(|i| -size * ((i as f64 + 0.5) / m as f64).ln()).collect();
        let mean = x.iter().sum::<f64>() / m as f64;
        x.iter().map(|x| x - mean).collect()
    }

    #[test]
    fn laws_of_batches_have_the_cumulants_of_their_draws() {
        // a step covers 3.4 and 27 cells; q as of one and twenty standard deviations
        for (batch, size, q) in [(64usize, 0.42, 0.3), (512, 1.2, 0.35), (512, 1.2, -0.7)] {
            let x = skewed(300, size);
            let variance = batch as f64 * x.iter().map(|x| x * x).sum::<f64>() / 300.0;
            let one = OneDraw::new(&x, None, batch, variance, q).expect("fine enough");
            let mut work = Workspace::default();
            assert!(one.batch(q, &mut work));
            let BatchLaw { atoms, weights, .. } = &work.law;
            assert!(weights.iter().all(|w| *w > 0.0));
            let spread: f64 = atoms.iter().zip(weights).map(|(z, w)| w * z * z).sum();
            assert!((spread / variance - 1.0).abs() < 1e-9, "{spread} {variance}");
            for q in [q, 0.6 * q, 0.1 * q] {
                let exact = batch as f64 * (x.iter().map(|x| (q * x).exp()).sum::<f64>() / 300.0).ln();
                let found = atoms.iter().zip(weights).map(|(z, w)| w.ln() + q * z).map(f64::exp).sum::<f64>().ln();
                assert!((found - exact).abs() < 1e-7, "B {batch}, q {q}: {found} {exact}");
                assert!((one.cumulant(q).0 - exact).abs() < 2.0 * MOST_LOG_ERROR, "{} {exact}", one.cumulant(q).0);
            }
        }
    }

    #[test]
    fn a_comb_has_no_smooth_law() {
        let x = [1.0, -1.0];
        let one = OneDraw::new(&x, None, 512, 512.0, 0.0).expect("fine enough");
        assert!(!one.batch(0.0, &mut Workspace::default()));
        // ties: a third of the samples never move
        let x: Vec<f64> = (0..300).map(|i| if i % 3 == 0 { 0.0 } else { f64::from(i % 2) - 0.5 }).collect();
        let one = OneDraw::new(&x, None, 16, 16.0 / 6.0, 0.0).expect("fine enough");
        assert!(!one.batch(0.0, &mut Workspace::default()));
    }
}
