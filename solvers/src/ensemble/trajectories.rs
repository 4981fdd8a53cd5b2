//! Positions of a few walkers at more times than the outputs, taken from an ensemble.

use super::block::{BLOCK, Block};
use super::walkers::Ensemble;
use crate::engine::Trajectories;

impl Trajectories {
    /// Whether walkers of this block are kept.
    pub fn keeps(&self, block: &Block) -> bool {
        block.first < self.walkers
    }

    /// Appends the positions at the given time.
    pub fn keep(&mut self, time: f64, ensemble: &Ensemble) {
        if self.walkers > 0 {
            self.times.push(time);
            self.points.extend(ensemble.first_points(self.walkers));
        }
    }

    /// Appends what the blocks `kept` while they advanced: for each time in turn the whole block (d×BLOCK).
    pub fn collect(&mut self, times: impl Iterator<Item = f64>, d: usize, ensemble: &mut Ensemble) {
        if self.walkers == 0 || !ensemble.is_whole() {
            return ensemble.blocks.iter_mut().for_each(|block| block.kept.clear());
        }
        for (row, time) in times.enumerate() {
            self.times.push(time);
            for k in 0..d {
                for (first, block) in ensemble.blocks.iter().enumerate().map(|(b, block)| (b * BLOCK, block)) {
                    if first < self.walkers {
                        let from = (row * d + k) * BLOCK;
                        self.points.extend(&block.kept[from..from + (self.walkers - first).min(BLOCK)]);
                    }
                }
            }
        }
        ensemble.blocks.iter_mut().for_each(|block| block.kept.clear());
    }
}
