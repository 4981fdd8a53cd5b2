//! The tanh model as a regression: predictions, fitted functions, and the projection of projected amplitudes.

use super::lane::{WIDTH, pad, with_padded};
use super::{Core, SampleGradient, Slope, TanhRegression, fixed, projected};
use crate::model::regression::{Projection, Regression};

impl Regression for TanhRegression {
    fn target(&self) -> &str {
        "y"
    }

    fn input(&self) -> Option<&str> {
        Some("x")
    }

    fn targets(&self) -> &[f64] {
        &self.y
    }

    fn parameters(&self) -> usize {
        match &self.core {
            Core::Fixed(_) => self.dimension,
            Core::Projected(_) => self.dimension + self.units.len(),
        }
    }

    /// With fixed amplitudes; projected ones follow the targets.
    fn predictions(&self, points: &[f64], values: &mut [f64], jacobian: &mut [f64]) -> bool {
        let Core::Fixed(model) = &self.core else { return false };
        let n = points.len() / self.dimension;
        if n > 0 {
            with_padded(n, [values, jacobian], |[values, jacobian]| {
                fixed::per_sample(model, &pad(points, n), true, values, jacobian);
                for (row, y) in values.chunks_mut(n.next_multiple_of(WIDTH)).zip(&self.y) {
                    row.iter_mut().for_each(|h| *h += y);
                }
            });
        }
        true
    }

    fn projection(&self, theta: &[f64]) -> Option<Projection> {
        let Core::Projected(model) = &self.core else { return None };
        let (m, u) = (model.x.len(), model.units.len());
        let [mut basis, mut slopes, mut inverse] = [const { Vec::new() }; 3].map(|_: Vec<f64>| vec![0.0; m * u]);
        projected::projection(model, &pad(theta, 1), &mut basis, &mut slopes, &mut inverse);
        let derivative = |k: usize| {
            let mut f = slopes.clone();
            for (column, unit) in f.chunks_exact_mut(m).zip(&model.units) {
                if unit.slope != Slope::Group(k) {
                    column.fill(0.0);
                }
            }
            f
        };
        let derivatives = (0..self.dimension).map(derivative).collect();
        let total = model.sample_gradient == SampleGradient::Total;
        Some(Projection { samples: m, basis, derivatives, inverse, total })
    }

    fn fitted(&self, theta: &[f64], inputs: &[f64]) -> Option<Vec<f64>> {
        Some(self.sum_of_units(theta, &self.amplitudes_at(theta), inputs))
    }

    fn fitted_to(&self, theta: &[f64], targets: &[f64], inputs: &[f64]) -> Option<Vec<f64>> {
        let Some(projection) = self.projection(theta) else { return self.fitted(theta, inputs) };
        let amplitude = |g: &[f64]| g.iter().zip(targets).map(|(g, y)| g * y).sum();
        let alpha: Vec<f64> = projection.inverse.chunks_exact(targets.len()).map(amplitude).collect();
        Some(self.sum_of_units(theta, &alpha, inputs))
    }
}

impl TanhRegression {
    /// Σ_j α_j tanh(w_j (x − b_j)) at the inputs x.
    fn sum_of_units(&self, theta: &[f64], alpha: &[f64], inputs: &[f64]) -> Vec<f64> {
        let slope = |slope: Slope| match slope {
            Slope::Group(k) => theta[k],
            Slope::Fixed(w) => w,
        };
        let value = |&x: &f64| -> f64 {
            self.units.iter().zip(alpha).map(|(u, a)| a * (slope(u.slope) * (x - u.center)).tanh()).sum()
        };
        inputs.iter().map(value).collect()
    }
}
