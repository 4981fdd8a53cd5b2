//! N walkers of one engine, drawn from the initial law and observed on the grid.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::block::{BLOCK, Block, Tally};
use super::histogram::Locator;
use super::moments::Moments;
use crate::engine::{Alone, Archive, Ranks, Snapshot, shares};
use crate::error::{Error, Setting};
use crate::numerics::random::Stream;
use crate::problem::Problem;
use crate::problem::grid::Grid;

/// N walkers of one engine.
#[derive(Debug)]
pub struct Ensemble {
    pub(super) grid: Grid,
    walkers: usize,
    pub(super) blocks: Vec<Block>,
    pub(super) spare: Vec<Block>,
    /// The time that blocks in `spare` are on their way to, where that was interrupted.
    pub(super) on_the_way_to: Option<f64>,
    /// The processes that advance it, and the blocks that each of them advances.
    pub(super) ranks: Arc<dyn Ranks>,
    pub(super) shares: Vec<Range<usize>>,
}

impl Ensemble {
    /// `walkers` walkers drawn from the problem's initial law with the streams of `engine`.
    ///
    /// Errors: no walkers, an initial law that does not lie on the grid.
    pub fn new(problem: &Problem, engine: &str, walkers: usize) -> Result<Self, Error> {
        if walkers == 0 {
            return Err(Error::invalid("an ensemble without walkers shows nothing", "take 10000 walkers or more")
                .set_by(&[Setting::Walkers]));
        }
        let (d, grid) = (problem.dimension(), &problem.grid);
        let sampler = problem.initial.sampler(grid)?;
        let purpose = format!("{engine}/initial");
        let blocks = (0..walkers.div_ceil(BLOCK))
            .into_par_iter()
            .map(|b| {
                let mut block = Block::new(d, b, walkers, problem.seed, engine);
                sampler.fill(&mut Stream::new(problem.seed, &purpose, b as u64), &mut block.points);
                block
            })
            .collect::<Vec<_>>();
        let shares = shares(1, blocks.len(), 0);
        let (spare, ranks) = (Vec::new(), Arc::new(Alone));
        Ok(Self { grid: grid.clone(), walkers, blocks, spare, on_the_way_to: None, ranks, shares })
    }

    /// Advances only a part of the blocks here, and the others at the other ranks; rank 0 has as much to do as `beside` blocks are besides. It
    /// holds the whole; elsewhere the blocks of others are left without walkers.
    pub fn share(&mut self, ranks: &Arc<dyn Ranks>, beside: usize) {
        (self.ranks, self.shares) = (Arc::clone(ranks), shares(ranks.size(), self.blocks.len(), beside));
        if !self.is_whole() {
            let (own, walkers) = (self.own(), self.walkers);
            let others = |blocks: &mut Vec<Block>| {
                let others = blocks.iter_mut().enumerate().filter(|(b, _)| !own.contains(b));
                others.for_each(|(b, block)| *block = Block::new(0, b, walkers, 0, ""));
            };
            others(&mut self.blocks);
            others(&mut self.spare);
        }
    }

    /// The blocks that are advanced here.
    pub(super) fn own(&self) -> Range<usize> {
        self.shares[self.ranks.rank()].clone()
    }

    /// Whether all walkers are here: at rank 0.
    pub fn is_whole(&self) -> bool {
        self.ranks.rank() == 0
    }

    /// Number of walkers N.
    pub fn walkers(&self) -> usize {
        self.walkers
    }
    /// The grid that walkers are counted on.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }
    /// All blocks in the order of the walkers.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }
    /// All blocks, to be set up before the first step.
    pub fn blocks_mut(&mut self) -> &mut [Block] {
        &mut self.blocks
    }
    /// Whether blocks have left the last output time.
    pub fn is_on_the_way(&self) -> bool {
        self.on_the_way_to.is_some()
    }

    /// Notes its state, each block where it has come to, or puts it back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        archive.optional("on_the_way_to", &mut self.on_the_way_to)?;
        if archive.is_restoring() {
            self.spare.clear();
        }
        let ahead = self.on_the_way_to.is_some();
        let mut spare = self.spare.iter_mut();
        let farthest = |old| spare.next().filter(|new| ahead && new.is_ahead()).unwrap_or(old);
        let mut blocks: Vec<&mut Block> = self.blocks.iter_mut().map(farthest).collect();
        Block::archive(&mut blocks, archive)
    }

    /// Sum of what the blocks counted.
    pub fn tally(&self) -> Tally {
        self.blocks.iter().fold(Tally::default(), |sum, block| sum.plus(&block.tally))
    }
    /// Positions of the first `n` walkers, coordinate-major (d×n).
    pub fn first_points(&self, n: usize) -> Vec<f64> {
        let (n, d) = (n.min(self.walkers), self.grid.dimension());
        let mut points = vec![0.0; d * n];
        for i in 0..n {
            for k in 0..d {
                points[k * n + i] = self.blocks[i / BLOCK].points[k * BLOCK + i % BLOCK];
            }
        }
        points
    }

    /// Histogram on the grid, moments with standard errors and the share off the grid.
    ///
    /// Moments are over all walkers that were not absorbed, also those off the grid; the covariance has divisor N − 1.
    pub fn snapshot(&self, time: f64) -> Snapshot {
        let (counts, moments) = (self.counts(), self.moments());
        let n = self.walkers as f64;
        Snapshot {
            time,
            probability: counts[..self.grid.len()].iter().map(|&c| f64::from(c) / n).collect(),
            mean: moments.mean().to_vec(),
            mean_se: moments.standard_error(),
            covariance: moments.covariance(),
            outside: f64::from(counts[self.grid.len()]) / n,
        }
    }

    /// Moments of the walkers that were not absorbed, merged in the order of the blocks.
    pub(super) fn moments(&self) -> Moments {
        let d = self.grid.dimension();
        let per_block: Vec<Moments> = self.blocks.par_iter().map(|block| Moments::of_block(d, block)).collect();
        per_block.iter().fold(Moments::new(d), |sum, m| sum.merge(m))
    }

    /// Walkers in each cell, and after the last cell those off the grid.
    pub fn counts(&self) -> Vec<u32> {
        let locator = Locator::new(&self.grid);
        let chunk = self.blocks.len().div_ceil(rayon::current_num_threads());
        let count = |blocks: &[Block]| {
            let mut counts = vec![0u32; self.grid.len() + 1];
            blocks.iter().for_each(|block| locator.count(block, &mut counts));
            counts
        };
        let add = |mut a: Vec<u32>, b: Vec<u32>| {
            a.iter_mut().zip(&b).for_each(|(a, b)| *a += b);
            a
        };
        self.blocks.par_chunks(chunk).map(count).reduce_with(add).unwrap_or_default()
    }
}
