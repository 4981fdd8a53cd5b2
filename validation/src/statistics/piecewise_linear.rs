//! Integrals and medians of piecewise linear functions of one variable.

use super::tail::bisect;

/// ∫ |f − shift| of the piecewise linear function with these edge values.
pub fn absolute_integral(edges: &[f64], widths: &[f64], shift: f64) -> f64 {
    let piece = |(ends, width): (&[f64], &f64)| {
        let (a, b) = (ends[0] - shift, ends[1] - shift);
        let mean = if a * b >= 0.0 { 0.5 * (a + b).abs() } else { 0.5 * (a * a + b * b) / (b - a).abs() };
        mean * width
    };
    edges.windows(2).zip(widths).map(piece).sum()
}

/// Median over the axis of the piecewise linear function: the shift that makes ∫ |f − shift| least.
pub fn circular_median(edges: &[f64], widths: &[f64]) -> f64 {
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

/// ∫ f² of a piecewise linear function from its values at the edges; where it is `centred`, less its mean.
pub fn square_integral(edges: &[f64], widths: &[f64], centred: bool) -> f64 {
    let length: f64 = widths.iter().sum();
    let mean = |(pair, width): (&[f64], &f64)| 0.5 * width * (pair[0] + pair[1]);
    let shift = if centred { edges.windows(2).zip(widths).map(mean).sum::<f64>() / length } else { 0.0 };
    let square = |(pair, width): (&[f64], &f64)| {
        let [a, b] = [pair[0] - shift, pair[1] - shift];
        width * (a * a + a * b + b * b) / 3.0
    };
    edges.windows(2).zip(widths).map(square).sum()
}
