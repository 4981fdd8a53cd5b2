//! Advancing all blocks in parallel: all arrive at the next output time together. Where that is interrupted, the ensemble still stands at the
//! last one, and the blocks on their way go on at the next call.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;

use super::block::Block;
use super::walkers::Ensemble;
use crate::Error;
use crate::engine::{Archive, Interrupt, State, meet};

/// Why a block did not reach the output time.
#[derive(Debug)]
pub enum Stop {
    /// The user asked for it, or an earlier block failed.
    Asked,
    /// A walker failed.
    Failed(Error),
}

/// What a block asks now and then while it advances.
pub struct Watch<'a> {
    interrupt: Interrupt<'a>,
    interrupted: &'a AtomicBool,
    failing: &'a AtomicUsize,
    block: usize,
}

impl Watch<'_> {
    /// Stops the block when the user asked to stop or when a block before it has failed.
    ///
    /// Only blocks after the first failing one stop early, so the failure that is reported is always the same.
    ///
    /// Errors: [`Stop::Asked`].
    pub fn check(&self) -> Result<(), Stop> {
        if (self.interrupt)() {
            self.interrupted.store(true, Ordering::Relaxed);
        }
        if self.interrupted.load(Ordering::Relaxed) || self.failing.load(Ordering::Relaxed) < self.block {
            return Err(Stop::Asked);
        }
        Ok(())
    }
}

impl Ensemble {
    /// Runs `work` on every block that is advanced here, which takes it from `now` to the output time `to`; `scratch` makes what one thread
    /// reuses between blocks. The ensemble stays as it was until [`Ensemble::arrive`] is called. A block that notes its [steps](Block::done) before each
    /// [`Watch::check`] goes on there after an interruption; others begin again.
    ///
    /// Errors: that of the first block that failed; [`Error::Interrupted`] with the time `now`.
    pub fn advance<S, W>(
        &mut self,
        [now, to]: [f64; 2],
        interrupt: Interrupt,
        scratch: impl Fn() -> S + Sync + Send,
        work: W,
    ) -> Result<(), Error>
    where
        W: Fn(&mut Block, &mut S, &Watch) -> Result<(), Stop> + Sync + Send,
    {
        let (interrupted, failing) = (AtomicBool::new(false), AtomicUsize::new(usize::MAX));
        if self.spare.is_empty() {
            self.spare.clone_from(&self.blocks);
        }
        let (going_on, own) = (self.on_the_way_to == Some(to), self.own());
        let results: Vec<Result<(), Stop>> = self.blocks[own.clone()]
            .par_iter()
            .zip(&mut self.spare[own])
            .enumerate()
            .map_init(scratch, |scratch, (block, (old, new))| {
                if !(going_on && new.is_ahead()) {
                    new.clone_from(old);
                    (new.done, new.arrived) = (0, false);
                }
                if new.arrived {
                    return Ok(());
                }
                let watch = Watch { interrupt, interrupted: &interrupted, failing: &failing, block };
                let result = watch.check().and_then(|()| work(new, scratch, &watch));
                match &result {
                    Ok(()) => new.arrived = true,
                    Err(Stop::Asked) => {}
                    Err(Stop::Failed(_)) => {
                        new.done = 0; // the next call begins with it again
                        failing.fetch_min(block, Ordering::Relaxed);
                    }
                }
                result
            })
            .collect();
        self.on_the_way_to = Some(to);
        if interrupted.load(Ordering::Relaxed) {
            return Err(Error::Interrupted { time: now });
        }
        for result in results {
            if let Err(Stop::Failed(error)) = result {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Makes where [`Ensemble::advance`] came to the place of the ensemble, once all ranks are there; `outcome` is how that ended here.
    ///
    /// Errors: those of `outcome` and of the other ranks; the ensemble then stays as it was, and the next call of [`Ensemble::advance`] goes on.
    pub fn arrive(&mut self, outcome: Result<(), Error>, interrupt: Interrupt) -> Result<(), Error> {
        let (ranks, own) = (Arc::clone(&self.ranks), self.own());
        let Self { spare, shares, .. } = self;
        let mut part = |share: Range<usize>, archive: &mut Archive| {
            Block::archive(&mut spare[share].iter_mut().collect::<Vec<_>>(), archive)
        };
        let mine =
            if ranks.rank() == 0 { State::default() } else { State::save(&mut |archive| part(own.clone(), archive))? };
        meet(&*ranks, outcome, mine, interrupt, &mut |rank, state| {
            state.restore(&mut |archive| part(shares[rank].clone(), archive))
        })?;
        std::mem::swap(&mut self.blocks, &mut self.spare);
        self.blocks.iter_mut().for_each(|block| (block.done, block.arrived) = (0, false));
        self.on_the_way_to = None;
        Ok(())
    }
}
