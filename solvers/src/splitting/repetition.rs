//! One repetition: N paths through the levels.

use std::ops::Range;

use rayon::prelude::*;

use super::chain::{Stepper, block_at, put};
use super::estimate::Repetition;
use super::loops::{MOST_STEPS, StartSet, astray, check, loops};
use super::path::Path;
use super::{Chain, RareEvent};
use crate::Error;
use crate::engine::Interrupt;
use crate::ensemble::{BLOCK, Block};
use crate::numerics::random::Stream;

/// Share of the paths that are killed at a level, at least.
const KILLED: f64 = 0.1;
/// Probabilities below which the event counts as out of reach.
const LEAST: f64 = 1e-290;

/// Some of the repetitions. Errors: the first failure in their order, whatever the order of the threads.
pub(super) fn run_all(
    event: &RareEvent,
    start: &StartSet,
    which: Range<usize>,
    interrupt: Interrupt,
) -> Result<Vec<Repetition>, Error> {
    let each = |r: usize| run(event, start, r as u64, interrupt);
    which.into_par_iter().map(each).collect::<Vec<_>>().into_iter().collect()
}

/// Repetition number `index`. Errors: those of a step, [`Error::Interrupted`], paths that do not end.
fn run(event: &RareEvent, start: &StartSet, index: u64, interrupt: Interrupt) -> Result<Repetition, Error> {
    let chain: &dyn Chain = event.chain;
    let mut block = block_at(chain, event.from, event.seed, event.purpose, index);
    let mut choice = Stream::new(event.seed, &format!("{}/choice", event.purpose), index);
    let mut step = chain.stepper();
    let first = loops(event, start, &mut block, &mut step, interrupt)?;
    let mut walk = Walk { event, level: start.level, steps: first.steps, interrupt };
    let (mut paths, n) = (first.paths, event.replicas);
    let (mut probability, mut levels) = (1.0, 0);
    let killed_at_least = ((KILLED * n as f64).round() as usize).clamp(1, n - 1);
    loop {
        let mut maxima: Vec<f64> = paths.iter().map(Path::maximum).collect();
        let z = *maxima.select_nth_unstable_by(killed_at_least - 1, f64::total_cmp).1;
        if z == f64::INFINITY {
            break;
        }
        let (dead, alive): (Vec<usize>, Vec<usize>) = (0..n).partition(|&i| paths[i].maximum() <= z);
        probability *= alive.len() as f64 / n as f64;
        if alive.is_empty() || probability < LEAST {
            return Ok(Repetition::extinct(&walk, first.first_exit, first.length, levels));
        }
        levels += 1;
        for batch in dead.chunks(BLOCK) {
            let copies = batch.iter().map(|_| paths[alive[choice.below(alive.len())]].until_above(z)).collect();
            let new = walk.go_on(copies, &mut block, &mut step)?;
            batch.iter().zip(new).for_each(|(&i, path)| paths[i] = path);
        }
    }
    let hits: Vec<u64> = paths.iter().filter(|path| path.hit).map(|path| path.steps).collect();
    let reactive = hits.iter().sum::<u64>() as f64 / hits.len() as f64;
    probability *= hits.len() as f64 / n as f64;
    let (first_exit, loop_length, steps) = (first.first_exit, first.length, walk.steps);
    Ok(Repetition { probability, first_exit, loop_length, reactive: Some(reactive), levels, steps })
}

/// Follows paths to their ends.
pub(super) struct Walk<'a> {
    event: &'a RareEvent<'a>,
    level: f64,
    pub steps: u64,
    interrupt: Interrupt<'a>,
}

impl Walk<'_> {
    /// The paths, no more than a block, until each is back in A or in B.
    fn go_on(&mut self, mut paths: Vec<Path>, block: &mut Block, step: &mut Stepper) -> Result<Vec<Path>, Error> {
        let mut going: Vec<bool> = paths.iter().map(|path| !path.hit).collect();
        for (lane, path) in paths.iter().enumerate() {
            path.records.last().into_iter().for_each(|record| put(block, lane, &record.state));
        }
        // lanes without a path of their own walk beside, from where a path begins
        if let Some(record) = paths.first().and_then(|path| path.records.last()) {
            (paths.len()..BLOCK).for_each(|lane| put(block, lane, &record.state));
        }
        for k in 0.. {
            check(k, self.interrupt)?;
            if going.iter().all(|going| !going) {
                break;
            }
            if self.steps > MOST_STEPS {
                return Err(astray());
            }
            step(block)?;
            let (scores, arrived) = ((self.event.score)(&block.points), (self.event.target)(&block.points));
            for lane in (0..paths.len()).filter(|&lane| going[lane]).collect::<Vec<_>>() {
                self.steps += 1;
                paths[lane].see((block, lane), scores[lane], arrived[lane]);
                going[lane] = !(arrived[lane] || scores[lane].is_nan() || scores[lane] <= self.level);
            }
        }
        Ok(paths)
    }
}

impl Repetition {
    fn extinct(walk: &Walk, first_exit: f64, loop_length: f64, levels: u32) -> Self {
        Self { probability: 0.0, first_exit, loop_length, reactive: None, levels, steps: walk.steps }
    }
}
