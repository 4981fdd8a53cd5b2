//! Errors of the extrapolated chain, a h⁴ + b τ², by coarser ones.
//!
//! The chain on 2h with steps 4τ has 16 times the error. Where no noise of a step covers the cells of 2h, steps 2τ on h tell b,
//! and a reconstruction of cell averages of higher order tells a.

use super::long_steps::{SHORTENED, long_steps};
use crate::fokker_planck::accuracy::richardson::{Extrapolated, ORDER, change};
use crate::fokker_planck::accuracy::wall_contact::{Ends, meets};
use crate::fokker_planck::discretisation::{ErrorLaw, Observables};
use crate::problem::density::l1;

/// By how much errors grow where laws meet a wall: the laws of steps are reflected or absorbed there as wholes, which was seen to be of first to second order.
const AT_WALLS: f64 = 2.0 * std::f64::consts::SQRT_2;

/// What answers for first passages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// The chain itself.
    Chain,
    /// The edge generator of its grid.
    Edges,
}

impl Passing {
    /// The edge generator, or the chain.
    pub fn by(edges: bool) -> Self {
        if edges { Self::Edges } else { Self::Chain }
    }

    /// By how much errors of passages in d dimensions grow where the chain's numbers grow by `growth`: surfaces that are more than points
    /// leave a chain second order, as edges are.
    fn growth(self, growth: f64, d: usize) -> f64 {
        if d == 1 && self == Self::Chain { growth } else { 2f64.powi(ORDER) }
    }
}

/// By a chain on 2h whose long steps are four times this one of the fine grid.
pub struct ByCoarserChain {
    /// 2τ of the fine chain.
    pub long_step: f64,
    /// What answers for first passages.
    pub passages: Passing,
}

/// Of contracted laws, by the shorter steps of the pair. Where each step adds about the same variance too much, half as many steps have half the error, which is
/// the change; where the step itself is the error, of first order, it is twice the change, which is told. Single numbers have no order, and their errors are unknown.
pub struct ByShorterSteps;

impl ErrorLaw for ByShorterSteps {
    fn extrapolated(&self, fine: f64, _coarse: f64, _coarsest: Option<f64>) -> Extrapolated {
        Extrapolated { value: fine, error: f64::NAN }
    }

    fn extrapolated_passage(&self, _d: usize, fine: f64, coarse: f64, coarsest: Option<f64>) -> Extrapolated {
        self.extrapolated(fine, coarse, coarsest)
    }

    fn error(
        &self,
        fine: &Observables,
        _coarse: &Observables,
        _coarsest: Option<&Observables>,
        _elapsed: Option<f64>,
    ) -> f64 {
        let moved = fine.parts.as_ref().map_or(0.0, |[a, b]| l1(a, b));
        2.0 * moved + fine.reconstruction_error
    }
}

/// Ratio of two lengths of steps below which they are the same.
const SAME: f64 = 1.01;

/// By a chain on the same grid whose long steps are twice this one.
pub struct ByLongerSteps {
    /// 2τ of the fine chain.
    pub long_step: f64,
    /// What answers for first passages.
    pub passages: Passing,
}

/// `times`, or of the lengths of both long steps as they were divided in the time `elapsed`.
fn ratio(long_step: f64, times: f64, elapsed: Option<f64>) -> f64 {
    elapsed.map_or(times, |elapsed| long_steps(elapsed, long_step) / long_steps(elapsed, times * long_step))
}

/// By how much errors of second order in τ grow with steps `ratio` times as long, r² while they are small; the `change` from one to the other shows how far they
/// are from that, and where it is about 1 or more the laws have next to nothing in common and the order is 1.
fn growth(ratio: f64, change: f64) -> f64 {
    ratio.powf(2.0 - change.min(1.0))
}

impl ErrorLaw for ByCoarserChain {
    fn extrapolated(&self, fine: f64, coarse: f64, _coarsest: Option<f64>) -> Extrapolated {
        Extrapolated::by_growth(fine, coarse, 16.0)
    }

    /// At cuts sums over centres are of second order (Euler–Maclaurin), however good the law.
    fn growth_at(&self, ends: Ends) -> Option<f64> {
        Some(match ends {
            Ends::Walls => AT_WALLS,
            Ends::Cuts => 2f64.powi(ORDER),
        })
    }

    fn extrapolated_passage(&self, d: usize, fine: f64, coarse: f64, _coarsest: Option<f64>) -> Extrapolated {
        Extrapolated::by_growth(fine, coarse, self.passages.growth(16.0, d))
    }

    fn error(
        &self,
        fine: &Observables,
        coarse: &Observables,
        _coarsest: Option<&Observables>,
        elapsed: Option<f64>,
    ) -> f64 {
        let most = if meets(Ends::Walls, coarse.grid, &coarse.law) { AT_WALLS } else { f64::INFINITY };
        let early = elapsed.is_some_and(|elapsed| elapsed < SHORTENED * 4.0 * self.long_step);
        by_coarser_chain(fine, coarse, ratio(self.long_step, 4.0, elapsed), early, most)
    }
}

impl ErrorLaw for ByLongerSteps {
    fn extrapolated(&self, fine: f64, coarse: f64, _coarsest: Option<f64>) -> Extrapolated {
        Extrapolated::by_growth(fine, coarse, 2f64.powi(ORDER))
    }

    fn extrapolated_passage(&self, d: usize, fine: f64, coarse: f64, _coarsest: Option<f64>) -> Extrapolated {
        if self.passages == Passing::Edges {
            return Extrapolated { value: fine, error: f64::NAN }; // by the same generator, on the same grid
        }
        Extrapolated::by_growth(fine, coarse, self.passages.growth(2f64.powi(ORDER), d))
    }

    fn error(
        &self,
        fine: &Observables,
        coarse: &Observables,
        _coarsest: Option<&Observables>,
        elapsed: Option<f64>,
    ) -> f64 {
        let (change, ratio) = (l1(&fine.law, &coarse.law), ratio(self.long_step, 2.0, elapsed));
        // in less time than one of its long steps the other chain takes the same ones: what the extrapolation moves is left
        let same = fine.parts.as_ref().filter(|_| ratio < SAME).map_or(0.0, |[a, b]| l1(a, b));
        same.max(change / (growth(ratio, change) - 1.0).max(1.0)) + fine.reconstruction_error
    }
}

/// Error of a chain by one on 2h whose steps are `ratio` times as long; `early` in less time than one of its long steps; errors grow
/// by `most` at most.
fn by_coarser_chain(fine: &Observables, coarse: &Observables, ratio: f64, early: bool, most: f64) -> f64 {
    let change = change(fine.grid, &fine.law, &coarse.law);
    let whole = if most < growth(4.0, change) {
        change / (most - 1.0)
    } else if (3.5..4.5).contains(&ratio) {
        change / (growth(4.0, change) - 1.0)
    } else {
        let rest = (change - coarse.reconstruction_error).max(0.0) / (growth(ratio, change) - 1.0).max(3.0);
        // long steps shorter than the coarser chain's own may not cover its cells, but the extrapolation moves a law by more than its error
        let moved = fine.parts.as_ref().filter(|_| early).map_or(rest, |[a, b]| l1(a, b));
        fine.reconstruction_error + rest.min(moved)
    };
    whole.max(by_step(fine, coarse, ratio).unwrap_or(0.0))
}

/// Error b τ² of the extrapolation of a (steps τ) and b (2τ) by that of b and c (rτ, on 2h): ‖(2a − b) − (r b − 2c)/(r − 2)‖/(r − 1),
/// less what the reconstruction of cell averages on 2h makes of it.
fn by_step(fine: &Observables, coarse: &Observables, ratio: f64) -> Option<f64> {
    let ([a, b], [c, _]) = (fine.parts.as_ref()?, coarse.parts.as_ref()?);
    if ratio < 2.5 {
        return None;
    }
    let (from_b, from_c) = (ratio / (ratio - 2.0), 2.0 / (ratio - 2.0));
    let combined: Vec<f64> = a.iter().zip(b).map(|(a, b)| 2.0 * a - b - from_b * b).collect();
    let merged = fine.grid.coarsen_probability(&combined);
    let change: f64 = merged.iter().zip(c).map(|(m, c)| (m + from_c * c).abs()).sum();
    Some((change - from_c * coarse.reconstruction_error).max(0.0) / (ratio - 1.0))
}
