//! Estimates of the discretisation error by the same problem on coarser grids.
//!
//! With the densities on the grids h, 2h and 4h the observed order is r = log₂(‖ρ_4h − ρ_2h‖/‖ρ_2h − ρ_h‖), and the error at h is
//! estimated as ‖ρ_2h − ρ_h‖/(2^r − 1): right where the scheme has its declared order, where centre values make a reversible
//! density fourth order, and where high cell Péclet numbers leave the first. The extrapolated chain of steps τ has an error
//! a h⁴ + b τ²; its companion on 2h with steps 4τ has 16 times that. Where no noise of a step covers the cells of 2h, steps 2τ on h tell
//! b, and a reading of higher order tells a.

use crate::Error;
use crate::engine::{Interrupt, RefinedMoments};
use crate::fokker_planck::cells::averages::reading_error;
use crate::fokker_planck::chain::long_steps::{SHORTENED, blocks};
use crate::fokker_planck::discretisation::{Discrete, Transient};
use crate::fokker_planck::generator::current::entropy_production;
use crate::fokker_planck::options::FokkerPlanckOptions;
use crate::problem::Problem;
use crate::problem::density::moments;
use crate::problem::grid::Grid;

/// The order that is assumed where it cannot be observed.
pub const ORDER: i32 = 2;
/// The least order that is believed.
const LEAST: f64 = 0.75;

/// Entropy production by jump below which a stationary density counts as reversible: the quadrature of the exponents leaves some.
const REVERSIBLE: f64 = 1e-6;

/// The highest order that is believed: centre values make a reversible stationary density fourth order, and transients that have
/// come near it nearly so; all else is second order, whatever coarse grids show first.
fn highest(reversible: bool, stationary: bool) -> f64 {
    match (reversible, stationary) {
        (true, true) => 4.0,
        (true, false) => 3.0,
        _ => f64::from(ORDER),
    }
}

/// Whether detailed balance holds up to quadrature.
fn nearly_reversible(discrete: &Discrete) -> bool {
    let Ok(law) = &discrete.law else { return false };
    let jumps: f64 = law.probability.iter().zip(discrete.generator.leaving()).map(|(p, rate)| p * rate).sum();
    discrete.chain.is_none()
        && (law.reversible || entropy_production(&discrete.generator, &law.probability) < REVERSIBLE * jumps)
}

/// L1 distance of cell probabilities on `grid` to those on its coarsening.
pub fn change(grid: &Grid, fine: &[f64], coarse: &[f64]) -> f64 {
    let merged = grid.coarsen_probability(fine);
    merged.iter().zip(coarse).map(|(a, b)| (a - b).abs()).sum()
}

/// Error on the fine grid from the change h → 2h and, if there is one, 2h → 4h, at an order of at most `highest`.
pub fn richardson(last: f64, before: Option<f64>, highest: f64) -> f64 {
    let order = match before {
        Some(before) if before > 0.0 && last > 0.0 => (before / last).log2().clamp(LEAST, highest),
        _ => f64::from(ORDER),
    };
    (last / (2f64.powf(order) - 1.0)).min(2.0) // no two laws are farther apart
}

/// A number on the grids h, 2h and, if there is one, 4h extrapolated to h = 0 at the order that it shows, the declared one where it
/// shows none.
pub fn extrapolated(fine: f64, coarse: f64, coarsest: Option<f64>) -> f64 {
    let last = fine - coarse;
    let observed =
        coarsest.map(|coarsest| (coarse - coarsest) / last).filter(|ratio| ratio.is_finite() && *ratio > 0.0);
    let order = observed.map_or(f64::from(ORDER), |ratio| ratio.log2());
    let order = if (LEAST..=4.5).contains(&order) { order } else { f64::from(ORDER) };
    fine + last / (2f64.powf(order) - 1.0)
}

/// Mean (d) and covariance (packed).
pub type Moments = (Vec<f64>, Vec<f64>);

/// One companion run.
struct Level {
    discrete: Discrete,
    transient: Option<Transient>,
}

/// What the errors of the levels have to do with that of the fine grid.
enum Kind {
    /// Levels on 2h and 4h; whether the fine law is reversible up to quadrature.
    Order { reversible: bool },
    /// A chain on 2h with blocks four times as long as this one on the fine grid.
    Coarser { block: f64 },
    /// A chain on the same grid with blocks twice as long as this one, where the noise of no step covers the cells of 2h.
    Longer { block: f64 },
}

/// What one run shows at a time or at rest.
struct Shown {
    law: Vec<f64>,
    /// The laws that it was extrapolated from.
    parts: Option<[Vec<f64>; 2]>,
    /// Estimated error by the reading of cell averages.
    reading: f64,
}

impl Shown {
    fn at_rest(discrete: &Discrete) -> Option<Self> {
        let law = discrete.law.as_ref().ok()?;
        let reading = if discrete.chain.is_some() { reading_error(&discrete.grid, &law.probability) } else { 0.0 };
        Some(Self { law: discrete.at_rest()?, parts: discrete.unextrapolated_at_rest(), reading })
    }

    fn moving(discrete: &Discrete, transient: &Transient) -> Self {
        let reading = if discrete.chain.is_some() { reading_error(&discrete.grid, &transient.centre) } else { 0.0 };
        Self { law: transient.probability.clone(), parts: transient.unextrapolated(), reading }
    }
}

/// The companion runs.
pub(crate) struct Companion {
    levels: Vec<Level>,
    kind: Kind,
    from: f64,
}

impl Companion {
    /// Companions of `fine`, whose start law is `start`; None where an axis cannot be coarsened, or the companion of a chain fails.
    /// Errors: coefficients that are not finite, [`Error::Interrupted`].
    pub fn new(problem: &Problem, fine: &Discrete, start: &[f64], interrupt: Interrupt) -> Result<Option<Self>, Error> {
        let level = |discrete| Level { discrete, transient: None };
        let Some(block) = fine.block() else {
            let Some(grid) = fine.grid.coarsened() else { return Ok(None) };
            let mut levels = vec![level(Discrete::edges(problem, &grid, interrupt)?)];
            if let Some(grid) = grid.coarsened() {
                levels.push(level(Discrete::edges(problem, &grid, interrupt)?));
            }
            let kind = Kind::Order { reversible: nearly_reversible(fine) };
            return Ok(Some(Self { levels, kind, from: 0.0 }));
        };
        let found = match fine.coarser_chain(problem, start, interrupt) {
            Ok(None) => fine.longer_chain(start, interrupt).map(|found| found.map(|d| (d, Kind::Longer { block }))),
            found => found.map(|found| found.map(|d| (d, Kind::Coarser { block }))),
        };
        match found {
            Ok(found) => Ok(found.map(|(discrete, kind)| Self { levels: vec![level(discrete)], kind, from: 0.0 })),
            Err(error @ Error::Interrupted { .. }) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// The coarser discretisation.
    pub fn discrete(&self) -> &Discrete {
        &self.levels[0].discrete
    }

    /// Errors of its numbers over those of the fine one.
    pub fn growth(&self) -> f64 {
        match self.kind {
            Kind::Order { .. } | Kind::Longer { .. } => 2f64.powi(ORDER),
            Kind::Coarser { .. } => 16.0,
        }
    }

    /// The same of mean first-passage times: surfaces that are more than points leave a chain second order.
    pub fn growth_of_passages(&self, d: usize) -> f64 {
        if d == 1 { self.growth() } else { 2f64.powi(ORDER) }
    }

    /// Starts beside the fine run, from the same law at time `from`. Errors: as for the integrators.
    pub fn start(
        &mut self,
        grid: &Grid,
        start: &[f64],
        from: f64,
        times: &[f64],
        options: &FokkerPlanckOptions,
    ) -> Result<(), Error> {
        self.from = from;
        let (mut grid, mut law) = (grid.clone(), start.to_vec());
        for level in &mut self.levels {
            if level.discrete.grid != grid {
                law = grid.coarsen_probability(&law);
                grid = level.discrete.grid.clone();
            }
            level.transient = Some(Transient::new(&level.discrete, law.clone(), from, times, options)?);
        }
        Ok(())
    }

    /// Estimated L1 error of the fine density at time `to`; None before [`Companion::start`]. Errors: as for the integrators.
    pub fn advance(
        &mut self,
        to: f64,
        fine: &Discrete,
        transient: &Transient,
        interrupt: Interrupt,
    ) -> Result<Option<f64>, Error> {
        for transient in self.levels.iter_mut().filter_map(|level| level.transient.as_mut()) {
            transient.advance(to, interrupt)?;
        }
        let shown = |level: &Level| level.transient.as_ref().map(|t| Shown::moving(&level.discrete, t));
        Ok(self.estimate(&fine.grid, &Shown::moving(fine, transient), &shown, Some(to - self.from)))
    }

    /// The moments `fine` (mean, covariance) of the density now, extrapolated with those of the companions.
    pub fn refined_moments(&self, fine: &Moments) -> Option<RefinedMoments> {
        self.refine(fine, &|level| level.transient.as_ref().map(|t| moments(&level.discrete.grid, &t.centre)))
    }

    /// The moments `fine` of the stationary density, extrapolated.
    pub fn refined_moments_at_rest(&self, fine: &Moments) -> Option<RefinedMoments> {
        let of = |level: &Level| Some(moments(&level.discrete.grid, &level.discrete.law.as_ref().ok()?.probability));
        self.refine(fine, &of)
    }

    fn refine(&self, fine: &Moments, of: &dyn Fn(&Level) -> Option<Moments>) -> Option<RefinedMoments> {
        let first = of(&self.levels[0])?;
        let second = self.levels.get(1).and_then(of);
        let one = |f: f64, coarse: f64, coarsest: Option<f64>| match self.kind {
            Kind::Order { .. } => extrapolated(f, coarse, coarsest),
            _ => f + (f - coarse) / (self.growth() - 1.0),
        };
        let all = |f: &[f64], first: &[f64], second: Option<&[f64]>| -> Vec<f64> {
            (0..f.len()).map(|k| one(f[k], first[k], second.map(|second| second[k]))).collect()
        };
        let mean = all(&fine.0, &first.0, second.as_ref().map(|s| s.0.as_slice()));
        let covariance = all(&fine.1, &first.1, second.as_ref().map(|s| s.1.as_slice()));
        let error = |refined: &[f64], f: &[f64]| refined.iter().zip(f).map(|(r, f)| (r - f).abs()).collect();
        Some(RefinedMoments {
            mean_error: error(&mean, &fine.0),
            covariance_error: error(&covariance, &fine.1),
            mean,
            covariance,
        })
    }

    /// Estimated L1 error of the fine stationary density.
    pub fn stationary(&self, fine: &Discrete) -> Option<f64> {
        self.estimate(&fine.grid, &Shown::at_rest(fine)?, &|level| Shown::at_rest(&level.discrete), None)
    }

    /// The error after `elapsed` time; None: at rest.
    fn estimate(
        &self,
        grid: &Grid,
        fine: &Shown,
        shown: &dyn Fn(&Level) -> Option<Shown>,
        elapsed: Option<f64>,
    ) -> Option<f64> {
        let first = shown(&self.levels[0])?;
        // of the lengths of both blocks as they were divided
        let ratio = |block: f64, times: f64| {
            elapsed.map_or(times, |elapsed| blocks(elapsed, block) / blocks(elapsed, times * block))
        };
        let error = match self.kind {
            Kind::Order { reversible } => {
                let last = change(grid, &fine.law, &first.law);
                let second = self.levels.get(1).and_then(shown);
                let before = second.map(|second| change(&self.levels[0].discrete.grid, &first.law, &second.law));
                richardson(last, before, highest(reversible, elapsed.is_none()))
            }
            Kind::Coarser { block } => {
                let early = elapsed.is_some_and(|elapsed| elapsed < SHORTENED * 4.0 * block);
                by_coarser_chain(grid, fine, &first, ratio(block, 4.0), early)
            }
            Kind::Longer { block } => {
                let by_step = distance(&fine.law, &first.law) / (ratio(block, 2.0).powi(2) - 1.0).max(1.0);
                by_step + fine.reading
            }
        };
        Some(error.min(2.0)) // no two laws are farther apart
    }
}

/// Error of a chain by one on 2h whose steps are `ratio` times as long; `early` in less time than one of its blocks.
fn by_coarser_chain(grid: &Grid, fine: &Shown, coarse: &Shown, ratio: f64, early: bool) -> f64 {
    let change = change(grid, &fine.law, &coarse.law);
    let whole = if (3.5..4.5).contains(&ratio) {
        change / 15.0
    } else {
        let rest = (change - coarse.reading).max(0.0) / (ratio * ratio - 1.0).max(3.0);
        // blocks shorter than the companion's own may not cover its cells, but the extrapolation moves a law by more than its error
        let moved = fine.parts.as_ref().filter(|_| early).map_or(rest, |[a, b]| distance(a, b));
        fine.reading + rest.min(moved)
    };
    whole.max(by_step(grid, fine, coarse, ratio).unwrap_or(0.0))
}

/// Error b τ² of the extrapolation of a (steps τ) and b (2τ) by that of b and c (rτ, on 2h): ‖(2a − b) − (r b − 2c)/(r − 2)‖/(r − 1),
/// less what the reading on 2h makes of it.
fn by_step(grid: &Grid, fine: &Shown, coarse: &Shown, ratio: f64) -> Option<f64> {
    let ([a, b], [c, _]) = (fine.parts.as_ref()?, coarse.parts.as_ref()?);
    if ratio < 2.5 {
        return None;
    }
    let (from_b, from_c) = (ratio / (ratio - 2.0), 2.0 / (ratio - 2.0));
    let combined: Vec<f64> = a.iter().zip(b).map(|(a, b)| 2.0 * a - b - from_b * b).collect();
    let merged = grid.coarsen_probability(&combined);
    let change: f64 = merged.iter().zip(c).map(|(m, c)| (m + from_c * c).abs()).sum();
    Some((change - from_c * coarse.reading).max(0.0) / (ratio - 1.0))
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_observed_order_turns_a_change_into_an_error() {
        // e(h) = C h^r: changes C h^r (2^r − 1) and 2^r times that
        for order in [1.0, 2.0, 3.0] {
            let factor = 2f64.powf(order);
            let error = richardson(1e-3 * (factor - 1.0), Some(1e-3 * factor * (factor - 1.0)), 4.0);
            assert!((error / 1e-3 - 1.0).abs() < 1e-12, "{order} {error}");
        }
        assert_eq!(richardson(3e-3, None, 2.0), 1e-3);
        assert_eq!(richardson(0.0, Some(1.0), 2.0), 0.0);
    }
}
