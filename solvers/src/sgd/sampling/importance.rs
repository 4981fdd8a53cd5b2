//! Independent draws with the probabilities p_s(θ) that the model gives at each walker.

use std::sync::Arc;

use super::Sampling;
use crate::ensemble::BLOCK;
use crate::model::SampleModel;
use crate::numerics::lanes::dispatch;
use crate::numerics::random::LaneStream;

pub(super) struct Importance {
    pub model: Arc<dyn SampleModel>,
}

impl Sampling for Importance {
    fn name(&self) -> &'static str {
        "by importance, with replacement"
    }

    fn draw(&self, stream: &mut LaneStream, _order: &mut Vec<u32>, points: &[f64], _step: u64, batch: &mut [u32]) {
        let mut cumulative = vec![0.0; self.model.samples() * BLOCK];
        self.model.sampling_probabilities(points, &mut cumulative);
        accumulate(&mut cumulative);
        let mut uniforms = vec![0.0; batch.len()];
        stream.uniforms(&mut uniforms);
        invert(&cumulative, &uniforms, batch);
    }
}

dispatch! {
    fn accumulate(rows: &mut [f64]) {
        let mut sum = [0.0; BLOCK];
        for row in rows.as_chunks_mut::<BLOCK>().0 {
            for (sum, p) in sum.iter_mut().zip(row) {
                *sum += *p;
                *p = *sum;
            }
        }
    }
}

dispatch! {
    /// The sample where the sum of the probabilities passes u: how many partial sums, the last one left out, are at most u.
    fn invert(cumulative: &[f64], uniforms: &[f64], batch: &mut [u32]) {
        let rows = cumulative.as_chunks::<BLOCK>().0;
        let drawn = batch.as_chunks_mut::<BLOCK>().0;
        for (drawn, u) in drawn.iter_mut().zip(uniforms.as_chunks::<BLOCK>().0) {
            drawn.fill(0);
            for row in &rows[..rows.len() - 1] {
                for i in 0..BLOCK {
                    drawn[i] += u32::from(row[i] <= u[i]);
                }
            }
        }
    }
}
