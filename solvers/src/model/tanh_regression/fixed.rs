//! Fixed amplitudes: one pass over the samples gives loss, gradient and the covariance of the per-sample gradients.

use super::lane::{Lane, WIDTH, tanh, tanh_pair};
use super::{Slope, Unit};
use crate::lanes::dispatch;
use crate::symmetric::packed_len;

/// Data and active units of a regression with fixed amplitudes. Units with a fixed slope are already in the targets.
#[derive(Debug, Clone)]
pub(super) struct Fixed {
    samples: Vec<[f64; 2]>, // x and y minus the part of the units with fixed slopes
    units: Vec<Active>,     // sorted by group
    dimension: usize,
    one_each: bool, // unit j is the only one of group j
}

#[derive(Debug, Clone, Copy)]
struct Active {
    center: f64,
    amplitude: f64,
    group: usize,
}

impl Fixed {
    pub(super) fn new(x: &[f64], y: &[f64], units: &[Unit], amplitudes: &[f64], dimension: usize) -> Self {
        let mut active = Vec::new();
        let mut targets = y.to_vec();
        for (unit, &amplitude) in units.iter().zip(amplitudes) {
            match unit.slope {
                Slope::Group(group) => active.push(Active { center: unit.center, amplitude, group }),
                Slope::Fixed(w) => {
                    for (t, x) in targets.iter_mut().zip(x) {
                        *t -= amplitude * (w * (x - unit.center)).tanh();
                    }
                }
            }
        }
        active.sort_by_key(|unit| unit.group);
        let one_each = active.len() == dimension;
        Self { samples: x.iter().zip(&targets).map(|(&x, &t)| [x, t]).collect(), units: active, dimension, one_each }
    }
}

/// Residual h − y and ∂h/∂w_k of one sample (x, target t) for every walker of the lane.
#[inline(always)]
fn sample<const D: usize, const ONE_EACH: bool>(
    units: &[Active],
    x: Lane,
    t: Lane,
    w: &[Lane; D],
) -> (Lane, [Lane; D]) {
    let units = if ONE_EACH { &units[..D] } else { units };
    let group = |j: usize| if ONE_EACH { j } else { units[j].group };
    let mut residual = -t;
    let mut slope = [Lane::ZERO; D];
    let mut add = |j: usize, a: Lane, h: Lane| {
        let amplitude = Lane::splat(units[j].amplitude);
        residual = h.fma(amplitude, residual);
        let k = group(j);
        slope[k] = (a * amplitude).fma((-h).fma(h, Lane::splat(1.0)), slope[k]);
    };
    let mut j = 0;
    while j + 1 < units.len() {
        let (a, b) = (x - units[j].center, x - units[j + 1].center);
        let (ha, hb) = tanh_pair(w[group(j)] * a, w[group(j + 1)] * b);
        add(j, a, ha);
        add(j + 1, b, hb);
        j += 2;
    }
    if j < units.len() {
        let a = x - units[j].center;
        add(j, a, tanh(w[group(j)] * a));
    }
    (residual, slope)
}

#[inline(always)]
fn moments_kernel<const D: usize, const ONE_EACH: bool>(
    model: &Fixed,
    points: &[f64],
    loss: &mut [f64],
    gradient: &mut [f64],
    covariance: &mut [f64],
) {
    let n = points.len() / D;
    let share = 1.0 / model.samples.len() as f64;
    for first in (0..n).step_by(WIDTH) {
        let w: [Lane; D] = std::array::from_fn(|k| Lane::load(points, n, k, first));
        let mut sum_loss = Lane::ZERO;
        let mut sum = [Lane::ZERO; D];
        let mut products = [Lane::ZERO; 6];
        for &[x, t] in &model.samples {
            let (r, slope) = sample::<D, ONE_EACH>(&model.units, Lane::splat(x), Lane::splat(t), &w);
            sum_loss = r.fma(r, sum_loss);
            let g: [Lane; D] = std::array::from_fn(|k| r * slope[k]);
            let mut c = 0;
            for i in 0..D {
                sum[i] += g[i];
                for j in i..D {
                    products[c] = g[i].fma(g[j], products[c]);
                    c += 1;
                }
            }
        }
        if !loss.is_empty() {
            (sum_loss * share).store(loss, n, 0, first);
        }
        if gradient.is_empty() {
            continue;
        }
        let mut c = 0;
        for i in 0..D {
            let mean = sum[i] * (2.0 * share);
            mean.store(gradient, n, i, first);
            for j in i..D {
                if !covariance.is_empty() {
                    let covariance_ij = (-mean).fma(sum[j] * (2.0 * share), products[c] * (4.0 * share));
                    covariance_ij.store(covariance, n, c, first);
                }
                c += 1;
            }
        }
    }
}

dispatch! {
    /// Loss (n), gradient (d×n) and covariance (packed × n); an empty slice is left out.
    pub(super) fn moments(
        model: &Fixed,
        points: &[f64],
        loss: &mut [f64],
        gradient: &mut [f64],
        covariance: &mut [f64],
    ) {
        debug_assert!(covariance.is_empty() || covariance.len() * model.dimension == points.len() * packed_len(model.dimension));
        match (model.dimension, model.one_each) {
            (1, true) => moments_kernel::<1, true>(model, points, loss, gradient, covariance),
            (1, false) => moments_kernel::<1, false>(model, points, loss, gradient, covariance),
            (2, true) => moments_kernel::<2, true>(model, points, loss, gradient, covariance),
            (2, false) => moments_kernel::<2, false>(model, points, loss, gradient, covariance),
            (_, true) => moments_kernel::<3, true>(model, points, loss, gradient, covariance),
            (_, false) => moments_kernel::<3, false>(model, points, loss, gradient, covariance),
        }
    }
}

#[inline(always)]
fn per_sample_kernel<const D: usize>(model: &Fixed, points: &[f64], losses: &mut [f64], gradients: &mut [f64]) {
    let n = points.len() / D;
    let m = model.samples.len();
    for first in (0..n).step_by(WIDTH) {
        let w: [Lane; D] = std::array::from_fn(|k| Lane::load(points, n, k, first));
        for (s, &[x, t]) in model.samples.iter().enumerate() {
            let (r, slope) = sample::<D, false>(&model.units, Lane::splat(x), Lane::splat(t), &w);
            if !losses.is_empty() {
                (r * r).store(losses, n, s, first);
            }
            if !gradients.is_empty() {
                for k in 0..D {
                    (r * slope[k] * 2.0).store(gradients, n, k * m + s, first);
                }
            }
        }
    }
}

dispatch! {
    /// Per-sample losses (m×n) and gradients (component k of sample s in row k·m + s); an empty slice is left out.
    pub(super) fn per_sample(model: &Fixed, points: &[f64], losses: &mut [f64], gradients: &mut [f64]) {
        match model.dimension {
            1 => per_sample_kernel::<1>(model, points, losses, gradients),
            2 => per_sample_kernel::<2>(model, points, losses, gradients),
            _ => per_sample_kernel::<3>(model, points, losses, gradients),
        }
    }
}

#[inline(always)]
fn batch_kernel<const D: usize, const ONE_EACH: bool>(
    model: &Fixed,
    points: &[f64],
    batch: &[u32],
    gradient: &mut [f64],
) {
    let n = points.len() / D;
    let size = batch.len() / n.max(1);
    let last = model.samples.len() - 1;
    for first in (0..n).step_by(WIDTH) {
        let w: [Lane; D] = std::array::from_fn(|k| Lane::load(points, n, k, first));
        let mut sum = [Lane::ZERO; D];
        for b in 0..size {
            let drawn = draw(batch, n, b, first);
            let (mut x, mut t) = (Lane::ZERO, Lane::ZERO);
            for l in 0..WIDTH {
                let [sample_x, sample_t] = model.samples[(drawn[l] as usize).min(last)];
                x.0[l] = sample_x;
                t.0[l] = sample_t;
            }
            let (r, slope) = sample::<D, ONE_EACH>(&model.units, x, t, &w);
            for k in 0..D {
                sum[k] = r.fma(slope[k], sum[k]);
            }
        }
        for k in 0..D {
            (sum[k] * (2.0 / size as f64)).store(gradient, n, k, first);
        }
    }
}

/// The b-th samples of the walkers of one lane; past the end the last walker's is repeated.
#[inline(always)]
pub(super) fn draw(batch: &[u32], n: usize, b: usize, first: usize) -> [u32; WIDTH] {
    let row = &batch[b * n..(b + 1) * n];
    let mut out = [0; WIDTH];
    if first + WIDTH <= n {
        out.copy_from_slice(&row[first..first + WIDTH]);
    } else {
        for l in 0..WIDTH {
            out[l] = row[(first + l).min(n - 1)];
        }
    }
    out
}

dispatch! {
    /// Mean gradient of one batch per walker (d×n).
    pub(super) fn batch_gradient(model: &Fixed, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
        match (model.dimension, model.one_each) {
            (1, true) => batch_kernel::<1, true>(model, points, batch, gradient),
            (1, false) => batch_kernel::<1, false>(model, points, batch, gradient),
            (2, true) => batch_kernel::<2, true>(model, points, batch, gradient),
            (2, false) => batch_kernel::<2, false>(model, points, batch, gradient),
            (_, true) => batch_kernel::<3, true>(model, points, batch, gradient),
            (_, false) => batch_kernel::<3, false>(model, points, batch, gradient),
        }
    }
}
