//! Distinct samples inside a batch, batches independent: Cov ĝ = (D/B)(m − B)/(m − 1).

use super::Sampling;
use crate::ensemble::BLOCK;
use crate::numerics::lanes::dispatch;
use crate::numerics::random::LaneStream;

/// Floyd's algorithm (Bentley & Floyd 1987, doi:10.1145/30401.315746): every set of B out of m samples is equally likely.
pub(super) struct WithoutReplacement {
    pub samples: u32,
}

impl Sampling for WithoutReplacement {
    fn name(&self) -> &'static str {
        "without replacement inside a batch"
    }
    fn draw(&self, stream: &mut LaneStream, _order: &mut Vec<u32>, _points: &[f64], _step: u64, batch: &mut [u32]) {
        let size = (batch.len() / BLOCK) as u32;
        for b in 0..size {
            // The b-th draw is from the first `bound` samples; one that is in the batch already is replaced by the last.
            let bound = self.samples - size + b + 1;
            let (before, rest) = batch.split_at_mut(b as usize * BLOCK);
            let here = &mut rest[..BLOCK];
            stream.bounded(bound, here);
            replace_duplicates(before, here, bound - 1);
        }
    }
}

dispatch! {
    fn replace_duplicates(before: &[u32], here: &mut [u32], last: u32) {
        let mut seen = [0u32; BLOCK];
        for earlier in before.as_chunks::<BLOCK>().0 {
            for i in 0..BLOCK {
                seen[i] |= u32::from(earlier[i] == here[i]);
            }
        }
        for i in 0..BLOCK {
            here[i] = if seen[i] != 0 { last } else { here[i] };
        }
    }
}
