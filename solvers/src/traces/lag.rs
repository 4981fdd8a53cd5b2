//! Moments over several steps of a chain on one axis.

use super::fields::linear_on;
use crate::model::table::SplineAxis;

/// Lattice points of the chain for each distance of the nodes.
const FINER: usize = 3;
/// Share of the box by which the chain's axis reaches beyond it on each side.
const MARGIN: f64 = 0.15;
/// Weights further than this many standard deviations are left out.
const REACH: f64 = 8.0;

/// A law has its skewness where this many standard deviations of it lie on the axis: cut off, its weights would not be near a law.
const WHOLE: f64 = 3.0;

/// The chain θ' = θ + η b(θ) + √(2 η A(θ)) ξ on a fine lattice of one axis.
#[derive(Debug, Clone)]
pub struct LineChain {
    points: Vec<f64>,
    /// Each row: the first point that is reached, and the probabilities.
    rows: Vec<(usize, Vec<f64>)>,
}

impl LineChain {
    /// The chain with b and A at the nodes of an axis and steps of length `step`; linear between nodes, constant beyond them.
    pub fn new(axis: &SplineAxis, drift: &[f64], diffusion: &[f64], step: f64) -> Self {
        let points = Self::lattice(axis);
        let on = |field: &[f64]| points.iter().map(|&x| linear_on(axis.nodes(), field, x)).collect::<Vec<f64>>();
        let (drift, diffusion) = (on(drift), on(diffusion));
        Self::on(points, &drift, &diffusion, &[], step)
    }

    /// The points of a chain on an axis: finer than its nodes, and beyond them on both sides.
    pub fn lattice(axis: &SplineAxis) -> Vec<f64> {
        let [lower, upper] = axis.ends();
        let margin = MARGIN * (upper - lower);
        let n = FINER * axis.nodes().len();
        let spacing = (upper - lower + 2.0 * margin) / (n - 1) as f64;
        (0..n).map(|i| lower - margin + spacing * i as f64).collect()
    }

    /// The chain with b and A at points that are equally far apart, and with the skewness γ of ξ there (normal where it is not given): the normal weights times
    /// 1 + γ (z³ − 3z)/6, the first term of Edgeworth's series. Those may be negative, which moments do not mind.
    pub fn on(points: Vec<f64>, drift: &[f64], diffusion: &[f64], skewness: &[f64], step: f64) -> Self {
        let (n, spacing) = (points.len(), points[1] - points[0]);
        let row = |i: usize| {
            let (mean, variance) =
                (points[i] + step * drift[i], (2.0 * step * diffusion[i]).max(0.05 * spacing * spacing));
            let reach = REACH * variance.sqrt() + spacing;
            let first = points.partition_point(|p| *p < mean - reach).min(n - 1);
            let end = points.partition_point(|p| *p <= mean + reach).max(first + 1);
            let spread = variance.sqrt();
            let whole = mean - WHOLE * spread > points[0] && mean + WHOLE * spread < points[n - 1];
            let gamma = skewness.get(i).copied().filter(|_| whole).unwrap_or(0.0);
            let weights = points[first..end].iter().map(|p| {
                let z = (p - mean) / spread;
                (-0.5 * z * z).exp() * (1.0 + gamma / 6.0 * z * (z * z - 3.0))
            });
            let mut weights: Vec<f64> = weights.collect();
            let sum: f64 = weights.iter().sum();
            match sum > 0.0 {
                true => weights.iter_mut().for_each(|w| *w /= sum),
                false => weights.fill(1.0 / (end - first) as f64), // all of it beyond the axis: the nearest point
            }
            (first, weights)
        };
        let rows = (0..n).map(row).collect();
        Self { points, rows }
    }

    /// Points of its axis.
    pub fn points(&self) -> &[f64] {
        &self.points
    }

    /// E[f(θ_{k+1}) | θ_k] at the points.
    fn expectation(&self, f: &[f64]) -> Vec<f64> {
        let row = |(first, weights): &(usize, Vec<f64>)| weights.iter().zip(&f[*first..]).map(|(w, f)| w * f).sum();
        self.rows.iter().map(row).collect()
    }

    /// E[(θ_steps − c)ⁿ] for n = 1 … `most` at the points, c the middle of the axis.
    fn powers(&self, steps: usize, most: i32) -> Vec<Vec<f64>> {
        let middle = self.points[self.points.len() / 2];
        let power = |n: i32| {
            let start: Vec<f64> = self.points.iter().map(|x| (x - middle).powi(n)).collect();
            (0..steps).fold(start, |f, _| self.expectation(&f))
        };
        (1..=most).map(power).collect()
    }

    /// Displacements to means of θ − c.
    fn displacements(&self, mean: &[f64]) -> Vec<f64> {
        let middle = self.points[self.points.len() / 2];
        mean.iter().zip(&self.points).map(|(m, x)| m - (x - middle)).collect()
    }

    /// Mean displacement and variance after `steps` steps, at the points.
    pub fn moments(&self, steps: usize) -> (Vec<f64>, Vec<f64>) {
        let powers = self.powers(steps, 2);
        let variance = powers[1].iter().zip(&powers[0]).map(|(s, m)| (s - m * m).max(0.0)).collect();
        (self.displacements(&powers[0]), variance)
    }

    /// Mean displacement, variance and third central moment after `steps` steps, at the points.
    pub fn three_moments(&self, steps: usize) -> [Vec<f64>; 3] {
        let powers = self.powers(steps, 3);
        let of = |i: usize| {
            let [mean, square, cube] = [0, 1, 2].map(|n| powers[n][i]);
            ((square - mean * mean).max(0.0), cube - 3.0 * mean * square + 2.0 * mean.powi(3))
        };
        let (variance, third) = (0..self.points.len()).map(of).unzip();
        [self.displacements(&powers[0]), variance, third]
    }

    /// Its invariant law: probabilities at the points, by repetition until nothing changes.
    pub fn invariant(&self) -> Vec<f64> {
        let n = self.points.len();
        let mut law = vec![1.0 / n as f64; n];
        for _ in 0..200_000 {
            let mut next = vec![0.0; n];
            for ((first, weights), p) in self.rows.iter().zip(&law) {
                weights.iter().zip(&mut next[*first..]).for_each(|(w, q)| *q += w * p);
            }
            let change: f64 = next.iter().zip(&law).map(|(a, b)| (a - b).abs()).sum();
            law = next;
            if change < 1e-10 {
                break;
            }
        }
        law
    }
}
