//! How far gradient and D of a table are from those of the network: central differences of its losses at random points.

use fpsolve_solvers::model::SampleModel;
use fpsolve_solvers::model::table::TableModel;
use fpsolve_solvers::numerics::random::Stream;

use super::Plane;
use super::table::{Table, losses};
use crate::scenario::Slice;
use crate::train::Trainer;

/// Points that are compared.
const POINTS: usize = 20;
/// Half the distance of the points of a difference, in lengths of the axes: at 3e-4 D is exact to 0.1 % and rounding is not seen yet.
const STEP: f64 = 3e-4;

/// Errors of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Errors {
    /// Mean |∇L − ∇L'| over √tr D.
    pub gradient: f64,
    /// Mean |D − D'| over |D'| in the Frobenius norm.
    pub diffusion: f64,
    /// The largest of those.
    pub diffusion_largest: f64,
}

/// Mean and covariance (xx, xy, yy) of gradients.
fn moments(gradients: &[[f64; 2]]) -> ([f64; 2], [f64; 3]) {
    let m = gradients.len() as f64;
    let mean = [0, 1].map(|k| gradients.iter().map(|g| g[k]).sum::<f64>() / m);
    let covariance = [(0, 0), (0, 1), (1, 1)]
        .map(|(k, l)| gradients.iter().map(|g| (g[k] - mean[k]) * (g[l] - mean[l])).sum::<f64>() / m);
    (mean, covariance)
}

/// Compares at random points of the plane; None where it was interrupted.
pub(super) fn measure(
    trainer: &Trainer,
    slice: &Slice,
    plane: &Plane,
    table: &Table,
    model: &TableModel,
) -> Option<Errors> {
    let mut stream = Stream::new(trainer.scenario.seed, "network/slice-error", 0);
    let mut errors = Errors { gradient: 0.0, diffusion: 0.0, diffusion_largest: 0.0 };
    for _ in 0..POINTS {
        let axis = |k: usize| (slice.axes[k].from, slice.axes[k].to - slice.axes[k].from);
        let point = [0, 1].map(|k| axis(k).0 + axis(k).1 * stream.uniform());
        let mut differences = Vec::new();
        for k in 0..2 {
            let h = STEP * axis(k).1;
            let at = |sign: f64| {
                let mut x = point;
                x[k] += sign * h;
                losses(trainer, slice, &plane.at(x[0], x[1]), &table.samples, &table.statistics)
            };
            let (up, down) = (at(1.0)?, at(-1.0)?);
            differences.push(up.iter().zip(down).map(|(a, b)| (a - b) / (2.0 * h)).collect::<Vec<f64>>());
        }
        let gradients: Vec<[f64; 2]> = differences[0].iter().zip(&differences[1]).map(|(a, b)| [*a, *b]).collect();
        let (mean, covariance) = moments(&gradients);
        let (mut told_mean, mut told) = ([0.0; 2], [0.0; 3]);
        model.gradient_covariance(&point, &mut told_mean, &mut told);
        let frobenius = |c: [f64; 3]| (c[0].powi(2) + 2.0 * c[1].powi(2) + c[2].powi(2)).sqrt();
        let off = frobenius([0, 1, 2].map(|k| told[k] - covariance[k])) / frobenius(covariance).max(f64::MIN_POSITIVE);
        let shift = (told_mean[0] - mean[0]).hypot(told_mean[1] - mean[1]);
        errors.gradient += shift / (covariance[0] + covariance[2]).sqrt().max(f64::MIN_POSITIVE) / POINTS as f64;
        errors.diffusion += off / POINTS as f64;
        errors.diffusion_largest = errors.diffusion_largest.max(off);
    }
    Some(errors)
}
