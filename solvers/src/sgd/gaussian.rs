//! Gaussian SGD: the batch gradient replaced by a normal vector with the same mean and the same covariance.
//!
//! For plain descent this is the Euler–Maruyama scheme of the SDE with the step dt = η, without walls. SGD against it shows what
//! the noise is besides its first two moments; it against the SDE shows what the length of the step does.

use crate::ensemble::BLOCK;
use crate::ensemble::root;
use crate::model::SampleModel;
use crate::numerics::lanes::{dispatch, fma};
use crate::numerics::random::LaneStream;
use crate::numerics::symmetric::packed_len;

/// ĝ ~ N(mean, share·D), mean and D those of one sampled gradient.
pub(super) struct Gaussian {
    /// Cov ĝ in units of D: 1/B, without replacement times (m − B)/(m − 1).
    pub share: f64,
}

impl Gaussian {
    /// One gradient for every walker at `points` (both d × block).
    pub fn draw(&self, model: &dyn SampleModel, stream: &mut LaneStream, points: &[f64], gradient: &mut [f64]) {
        let d = model.dimension();
        let mut covariance = vec![0.0; packed_len(d) * BLOCK];
        let mut root = covariance.clone();
        let mut normals = vec![0.0; d * BLOCK];
        model.gradient_covariance(points, gradient, &mut covariance);
        root::root(d, &covariance, &mut root);
        stream.normals(&mut normals);
        for j in 0..d {
            let first = j * d - j * (j + 1) / 2; // S_kj, k ≥ j, stands at first + k
            for k in j..d {
                let s = &root[(first + k) * BLOCK..(first + k + 1) * BLOCK];
                let (z, g) = (&normals[j * BLOCK..(j + 1) * BLOCK], &mut gradient[k * BLOCK..(k + 1) * BLOCK]);
                add(self.share.sqrt(), s, z, g);
            }
        }
    }
}

dispatch! {
    /// g += scale·s·z.
    fn add(scale: f64, s: &[f64], z: &[f64], g: &mut [f64]) {
        for ((g, s), z) in g.iter_mut().zip(s).zip(z) {
            *g = fma(scale * s, *z, *g);
        }
    }
}
