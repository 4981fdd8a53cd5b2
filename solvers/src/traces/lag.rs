//! Moments over several steps of a chain on one axis.

use super::fields::linear_on;
use crate::model::table::SplineAxis;

/// Lattice points of the chain for each distance of the nodes.
const FINER: usize = 3;
/// Share of the box by which the chain's axis reaches beyond it on each side.
const MARGIN: f64 = 0.15;
/// Weights further than this many standard deviations are left out.
const REACH: f64 = 8.0;

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
        Self::on(points, &drift, &diffusion, step)
    }

    /// The points of a chain on an axis: finer than its nodes, and beyond them on both sides.
    pub fn lattice(axis: &SplineAxis) -> Vec<f64> {
        let [lower, upper] = axis.ends();
        let margin = MARGIN * (upper - lower);
        let n = FINER * axis.nodes().len();
        let spacing = (upper - lower + 2.0 * margin) / (n - 1) as f64;
        (0..n).map(|i| lower - margin + spacing * i as f64).collect()
    }

    /// The chain with b and A at points that are equally far apart.
    pub fn on(points: Vec<f64>, drift: &[f64], diffusion: &[f64], step: f64) -> Self {
        let (n, spacing) = (points.len(), points[1] - points[0]);
        let row = |i: usize| {
            let (mean, variance) =
                (points[i] + step * drift[i], (2.0 * step * diffusion[i]).max(0.05 * spacing * spacing));
            let reach = REACH * variance.sqrt() + spacing;
            let first = points.partition_point(|p| *p < mean - reach).min(n - 1);
            let end = points.partition_point(|p| *p <= mean + reach).max(first + 1);
            let weights = points[first..end].iter().map(|p| (-(p - mean).powi(2) / (2.0 * variance)).exp());
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

    /// Mean displacement and variance after `steps` steps, at the points.
    pub fn moments(&self, steps: usize) -> (Vec<f64>, Vec<f64>) {
        let (mut mean, mut square) = (self.points.clone(), self.points.iter().map(|x| x * x).collect::<Vec<f64>>());
        for _ in 0..steps {
            mean = self.expectation(&mean);
            square = self.expectation(&square);
        }
        let variance = square.iter().zip(&mean).map(|(s, m)| (s - m * m).max(0.0)).collect();
        (mean.iter().zip(&self.points).map(|(m, x)| m - x).collect(), variance)
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
