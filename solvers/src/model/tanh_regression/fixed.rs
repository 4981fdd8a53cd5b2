//! Fixed amplitudes: one pass over the samples gives loss, gradient and the covariance of the per-sample gradients.

use super::lane::{Lane, WIDTH, keep_lanes, sech_squared, tanh_pair};
use super::unit::{Slope, Unit};
use crate::numerics::lanes::dispatch;

/// Data and active units of a regression with fixed amplitudes. Units with a fixed slope are already in the targets.
#[derive(Debug, Clone)]
pub(super) struct Fixed {
    samples: Vec<[f64; 2]>, // x and y minus the part of the units with fixed slopes
    units: Vec<Active>,     // sorted by group
    dimension: usize,
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
        Self { samples: x.iter().zip(&targets).map(|(&x, &t)| [x, t]).collect(), units: active, dimension }
    }
}

/// Samples that are evaluated together, so that they stay in the first cache.
const TILE: usize = 16;

/// One lane of walkers and up to [`TILE`] samples for each of them.
struct Tile {
    x: [Lane; TILE],
    residual: [Lane; TILE],   // −y before, h − y after evaluation
    slope: [[Lane; TILE]; 3], // ∂h/∂w_k
}

impl Tile {
    fn new() -> Self {
        let zero = [Lane::ZERO; TILE];
        Self { x: zero, residual: zero, slope: [zero; 3] }
    }

    /// Sets sample s of every walker.
    #[inline(always)]
    fn set(&mut self, s: usize, x: Lane, y: Lane) {
        self.x[s] = x;
        self.residual[s] = -y;
    }

    /// Finds residuals and slopes of the first `count` samples.
    #[inline(always)]
    fn evaluate<const D: usize>(&mut self, units: &[Active], w: &[Lane; D], count: usize) {
        for k in 0..D {
            self.slope[k] = [Lane::ZERO; TILE];
        }
        let mut pairs = units.chunks_exact(2);
        for pair in &mut pairs {
            let (wa, wb) = (w[pair[0].group], w[pair[1].group]);
            for s in 0..count.min(TILE) {
                keep_lanes();
                let (a, b) = (self.x[s] - pair[0].center, self.x[s] - pair[1].center);
                let (ha, hb) = tanh_pair(wa * a, wb * b);
                self.add(s, &pair[0], a, ha);
                self.add(s, &pair[1], b, hb);
            }
        }
        for unit in pairs.remainder() {
            for s in 0..count.min(TILE) {
                keep_lanes();
                let a = self.x[s] - unit.center;
                let h = tanh_pair(w[unit.group] * a, Lane::ZERO).0;
                self.add(s, unit, a, h);
            }
        }
    }

    #[inline(always)]
    fn add(&mut self, s: usize, unit: &Active, a: Lane, h: Lane) {
        self.residual[s] = h.fma(Lane::splat(unit.amplitude), self.residual[s]);
        let slope = &mut self.slope[unit.group][s];
        *slope = (a * unit.amplitude).fma(sech_squared(h), *slope);
    }
}

/// The slopes of one lane of walkers.
#[inline(always)]
fn load<const D: usize>(points: &[f64], n: usize, first: usize) -> [Lane; D] {
    let mut w = [Lane::ZERO; D];
    for k in 0..D {
        w[k] = Lane::load(points, n, k, first);
    }
    w
}

#[inline(always)]
fn moments_kernel<const D: usize>(
    model: &Fixed,
    points: &[f64],
    loss: &mut [f64],
    gradient: &mut [f64],
    covariance: &mut [f64],
) {
    let n = points.len() / D;
    let share = 1.0 / model.samples.len() as f64;
    let mut tile = Tile::new();
    for first in (0..n).step_by(WIDTH) {
        let w = load::<D>(points, n, first);
        let mut sum_loss = Lane::ZERO;
        let mut sum = [Lane::ZERO; D];
        let mut products = [Lane::ZERO; 6];
        for samples in model.samples.chunks(TILE) {
            for (s, &[x, y]) in samples.iter().enumerate() {
                tile.set(s, Lane::splat(x), Lane::splat(y));
            }
            tile.evaluate::<D>(&model.units, &w, samples.len());
            for s in 0..samples.len() {
                keep_lanes();
                let r = tile.residual[s];
                sum_loss = r.fma(r, sum_loss);
                let mut g = [Lane::ZERO; D];
                for k in 0..D {
                    g[k] = r * tile.slope[k][s];
                }
                let mut c = 0;
                for i in 0..D {
                    sum[i] += g[i];
                    for j in i..D {
                        products[c] = g[i].fma(g[j], products[c]);
                        c += 1;
                    }
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

/// The same for two units with a slope each, sample after sample in registers: a fifth faster than by tiles.
#[inline(always)]
fn two_units_kernel(model: &Fixed, points: &[f64], loss: &mut [f64], gradient: &mut [f64], covariance: &mut [f64]) {
    let n = points.len() / 2;
    let share = 1.0 / model.samples.len() as f64;
    let (a, b) = (model.units[0], model.units[1]);
    for first in (0..n).step_by(WIDTH) {
        let [wa, wb] = load::<2>(points, n, first);
        let (mut sum_loss, mut sum, mut products) = (Lane::ZERO, [Lane::ZERO; 2], [Lane::ZERO; 3]);
        for &[x, y] in &model.samples {
            keep_lanes();
            let (xa, xb) = (x - a.center, x - b.center);
            let (ha, hb) = tanh_pair(wa * xa, wb * xb);
            let r = ha.fma(Lane::splat(a.amplitude), hb.fma(Lane::splat(b.amplitude), Lane::splat(-y)));
            let ga = r * (sech_squared(ha) * (xa * a.amplitude));
            let gb = r * (sech_squared(hb) * (xb * b.amplitude));
            sum_loss = r.fma(r, sum_loss);
            sum[0] += ga;
            sum[1] += gb;
            products[0] = ga.fma(ga, products[0]);
            products[1] = ga.fma(gb, products[1]);
            products[2] = gb.fma(gb, products[2]);
        }
        if !loss.is_empty() {
            (sum_loss * share).store(loss, n, 0, first);
        }
        if gradient.is_empty() {
            continue;
        }
        let mean = sum.map(|sum| sum * (2.0 * share));
        mean[0].store(gradient, n, 0, first);
        mean[1].store(gradient, n, 1, first);
        if !covariance.is_empty() {
            for (c, (i, j)) in [(0, 0), (0, 1), (1, 1)].into_iter().enumerate() {
                (-mean[i]).fma(mean[j], products[c] * (4.0 * share)).store(covariance, n, c, first);
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
        match model.dimension {
            1 => moments_kernel::<1>(model, points, loss, gradient, covariance),
            // Sorted by group, two units in two dimensions have a group each.
            2 if model.units.len() == 2 => two_units_kernel(model, points, loss, gradient, covariance),
            2 => moments_kernel::<2>(model, points, loss, gradient, covariance),
            _ => moments_kernel::<3>(model, points, loss, gradient, covariance),
        }
    }
}

/// Losses, or residuals, alone: sample after sample in registers, to the same bits.
#[inline(always)]
fn losses_kernel<const D: usize>(model: &Fixed, points: &[f64], raw: bool, losses: &mut [f64]) {
    let n = points.len() / D;
    let pairs = model.units.chunks_exact(2);
    let single = pairs.remainder();
    for first in (0..n).step_by(WIDTH) {
        let w = load::<D>(points, n, first);
        for (row, &[x, y]) in model.samples.iter().enumerate() {
            let mut r = Lane::splat(-y);
            for pair in pairs.clone() {
                keep_lanes();
                let (wa, wb) = (w[pair[0].group], w[pair[1].group]);
                let (ha, hb) = tanh_pair(wa * (x - pair[0].center), wb * (x - pair[1].center));
                r = ha.fma(Lane::splat(pair[0].amplitude), r);
                r = hb.fma(Lane::splat(pair[1].amplitude), r);
            }
            for unit in single {
                keep_lanes();
                let h = tanh_pair(w[unit.group] * (x - unit.center), Lane::ZERO).0;
                r = h.fma(Lane::splat(unit.amplitude), r);
            }
            (if raw { r } else { r * r }).store(losses, n, row, first);
        }
    }
}

#[inline(always)]
fn per_sample_kernel<const D: usize>(
    model: &Fixed,
    points: &[f64],
    raw: bool,
    losses: &mut [f64],
    gradients: &mut [f64],
) {
    let n = points.len() / D;
    if gradients.is_empty() {
        return losses_kernel::<D>(model, points, raw, losses);
    }
    let m = model.samples.len();
    let mut tile = Tile::new();
    for first in (0..n).step_by(WIDTH) {
        let w = load::<D>(points, n, first);
        for (chunk, samples) in model.samples.chunks(TILE).enumerate() {
            for (s, &[x, y]) in samples.iter().enumerate() {
                tile.set(s, Lane::splat(x), Lane::splat(y));
            }
            tile.evaluate::<D>(&model.units, &w, samples.len());
            for s in 0..samples.len() {
                let (r, row) = (tile.residual[s], chunk * TILE + s);
                if !losses.is_empty() {
                    (if raw { r } else { r * r }).store(losses, n, row, first);
                }
                for k in 0..D {
                    let slope = tile.slope[k][s];
                    (if raw { slope } else { r * slope * 2.0 }).store(gradients, n, k * m + row, first);
                }
            }
        }
    }
}

dispatch! {
    /// Per-sample losses (m×n) and gradients (component k of sample s in row k·m + s), or, `raw`, h_s − y_s and ∂_k h_s.
    /// An empty slice is left out.
    pub(super) fn per_sample(model: &Fixed, points: &[f64], raw: bool, losses: &mut [f64], gradients: &mut [f64]) {
        match model.dimension {
            1 => per_sample_kernel::<1>(model, points, raw, losses, gradients),
            2 => per_sample_kernel::<2>(model, points, raw, losses, gradients),
            _ => per_sample_kernel::<3>(model, points, raw, losses, gradients),
        }
    }
}

#[inline(always)]
fn batch_kernel<const D: usize>(model: &Fixed, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
    let n = points.len() / D;
    let size = batch.len() / n.max(1);
    let last = model.samples.len() - 1;
    let mut tile = Tile::new();
    let mut drawn = vec![[Lane::ZERO; 2]; size * BLOCK];
    for block in (0..n).step_by(BLOCK * WIDTH) {
        let lanes = BLOCK.min((n - block) / WIDTH);
        // All samples of the block are gathered before any is used: a lane that is read just after its eight writes waits.
        for b in 0..size {
            let row = &batch[b * n + block..b * n + block + lanes * WIDTH];
            for (lane, indices) in row.chunks_exact(WIDTH).enumerate() {
                let [x, y] = &mut drawn[lane * size + b];
                for l in 0..WIDTH {
                    [x.0[l], y.0[l]] = model.samples[(indices[l] as usize).min(last)];
                }
            }
        }
        for lane in 0..lanes {
            let first = block + lane * WIDTH;
            let w = load::<D>(points, n, first);
            let mut sum = [Lane::ZERO; D];
            for samples in drawn[lane * size..(lane + 1) * size].chunks(TILE) {
                for (s, &[x, y]) in samples.iter().enumerate() {
                    keep_lanes();
                    tile.set(s, x, y);
                }
                tile.evaluate::<D>(&model.units, &w, samples.len());
                for s in 0..samples.len() {
                    keep_lanes();
                    for k in 0..D {
                        sum[k] = tile.residual[s].fma(tile.slope[k][s], sum[k]);
                    }
                }
            }
            for k in 0..D {
                (sum[k] * (2.0 / size as f64)).store(gradient, n, k, first);
            }
        }
    }
}

/// Lanes whose samples are gathered together.
const BLOCK: usize = 16;

dispatch! {
    /// Mean gradient of one batch per walker (d×n).
    pub(super) fn batch_gradient(model: &Fixed, points: &[f64], batch: &[u32], gradient: &mut [f64]) {
        match model.dimension {
            1 => batch_kernel::<1>(model, points, batch, gradient),
            2 => batch_kernel::<2>(model, points, batch, gradient),
            _ => batch_kernel::<3>(model, points, batch, gradient),
        }
    }
}
