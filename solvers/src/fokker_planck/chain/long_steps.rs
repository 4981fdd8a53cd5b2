//! The pair of chains as an integrator: from output to output in long steps of about the suitable length.

use std::sync::Arc;

use super::extrapolation::{Build, Pair};
use super::lattice_law::Uncovered;
use super::transition::Chain;
use crate::Error;
use crate::engine::{Archive, Interrupt};
use crate::fokker_planck::integrator::system::{Stepper, Work};

/// Length of a long step, relative to a suitable one, below which its parts would be too short for two of them.
const SHORTEST: f64 = 0.25;

/// Length of a long step, relative to a suitable one, from which on it may be built upon.
pub const SHORTENED: f64 = 0.79;

/// Number of long steps that an interval is divided into: none is shorter than 0.8 of `long_step`, but for a single one.
pub fn long_steps(interval: f64, long_step: f64) -> f64 {
    (interval / long_step + 0.4).floor().max(1.0)
}

/// Follows cell probabilities by long steps 2τ, and beside each of them two short ones.
///
/// An output is reached from the last one that lies about a long step back (or from the start), in long steps of about the
/// suitable length. Outputs nearer to the start than one long step are reached in one shorter long step, or in a single step, and never built
/// upon, so short intervals between outputs cost nothing in accuracy.
pub struct ChainStepper<'a> {
    build: Box<Build<'a>>,
    long_step: f64,
    uncovered: Uncovered,
    anchors: Vec<Anchor>,
    pair: Option<Arc<Pair>>,
    /// The laws of both chains at the last output.
    last: Option<[Vec<f64>; 2]>,
    work: Work,
}

/// A long step near `long_step` that divides all intervals between the times, where there is one between 0.8 and 1.4 times it: then one pair of
/// chains serves all.
pub fn snapped(long_step: f64, from: f64, times: &[f64]) -> f64 {
    let mut common = 0.0f64;
    let mut last = from;
    for &time in times.iter().filter(|time| **time > from) {
        let (mut a, mut b) = (time - last, common);
        while b > 1e-6 * long_step {
            (a, b) = (b, (a - b * (a / b + 1e-9).floor()).max(0.0));
        }
        (common, last) = (a, time);
    }
    let candidate = common / (common / long_step).round().max(1.0);
    if (0.8..=1.4).contains(&(candidate / long_step)) { candidate } else { long_step }
}

/// Pairs of chains that long steps near `long_step` need to reach the times, one for each length; a single short step and its halves count as a pair.
pub fn pairs(long_step: f64, from: f64, times: &[f64]) -> f64 {
    let (mut anchors, mut found, mut single) = (vec![from], Vec::<f64>::new(), 0.0);
    for &time in times.iter().filter(|time| **time > from) {
        let base = anchors.iter().rev().find(|anchor| **anchor <= time - SHORTENED * long_step).unwrap_or(&anchors[0]);
        let interval = time - base;
        if interval < SHORTEST * long_step {
            single += 1.0;
            continue;
        }
        let length = interval / long_steps(interval, long_step);
        if !found.iter().any(|l| (l / length - 1.0).abs() < 1e-9) {
            found.push(length);
        }
        if interval >= SHORTENED * long_step {
            anchors.push(time);
        }
    }
    found.len().max(1) as f64 + single
}

/// The laws of both chains at a time.
#[derive(Clone)]
struct Anchor {
    time: f64,
    short: Vec<f64>,
    long: Vec<f64>,
}

impl<'a> ChainStepper<'a> {
    /// From `start` at time `from`, in long steps of at least those of `pair`, which is used where the length is the same.
    pub fn new(build: Box<Build<'a>>, pair: Arc<Pair>, start: Vec<f64>, from: f64) -> Self {
        let anchors = vec![Anchor { time: from, short: start.clone(), long: start }];
        let (long_step, uncovered) = (pair.long_step(), pair.uncovered);
        Self { build, long_step, uncovered, anchors, pair: Some(pair), last: None, work: Work::default() }
    }

    /// The pair of this long step.
    fn pair(&mut self, long_step: f64, interrupt: Interrupt) -> Result<Arc<Pair>, Error> {
        if let Some(pair) = self.pair.as_ref().filter(|pair| (pair.long_step() / long_step - 1.0).abs() < 1e-9) {
            return Ok(pair.clone());
        }
        self.pair = None; // two pairs at once may not fit
        self.work.factorisations += 2;
        let pair = Arc::new(Pair::new(self.build.as_ref(), long_step, interrupt)?);
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
        let usable = |anchor: &Anchor| anchor.time <= to - SHORTENED * self.long_step;
        let base = self.anchors.iter().rposition(usable).unwrap_or(0);
        self.anchors.drain(..base);
        let mut at = self.anchors[0].clone();
        let (from, interval) = (at.time, to - at.time);
        if interval <= 0.0 {
            out.copy_from_slice(&at.short);
            return Ok(());
        }
        // of contracted laws the pair tells the error
        let alone = self.uncovered == Uncovered::Arms;
        if interval < SHORTEST * self.long_step && alone {
            let (whole, half) = ((self.build)(interval, interrupt)?, (self.build)(0.5 * interval, interrupt)?);
            self.work.factorisations += 2;
            let mut twice = at.short.clone();
            self.step(&half, &mut twice);
            self.step(&half, &mut twice);
            self.step(&whole, &mut at.short);
            out.copy_from_slice(&at.short);
            self.last = Some([twice, at.short]); // what each step adds too much shows in their difference
            return Ok(());
        }
        let long_steps = long_steps(interval, self.long_step);
        let pair = self.pair(interval / long_steps, interrupt)?;
        for done in 0..long_steps as u64 {
            if interrupt() {
                return Err(Error::Interrupted { time: from + done as f64 * interval / long_steps });
            }
            self.step(&pair.short, &mut at.short);
            self.step(&pair.short, &mut at.short);
            self.step(&pair.long, &mut at.long);
        }
        at.time = to;
        out.copy_from_slice(&pair.law(&at.short, &at.long));
        self.last = Some([at.short.clone(), at.long.clone()]);
        if interval >= SHORTENED * self.long_step {
            self.anchors.push(at); // shorter long steps would hand on their excess of variance
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

    fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        let n = self.anchors[0].short.len();
        let mut times: Vec<f64> = self.anchors.iter().map(|anchor| anchor.time).collect();
        archive.vector("anchor_times", &mut times)?;
        let (mut pair, mut outputs) =
            (self.pair.as_ref().map(|pair| pair.long_step()), self.last.iter().count() as u64);
        archive.optional("pair", &mut pair)?;
        archive.count("outputs", &mut outputs)?;
        if archive.is_restoring() {
            let empty = || vec![0.0; n];
            self.anchors = times.into_iter().map(|time| Anchor { time, short: empty(), long: empty() }).collect();
            self.last = (outputs > 0).then(|| [empty(), empty()]);
            match pair {
                Some(long_step) => drop(self.pair(long_step, &|| false)?),
                None => self.pair = None,
            }
        }
        let laws = self.anchors.iter_mut().flat_map(|anchor| [&mut anchor.short, &mut anchor.long]);
        archive.pieces("anchors", laws.map(Vec::as_mut_slice).collect())?;
        archive.pieces("last", self.last.iter_mut().flatten().map(Vec::as_mut_slice).collect())?;
        self.work.archive(archive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_steps_are_snapped_to_what_the_outputs_have_in_common() {
        let times = [0.0, 0.4, 1.0, 2.0, 4.0, 8.0];
        let long_step = snapped(0.055, 0.0, &times);
        assert!((long_step - 0.05).abs() < 1e-12, "{long_step}");
        assert_eq!(pairs(long_step, 0.0, &times), 1.0);
        assert_eq!(pairs(0.055, 0.0, &times), 4.0); // 0.4/7, 0.6/11, 1/18 = 2/36, 4/73
        assert_eq!(pairs(20.0, 0.0, &[0.0, 1.0, 4.0, 8.0, 20.0, 40.0]), 2.0 + 2.0); // one step and its halves each to 1 and 4, a pair to 8
        assert_eq!(snapped(0.7, 0.0, &[0.3, 1.3]), 0.7);
        assert_eq!(snapped(0.3, 0.0, &[]), 0.3);
        let uneven = [std::f64::consts::FRAC_1_PI, 1.0];
        assert_eq!(snapped(0.05, 0.0, &uneven), 0.05);
        assert_eq!(pairs(0.05, 0.0, &uneven), 2.0);
    }
}
