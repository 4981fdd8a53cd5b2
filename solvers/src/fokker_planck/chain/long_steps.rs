//! The pair of chains as an integrator: from output to output in blocks of about the suitable length.

use std::sync::Arc;

use super::Chain;
use super::extrapolation::{Build, Pair, extrapolated};
use crate::Error;
use crate::engine::Interrupt;
use crate::fokker_planck::integrator::{Stepper, Work};

/// The chain's name in the record, where an integrator of the generator would stand.
pub const NAME: &str = "long-step chain";

/// Length of a block, relative to a suitable one, below which its parts would be too short for two of them.
const SHORTEST: f64 = 0.25;

/// Length of a block, relative to a suitable one, from which on it may be built upon.
pub const SHORTENED: f64 = 0.79;

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
    build: Box<Build<'a>>,
    block: f64,
    anchors: Vec<Anchor>,
    pair: Option<Arc<Pair>>,
    /// The laws of both chains at the last output.
    last: Option<[Vec<f64>; 2]>,
    work: Work,
}

/// A block near `block` that divides all intervals between the times, where there is one between 0.8 and 1.4 times it: then one pair of
/// chains serves all.
pub fn snapped(block: f64, from: f64, times: &[f64]) -> f64 {
    let mut common = 0.0f64;
    let mut last = from;
    for &time in times.iter().filter(|time| **time > from) {
        let (mut a, mut b) = (time - last, common);
        while b > 1e-6 * block {
            (a, b) = (b, (a - b * (a / b + 1e-9).floor()).max(0.0));
        }
        (common, last) = (a, time);
    }
    let candidate = common / (common / block).round().max(1.0);
    if (0.8..=1.4).contains(&(candidate / block)) { candidate } else { block }
}

/// Number of different lengths that blocks near `block` have between the times.
pub fn lengths(block: f64, from: f64, times: &[f64]) -> usize {
    let mut found: Vec<f64> = Vec::new();
    let mut last = from;
    for &time in times.iter().filter(|time| **time > from) {
        if time - last >= SHORTENED * block {
            let length = (time - last) / blocks(time - last, block);
            if !found.iter().any(|l| (l / length - 1.0).abs() < 1e-9) {
                found.push(length);
            }
            last = time;
        }
    }
    found.len().max(1)
}

/// The laws of both chains at a time.
#[derive(Clone)]
struct Anchor {
    time: f64,
    short: Vec<f64>,
    long: Vec<f64>,
}

impl<'a> ChainStepper<'a> {
    /// From `start` at time `from`, in blocks of at least those of `pair`, which is used where the length is the same.
    pub fn new(build: Box<Build<'a>>, pair: Arc<Pair>, start: Vec<f64>, from: f64) -> Self {
        let anchors = vec![Anchor { time: from, short: start.clone(), long: start }];
        Self { build, block: pair.block(), anchors, pair: Some(pair), last: None, work: Work::default() }
    }

    /// The pair of this block.
    fn pair(&mut self, block: f64, interrupt: Interrupt) -> Result<Arc<Pair>, Error> {
        if let Some(pair) = self.pair.as_ref().filter(|pair| (pair.block() / block - 1.0).abs() < 1e-9) {
            return Ok(pair.clone());
        }
        self.pair = None; // two pairs at once may not fit
        self.work.factorisations += 2;
        let pair = Arc::new(Pair::new(self.build.as_ref(), block, interrupt)?);
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
            let chain = (self.build)(interval, interrupt)?;
            self.work.factorisations += 1;
            self.step(&chain, &mut at.short);
            out.copy_from_slice(&at.short);
            self.last = None;
            return Ok(());
        }
        let blocks = blocks(interval, self.block);
        let pair = self.pair(interval / blocks, interrupt)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_snapped_to_what_the_outputs_have_in_common() {
        let times = [0.0, 0.4, 1.0, 2.0, 4.0, 8.0];
        let block = snapped(0.055, 0.0, &times);
        assert!((block - 0.05).abs() < 1e-12, "{block}");
        assert_eq!(lengths(block, 0.0, &times), 1);
        assert_eq!(lengths(0.055, 0.0, &times), 4); // 0.4/7, 0.6/11, 1/18 = 2/36, 4/73
        assert_eq!(snapped(0.7, 0.0, &[0.3, 1.3]), 0.7);
        assert_eq!(snapped(0.3, 0.0, &[]), 0.3);
        let uneven = [std::f64::consts::FRAC_1_PI, 1.0];
        assert_eq!(snapped(0.05, 0.0, &uneven), 0.05);
        assert_eq!(lengths(0.05, 0.0, &uneven), 2);
    }
}
