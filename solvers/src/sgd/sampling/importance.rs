//! Independent draws with the probabilities p_s(θ) that the model gives at each walker.

use std::hint::select_unpredictable;
use std::sync::Arc;

use super::Sampling;
use crate::ensemble::BLOCK;
use crate::model::SampleModel;
use crate::model::importance::LANES;
use crate::numerics::random::LaneStream;

pub(super) struct Importance {
    pub model: Arc<dyn SampleModel>,
}

impl Sampling for Importance {
    fn name(&self) -> &'static str {
        "by importance, with replacement"
    }

    /// Few walkers at a time: their weights stay in the first cache, and no array is large enough to come from the system anew.
    fn draw(&self, stream: &mut LaneStream, _order: &mut Vec<u32>, points: &[f64], _step: u64, batch: &mut [u32]) {
        let d = points.len() / BLOCK;
        let mut uniforms = vec![0.0; batch.len()];
        stream.uniforms(&mut uniforms);
        let (mut sums, mut here) = (vec![0.0; self.model.samples() * LANES], vec![0.0; d * LANES]);
        for first in (0..BLOCK).step_by(LANES) {
            for k in 0..d {
                here[k * LANES..(k + 1) * LANES].copy_from_slice(&points[k * BLOCK + first..][..LANES]);
            }
            self.model.cumulative_weights(&here, &mut sums);
            invert(&sums, &uniforms, first, batch);
        }
    }
}

/// For the walkers from `first` on the sample where the sum of the weights passes u times their total: how many partial sums, the
/// last one left out, are at most that, by bisection without branches.
fn invert(sums: &[f64], uniforms: &[f64], first: usize, batch: &mut [u32]) {
    let rows = sums.as_chunks::<LANES>().0;
    let last = rows.len() - 1;
    for (drawn, u) in batch.chunks_exact_mut(BLOCK).zip(uniforms.chunks_exact(BLOCK)) {
        let (drawn, u) = (&mut drawn[first..first + LANES], &u[first..first + LANES]);
        let (mut below, mut level) = ([0; LANES], [0.0; LANES]);
        for i in 0..LANES {
            level[i] = u[i] * rows[last][i];
        }
        let mut half = rows.len().next_power_of_two() / 2;
        while half > 0 {
            for i in 0..LANES {
                let next = below[i] + half;
                let passed = (next <= last) & (rows[(next - 1).min(last)][i] <= level[i]);
                below[i] = select_unpredictable(passed, next, below[i]);
            }
            half /= 2;
        }
        for i in 0..LANES {
            drawn[i] = below[i] as u32;
        }
    }
}
