//! The law that a run starts from; at a point the Gaussian of the linearised equation at a short time, instead of one full cell.

use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::Problem;
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;
use crate::problem::initial::Initial;

/// The law that a run starts from (cell probabilities), and its time.
#[derive(Debug, Clone, Copy)]
pub struct StartLaw<'a> {
    /// Cell probabilities (n).
    pub law: &'a [f64],
    /// The time that they belong to.
    pub time: f64,
}

/// The law the integrator starts from and the time it belongs to: at a point that of a short time, else the initial one, whose cell
/// probabilities are `probability`.
pub fn start_law(problem: &Problem, probability: &[f64], warnings: &mut Vec<String>) -> (Vec<f64>, f64) {
    if let Initial::Point { at } = &problem.initial {
        let start = PointStart::new(problem.dynamics.as_ref(), problem.temperature, at);
        let law = start.duration(&problem.grid).and_then(|t| {
            let t = t.min(0.5 * problem.times.last().copied().unwrap_or(t)).max(1e-300);
            Some((start.law(t).cell_probability(&problem.grid).ok()?, t))
        });
        if let Some(law) = law {
            return law;
        }
        warnings.push(
            "the starting point is too close to a wall, or the noise there too degenerate, for a short-time Gaussian: \
             the density starts from one full cell"
                .into(),
        );
    }
    (probability.to_vec(), 0.0)
}

/// Standard deviation at the start time, in cells of the widest-celled axis.
const WIDTH: f64 = 1.5;
/// Classical Runge–Kutta steps for the moment equations.
const STEPS: usize = 16;

/// Mean and covariance along the flow from a point: μ' = b(μ), C' = JC + CJᵀ + 2A(μ), J = ∂b/∂θ.
///
/// Exact for linear drift and constant D; otherwise the error of the law at time δ is O(δ²), which for δ ∝ h² is below the
/// second-order error of the grid.
pub struct PointStart<'a> {
    dynamics: &'a dyn Dynamics,
    temperature: f64,
    at: Vec<f64>,
}

impl<'a> PointStart<'a> {
    /// A start at the point `at` (d).
    pub fn new(dynamics: &'a dyn Dynamics, temperature: f64, at: &[f64]) -> Self {
        Self { dynamics, temperature, at: at.to_vec() }
    }

    fn drift_jacobian_diffusion(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let d = x.len();
        let n = 2 * d + 1;
        let mut points = vec![0.0; d * n];
        let step = |k: usize| 1e-5 * (1.0 + x[k].abs());
        for i in 0..n {
            for k in 0..d {
                let shift = if i == 2 * k + 1 { step(k) } else { 0.0 } - if i == 2 * k + 2 { step(k) } else { 0.0 };
                points[k * n + i] = x[k] + shift;
            }
        }
        let (mut b, mut a) = (vec![0.0; d * n], vec![0.0; packed_len(d) * n]);
        self.dynamics.drift_diffusion(&points, &mut b, &mut a);
        let drift = (0..d).map(|k| b[k * n]).collect();
        let jacobian = (0..d * d)
            .map(|at| {
                let (row, column) = (at / d, at % d);
                (b[row * n + 2 * column + 1] - b[row * n + 2 * column + 2]) / (2.0 * step(column))
            })
            .collect();
        let diffusion = (0..packed_len(d)).map(|c| self.temperature * a[c * n]).collect();
        (drift, jacobian, diffusion)
    }

    /// Time at which the Gaussian is `WIDTH` cells wide along every axis, but not longer than the linearisation holds or
    /// than keeps it 6 standard deviations away from the walls; None where no such time is long enough to be of use.
    pub fn duration(&self, grid: &Grid) -> Option<f64> {
        let (_, jacobian, diffusion) = self.drift_jacobian_diffusion(&self.at);
        let d = self.at.len();
        let (mut wanted, mut longest) = (0.0f64, f64::INFINITY);
        for (k, axis) in grid.axes().iter().enumerate() {
            let a = diffusion[packed_index(d, k, k)];
            if a.is_nan() || a <= 0.0 {
                return None;
            }
            let width = axis.width(axis.locate(self.at[k])?);
            wanted = wanted.max((WIDTH * width).powi(2) / (2.0 * a));
            let room = (self.at[k] - axis.lower()).min(axis.upper() - self.at[k]);
            longest = longest.min((room / 6.0).powi(2) / (2.0 * a));
        }
        let rate = jacobian.chunks_exact(d).map(|row| row.iter().map(|j| j.abs()).sum::<f64>()).fold(0.0, f64::max);
        let time = wanted.min(longest).min(0.1 / rate.max(1e-300));
        (time.is_finite() && time > 1e-3 * wanted).then_some(time)
    }

    /// The Gaussian at `time`.
    pub fn law(&self, time: f64) -> Initial {
        let d = self.at.len();
        let m = packed_len(d);
        let mut y = self.at.clone();
        y.resize(d + m, 0.0);
        let h = time / STEPS as f64;
        let axpy = |y: &[f64], f: f64, k: &[f64]| -> Vec<f64> { y.iter().zip(k).map(|(y, k)| y + f * k).collect() };
        for _ in 0..STEPS {
            let k1 = self.rate(&y);
            let k2 = self.rate(&axpy(&y, 0.5 * h, &k1));
            let k3 = self.rate(&axpy(&y, 0.5 * h, &k2));
            let k4 = self.rate(&axpy(&y, h, &k3));
            for i in 0..y.len() {
                y[i] += h / 6.0 * (k1[i] + 2.0 * (k2[i] + k3[i]) + k4[i]);
            }
        }
        let covariance = y.split_off(d);
        Initial::Gaussian { mean: y, covariance }
    }

    fn rate(&self, y: &[f64]) -> Vec<f64> {
        let d = self.at.len();
        let (mut rate, jacobian, diffusion) = self.drift_jacobian_diffusion(&y[..d]);
        let c = |i: usize, j: usize| y[d + packed_index(d, i, j)];
        for i in 0..d {
            for j in i..d {
                let turn: f64 = (0..d).map(|k| jacobian[i * d + k] * c(k, j) + c(i, k) * jacobian[j * d + k]).sum();
                rate.push(turn + 2.0 * diffusion[packed_index(d, i, j)]);
            }
        }
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Linear;
    impl Dynamics for Linear {
        fn dimension(&self) -> usize {
            2
        }
        fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
            let n = points.len() / 2;
            for i in 0..n {
                let (x, y) = (points[i], points[n + i]);
                (drift[i], drift[n + i]) = (-x + y, -2.0 * y);
                (diffusion[i], diffusion[n + i], diffusion[2 * n + i]) = (1.0, 0.3, 0.5);
            }
        }
    }

    #[test]
    fn linear_drift_gives_the_exact_gaussian() {
        let start = PointStart::new(&Linear, 0.2, &[1.0, -0.5]);
        let Initial::Gaussian { mean, covariance } = start.law(0.4) else { unreachable!() };
        let (e1, e2) = ((-0.4f64).exp(), (-0.8f64).exp());
        assert!((mean[1] + 0.5 * e2).abs() < 1e-6 && (mean[0] - (e1 - 0.5 * (e1 - e2))).abs() < 1e-6, "{mean:?}");
        // C_yy' = −4 C_yy + 2·0.2·0.5
        assert!((covariance[2] - 0.05 * (1.0 - (-1.6f64).exp())).abs() < 1e-6, "{covariance:?}");
    }
}
