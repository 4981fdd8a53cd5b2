//! Noise of distances of distribution functions, from Brownian bridges of the law: ∫ |F̂ − F| and √(2 ∫ (F̂ − F)²).

use std::sync::OnceLock;

use super::piecewise_linear::{absolute_integral, circular_median, square_integral};
use crate::metric::Marginal;

/// A piece of the simulated bridge ends when it holds this share of the probability or of the axis: at most 65 pieces.
const MASS: f64 = 1.0 / 48.0;
const LENGTH: f64 = 1.0 / 16.0;
const PIECES: usize = 66;
/// A piece is full at this share: cells that fill it up to rounding must not decide where it ends.
const FULL: f64 = 1.0 - 1e-9;
const REPLICATES: usize = 2000;
/// Share of the replicates to which the tail is fitted.
const TAIL: f64 = 0.05;

/// A distance of two distribution functions on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Functional {
    /// ∫ |F − G| dx.
    Wasserstein,
    /// √(2 ∫ (F − G)² dx).
    Energy,
}

impl Functional {
    /// From the values of F − G at the edges of cells.
    fn of(self, edges: &[f64], widths: &[f64], periodic: bool) -> f64 {
        match self {
            Self::Wasserstein => {
                let shift = if periodic { circular_median(edges, widths) } else { 0.0 };
                absolute_integral(edges, widths, shift)
            }
            Self::Energy => (2.0 * square_integral(edges, widths, periodic)).sqrt(),
        }
    }
}

/// Mean of a distance under "same law", what it exceeds with probability `rate`, and its standard deviation.
///
/// The mean of W1 is √(2/π) ∫ √(F(1 − F)/N) dx; the quantile comes from simulated bridges (fixed seed) with a tail
/// P(D > x) = 0.05 exp(−(x² − x₀²)/s²) fitted beyond their 95 % quantile x₀, plus one stray walker from where less than
/// one is expected.
pub fn bridge(marginal: &Marginal, widths: &[f64], rate: f64, distance: Functional) -> (f64, f64, f64) {
    let law = &marginal.law;
    if !marginal.walkers.is_finite() || marginal.walkers < 1.0 || law.iter().sum::<f64>() == 0.0 {
        return (0.0, 0.0, 0.0);
    }
    let periodic = marginal.axis.is_periodic();
    let (mass, length) = pieces(law, widths);
    let simulated = simulate(&mass, &length, periodic, distance);
    let average = simulated.iter().sum::<f64>() / simulated.len() as f64;
    let exact = distance == Functional::Wasserstein && !periodic;
    let mean = if exact { mean_integral(law, widths) } else { average };
    let scale = if average > 0.0 { mean / average } else { 1.0 };
    let root = marginal.walkers.sqrt();
    let square = simulated.iter().map(|w| (w - average) * (w - average)).sum::<f64>() / simulated.len() as f64;
    let sd = scale * square.sqrt() / root;
    let upper = scale * tail_quantile(simulated, rate) / root;
    let moved = stray(law, widths, marginal.walkers, rate);
    let stray = match distance {
        Functional::Wasserstein => moved,
        Functional::Energy => (2.0 * moved / marginal.walkers).sqrt(),
    };
    (mean / root, upper + stray, sd)
}

/// √(2/π) ∫ √(F(1 − F)) dx with F linear in each cell, by Simpson's rule on the standard deviation of the bridge.
fn mean_integral(law: &[f64], widths: &[f64]) -> f64 {
    let mut below = 0.0;
    let mut sum = 0.0;
    for (&q, &width) in law.iter().zip(widths) {
        let after = (below + q).min(1.0);
        let variance = |f: f64| (f * (1.0 - f)).max(0.0);
        let (left, right) = (variance(below), variance(after));
        // halfway along a cell the empirical function is the mean of its ends
        let middle = 0.25 * (left + right + 2.0 * below * (1.0 - after).max(0.0));
        sum += width * (left.sqrt() + 4.0 * middle.sqrt() + right.sqrt()) / 6.0;
        below = after;
    }
    sum * std::f64::consts::FRAC_2_PI.sqrt()
}

fn pieces(law: &[f64], widths: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let total: f64 = widths.iter().sum();
    let (mut mass, mut length) = (Vec::with_capacity(PIECES), Vec::with_capacity(PIECES));
    let (mut p, mut w) = (0.0, 0.0);
    for (&q, &width) in law.iter().zip(widths) {
        p += q;
        w += width;
        if p >= FULL * MASS || w >= FULL * LENGTH * total {
            mass.push(std::mem::take(&mut p));
            length.push(std::mem::take(&mut w));
        }
    }
    if w > 0.0 {
        mass.push(p);
        length.push(w);
    }
    (mass, length)
}

fn simulate(mass: &[f64], length: &[f64], periodic: bool, distance: Functional) -> Vec<f64> {
    let roots: Vec<f64> = mass.iter().map(|q| q.sqrt()).collect();
    let mut edges = vec![0.0; mass.len() + 1];
    let replicate = |normals: &[f32]| {
        let total: f64 = roots.iter().zip(normals).map(|(r, &z)| r * f64::from(z)).sum();
        for j in 0..mass.len() {
            edges[j + 1] = edges[j] + roots[j] * f64::from(normals[j]) - mass[j] * total;
        }
        distance.of(&edges, length, periodic)
    };
    normals().chunks_exact(PIECES).map(replicate).collect()
}

fn tail_quantile(mut values: Vec<f64>, rate: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let beyond = (TAIL * values.len() as f64) as usize;
    let at = values.len() - beyond - 1;
    if rate >= TAIL {
        return values[(((1.0 - rate) * values.len() as f64) as usize).min(values.len() - 1)];
    }
    let start = values[at] * values[at];
    let excess = values[at + 1..].iter().map(|x| x * x - start).sum::<f64>() / beyond as f64;
    (start + excess * (TAIL / rate).ln()).sqrt()
}

/// One walker moved from the median to the farthest cell edge that any walker passes with probability `rate` or more.
fn stray(law: &[f64], widths: &[f64], walkers: f64, rate: f64) -> f64 {
    let (mut below, mut x) = (0.0, 0.0);
    let (mut first, mut last, mut median) = (None, 0.0, 0.0);
    for (&q, &width) in law.iter().zip(widths) {
        if walkers * (below + q) >= rate && first.is_none() {
            first = Some(x);
        }
        if below <= 0.5 {
            median = x + 0.5 * width;
        }
        x += width;
        if walkers * (1.0 - below) >= rate {
            last = x;
        }
        below += q;
    }
    (median - first.unwrap_or(0.0)).max(last - median) / walkers
}

/// Standard normal numbers that all bridges share: a constant table, made once (SplitMix64, Box–Muller).
fn normals() -> &'static [f32] {
    static TABLE: OnceLock<Vec<f32>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut state = 0x5eed_u64;
        let mut uniform = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        };
        let pair = |_| {
            let (radius, angle) = ((-2.0 * uniform().ln()).sqrt(), std::f64::consts::TAU * uniform());
            [(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]
        };
        (0..PIECES * REPLICATES / 2).flat_map(pair).collect()
    })
}
