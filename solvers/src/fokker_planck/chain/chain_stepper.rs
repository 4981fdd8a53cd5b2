//! The pair of chains as an integrator: from output to output in blocks of about the suitable length.

use std::sync::Arc;

use super::Chain;
use super::pair::{Pair, extrapolated};
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::stepper::{Stepper, Work};

/// The chain's name in the record, where an integrator of the generator would stand.
pub const NAME: &str = "long-step chain";

/// Length of a block, relative to a suitable one, below which its parts would be too short for two of them.
const SHORTEST: f64 = 0.25;

/// Length of a block, relative to a suitable one, from which on it may be built upon.
const SHORTENED: f64 = 0.79;

/// Number of blocks that an interval is divided into: none is shorter than 0.8 of `block`, but for a single one.
pub fn blocks(interval: f64, block: f64) -> f64 {
    (interval / block + 0.4).floor().max(1.0)
}

/// Follows cell probabilities by blocks: one long step, and beside it two short ones.
///
/// An output is reached from the last one that lies about a block back (or from the start), in blocks of about the
/// suitable length. Outputs nearer to the start than one block are reached in one shorter block, or in a single step, and never built
/// upon, so short intervals between outputs cost nothing in accuracy.
pub struct ChainStepper<'a> {
    build: Builder<'a>,
    block: f64,
    anchors: Vec<Anchor>,
    pair: Option<Arc<Pair>>,
    /// The laws of both chains at the last output.
    last: Option<[Vec<f64>; 2]>,
    work: Work,
}

/// Makes the chain of given steps.
pub type Builder<'a> = Box<dyn Fn(f64) -> Result<Chain, Error> + Send + 'a>;

/// The laws of both chains at a time.
#[derive(Clone)]
struct Anchor {
    time: f64,
    short: Vec<f64>,
    long: Vec<f64>,
}

impl<'a> ChainStepper<'a> {
    /// From `start` at time `from`, in blocks of at least those of `pair`, which is used where the length is the same.
    pub fn new(build: Builder<'a>, pair: Arc<Pair>, start: Vec<f64>, from: f64) -> Self {
        let anchors = vec![Anchor { time: from, short: start.clone(), long: start }];
        Self { build, block: pair.block(), anchors, pair: Some(pair), last: None, work: Work::default() }
    }

    /// The pair of this block.
    fn pair(&mut self, block: f64) -> Result<Arc<Pair>, Error> {
        if let Some(pair) = self.pair.as_ref().filter(|pair| (pair.block() / block - 1.0).abs() < 1e-9) {
            return Ok(pair.clone());
        }
        self.pair = None; // two pairs at once may not fit
        self.work.factorisations += 2;
        let pair = Arc::new(Pair::new(&self.build, block)?);
        self.pair = Some(pair.clone());
        Ok(pair)
    }

    fn step(&mut self, chain: &Chain, p: &mut Vec<f64>) {
        let mut next = vec![0.0; p.len()];
        chain.forward(p, &mut next);
        *p = next;
        self.work.steps += 1;
        self.work.products += 1;
    }
}

impl Stepper for ChainStepper<'_> {
    fn advance(&mut self, to: f64, interrupt: Interrupt, out: &mut [f64]) -> Result<(), Error> {
        let usable = |anchor: &Anchor| anchor.time <= to - SHORTENED * self.block;
        let base = self.anchors.iter().rposition(usable).unwrap_or(0);
        self.anchors.drain(..base);
        let mut at = self.anchors[0].clone();
        let (from, interval) = (at.time, to - at.time);
        if interval <= 0.0 {
            out.copy_from_slice(&at.short);
            return Ok(());
        }
        if interval < SHORTEST * self.block {
            let chain = (self.build)(interval)?;
            self.work.factorisations += 1;
            self.step(&chain, &mut at.short);
            out.copy_from_slice(&at.short);
            self.last = None;
            return Ok(());
        }
        let blocks = blocks(interval, self.block);
        let pair = self.pair(interval / blocks)?;
        for done in 0..blocks as u64 {
            if interrupt() {
                return Err(Error::Interrupted { time: from + done as f64 * interval / blocks });
            }
            self.step(&pair.short, &mut at.short);
            self.step(&pair.short, &mut at.short);
            self.step(&pair.long, &mut at.long);
        }
        at.time = to;
        out.copy_from_slice(&extrapolated(&at.short, &at.long));
        self.last = Some([at.short.clone(), at.long.clone()]);
        if interval >= SHORTENED * self.block {
            self.anchors.push(at); // shorter blocks would hand on their excess of variance
        }
        Ok(())
    }

    fn error(&self) -> f64 {
        0.0 // steps grow with the cells: their error is part of the grid's
    }

    fn unextrapolated(&self) -> Option<[&[f64]; 2]> {
        self.last.as_ref().map(|[short, long]| [short.as_slice(), long.as_slice()])
    }

    fn work(&self) -> Work {
        self.work
    }
}
