//! The SDE on a line in closed form: stationary density and mean first-passage time by quadrature, without a grid of an engine.
//!
//! ```text
//! I(x) = ∫ b/A dx,  A = T D,     ρ ∝ e^{I}/A  between reflecting ends
//! τ(a → c) = ∫_a^c dy e^{−I(y)} ∫_{low}^y dz e^{I(z)}/A(z)
//! ```
//!
//! Gardiner 2009, *Stochastic Methods*, 5.5; simple steps of Simpson, all terms positive, and only differences of I enter exponentials.

use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Axis;

/// Drift and noise of the SDE on a line, at equal steps.
#[derive(Debug, Clone)]
pub struct Line {
    low: f64,
    /// Length of a step.
    h: f64,
    /// I and A at the ends and the middles of steps (2·steps + 1).
    exponent: Vec<f64>,
    noise: Vec<f64>,
}

impl Line {
    /// The line of an axis in so many steps. None where T·D is not positive and finite, or the drift not finite.
    pub fn new(dynamics: &dyn Dynamics, temperature: f64, axis: &Axis, steps: usize) -> Option<Self> {
        let n = 2 * steps + 1;
        let (low, h) = (axis.lower(), axis.length() / steps as f64);
        let points: Vec<f64> = (0..n).map(|k| low + 0.5 * h * k as f64).collect();
        let (mut drift, mut noise) = (vec![0.0; n], vec![0.0; n]);
        dynamics.drift_diffusion(&points, &mut drift, &mut noise);
        noise.iter_mut().for_each(|d| *d *= temperature);
        if !drift.iter().zip(&noise).all(|(b, a)| b.is_finite() && *a > 0.0 && a.is_finite()) {
            return None;
        }
        let slope: Vec<f64> = drift.iter().zip(&noise).map(|(b, a)| b / a).collect();
        let mut exponent = vec![0.0; n];
        for k in (2..n).step_by(2) {
            let [a, m, b] = [slope[k - 2], slope[k - 1], slope[k]];
            exponent[k - 1] = exponent[k - 2] + h * (5.0 * a + 8.0 * m - b) / 24.0;
            exponent[k] = exponent[k - 2] + h * (a + 4.0 * m + b) / 6.0;
        }
        Some(Self { low, h, exponent, noise })
    }

    /// Probabilities of `cells` equal cells at rest; the number of steps is a multiple of theirs.
    pub fn stationary(&self, cells: usize) -> Vec<f64> {
        let most = self.exponent.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let density: Vec<f64> = self.exponent.iter().zip(&self.noise).map(|(i, a)| (i - most).exp() / a).collect();
        let each = (self.exponent.len() / 2) / cells;
        let step = |k: usize| density[2 * k] + 4.0 * density[2 * k + 1] + density[2 * k + 2];
        let mut law: Vec<f64> = (0..cells).map(|c| (c * each..(c + 1) * each).map(step).sum()).collect();
        let total: f64 = law.iter().sum();
        law.iter_mut().for_each(|p| *p /= total);
        law
    }

    /// Mean time from `from` to `to`, with the end of the line behind `from` reflecting.
    pub fn mean_time(&self, from: f64, to: f64) -> f64 {
        let steps = self.exponent.len() / 2;
        let forward = to > from;
        // ends of steps counted from the end behind the start
        let at = |j: usize| if forward { j } else { 2 * steps - j };
        let place = |x: f64| if forward { (x - self.low) / self.h } else { steps as f64 - (x - self.low) / self.h };
        let (start, end) = (place(from), place(to));
        let inner = |j: usize, of: f64| (self.exponent[at(j)] - of).exp() / self.noise[at(j)];
        let (mut behind, mut time) = (0.0, 0.0); // behind = e^{−I(y)} ∫ e^{I}/A up to the end of the step before
        for k in 0..steps.min(end.ceil() as usize) {
            let [i0, i1, i2] = [0, 1, 2].map(|j| self.exponent[at(2 * k + j)]);
            let half = self.h / 24.0 * (5.0 * inner(2 * k, i1) + 8.0 * inner(2 * k + 1, i1) - inner(2 * k + 2, i1));
            let whole = self.h / 6.0 * (inner(2 * k, i2) + 4.0 * inner(2 * k + 1, i2) + inner(2 * k + 2, i2));
            let [g0, g1, g2] = [behind, behind * (i0 - i1).exp() + half.max(0.0), behind * (i0 - i2).exp() + whole];
            // the part of the step between start and end, by the parabola through the three values
            let (a, b) = ((start - k as f64).clamp(0.0, 1.0), (end - k as f64).clamp(0.0, 1.0));
            time += self.h * (parabola(g0, g1, g2, b) - parabola(g0, g1, g2, a));
            behind = g2;
        }
        time
    }
}

/// ∫₀ˢ of the parabola through (0, a), (½, m), (1, b).
fn parabola(a: f64, m: f64, b: f64, s: f64) -> f64 {
    let (linear, square) = (-3.0 * a + 4.0 * m - b, 2.0 * a - 4.0 * m + 2.0 * b);
    s * (a + s * (0.5 * linear + s * square / 3.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::numerics::symmetric::packed_len;
    use crate::problem::grid::Boundary::Reflecting;

    /// b and D as functions.
    struct Functions<B, D>(B, D);

    impl<B: Fn(f64) -> f64 + Send + Sync, D: Fn(f64) -> f64 + Send + Sync> Dynamics for Functions<B, D> {
        fn dimension(&self) -> usize {
            packed_len(1)
        }
        fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
            for (i, &x) in points.iter().enumerate() {
                (drift[i], diffusion[i]) = ((self.0)(x), (self.1)(x));
            }
        }
    }

    #[test]
    fn the_double_well_of_the_benchmark() {
        let axis = Axis::uniform("x", -2.5, 2.5, 100, [Reflecting; 2]).unwrap();
        let well = Functions(|x: f64| x - x * x * x, |_| 1.0);
        let line = |steps| Line::new(&well, 0.1, &axis, steps).unwrap();
        let exact = 30.8213024726657; // B03
        assert!((line(2000).mean_time(-1.0, 0.0) / exact - 1.0).abs() < 1e-8);
        assert!((line(2000).mean_time(1.0, 0.0) / exact - 1.0).abs() < 1e-8);
        let errors = [40, 80].map(|steps| (line(steps).mean_time(-1.0, 0.0) - exact).abs());
        assert!(errors[0] / errors[1] > 8.0, "{errors:?}"); // order 4, less at −1, which is no end of a step of 40
        assert!((line(2000).mean_time(-1.03, 0.37) - line(2001).mean_time(-1.03, 0.37)).abs() < 1e-6);
        let law = line(2000).stationary(100);
        assert!((law[..50].iter().sum::<f64>() - 0.5).abs() < 1e-12 && (law.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn multiplicative_noise_and_what_is_refused() {
        let axis = Axis::uniform("x", 0.0, 1.0, 10, [Reflecting; 2]).unwrap();
        // b = 0, D = 1 + x, T = 1: ρ ∝ 1/(1 + x), τ(0 → 1) = ∫ ln(1 + y) dy = 2 ln 2 − 1
        let line = Line::new(&Functions(|_| 0.0, |x: f64| 1.0 + x), 1.0, &axis, 400).unwrap();
        assert!((line.mean_time(0.0, 1.0) - (2.0 * 2f64.ln() - 1.0)).abs() < 1e-11);
        assert!((line.stationary(10)[0] - 1.1f64.ln() / 2f64.ln()).abs() < 1e-11);
        assert!(Line::new(&Functions(|_| 0.0, |x: f64| x - 0.5), 1.0, &axis, 400).is_none());
    }
}
