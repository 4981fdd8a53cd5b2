//! Positions of a few walkers at more times than the outputs.

use super::{BLOCK, Block, Ensemble};

/// Positions of the first walkers of an ensemble at the output times and in between.
///
/// Between two outputs that lie a share s of the run apart, ⌈s·[`Trajectories::ROWS`]⌉ steps are kept (all of them where there
/// are fewer), so that a picture shows how walkers cross from one place to another; the step at each output is among them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trajectories {
    /// Number of walkers n.
    pub walkers: usize,
    /// Times, the first is 0.
    pub times: Vec<f64>,
    /// Positions: for each time the coordinate-major block (d×n).
    pub points: Vec<f64>,
}

impl Trajectories {
    /// Times kept over a whole run, roughly.
    pub const ROWS: f64 = 1000.0;

    /// The steps, of `steps` steps between two outputs, after which positions are kept; `share` of the run lies between them.
    pub fn kept_steps(steps: u64, share: f64) -> Vec<u64> {
        let rows = ((share * Self::ROWS).ceil().max(1.0) as u64).min(steps);
        (1..=rows).map(|row| (u128::from(row) * u128::from(steps) / u128::from(rows)) as u64).collect()
    }

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

    /// Appends what the blocks noted in their `memory` while they advanced: for each time in turn the whole block (d×BLOCK).
    pub fn collect(&mut self, times: impl Iterator<Item = f64>, d: usize, ensemble: &mut Ensemble) {
        if self.walkers == 0 {
            return;
        }
        for (row, time) in times.enumerate() {
            self.times.push(time);
            for k in 0..d {
                for (first, block) in ensemble.blocks.iter().enumerate().map(|(b, block)| (b * BLOCK, block)) {
                    if first < self.walkers {
                        let from = (row * d + k) * BLOCK;
                        self.points.extend(&block.memory[from..from + (self.walkers - first).min(BLOCK)]);
                    }
                }
            }
        }
        ensemble.blocks.iter_mut().for_each(|block| block.memory.clear());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_steps_are_spread_and_end_with_the_output() {
        assert_eq!(Trajectories::kept_steps(5, 1.0), [1, 2, 3, 4, 5]);
        assert_eq!(Trajectories::kept_steps(10, 0.004), [2, 5, 7, 10]);
        assert_eq!(Trajectories::kept_steps(1_000_000, 0.1).len(), 100);
        assert_eq!(Trajectories::kept_steps(3, 1e-9), [3]);
    }
}
