//! The samples of a table: their losses and gradients, their covariance, their batches.

use super::tensor::{At, Lattice, in_dimension};
use super::{Law, TableModel};
use crate::model::SampleModel;
use crate::numerics::symmetric::packed_len;

/// Points that are worked on together, so that a sample's table is read while it is in the first cache.
const BLOCK: usize = 64;

/// Gradient of sample s at a point.
#[inline(always)]
fn gradient_of<const D: usize>(law: &Law, lattice: &Lattice, s: usize, at: &At<D>) -> [f64; 3] {
    match law {
        Law::SampleLosses { all, .. } => {
            let [_, x, y, z] = lattice.jet(all.field(s), at);
            [x, y, z]
        }
        Law::SampleGradients { all, .. } => {
            let mut gradient = [0.0; 3];
            for (k, entry) in gradient.iter_mut().enumerate().take(D) {
                *entry = lattice.jet(all.field(s * D + k), at)[0];
            }
            gradient
        }
        Law::Loss(_) | Law::MinusDrift(_) => [f64::NAN; 3], // has no samples
    }
}

/// Calls `work(first, points of the block)` for blocks of n points.
fn blocks<const D: usize>(lattice: &Lattice, points: &[f64], n: usize, mut work: impl FnMut(usize, &[At<D>])) {
    for first in (0..n).step_by(BLOCK) {
        let here: Vec<At<D>> = (first..n.min(first + BLOCK)).map(|i| lattice.at(points, n, i)).collect();
        work(first, &here);
    }
}

fn losses<const D: usize>(model: &TableModel, points: &[f64], out: &mut [f64]) {
    let (lattice, n) = (&model.lattice, points.len() / D);
    let Law::SampleLosses { all, .. } = &model.law else { return out.fill(f64::NAN) };
    blocks::<D>(lattice, points, n, |first, here| {
        for s in 0..model.samples {
            for (i, at) in here.iter().enumerate() {
                out[s * n + first + i] = lattice.jet(all.field(s), at)[0];
            }
        }
    });
}

fn gradients<const D: usize>(model: &TableModel, points: &[f64], out: &mut [f64]) {
    let (m, n) = (model.samples, points.len() / D);
    blocks::<D>(&model.lattice, points, n, |first, here| {
        for s in 0..m {
            for (i, at) in here.iter().enumerate() {
                let gradient = gradient_of(&model.law, &model.lattice, s, at);
                for k in 0..D {
                    out[(k * m + s) * n + first + i] = gradient[k];
                }
            }
        }
    });
}

/// Covariance around the mean gradient, which is known.
fn covariance<const D: usize>(model: &TableModel, points: &[f64], mean: &[f64], out: &mut [f64]) {
    let (m, n) = (model.samples, points.len() / D);
    blocks::<D>(&model.lattice, points, n, |first, here| {
        let mut sums = [[0.0; BLOCK]; 6];
        for s in 0..m {
            for (i, at) in here.iter().enumerate() {
                let mut off = gradient_of(&model.law, &model.lattice, s, at);
                for k in 0..D {
                    off[k] -= mean[k * n + first + i];
                }
                let mut c = 0;
                for k in 0..D {
                    for l in k..D {
                        sums[c][i] += off[k] * off[l];
                        c += 1;
                    }
                }
            }
        }
        for (c, sums) in sums.iter().enumerate().take(packed_len(D)) {
            for i in 0..here.len() {
                out[c * n + first + i] = sums[i] / m as f64;
            }
        }
    });
}

fn batch<const D: usize>(model: &TableModel, points: &[f64], batch: &[u32], out: &mut [f64]) {
    let n = points.len() / D;
    let size = batch.len() / n.max(1);
    for i in 0..n {
        let at = model.lattice.at::<D>(points, n, i);
        let mut sum = [0.0; 3];
        for b in 0..size {
            let gradient = gradient_of(&model.law, &model.lattice, batch[b * n + i] as usize, &at);
            for k in 0..D {
                sum[k] += gradient[k];
            }
        }
        for k in 0..D {
            out[k * n + i] = sum[k] / size as f64;
        }
    }
}

impl SampleModel for TableModel {
    fn samples(&self) -> usize {
        self.samples
    }

    fn has_losses(&self) -> bool {
        self.has_sample_losses()
    }

    fn sample_losses(&self, points: &[f64], out: &mut [f64]) {
        in_dimension!(self.lattice.dimension(), losses(self, points, out));
    }

    fn sample_gradients(&self, points: &[f64], out: &mut [f64]) {
        self.count(points);
        in_dimension!(self.lattice.dimension(), gradients(self, points, out));
    }

    fn gradient_covariance(&self, points: &[f64], gradient: &mut [f64], out: &mut [f64]) {
        self.count(points);
        self.evaluate(points, gradient);
        in_dimension!(self.lattice.dimension(), covariance(self, points, gradient, out));
    }

    fn batch_gradient(&self, points: &[f64], drawn: &[u32], gradient: &mut [f64]) {
        self.count(points);
        in_dimension!(self.lattice.dimension(), batch(self, points, drawn, gradient));
    }
}
