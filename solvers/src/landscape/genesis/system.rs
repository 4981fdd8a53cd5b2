//! ∇L(θ; c) = 0 in units of the box and of the parameter's range, y_k = θ_k/ℓ_k and y_d = c/C, and Newton's method with one more condition.

use super::family::Family;
use crate::error::Error;
use crate::model::Model;
use crate::numerics::elimination::solve;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::numerics::vector::dot;
use crate::problem::dynamics::lengths;
use crate::problem::grid::Grid;

/// Newton steps; the length of one below which it has arrived, and of the last one below which that is good enough.
const STEPS: usize = 12;
const ARRIVED: f64 = 1e-13;
const ENOUGH: f64 = 1e-9;
/// How near, in units of the range, a value is its end.
const AT_END: f64 = 1e-14;
/// Step of differences in c, in units of the range; of differences in θ for third derivatives, in units of the box.
const STEP_IN_C: f64 = 1e-4;
const STEP_IN_THETA: f64 = 1e-4;
/// Halvings of the step of second derivatives where they are wanted to the last digit.
const REFINEMENTS: usize = 7;

/// The equations of a family on a grid.
pub(super) struct System<'a> {
    pub(super) family: &'a dyn Family,
    pub(super) grid: &'a Grid,
    /// Ends of the parameter's range.
    pub(super) range: [f64; 2],
    /// ℓ, and C last.
    pub(super) units: Vec<f64>,
    /// Lengths of differences that models take.
    lengths: Vec<f64>,
}

/// F and [F_θ F_c] at a point, rows of d + 1.
pub(super) struct Linear {
    pub(super) value: Vec<f64>,
    pub(super) jacobian: Vec<f64>,
}

impl<'a> System<'a> {
    pub(super) fn new(family: &'a dyn Family, grid: &'a Grid, range: [f64; 2]) -> Self {
        let units = grid.axes().iter().map(|axis| axis.length()).chain([(range[1] - range[0]).abs()]).collect();
        Self { family, grid, range, units, lengths: lengths(grid) }
    }

    pub(super) fn dimension(&self) -> usize {
        self.grid.dimension()
    }

    /// y of a point.
    pub(super) fn scaled(&self, theta: &[f64], value: f64) -> Vec<f64> {
        theta.iter().chain([&value]).zip(&self.units).map(|(x, unit)| x / unit).collect()
    }

    /// θ and c of a y; at an end of the range c is that end to the last bit: there may be no loss beyond it.
    pub(super) fn point(&self, y: &[f64]) -> (Vec<f64>, f64) {
        let d = self.dimension();
        let value = y[d] * self.units[d];
        let end = self.range.into_iter().find(|end| (value - end).abs() < AT_END * self.units[d]);
        ((0..d).map(|k| y[k] * self.units[k]).collect(), end.unwrap_or(value))
    }

    /// ∇L in units of the box.
    pub(super) fn gradient(&self, model: &dyn Model, theta: &[f64]) -> Vec<f64> {
        let mut gradient = vec![0.0; theta.len()];
        model.gradient(theta, &mut gradient);
        gradient.iter().zip(&self.units).map(|(g, unit)| g * unit).collect()
    }

    /// H in units of the box, packed; `exact`: to the last digit that differences of the gradient have, whatever their first step.
    pub(super) fn hessian(&self, model: &dyn Model, theta: &[f64], exact: bool) -> Vec<f64> {
        let d = theta.len();
        let at = |share: f64| {
            let lengths: Vec<f64> = self.lengths.iter().map(|l| share * l).collect();
            let mut hessian = vec![0.0; packed_len(d)];
            model.hessian(theta, &lengths, &mut hessian);
            for i in 0..d {
                (i..d).for_each(|j| hessian[packed_index(d, i, j)] *= self.units[i] * self.units[j]);
            }
            hessian
        };
        let mut best = at(1.0);
        let (mut coarse, mut least) = (best.clone(), f64::INFINITY);
        for k in 1..=if exact { REFINEMENTS } else { 0 } {
            let fine = at(0.5_f64.powi(k as i32));
            let apart = fine.iter().zip(&coarse).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            if apart < least {
                least = apart;
                best = fine.iter().zip(&coarse).map(|(f, c)| (16.0 * f - c) / 15.0).collect(); // of sixth order
            }
            if apart == 0.0 {
                return fine; // a model that differentiates its formulas
            }
            coarse = fine;
        }
        best
    }

    /// ∂_c of a function of the model, in units of the range: central differences, towards the inside where there is no model outside.
    pub(super) fn by_parameter(&self, value: f64, f: &dyn Fn(&dyn Model) -> Vec<f64>) -> Result<Vec<f64>, Error> {
        let step = STEP_IN_C * self.units[self.dimension()];
        let at = |steps: f64| self.family.at(value + steps * step).map(|model| f(&*model));
        let combine = |parts: [(f64, Vec<f64>); 3]| -> Vec<f64> {
            (0..parts[0].1.len()).map(|k| parts.iter().map(|(w, v)| w * v[k]).sum::<f64>() / STEP_IN_C).collect()
        };
        Ok(match (at(-1.0), at(1.0)) {
            (Ok(below), Ok(above)) => above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * STEP_IN_C)).collect(),
            (Err(_), Ok(above)) => combine([(-1.5, at(0.0)?), (2.0, above), (-0.5, at(2.0)?)]),
            (Ok(below), Err(_)) => combine([(1.5, at(0.0)?), (-2.0, below), (0.5, at(-2.0)?)]),
            (Err(error), Err(_)) => return Err(error),
        })
    }

    /// F and its derivatives at y. Errors: no loss for this value.
    pub(super) fn linear(&self, y: &[f64]) -> Result<Linear, Error> {
        let (d, (theta, value)) = (self.dimension(), self.point(y));
        let model = self.family.at(value)?;
        let hessian = self.hessian(&*model, &theta, false);
        let along = self.by_parameter(value, &|model| self.gradient(model, &theta))?;
        let row = |i: usize| (0..d).map(|j| hessian[packed_index(d, i, j)]).chain([along[i]]).collect::<Vec<f64>>();
        Ok(Linear { value: self.gradient(&*model, &theta), jacobian: (0..d).flat_map(row).collect() })
    }

    /// The solution of F(y) = 0 and n·y = s near y by Newton's method, with F's derivatives there and the steps that it took. None where
    /// it does not arrive.
    pub(super) fn correct(&self, y: &[f64], n: &[f64], s: f64) -> Option<(Vec<f64>, Linear, usize)> {
        let (d, mut y) = (self.dimension(), y.to_vec());
        let mut last = f64::INFINITY;
        for steps in 1..=STEPS {
            let linear = self.linear(&y).ok()?;
            let mut matrix = [&linear.jacobian[..], n].concat();
            let mut step: Vec<f64> = linear.value.iter().map(|f| -f).collect();
            step.push(s - dot(n, &y));
            rescale(d + 1, &mut matrix, &mut step);
            solve(d + 1, &mut matrix, &mut step)?;
            y.iter_mut().zip(&step).for_each(|(y, step)| *y += step);
            let long = norm(&step);
            if long < ARRIVED || (long < ENOUGH && long > 0.1 * last) {
                return Some((y, linear, steps));
            }
            if long > 1.0 || (steps > 3 && long > 0.5 * last && long > ENOUGH) {
                return None; // out of the box, or no convergence
            }
            last = long;
        }
        (last < ENOUGH).then(|| self.linear(&y).ok().map(|linear| (y, linear, STEPS)))?
    }

    /// The tangent at a point with these derivatives, on the side of `before`, and det [F_θ F_c; t].
    pub(super) fn tangent(&self, linear: &Linear, before: &[f64]) -> Option<(Vec<f64>, f64)> {
        let k = self.dimension() + 1;
        let mut t = vec![0.0; k];
        t[k - 1] = 1.0;
        let mut matrix = [&linear.jacobian[..], before].concat();
        rescale(k, &mut matrix, &mut t);
        solve(k, &mut matrix, &mut t)?;
        let long = norm(&t);
        t.iter_mut().for_each(|t| *t /= long);
        let mut bordered = [&linear.jacobian[..], &t].concat();
        rescale(k, &mut bordered, &mut vec![0.0; k]);
        let determinant = solve(k, &mut bordered, &mut vec![0.0; k]).unwrap_or(0.0);
        Some((t, determinant))
    }

    /// ∂_v of a function of θ by central differences of the fourth order, v in units of the box.
    pub(super) fn along(&self, theta: &[f64], v: &[f64], f: &dyn Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        let at = |steps: f64| {
            let moved = theta.iter().zip(v).zip(&self.units).map(|((t, v), u)| t + steps * STEP_IN_THETA * v * u);
            f(&moved.collect::<Vec<f64>>())
        };
        let [a, b, c, e] = [-2.0, -1.0, 1.0, 2.0].map(at);
        (0..a.len()).map(|k| (a[k] - 8.0 * b[k] + 8.0 * c[k] - e[k]) / (12.0 * STEP_IN_THETA)).collect()
    }
}

/// Divides each equation by the length of its row.
pub(super) fn rescale(k: usize, matrix: &mut [f64], b: &mut [f64]) {
    for (row, b) in matrix.chunks_exact_mut(k).zip(b) {
        let long = norm(row);
        if long > 0.0 {
            row.iter_mut().for_each(|entry| *entry /= long);
            *b /= long;
        }
    }
}

pub(super) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// a − b.
pub(super) fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}
