//! Joint descent on slopes and amplitudes: gradients of one batch at given amplitudes, nothing solved for.

use super::lane::{Lane, WIDTH, keep_lanes, pad, sech_squared, tanh, with_padded};
use super::projected::{Projected, slope};
use super::{Slope, factorisation};
use crate::model::capability::ProjectedModel;
use crate::numerics::lanes::dispatch;

dispatch! {
    /// Mean gradients of one batch per walker of l_i(α, w) = (y_i − Σ_j α_j tanh(w_j (x_i − b_j)))²: in w (d×n) and in α (u×n).
    pub(super) fn batch_gradient(
        model: &Projected,
        points: &[f64],
        amplitudes: &[f64],
        batch: &[u32],
        gradient: &mut [f64],
        amplitude_gradient: &mut [f64],
    ) {
        let (m, u, d) = (model.x.len(), model.units.len(), model.dimension);
        let n = points.len() / d;
        let size = batch.len() / n.max(1);
        let mut units = vec![Lane::ZERO; u];
        let mut sums = vec![Lane::ZERO; u];
        for first in (0..n).step_by(WIDTH) {
            let mut sum = [Lane::ZERO; 3];
            sums.fill(Lane::ZERO);
            for b in 0..size {
                keep_lanes();
                let drawn = &batch[b * n + first..b * n + first + WIDTH];
                let (mut x, mut minus_y) = (Lane::ZERO, Lane::ZERO);
                for l in 0..WIDTH {
                    let i = (drawn[l] as usize).min(m - 1);
                    (x.0[l], minus_y.0[l]) = (model.x[i], -model.y[i]);
                }
                for j in 0..u {
                    units[j] = slope(&model.units[j], points, n, first) * (x - model.units[j].center);
                }
                tanh(&mut units);
                let mut error = minus_y;
                for j in 0..u {
                    error = Lane::load(amplitudes, n, j, first).fma(units[j], error);
                }
                for j in 0..u {
                    sums[j] = error.fma(units[j], sums[j]);
                    if let Slope::Group(k) = model.units[j].slope {
                        let alpha = Lane::load(amplitudes, n, j, first);
                        let derivative = alpha * sech_squared(units[j]) * (x - model.units[j].center);
                        sum[k] = error.fma(derivative, sum[k]);
                    }
                }
            }
            let share = 2.0 / size as f64;
            for k in 0..d {
                (sum[k] * share).store(gradient, n, k, first);
            }
            for j in 0..u {
                (sums[j] * share).store(amplitude_gradient, n, j, first);
            }
        }
    }
}

impl ProjectedModel for Projected {
    fn parameters(&self) -> usize {
        self.units.len()
    }

    fn solve(&self, points: &[f64], values: &mut [f64]) {
        values.copy_from_slice(&factorisation(self, points).amplitudes);
    }

    fn joint_gradient(
        &self,
        points: &[f64],
        values: &[f64],
        batch: &[u32],
        gradient: &mut [f64],
        values_gradient: &mut [f64],
    ) {
        let n = points.len() / self.dimension;
        if n.is_multiple_of(WIDTH) {
            return batch_gradient(self, points, values, batch, gradient, values_gradient);
        }
        with_padded(n, [gradient, values_gradient], |[gradient, values_gradient]| {
            let (points, values, batch) = (pad(points, n), pad(values, n), pad(batch, n));
            batch_gradient(self, &points, &values, &batch, gradient, values_gradient);
        });
    }
}
