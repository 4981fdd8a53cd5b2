//! Projected amplitudes (variable projection): α̂ = Φ⁺y at every θ, by an orthogonal factorisation Φ = QR per walker.
//!
//! Eight walkers are factored side by side. Columns are orthogonalised twice (classical Gram–Schmidt in blocks of four), which keeps
//! Q orthogonal to rounding for every condition number (Giraud, Langou, Rozložník, van den Eshof 2005). A column that depends
//! on the earlier ones to [`RANK_TOLERANCE`] is dropped: its amplitude is 0 and the projector onto range Φ is unchanged.
//!
//! Residual r = y − Φα̂ and its Jacobian (Golub and Pereyra 1973), with v_k = ∂_kΦ α̂ and Φ⁺ᵀ = Q R⁻ᵀ:
//!
//! ```text
//! ∂_k r = −( v_k − Q (Qᵀ v_k − R⁻ᵀ (∂_kΦ)ᵀ r) ),      ∂_k L = −(2/m) rᵀ v_k.
//! ```

use super::lane::{Lane, WIDTH, keep_lanes, sech_squared, tanh_columns};
use super::unit::{SampleGradient, Slope, Unit};
use crate::numerics::lanes::dispatch;

/// A column counts as dependent where its part orthogonal to the earlier columns is below this share of its length.
pub(super) const RANK_TOLERANCE: f64 = 1e-12;

/// Data and units of a regression with projected amplitudes.
#[derive(Debug, Clone)]
pub(super) struct Projected {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) units: Vec<Unit>,
    pub(super) dimension: usize,
    pub(super) sample_gradient: SampleGradient,
}

/// What is known of one lane of walkers; columns are contiguous (entry i of column j at `[j·m + i]`).
struct Fit {
    basis: Vec<Lane>,      // m×u: Φ, then Q
    slopes: Vec<Lane>,     // m×u: ∂φ_j/∂w_j
    residual: Vec<Lane>,   // m: y, then y − Φα̂
    jacobian: Vec<Lane>,   // m×d: −∂_k r
    triangle: Vec<Lane>,   // u×u, R_ij at [i·u + j]
    inverse: Vec<Lane>,    // u: 1/R_jj, 0 for a dropped column
    projection: Vec<Lane>, // u: Qᵀy
    amplitude: Vec<Lane>,  // u: α̂
    correction: Vec<Lane>, // u×d: Qᵀv_k − R⁻ᵀ(∂_kΦ)ᵀr
}

impl Fit {
    fn new(model: &Projected) -> Self {
        Self::with_rows(model, model.x.len())
    }

    /// Room for m samples.
    fn with_rows(model: &Projected, m: usize) -> Self {
        let (u, d) = (model.units.len(), model.dimension);
        let zeros = |len| vec![Lane::ZERO; len];
        Self {
            basis: zeros(m * u),
            slopes: zeros(m * u),
            residual: zeros(m),
            jacobian: zeros(m * d),
            triangle: zeros(u * u),
            inverse: zeros(u),
            projection: zeros(u),
            amplitude: zeros(u),
            correction: zeros(u * d),
        }
    }

    /// Fills basis, triangle, residual and amplitudes for the points from `first` on.
    #[inline(always)]
    fn factor(&mut self, model: &Projected, points: &[f64], first: usize) {
        self.evaluate_units(model, points, first);
        for (r, &y) in self.residual.iter_mut().zip(&model.y) {
            *r = Lane::splat(y);
        }
        self.solve(model.units.len());
    }

    /// From Φ and y to Q, R, the residual and the amplitudes.
    #[inline(always)]
    fn solve(&mut self, u: usize) {
        let m = self.residual.len();
        for j in 0..u {
            let (earlier, rest) = self.basis.split_at_mut(j * m);
            let column = &mut rest[..m];
            let length = dot(column, column);
            let mut coefficients = vec![Lane::ZERO; j];
            project_out(earlier, column, &mut coefficients);
            let remaining = dot(column, column);
            for (i, c) in coefficients.iter().enumerate() {
                self.triangle[i * u + j] = *c;
            }
            for l in 0..WIDTH {
                let dependent = remaining.0[l] <= RANK_TOLERANCE * RANK_TOLERANCE * length.0[l]; // false for NaN
                let root = remaining.0[l].sqrt();
                self.triangle[j * u + j].0[l] = root;
                self.inverse[j].0[l] = if dependent { 0.0 } else { 1.0 / root };
            }
            let inverse = self.inverse[j];
            for c in column {
                keep_lanes();
                *c = *c * inverse;
            }
        }
        self.projection.fill(Lane::ZERO);
        project_out(&self.basis, &mut self.residual, &mut self.projection);
        for j in (0..u).rev() {
            let mut a = self.projection[j];
            for i in j + 1..u {
                a -= self.triangle[j * u + i] * self.amplitude[i];
            }
            self.amplitude[j] = a * self.inverse[j];
        }
    }

    #[inline(always)]
    fn evaluate_units(&mut self, model: &Projected, points: &[f64], first: usize) {
        let (m, u) = (model.x.len(), model.units.len());
        let n = points.len() / model.dimension;
        for j in 0..u {
            let (w, center) = (slope(&model.units[j], points, n, first), model.units[j].center);
            for (argument, &x) in self.basis[j * m..(j + 1) * m].iter_mut().zip(&model.x) {
                keep_lanes();
                *argument = w * (x - center);
            }
        }
        tanh_columns(&mut self.basis, m);
        for j in 0..u {
            let center = model.units[j].center;
            let column = self.basis[j * m..(j + 1) * m].iter().zip(&model.x);
            for (derivative, (h, &x)) in self.slopes[j * m..(j + 1) * m].iter_mut().zip(column) {
                keep_lanes();
                *derivative = sech_squared(*h) * (x - center);
            }
        }
    }

    /// Fills `jacobian` with v_k and `correction`; returns ∇L.
    #[inline(always)]
    fn differentiate(&mut self, model: &Projected) -> [Lane; 3] {
        let (m, u) = (model.x.len(), model.units.len());
        let mut gradient = [Lane::ZERO; 3];
        self.jacobian.fill(Lane::ZERO);
        self.correction.fill(Lane::ZERO);
        for k in 0..model.dimension {
            let v = &mut self.jacobian[k * m..(k + 1) * m];
            let mut forward = vec![Lane::ZERO; u]; // R⁻ᵀ (∂_kΦ)ᵀ r
            for j in (0..u).filter(|&j| model.units[j].slope == Slope::Group(k)) {
                let derivative = &self.slopes[j * m..(j + 1) * m];
                let alpha = self.amplitude[j];
                for (v, &s) in v.iter_mut().zip(derivative) {
                    keep_lanes();
                    *v = alpha.fma(s, *v);
                }
                forward[j] = dot(derivative, &self.residual);
                gradient[k] -= alpha * forward[j] * (2.0 / m as f64);
            }
            if model.sample_gradient == SampleGradient::Envelope {
                continue;
            }
            for j in 0..u {
                let mut s = forward[j];
                for i in 0..j {
                    s -= self.triangle[i * u + j] * forward[i];
                }
                forward[j] = s * self.inverse[j];
            }
            let correction = &mut self.correction[k * u..(k + 1) * u];
            dots(&self.basis, v, correction);
            for (c, s) in correction.iter_mut().zip(forward) {
                *c -= s;
            }
        }
        gradient
    }

    /// Turns v_k into −∂_k r, the per-sample Jacobian that the model declares.
    #[inline(always)]
    fn complete_jacobian(&mut self, model: &Projected) {
        if model.sample_gradient != SampleGradient::Envelope {
            let (m, u) = (model.x.len(), model.units.len());
            for k in 0..model.dimension {
                let v = &mut self.jacobian[k * m..(k + 1) * m];
                subtract(&self.basis, v, &self.correction[k * u..(k + 1) * u]);
            }
        }
    }
}

#[inline(always)]
pub(super) fn slope(unit: &Unit, points: &[f64], n: usize, first: usize) -> Lane {
    match unit.slope {
        Slope::Group(k) => Lane::load(points, n, k, first),
        Slope::Fixed(w) => Lane::splat(w),
    }
}

/// The first C columns of length m.
#[inline(always)]
fn split<const C: usize>(columns: &[Lane], m: usize) -> [&[Lane]; C] {
    let mut out: [&[Lane]; C] = [&[]; C];
    for c in 0..C {
        out[c] = &columns[c * m..(c + 1) * m];
    }
    out
}

#[inline(always)]
fn dot(a: &[Lane], b: &[Lane]) -> Lane {
    let mut sum = [Lane::ZERO; 2];
    let mut pairs = a.chunks_exact(2).zip(b.chunks_exact(2));
    for (a, b) in &mut pairs {
        keep_lanes();
        sum[0] = a[0].fma(b[0], sum[0]);
        sum[1] = a[1].fma(b[1], sum[1]);
    }
    if a.len() % 2 == 1 {
        let i = a.len() - 1;
        sum[0] = a[i].fma(b[i], sum[0]);
    }
    sum[0] + sum[1]
}

/// Calls the kernel for the columns of `columns` in blocks of four, then the rest.
macro_rules! in_blocks {
    ($kernel:ident, $columns:expr, $vector:expr, $coefficients:expr) => {
        let m = $vector.len();
        let mut j = 0;
        while j < $coefficients.len() {
            let (columns, coefficients) = (&$columns[j * m..], &mut $coefficients[j..]);
            match coefficients.len() {
                1 => $kernel::<1>(columns, $vector, coefficients),
                2 => $kernel::<2>(columns, $vector, coefficients),
                3 => $kernel::<3>(columns, $vector, coefficients),
                _ => $kernel::<4>(columns, $vector, coefficients),
            }
            j += 4;
        }
    };
}

/// Removes from `vector` its part in the span of orthonormal columns, twice; adds what was removed to `coefficients`.
#[inline(always)]
fn project_out(columns: &[Lane], vector: &mut [Lane], coefficients: &mut [Lane]) {
    for _ in 0..2 {
        in_blocks!(project_block, columns, vector, coefficients);
    }
}

#[inline(always)]
fn project_block<const C: usize>(columns: &[Lane], vector: &mut [Lane], coefficients: &mut [Lane]) {
    let mut found = [Lane::ZERO; C];
    dots_block::<C>(columns, vector, &mut found);
    subtract_block::<C>(columns, vector, &mut found);
    for c in 0..C {
        coefficients[c] += found[c];
    }
}

/// Adds the inner products of the columns with `vector` to `out`.
#[inline(always)]
fn dots(columns: &[Lane], vector: &[Lane], out: &mut [Lane]) {
    in_blocks!(dots_block, columns, vector, out);
}

#[inline(always)]
fn dots_block<const C: usize>(columns: &[Lane], vector: &[Lane], out: &mut [Lane]) {
    let m = vector.len();
    let columns = split::<C>(columns, m);
    let mut sum = [Lane::ZERO; C];
    for i in 0..m {
        keep_lanes();
        for c in 0..C {
            sum[c] = columns[c][i].fma(vector[i], sum[c]);
        }
    }
    for c in 0..C {
        out[c] += sum[c];
    }
}

/// vector −= Σ columns · coefficients.
#[inline(always)]
fn subtract(columns: &[Lane], vector: &mut [Lane], coefficients: &[Lane]) {
    let mut coefficients = coefficients.to_vec();
    in_blocks!(subtract_block, columns, vector, coefficients);
}

#[inline(always)]
fn subtract_block<const C: usize>(columns: &[Lane], vector: &mut [Lane], coefficients: &mut [Lane]) {
    let m = vector.len();
    let columns = split::<C>(columns, m);
    let mut minus = [Lane::ZERO; C];
    for c in 0..C {
        minus[c] = -coefficients[c];
    }
    for i in 0..m {
        keep_lanes();
        let mut v = vector[i];
        for c in 0..C {
            v = columns[c][i].fma(minus[c], v);
        }
        vector[i] = v;
    }
}

dispatch! {
    /// Loss (n), gradient (d×n) and covariance (packed × n); an empty slice is left out.
    pub(super) fn moments(
        model: &Projected,
        points: &[f64],
        loss: &mut [f64],
        gradient: &mut [f64],
        covariance: &mut [f64],
    ) {
        let (m, d) = (model.x.len(), model.dimension);
        let n = points.len() / d;
        let share = 1.0 / m as f64;
        let mut fit = Fit::new(model);
        for first in (0..n).step_by(WIDTH) {
            fit.factor(model, points, first);
            if !loss.is_empty() {
                (dot(&fit.residual, &fit.residual) * share).store(loss, n, 0, first);
            }
            if gradient.is_empty() {
                continue;
            }
            let mean = fit.differentiate(model);
            for k in 0..d {
                mean[k].store(gradient, n, k, first);
            }
            if covariance.is_empty() {
                continue;
            }
            fit.complete_jacobian(model);
            for k in 0..d {
                for i in 0..m {
                    keep_lanes();
                    let v = &mut fit.jacobian[k * m + i];
                    *v = (fit.residual[i] * *v).fma(Lane::splat(-2.0), -mean[k]); // g_i − ∇L
                }
            }
            let mut c = 0;
            for k in 0..d {
                for l in k..d {
                    let product = dot(&fit.jacobian[k * m..(k + 1) * m], &fit.jacobian[l * m..(l + 1) * m]);
                    (product * share).store(covariance, n, c, first);
                    c += 1;
                }
            }
        }
    }
}

dispatch! {
    /// Per-sample losses (m×n) and gradients (component k of sample s in row k·m + s); an empty slice is left out.
    pub(super) fn per_sample(model: &Projected, points: &[f64], losses: &mut [f64], gradients: &mut [f64]) {
        let (m, d) = (model.x.len(), model.dimension);
        let n = points.len() / d;
        let mut fit = Fit::new(model);
        for first in (0..n).step_by(WIDTH) {
            fit.factor(model, points, first);
            if !losses.is_empty() {
                for (i, r) in fit.residual.iter().enumerate() {
                    (*r * *r).store(losses, n, i, first);
                }
            }
            if !gradients.is_empty() {
                fit.differentiate(model);
                fit.complete_jacobian(model);
                for k in 0..d {
                    for i in 0..m {
                        (fit.residual[i] * fit.jacobian[k * m + i] * -2.0).store(gradients, n, k * m + i, first);
                    }
                }
            }
        }
    }
}

dispatch! {
    /// Mean gradient of one batch per walker (d×n): α̂ from all data, then only the batch's samples.
    pub(super) fn batch_gradient(model: &Projected, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
        let (m, u, d) = (model.x.len(), model.units.len(), model.dimension);
        let n = points.len() / d;
        let size = batch.len() / n.max(1);
        let total = model.sample_gradient != SampleGradient::Envelope;
        let mut fit = Fit::new(model);
        for first in (0..n).step_by(WIDTH) {
            fit.factor(model, points, first);
            fit.differentiate(model);
            let mut sum = [Lane::ZERO; 3];
            for b in 0..size {
                let drawn = &batch[b * n + first..b * n + first + WIDTH];
                for l in 0..WIDTH {
                    let i = (drawn[l] as usize).min(m - 1);
                    let r = fit.residual[i].0[l];
                    for k in 0..d {
                        let mut v = fit.jacobian[k * m + i].0[l];
                        for j in 0..if total { u } else { 0 } {
                            v -= fit.basis[j * m + i].0[l] * fit.correction[k * u + j].0[l];
                        }
                        sum[k].0[l] -= 2.0 * r * v;
                    }
                }
            }
            for k in 0..d {
                (sum[k] * (1.0 / size as f64)).store(gradient, n, k, first);
            }
        }
    }
}

dispatch! {
    /// Gradient of the batch's own projected loss min_α (1/B) Σ_b (y_b − Φ_b α)² (d×n): α solved for on the batch.
    pub(super) fn own_batch_gradient(model: &Projected, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
        let (m, u, d) = (model.x.len(), model.units.len(), model.dimension);
        let n = points.len() / d;
        let size = batch.len() / n.max(1);
        let mut fit = Fit::with_rows(model, size);
        let mut x = vec![Lane::ZERO; size];
        for first in (0..n).step_by(WIDTH) {
            for b in 0..size {
                for l in 0..WIDTH {
                    let i = (batch[b * n + first + l] as usize).min(m - 1);
                    (x[b].0[l], fit.residual[b].0[l]) = (model.x[i], model.y[i]);
                }
            }
            for j in 0..u {
                let (w, center) = (slope(&model.units[j], points, n, first), model.units[j].center);
                for b in 0..size {
                    keep_lanes();
                    fit.basis[j * size + b] = w * (x[b] - center);
                }
            }
            tanh_columns(&mut fit.basis, size);
            for j in 0..u {
                for b in 0..size {
                    keep_lanes();
                    fit.slopes[j * size + b] = sech_squared(fit.basis[j * size + b]) * (x[b] - model.units[j].center);
                }
            }
            fit.solve(u);
            let mut sum = [Lane::ZERO; 3];
            for j in 0..u {
                if let Slope::Group(k) = model.units[j].slope {
                    let inner = dot(&fit.slopes[j * size..(j + 1) * size], &fit.residual);
                    sum[k] -= fit.amplitude[j] * inner;
                }
            }
            for k in 0..d {
                (sum[k] * (2.0 / size as f64)).store(gradient, n, k, first);
            }
        }
    }
}

dispatch! {
    /// Amplitudes α̂ (u×n), triangle R (entry (i, j) in row i·u + j, × n) and rank (n).
    pub(super) fn amplitudes(
        model: &Projected,
        points: &[f64],
        amplitude: &mut [f64],
        triangle: &mut [f64],
        rank: &mut [f64],
    ) {
        let u = model.units.len();
        let n = points.len() / model.dimension;
        let mut fit = Fit::new(model);
        for first in (0..n).step_by(WIDTH) {
            fit.factor(model, points, first);
            let mut kept = Lane::ZERO;
            for j in 0..u {
                fit.amplitude[j].store(amplitude, n, j, first);
                for i in 0..u {
                    fit.triangle[i * u + j].store(triangle, n, i * u + j, first);
                }
                for l in 0..WIDTH {
                    kept.0[l] += if fit.inverse[j].0[l] == 0.0 { 0.0 } else { 1.0 };
                }
            }
            kept.store(rank, n, 0, first);
        }
    }
}

dispatch! {
    /// For the first of eight points: Q, ∂φ_j/∂w_j and Gᵀ = Q R⁻ᵀ, each m×u with entry (s, j) at `[j·m + s]`.
    pub(super) fn projection(
        model: &Projected,
        points: &[f64],
        basis: &mut [f64],
        slopes: &mut [f64],
        inverse: &mut [f64],
    ) {
        let (m, u) = (model.x.len(), model.units.len());
        let mut fit = Fit::new(model);
        fit.factor(model, points, 0);
        for at in 0..m * u {
            basis[at] = fit.basis[at].0[0];
            slopes[at] = fit.slopes[at].0[0];
        }
        for s in 0..m {
            for j in (0..u).rev() {
                let mut g = basis[j * m + s];
                for i in j + 1..u {
                    g -= fit.triangle[j * u + i].0[0] * inverse[i * m + s];
                }
                inverse[j * m + s] = g * fit.inverse[j].0[0];
            }
        }
    }
}
