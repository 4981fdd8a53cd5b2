//! Slopes of logarithms of the collected numbers against B/η (1/T where there are no batches): τ ~ e^{S·B/η}.
//!
//! ```text
//! ln v = c + s x,    s = Σ w (x − x̄)(y − ȳ) / Σ w (x − x̄)²,    var s = max(1, χ²/(n−2)) / Σ w (x − x̄)²    (without bars: χ²/(n−2) alone)
//! ```

use std::collections::BTreeMap;

use super::case::Answer;
use super::plan::Plan;

/// A straight line through logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Its slope s.
    pub slope: f64,
    /// Standard error of the slope; NaN where the line goes through two points.
    pub slope_se: f64,
    /// ln v at x = 0.
    pub intercept: f64,
    /// Number of points.
    pub points: usize,
}

/// What one collected number does as B/η grows.
#[derive(Debug, Clone, PartialEq)]
pub struct Law {
    /// Which of the collected numbers.
    pub collected: usize,
    /// Whether x is B/η; else 1/T.
    pub of_batches: bool,
    /// The axes along which x does not change: a line for each place on them.
    pub others: Vec<usize>,
    /// The lines by their places on those axes, in order; None where no two points differ in x.
    pub fits: Vec<Option<Fit>>,
}

/// Least factor between values that are worth a logarithm.
const FACTOR: f64 = 3.0;

/// x of a case: B/η, or 1/T.
pub fn abscissa(answer: &Answer, of_batches: bool) -> f64 {
    let [temperature, rate, batch] = answer.drive;
    if of_batches { batch / rate } else { 1.0 / temperature }
}

/// Value and bar of ln v of a collected number.
pub fn logarithm(numbers: &[f64; 3]) -> Option<[f64; 2]> {
    let [value, se, error] = *numbers;
    let bar = [se, error].into_iter().filter(|b| b.is_finite()).fold(0.0, f64::hypot);
    (value.is_finite() && value > 0.0).then(|| [value.ln(), bar / value])
}

/// The laws of all collected numbers that are positive and change by more than a factor of three while x changes.
pub fn laws(plan: &Plan, answers: &BTreeMap<usize, Answer>) -> Vec<Law> {
    let known = || answers.iter().filter(|(_, answer)| answer.drive[0].is_finite());
    let of_batches = known().count() > 0 && known().all(|(_, answer)| answer.drive[1..].iter().all(|x| x.is_finite()));
    let others: Vec<usize> = (0..plan.axes.len()).filter(|&axis| !changes(plan, answers, of_batches, axis)).collect();
    if others.len() == plan.axes.len() {
        return Vec::new();
    }
    (0..plan.collect.len()).filter_map(|collected| law(plan, answers, (collected, of_batches, &others))).collect()
}

/// Whether x changes along an axis.
fn changes(plan: &Plan, answers: &BTreeMap<usize, Answer>, of_batches: bool, axis: usize) -> bool {
    let mut seen: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
    answers.iter().filter(|(_, answer)| answer.drive[0].is_finite()).any(|(&number, answer)| {
        let mut place = plan.place(number);
        place[axis] = 0;
        let x = abscissa(answer, of_batches);
        let first = *seen.entry(place).or_insert(x);
        (first - x).abs() > 1e-9 * x.abs()
    })
}

fn law(
    plan: &Plan,
    answers: &BTreeMap<usize, Answer>,
    (collected, of_batches, others): (usize, bool, &[usize]),
) -> Option<Law> {
    let shape: Vec<usize> = others.iter().map(|&axis| plan.axes[axis].len()).collect();
    let mut points = vec![Vec::new(); shape.iter().product()];
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for (&number, answer) in answers {
        let value = answer.numbers[collected][0];
        if value.is_nan() {
            continue;
        }
        let [y, bar] = logarithm(&answer.numbers[collected])?;
        let place = plan.place(number);
        let at = others.iter().zip(&shape).fold(0, |at, (&axis, n)| at * n + place[axis]);
        (least, most) = (least.min(y), most.max(y));
        points[at].push([abscissa(answer, of_batches), y, bar]);
    }
    if most - least < FACTOR.ln() || most.is_infinite() {
        return None;
    }
    let fits: Vec<Option<Fit>> = points.iter().map(|points| fit(points)).collect();
    fits.iter().any(Option::is_some).then(|| Law { collected, of_batches, others: others.to_vec(), fits })
}

/// The line through points (x, y, bar of y); None where all x are the same.
fn fit(points: &[[f64; 3]]) -> Option<Fit> {
    let with_bars = points.iter().all(|[_, _, bar]| *bar > 0.0);
    let weight = |bar: f64| if with_bars { 1.0 / (bar * bar) } else { 1.0 };
    let sum = |of: &dyn Fn(&[f64; 3]) -> f64| points.iter().map(|p| weight(p[2]) * of(p)).sum::<f64>();
    let all = sum(&|_| 1.0);
    let (x, y) = (sum(&|p| p[0]) / all, sum(&|p| p[1]) / all);
    let spread = sum(&|p| (p[0] - x).powi(2));
    if spread <= 1e-18 * all * x * x || !spread.is_finite() {
        return None;
    }
    let slope = sum(&|p| (p[0] - x) * (p[1] - y)) / spread;
    let squares = sum(&|p| (p[1] - y - slope * (p[0] - x)).powi(2));
    let scatter = if points.len() > 2 { squares / (points.len() - 2) as f64 } else { f64::NAN };
    let variance = if with_bars { scatter.max(1.0) } else { scatter } / spread;
    Some(Fit { slope, slope_se: variance.sqrt(), intercept: y - slope * x, points: points.len() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_line_is_found_with_its_bar() {
        // y = 1 + 2 x with residuals ±0.1 orthogonal to 1 and x
        let points = [[0.0, 1.1, 0.0], [1.0, 2.9, 0.0], [2.0, 4.9, 0.0], [3.0, 7.1, 0.0]];
        let found = fit(&points).unwrap();
        assert!((found.slope - 2.0).abs() < 1e-12 && (found.intercept - 1.0).abs() < 1e-12);
        // s² = 4·0.01/2, Sxx = 5
        assert!((found.slope_se - (0.02_f64 / 5.0).sqrt()).abs() < 1e-12);
        // with bars of 1 the scatter is smaller than they say: var = 1/Sxx
        let barred = points.map(|[x, y, _]| [x, y, 1.0]);
        assert!((fit(&barred).unwrap().slope_se - (0.2_f64).sqrt()).abs() < 1e-12);
        assert!(fit(&points[..2]).unwrap().slope_se.is_nan() && fit(&points[..1]).is_none());
    }
}
