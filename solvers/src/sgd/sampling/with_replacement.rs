//! Independent draws: Cov ĝ = D/B exactly.

use super::Sampling;
use crate::numerics::random::LaneStream;

pub(super) struct WithReplacement {
    pub samples: u32,
}

impl Sampling for WithReplacement {
    fn name(&self) -> &'static str {
        "with replacement"
    }
    fn draw(&self, stream: &mut LaneStream, _order: &mut Vec<u32>, _points: &[f64], _step: u64, batch: &mut [u32]) {
        stream.bounded(self.samples, batch);
    }
}
