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
        let alpha = self.amplitudes_at(theta);
        let slope = |slope: Slope| match slope {
            Slope::Group(k) => theta[k],
            Slope::Fixed(w) => w,
        };
        let value = |&x: &f64| -> f64 {
            self.units.iter().zip(&alpha).map(|(u, a)| a * (slope(u.slope) * (x - u.center)).tanh()).sum()
        };
        Some(inputs.iter().map(value).collect())
    }
}
