//! Wasserstein distance of order 1 of the marginals, exact between densities that are uniform in each cell.

use super::{Marginal, Metric, Pair, Reading, Scaling, over_axes};
use crate::statistics::{bisect, bridge};

/// ∫ |F − G| dx, the largest over the axes.
pub const METRIC: Metric = Metric {
    name: "wasserstein_1",
    definition: "∫ |F − G| dx of the marginals (uniform inside each cell), conditional on being on the grid, in units of the \
                 axis; on a periodic axis min over c of ∫ |F − G − c| dx; the largest over the axes",
    reference: "Vallender, Theory Prob. Appl. 18, 1974; on the circle Rabin, Delon & Gousseau, J. Math. Imaging Vis. 41, \
                2011; noise: Brownian bridge of the law (del Barrio, Giné & Matrán, Ann. Prob. 27, 1999)",
    scaling: Scaling::Root,
    read,
};

fn read(pair: &Pair, rate: f64) -> Vec<Reading> {
    over_axes(pair, rate, farthest, |marginal, rate| {
        let widths: Vec<f64> = (0..marginal.axis.cells()).map(|i| marginal.axis.width(i)).collect();
        let mut edges = vec![0.0; marginal.a.len() + 1];
        for i in 0..marginal.a.len() {
            edges[i + 1] = edges[i] + marginal.a[i] - marginal.b[i];
        }
        let value = distance(marginal, &edges, &widths);
        let (noise_floor, noise_upper, sd) = bridge(marginal, &widths, rate);
        (Reading { value, noise_floor, noise_upper }, sd)
    })
}

/// The largest W1 of two laws on the axis: its length, half of it on a circle.
fn farthest(marginal: &Marginal) -> f64 {
    marginal.axis.length() * if marginal.axis.is_periodic() { 0.5 } else { 1.0 }
}

/// ∫ |F − G| from its values at the cell edges.
fn distance(marginal: &Marginal, edges: &[f64], widths: &[f64]) -> f64 {
    let shift = if marginal.axis.is_periodic() { circular_median(edges, widths) } else { 0.0 };
    absolute_integral(edges, widths, shift)
}

/// ∫ |f − shift| of the piecewise linear function with these edge values.
pub(crate) fn absolute_integral(edges: &[f64], widths: &[f64], shift: f64) -> f64 {
    let piece = |(ends, width): (&[f64], &f64)| {
        let (a, b) = (ends[0] - shift, ends[1] - shift);
        let mean = if a * b >= 0.0 { 0.5 * (a + b).abs() } else { 0.5 * (a * a + b * b) / (b - a).abs() };
        mean * width
    };
    edges.windows(2).zip(widths).map(piece).sum()
}

/// Median over the axis of the piecewise linear function: the shift that makes ∫ |f − shift| least.
pub(crate) fn circular_median(edges: &[f64], widths: &[f64]) -> f64 {
    let half = 0.5 * widths.iter().sum::<f64>();
    let low = edges.iter().copied().fold(f64::INFINITY, f64::min);
    let high = edges.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let below = |c: f64| -> f64 {
        let piece = |(ends, width): (&[f64], &f64)| {
            let (a, b) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            width * if b > a { ((c - a) / (b - a)).clamp(0.0, 1.0) } else { f64::from(u8::from(c > a)) }
        };
        edges.windows(2).zip(widths).map(piece).sum()
    };
    bisect(low, high, |c| half - below(c))
}
