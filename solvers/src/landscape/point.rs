//! A point of a loss: its value and derivatives there, and what is said of minima and other critical points.

use crate::model::Model;
use crate::numerics::symmetric::{eigen, packed_index, packed_len};
use crate::problem::grid::Grid;

/// A local minimum.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// Position θ (d).
    pub position: Vec<f64>,
    /// Loss L(θ).
    pub loss: f64,
    /// Eigenvalues of ∇²L, ascending (d); +∞ across a kink.
    pub eigenvalues: Vec<f64>,
}

/// A zero of ∇L, or a kink with 0 among its subgradients.
#[derive(Debug, Clone, PartialEq)]
pub struct CriticalPoint {
    /// Position θ (d).
    pub position: Vec<f64>,
    /// Loss L(θ).
    pub loss: f64,
    /// Eigenvalues of ∇²L, ascending (d); ±∞ across a kink.
    pub eigenvalues: Vec<f64>,
}

impl CriticalPoint {
    /// Number of directions in which the loss falls: 0 for a minimum, d for a maximum, else a saddle.
    pub fn index(&self) -> usize {
        self.eigenvalues.iter().filter(|&&value| value < 0.0).count()
    }
}

/// The width of the cells, the unit of steps.
pub(crate) fn widths(grid: &Grid) -> Vec<f64> {
    grid.axes().iter().map(|axis| axis.length() / axis.cells() as f64).collect()
}

/// Whether two points are nearer than a thousandth of a cell.
pub(crate) fn same_place(grid: &Grid, a: &[f64], b: &[f64]) -> bool {
    grid.axes().iter().zip(a.iter().zip(b)).all(|(axis, (a, b))| {
        let apart = (a - b).abs();
        let around = if axis.is_periodic() { axis.length() - apart } else { apart };
        apart.min(around) < 1e-3 * axis.length() / axis.cells() as f64
    })
}

/// Loss, gradient and the packed Hessian at one point.
pub(crate) struct Local {
    pub(crate) loss: f64,
    pub(super) gradient: Vec<f64>,
    pub(crate) hessian: Vec<f64>,
}

impl Local {
    pub(crate) fn at(model: &dyn Model, lengths: &[f64], theta: &[f64]) -> Self {
        let d = theta.len();
        let (mut loss, mut gradient, mut hessian) = ([0.0], vec![0.0; d], vec![0.0; packed_len(d)]);
        model.loss(theta, &mut loss);
        model.gradient(theta, &mut gradient);
        model.hessian(theta, lengths, &mut hessian);
        Self { loss: loss[0], gradient, hessian }
    }

    /// |∇L| per cell.
    pub(crate) fn slope(&self, scale: &[f64]) -> f64 {
        self.gradient.iter().zip(scale).map(|(g, h)| (g * h) * (g * h)).sum::<f64>().sqrt()
    }

    /// How much the loss changes over a cell: |∇L| and the trace of |∇²L| per cell.
    pub(super) fn rise(&self, scale: &[f64]) -> f64 {
        let d = scale.len();
        self.slope(scale)
            + (0..d).map(|k| (self.hessian[packed_index(d, k, k)] * scale[k] * scale[k]).abs()).sum::<f64>()
    }

    /// −V f(Λ)⁻¹ Vᵀ ∇L in units of the cells, with the eigenvalues passed through f.
    pub(crate) fn step(&self, scale: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
        let d = scale.len();
        let mut hessian = self.hessian.clone();
        let mut c = 0;
        for i in 0..d {
            for j in i..d {
                hessian[c] *= scale[i] * scale[j];
                c += 1;
            }
        }
        let (values, vectors) = eigen(d, &hessian);
        let floor = 1e-12 * values.iter().fold(0.0_f64, |a, v| a.max(v.abs())) + f64::MIN_POSITIVE;
        let along = |a: usize| (0..d).map(|k| vectors[k][a] * scale[k] * self.gradient[k]).sum::<f64>();
        let shares: Vec<f64> = (0..d)
            .map(|a| {
                let value = f(values[a]);
                along(a) / if value.abs() < floor { floor } else { value }
            })
            .collect();
        (0..d).map(|k| -(0..d).map(|a| vectors[k][a] * shares[a]).sum::<f64>()).collect()
    }
}

pub(crate) fn length(step: &[f64]) -> f64 {
    step.iter().map(|s| s * s).sum::<f64>().sqrt()
}
