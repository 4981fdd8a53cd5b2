//! A block of walkers.

use crate::Error;
use crate::engine::Archive;
use crate::fault::{Fault, planted};
use crate::numerics::aligned::Aligned;
use crate::numerics::random::LaneStream;

/// Walkers in a block: part of the definition of the random streams, so changing it changes every ensemble's numbers.
pub const BLOCK: usize = 256;

/// A fixed block of walkers with its own random stream.
#[derive(Debug)]
pub struct Block {
    /// Number of its first walker.
    pub first: usize,
    /// How many of its places hold walkers; the rest of the last block is padding that is advanced and never counted.
    pub active: usize,
    /// Positions, coordinate-major (d × BLOCK).
    pub points: Aligned,
    /// Which walkers were absorbed at a wall; empty where no wall absorbs.
    pub absorbed: Vec<bool>,
    /// What an optimizer remembers of each walker besides its position (k × BLOCK).
    pub memory: Vec<f64>,
    /// What is noted of its walkers on their way: positions of paths, times of passages.
    pub kept: Vec<f64>,
    /// Shuffled samples of each walker, where batches come from reshuffled epochs.
    pub order: Vec<u32>,
    /// The random stream.
    pub stream: LaneStream,
    /// What happened to its walkers.
    pub tally: Tally,
    /// Steps done on the way to the next output time.
    pub done: u64,
    /// Whether it is at the next output time already.
    pub arrived: bool,
}

impl Block {
    /// Block number `index` of an ensemble of `walkers` walkers, all at the origin.
    pub fn new(d: usize, index: usize, walkers: usize, seed: u64, engine: &str) -> Self {
        let first = index * BLOCK;
        let stream = if index == 1 && planted(Fault::OneSeed) { 0 } else { index as u64 };
        Self {
            first,
            active: (walkers - first).min(BLOCK),
            points: Aligned::zeros(d * BLOCK),
            absorbed: Vec::new(),
            memory: Vec::new(),
            kept: Vec::new(),
            order: Vec::new(),
            stream: LaneStream::new(seed, engine, stream),
            tally: Tally::default(),
            done: 0,
            arrived: false,
        }
    }

    /// Whether it has left the last output time.
    pub fn is_ahead(&self) -> bool {
        self.done > 0 || self.arrived
    }

    /// Notes the state of some blocks, or puts it back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(blocks: &mut [&mut Self], archive: &mut Archive) -> Result<(), Error> {
        archive.pieces("points", blocks.iter_mut().map(|block| &mut block.points[..]).collect())?;
        archive.lists("memory", blocks.iter_mut().map(|block| &mut block.memory).collect())?;
        archive.lists("kept", blocks.iter_mut().map(|block| &mut block.kept).collect())?;
        archive.words("stream", blocks.iter_mut().flat_map(|block| block.stream.words_mut()).collect())?;
        let mut gone: Vec<u64> = blocks.iter().flat_map(|b| b.absorbed.iter().map(|gone| u64::from(*gone))).collect();
        archive.words("absorbed", vec![&mut gone])?;
        let mut gone = gone.into_iter();
        blocks.iter_mut().flat_map(|b| &mut b.absorbed).zip(&mut gone).for_each(|(to, from)| *to = from != 0);
        let mut order: Vec<Vec<f64>> = blocks.iter().map(|b| b.order.iter().map(|&s| f64::from(s)).collect()).collect();
        archive.lists("order", order.iter_mut().collect())?;
        blocks.iter_mut().zip(order).for_each(|(b, order)| b.order = order.into_iter().map(|s| s as u32).collect());
        let counts = blocks.iter_mut().flat_map(|block| {
            let Tally { multiple_reflections, overlong, absorbed } = &mut block.tally;
            [multiple_reflections, overlong, absorbed, &mut block.done].map(std::slice::from_mut)
        });
        archive.words("counts", counts.collect())?;
        let mut arrived: Vec<u64> = blocks.iter().map(|block| u64::from(block.arrived)).collect();
        archive.words("arrived", vec![&mut arrived])?;
        blocks.iter_mut().zip(arrived).for_each(|(block, arrived)| block.arrived = arrived != 0);
        Ok(())
    }
}

impl Clone for Block {
    fn clone(&self) -> Self {
        Self {
            points: self.points.clone(),
            absorbed: self.absorbed.clone(),
            memory: self.memory.clone(),
            kept: self.kept.clone(),
            order: self.order.clone(),
            ..*self
        }
    }
    fn clone_from(&mut self, source: &Self) {
        self.first = source.first;
        self.active = source.active;
        self.points.clone_from(&source.points);
        self.absorbed.clone_from(&source.absorbed);
        self.memory.clone_from(&source.memory);
        self.kept.clone_from(&source.kept);
        self.order.clone_from(&source.order);
        self.stream = source.stream;
        self.tally = source.tally;
        self.done = source.done;
        self.arrived = source.arrived;
    }
}

/// "1 step", "2 steps".
pub(crate) fn steps(n: u64) -> String {
    if n == 1 { "1 step".into() } else { format!("{n} steps") }
}

/// The verb for so many.
pub(crate) fn were(n: u64) -> &'static str {
    if n == 1 { "was" } else { "were" }
}

/// Counts of walker steps that the user must hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Steps that were reflected more than once.
    pub multiple_reflections: u64,
    /// Steps longer than the box.
    pub overlong: u64,
    /// Walkers absorbed at a wall.
    pub absorbed: u64,
}

impl Tally {
    /// Sum of two counts.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            multiple_reflections: self.multiple_reflections + other.multiple_reflections,
            overlong: self.overlong + other.overlong,
            absorbed: self.absorbed + other.absorbed,
        }
    }
}
