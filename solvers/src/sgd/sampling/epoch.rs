//! Reshuffled epochs: every walker goes through its own random order of the samples, then shuffles anew.
//!
//! An epoch has ⌊m/B⌋ batches; where B does not divide m the last m mod B samples of an order are left out, other ones each
//! epoch. Batches of one epoch are correlated (cross-covariance −D/(m − 1)): no white-noise equation describes them.

use super::Sampling;
use crate::ensemble::BLOCK;
use crate::numerics::random::LaneStream;

pub(super) struct Epoch {
    pub samples: u32,
    pub batch: u32,
}

impl Sampling for Epoch {
    fn name(&self) -> &'static str {
        "reshuffled epochs"
    }

    fn draw(&self, stream: &mut LaneStream, order: &mut Vec<u32>, _points: &[f64], step: u64, batch: &mut [u32]) {
        let m = self.samples as usize;
        if order.is_empty() {
            order.extend((0..self.samples).flat_map(|sample| [sample; BLOCK]));
        }
        let turn = (step % u64::from(self.samples / self.batch)) as usize;
        if turn == 0 {
            let mut other = [0; BLOCK];
            for last in (1..m).rev() {
                stream.bounded(last as u32 + 1, &mut other);
                for i in 0..BLOCK {
                    order.swap(last * BLOCK + i, other[i] as usize * BLOCK + i);
                }
            }
        }
        let from = turn * self.batch as usize * BLOCK;
        batch.copy_from_slice(&order[from..from + batch.len()]);
    }

    fn counts_draws(&self) -> bool {
        true
    }
    fn warning(&self) -> Option<String> {
        Some("batches come from reshuffled epochs: their noise is not white and no diffusion describes it".to_string())
    }
}
