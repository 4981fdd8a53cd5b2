//! What is stepped: a Markov chain of walkers in blocks.

use crate::Error;
use crate::ensemble::BLOCK;
use crate::ensemble::Block;

/// Takes all walkers of a block one step further.
pub type Stepper<'a> = Box<dyn FnMut(&mut Block) -> Result<(), Error> + 'a>;

/// A homogeneous Markov chain on positions and what is remembered of each walker.
pub trait Chain: Sync {
    /// Number of dimensions d.
    fn dimension(&self) -> usize;
    /// Time that one step lasts.
    fn step_time(&self) -> f64;
    /// What a block remembers of its walkers at these positions (d × BLOCK) before the first step.
    fn memory(&self, _points: &[f64]) -> Vec<f64> {
        Vec::new()
    }
    /// Something that steps blocks, with buffers of its own. Errors of a step: a walker that is not finite.
    fn stepper(&self) -> Stepper<'_>;
}

/// A block with all walkers at a point.
pub(super) fn block_at(chain: &dyn Chain, from: &[f64], seed: u64, purpose: &str, index: u64) -> Block {
    let mut block = Block::new(chain.dimension(), index as usize, (index as usize + 1) * BLOCK, seed, purpose);
    block.points.chunks_exact_mut(BLOCK).zip(from).for_each(|(row, x)| row.fill(*x));
    block.memory = chain.memory(&block.points);
    block
}

/// Position and memory of the walker in a lane.
pub(super) fn state(block: &Block, lane: usize) -> Vec<f64> {
    let numbers = block.points.iter().skip(lane).step_by(BLOCK);
    numbers.chain(block.memory.iter().skip(lane).step_by(BLOCK)).copied().collect()
}

/// Puts a walker into a lane.
pub(super) fn put(block: &mut Block, lane: usize, state: &[f64]) {
    let d = block.points.len() / BLOCK;
    (0..d).for_each(|k| block.points[k * BLOCK + lane] = state[k]);
    state[d..].iter().enumerate().for_each(|(k, x)| block.memory[k * BLOCK + lane] = *x);
}
