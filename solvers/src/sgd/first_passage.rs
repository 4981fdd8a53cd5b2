//! First passages of walkers of minibatch descent itself, with every optimizer and sampling.
//!
//! Descent jumps: it has arrived at the end of the first step that lies in the target, and nothing is seen in between. Walls do not act
//! on it. Walkers start at a point with an empty memory. A lane of a block whose walker is done starts the next one where steps and
//! draws do not depend on their number; where they do (bias corrections of Adam, reshuffled epochs) the walkers of a block start together.

use super::descent::{Descent, Kind, Work, far_steps, inspect, wrap};
use super::options::SgdOptions;
use crate::Error;
use crate::engine::Interrupt;
use crate::ensemble::{BLOCK, Block, Stop, Watch};
use crate::escape::by_walkers::{DoneBlocks, FirstPassage, Lanes, TIMES, at_start, summary, times_of};
use crate::escape::passage::Passage;
use crate::problem::Problem;

/// Steps between two looks at the interrupt.
const STEPS_PER_CHECK: u64 = 16;
/// How arrivals are seen.
const AT_STEPS: &str = "at the ends of steps";

/// Time from `passage.from` to `passage.target` by walkers of descent with these options (whose number of walkers does not matter).
///
/// Errors: a horizon shorter than a step, a walker that is not finite, and those of [`super::Sgd`].
pub fn first_passage(
    problem: &Problem,
    options: &SgdOptions,
    passage: &Passage,
    interrupt: Interrupt,
) -> Result<FirstPassage, Error> {
    first_passage_from(problem, options, passage, &DoneBlocks::default(), interrupt)
}

/// [`first_passage`] that goes on where an earlier call for the same problem was interrupted: blocks that are done then stand in `done`, and
/// those that become so are added. Errors: as there.
pub fn first_passage_from(
    problem: &Problem,
    options: &SgdOptions,
    passage: &Passage,
    done: &DoneBlocks,
    interrupt: Interrupt,
) -> Result<FirstPassage, Error> {
    let (descent, _) = Descent::new(problem, options, Kind::Sgd)?;
    let h = descent.step_time();
    let steps = (passage.horizon / h * (1.0 + 1e-12)).floor();
    if !(steps >= 1.0 && steps.is_finite()) {
        let what = format!("the horizon {} of \"{}\" is shorter than a step of {h}", passage.horizon, passage.name);
        return Err(Error::invalid(what, "write a longer horizon"));
    }
    let mut ensemble = at_start(problem, passage, "sgd/first-passage")?;
    ensemble.blocks_mut().iter_mut().for_each(|block| block.memory = descent.start(&block.points));
    let follow = Follow { descent: &descent, problem, passage, steps: steps as u64 };
    let outcome = ensemble.advance(
        [0.0, passage.horizon],
        interrupt,
        || Work::new(problem.dimension(), descent.minibatch.batch_size),
        |block, work, watch| done.or_follow(block, |block| follow.block(block, work, watch)),
    );
    ensemble.arrive(outcome, interrupt)?;
    Ok(summary(passage, h, &times_of(&ensemble), AT_STEPS, false))
}

struct Follow<'a> {
    descent: &'a Descent,
    problem: &'a Problem,
    passage: &'a Passage,
    steps: u64,
}

impl Follow<'_> {
    /// Works off the walkers of a block.
    fn block(&self, block: &mut Block, work: &mut Work, watch: &Watch) -> Result<(), Stop> {
        let mut lanes = Lanes::new(block.kept.len() / TIMES);
        let memory = block.memory.clone(); // that of a walker at the start
        let together = self.descent.counts_steps();
        let (mut first, mut running) = (0, [true; BLOCK]);
        for k in 0.. {
            if k % STEPS_PER_CHECK == 0 {
                watch.check()?;
            }
            if lanes.busy == 0 {
                break;
            }
            self.step(block, work, k, k - first)?;
            for lane in self.look(block, &mut lanes, &mut running, k) {
                if together {
                    running[lane] = false;
                } else {
                    self.restart(block, lane, &memory);
                }
            }
            if running.iter().all(|running| !running) {
                (0..BLOCK).for_each(|lane| self.restart(block, lane, &memory));
                lanes.started = [k + 1; BLOCK];
                (first, running) = (k + 1, [true; BLOCK]);
            }
        }
        Ok(())
    }

    /// Notes who came where in step number `k` of the block; the lanes whose walkers are done.
    fn look(&self, block: &mut Block, lanes: &mut Lanes, running: &mut [bool; BLOCK], k: u64) -> Vec<usize> {
        let h = self.descent.step_time();
        let arrived = self.passage.target.contains(&block.points);
        let avoided = self.passage.avoid.as_ref().map(|avoid| avoid.contains(&block.points));
        let mut done = Vec::new();
        for lane in (0..BLOCK).filter(|&lane| running[lane]) {
            let taken = k - lanes.started[lane] + 1;
            let time = taken as f64 * h;
            if !arrived[lane] && avoided.as_ref().is_some_and(|avoided| avoided[lane]) {
                lanes.avoided(lane, time, &mut block.kept);
            }
            if arrived[lane] || taken >= self.steps {
                lanes.done(lane, k + 1, time, arrived[lane], false, &mut block.kept);
                done.push(lane);
            }
        }
        done
    }

    /// Step number `k` of the block; `since` is its number since the walkers started together.
    fn step(&self, block: &mut Block, work: &mut Work, k: u64, since: u64) -> Result<(), Stop> {
        let lengths = &self.descent.lengths;
        self.descent.step(block, work, since);
        if far_steps(&block.points, &work.next, lengths) {
            inspect(block, work, lengths, k).map_err(Stop::Failed)?;
        }
        std::mem::swap(&mut block.points, &mut work.next);
        wrap(self.problem.grid.axes(), &mut block.points);
        Ok(())
    }

    fn restart(&self, block: &mut Block, lane: usize, memory: &[f64]) {
        self.passage.from.iter().enumerate().for_each(|(k, x)| block.points[k * BLOCK + lane] = *x);
        let numbers = block.memory.iter_mut().zip(memory).skip(lane).step_by(BLOCK);
        numbers.for_each(|(now, start)| *now = *start);
    }
}
