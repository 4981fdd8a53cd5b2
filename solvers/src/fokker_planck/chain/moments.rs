//! Conditional mean and covariance of the SDE over a time τ, from many points at once.
//!
//! μ' = E b(X), S' = E[(X − μ) bᵀ + b (X − μ)ᵀ] + 2 E A(X) with X Gaussian (μ, S), the expectations by the cubature of 2d
//! points μ ± √d·(columns of a root of S), exact for polynomials of degree 3: exact for a linear drift and quadratic A, a
//! Gaussian closure otherwise. Points beyond the walls are taken on the walls; from a single point pairs lean so that both are inside.

use crate::fault::{Fault, planted};
use crate::fokker_planck::stencil::coefficients::at_points;
use crate::numerics::symmetric::{packed_index, packed_len};
use crate::problem::dynamics::Dynamics;
use crate::problem::grid::Grid;

/// Means (d×n) and covariances (packed × n), coordinate-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// μ_k of point i at `[k·n + i]`.
    pub mean: Vec<f64>,
    /// S packed, component c of point i at `[c·n + i]`.
    pub covariance: Vec<f64>,
    /// Evaluations of drift and D at a point that it took.
    pub evaluations: f64,
    /// Points whose moments more steps would still change.
    pub unsettled: usize,
}

/// Most Runge–Kutta steps over τ.
pub const MOST_STEPS: usize = 128;

/// Difference between the last two numbers of steps, in cells.
const AGREED: f64 = 1.5e-4;
/// What is left of the difference is at most a fifteenth of it.
const LEFT: f64 = 1.0 / 15.0;

/// Evaluations of a point for which all steps up to the most are taken, in d dimensions.
pub fn most_evaluations(d: usize) -> f64 {
    4.0 * 2.0 * d as f64 * 2.0 * MOST_STEPS as f64
}

/// Moments after the time τ from the given points (d×n), by the classical Runge–Kutta method; the number of steps of a point doubles
/// until its mean agrees to `AGREED` of a cell and its covariance to `AGREED` of a squared cell or of its size, or there are `most`; the last two
/// are extrapolated to fifth order, so that a fifteenth of the difference bounds the error. None where the flow does not stay finite.
pub fn conditional_moments(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    points: &[f64],
    tau: f64,
    most: usize,
) -> Option<Moments> {
    let flow = Flow { dynamics, temperature, grid, leaning: false };
    let mut out = flow.run(points, tau, 1);
    let of_step = 4.0 * 2.0 * grid.dimension() as f64;
    let n = points.len() / grid.dimension();
    let mut active: Vec<usize> = (0..n).collect();
    let mut steps = 2;
    while steps <= most && !active.is_empty() {
        let next = flow.run(&gathered(points, &active, n), tau, steps);
        out.evaluations += of_step * (active.len() * steps) as f64;
        let agreed: Vec<bool> = (0..active.len()).map(|i| flow.agree(&out, active[i], n, &next, i)).collect();
        for (from, to) in [(&next.mean, &mut out.mean), (&next.covariance, &mut out.covariance)] {
            for (row, values) in from.chunks(active.len()).enumerate() {
                for ((&i, agreed), value) in active.iter().zip(&agreed).zip(values) {
                    let to = &mut to[row * n + i];
                    *to = if *agreed { value + LEFT * (value - *to) } else { *value };
                }
            }
        }
        active = active.into_iter().zip(agreed).filter(|(_, agreed)| !agreed).map(|(i, _)| i).collect();
        steps *= 2;
    }
    out.unsettled = active.len();
    if planted(Fault::Deposit) {
        for k in 0..grid.dimension() {
            let (c, sixth) = (packed_index(grid.dimension(), k, k), grid.axes()[k].spacing().powi(2) / 6.0);
            out.covariance[c * n..(c + 1) * n].iter_mut().for_each(|variance| *variance += sixth);
        }
    }
    out.mean.iter().chain(&out.covariance).all(|v| v.is_finite()).then_some(out)
}

/// Classical Runge–Kutta steps of [`moments_after`].
const STEPS: usize = 64;

/// Mean (d) and covariance (packed) after the time τ from one point, by a fixed number of steps.
pub fn moments_after(
    dynamics: &dyn Dynamics,
    temperature: f64,
    grid: &Grid,
    at: &[f64],
    tau: f64,
) -> (Vec<f64>, Vec<f64>) {
    let state = Flow { dynamics, temperature, grid, leaning: true }.run(at, tau, STEPS);
    (state.mean, state.covariance)
}

/// The points with these numbers, coordinate-major.
fn gathered(points: &[f64], chosen: &[usize], n: usize) -> Vec<f64> {
    points.chunks(n).flat_map(|row| chosen.iter().map(|&i| row[i])).collect()
}

struct Flow<'a> {
    dynamics: &'a dyn Dynamics,
    temperature: f64,
    grid: &'a Grid,
    /// Whether pairs of points lean away from a wall that one of them would be beyond.
    leaning: bool,
}

impl Flow<'_> {
    /// Whether point i of the n of `a` and point j of `b` agree.
    fn agree(&self, a: &Moments, i: usize, n: usize, b: &Moments, j: usize) -> bool {
        let d = self.grid.dimension();
        let m = b.mean.len() / d;
        let h = |k: usize| self.grid.axes()[k].spacing();
        let close = |x: f64, y: f64, unit: f64| (x - y).abs() <= AGREED * unit;
        (0..d).all(|k| {
            let mean = close(a.mean[k * n + i], b.mean[k * m + j], h(k));
            mean && (k..d).all(|l| {
                let c = packed_index(d, k, l);
                let (x, y) = (a.covariance[c * n + i], b.covariance[c * m + j]);
                close(x, y, (h(k) * h(l)).max(y.abs()))
            })
        })
    }

    fn run(&self, points: &[f64], tau: f64, steps: usize) -> Moments {
        let d = self.grid.dimension();
        let n = points.len() / d;
        let dt = tau / steps as f64;
        let covariance = vec![0.0; packed_len(d) * n];
        let mut state = Moments { mean: points.to_vec(), covariance, evaluations: 0.0, unsettled: 0 };
        for _ in 0..steps {
            let k1 = self.slope(&state);
            let k2 = self.slope(&moved(&state, &k1, 0.5 * dt));
            let k3 = self.slope(&moved(&state, &k2, 0.5 * dt));
            let k4 = self.slope(&moved(&state, &k3, dt));
            for (slope, weight) in [(&k1, 1.0), (&k2, 2.0), (&k3, 2.0), (&k4, 1.0)] {
                state = moved(&state, slope, weight * dt / 6.0);
            }
        }
        state
    }

    fn slope(&self, state: &Moments) -> Moments {
        let d = self.grid.dimension();
        let n = state.mean.len() / d;
        let covariance = vec![0.0; packed_len(d) * n];
        let mut out = Moments { mean: vec![0.0; d * n], covariance, evaluations: 0.0, unsettled: 0 };
        let units: Vec<f64> = self.grid.axes().iter().map(|axis| axis.spacing().powi(2)).collect();
        let roots = roots(d, &state.covariance, n, &units);
        let (mut points, mut arms) = (vec![0.0; d * n], vec![0.0; d * n]);
        let mut weights = vec![0.5 / d as f64; n];
        for column in 0..d {
            for sign in [1.0, -1.0] {
                let root = &roots[column * d * n..(column + 1) * d * n];
                arms.iter_mut().zip(root).for_each(|(arm, root)| *arm = sign * (d as f64).sqrt() * root);
                if self.leaning {
                    for i in 0..n {
                        let lean = self.lean(&state.mean, &roots, column, i, n);
                        (0..d).for_each(|k| arms[k * n + i] *= if sign > 0.0 { lean } else { 1.0 / lean });
                        let square = lean * lean;
                        weights[i] = (if sign > 0.0 { 1.0 } else { square }) / (d as f64 * (1.0 + square));
                    }
                }
                for (k, points) in points.chunks_mut(n).enumerate() {
                    let from = state.mean[k * n..].iter().zip(&arms[k * n..]);
                    points.iter_mut().zip(from).for_each(|(point, (mean, arm))| *point = self.inside(k, mean + arm));
                }
                let (b, a, _) = at_points(self.dynamics, self.temperature, &points, None);
                let row = |k: usize| k * n..(k + 1) * n;
                for k in 0..d {
                    let (arm_k, b_k) = (&arms[row(k)], &b[row(k)]);
                    let mean = out.mean[row(k)].iter_mut();
                    mean.zip(&weights).zip(b_k).for_each(|((mean, weight), b)| *mean += weight * b);
                    for j in k..d {
                        let c = packed_index(d, k, j);
                        let (arm_j, b_j, a_c) = (&arms[row(j)], &b[row(j)], &a[row(c)]);
                        let covariance = &mut out.covariance[row(c)];
                        for i in 0..n {
                            let drift = arm_k[i] * b_j[i] + arm_j[i] * b_k[i];
                            covariance[i] += weights[i] * (drift + 2.0 * a_c[i]);
                        }
                    }
                }
            }
        }
        out
    }

    /// The length t of the upper arm of a pair μ + t a, μ − a/t with the weights 1/(1 + t²), t²/(1 + t²), which have the same mean and
    /// variance for every t: 1 where both are in the box, else what takes the one outside to the wall.
    fn lean(&self, mean: &[f64], roots: &[f64], column: usize, i: usize, n: usize) -> f64 {
        let d = self.grid.dimension();
        let mut lean = 1.0;
        for (k, axis) in self.grid.axes().iter().enumerate().filter(|(_, axis)| self.leaning && !axis.is_periodic()) {
            let arm = (d as f64).sqrt() * roots[(column * d + k) * n + i];
            let room = [mean[k * n + i] - axis.lower(), axis.upper() - mean[k * n + i]].map(|room| room.max(0.0));
            let (down, up) = if arm > 0.0 { (room[0], room[1]) } else { (room[1], room[0]) };
            // arms that are longer than the room on both sides have no way out
            if arm.abs() > down && down > 0.0 && arm * arm / down <= up {
                lean = arm.abs() / down;
            } else if arm.abs() > up && up > 0.0 && arm * arm / up <= down {
                lean = up / arm.abs();
            }
        }
        lean
    }

    fn inside(&self, k: usize, x: f64) -> f64 {
        let axis = &self.grid.axes()[k];
        if axis.is_periodic() { axis.wrap(x) } else { x.clamp(axis.lower(), axis.upper()) }
    }
}

fn moved(state: &Moments, slope: &Moments, dt: f64) -> Moments {
    let step = |x: &[f64], v: &[f64]| x.iter().zip(v).map(|(x, v)| x + dt * v).collect();
    Moments {
        mean: step(&state.mean, &slope.mean),
        covariance: step(&state.covariance, &slope.covariance),
        evaluations: 0.0,
        unsettled: 0,
    }
}

/// Diagonal entry over the largest one up to which it waits; the order of variables of equal size must not hang on rounding.
const SMALL: f64 = 1e-6;

/// Roots R with S = R Rᵀ: entry k of column j of point i at `[(j·d + k)·n + i]`. Cholesky's method; a diagonal entry that is small beside the
/// largest one, both in squared cells (`units`), waits, so that a variable without noise of its own keeps its covariance with the others
/// (N. J. Higham, Accuracy and Stability of Numerical Algorithms, §10.3, doi:10.1137/1.9780898718027); columns beyond the rank are 0.
fn roots(d: usize, covariance: &[f64], n: usize, units: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; d * d * n];
    for i in 0..n {
        let mut rest = [[0.0; 3]; 3];
        for (j, k) in (0..d).flat_map(|j| (0..d).map(move |k| (j, k))) {
            rest[j][k] = covariance[packed_index(d, j.min(k), j.max(k)) * n + i];
        }
        for column in 0..d {
            let size = |j: usize| rest[j][j] / units[j];
            let largest = (0..d).map(size).fold(0.0, f64::max);
            let Some(pivot) = (0..d).find(|&j| size(j) > SMALL * largest) else { break };
            let variance = covariance[packed_index(d, pivot, pivot) * n + i];
            if rest[pivot][pivot] <= 1e-14 * variance {
                break;
            }
            let root = rest[pivot][pivot].sqrt();
            let entries = rest[pivot].map(|entry| entry / root);
            for k in 0..d {
                out[(column * d + k) * n + i] = entries[k];
                (0..d).for_each(|l| rest[k][l] -= entries[k] * entries[l]);
            }
            (0..d).for_each(|k| (rest[pivot][k], rest[k][pivot]) = (0.0, 0.0));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_keeps_covariances_of_every_rank_and_order() {
        let singular = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [4.0, -2.0, 1.0], [1e-12, 1e-7, 1.0]];
        for s in singular {
            let r = roots(2, &s, 1, &[1.0, 1.0]);
            let entry = |j: usize, k: usize| r[j] * r[k] + r[2 + j] * r[2 + k];
            let found = [entry(0, 0), entry(0, 1), entry(1, 1)];
            assert!(s.iter().zip(found).all(|(s, f)| (s - f).abs() < 1e-14), "{s:?} {found:?}");
        }
        // a stage of a Runge–Kutta step: no covariance matrix, yet the covariance with the noisy variable is kept
        let r = roots(2, &[0.0, 0.3, 1.0], 1, &[1.0, 1.0]);
        assert_eq!((r[0] * r[1] + r[2] * r[3], r[1] * r[1] + r[3] * r[3]), (0.3, 1.0));
    }
}
