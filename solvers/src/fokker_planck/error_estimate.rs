//! Estimates of the discretisation error by the same problem on coarser grids.
//!
//! With the densities on the grids h, 2h and 4h the observed order is r = log₂(‖ρ_4h − ρ_2h‖/‖ρ_2h − ρ_h‖), and the error at h is
//! estimated as ‖ρ_2h − ρ_h‖/(2^r − 1): right where the scheme has its declared order, where centre values make a reversible
//! density fourth order, and where high cell Péclet numbers leave the first. The chain has, instead of the grid 4h, the grid 2h with
//! steps twice as long, which tells its error in the step.

use super::choice::Choice;
use super::current::entropy_production;
use super::options::{FokkerPlanckOptions, SpaceMethod};
use super::run::{Discrete, Transient};
use crate::Error;
use crate::engine::Interrupt;
use crate::grid::Grid;
use crate::problem::Problem;

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

/// Estimated L1 errors of a density.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// By the grid.
    pub grid: f64,
    /// By the chain's steps; 0 for the edge generator, whose integrator tells its own.
    pub step: f64,
}

/// One companion run.
struct Level {
    discrete: Discrete,
    transient: Option<Transient>,
}

impl Level {
    fn new(discrete: Discrete) -> Self {
        Self { discrete, transient: None }
    }

    fn edges(problem: &Problem, grid: &Grid, interrupt: Interrupt) -> Result<Self, Error> {
        Ok(Self::new(Discrete::edges(problem, grid, interrupt)?))
    }
}

/// The companion runs: on 2h, and on 4h or with longer steps.
pub(super) struct Companion {
    first: Level,
    second: Option<Level>,
    /// Step of the chain over that of its companion; None for the edge generator.
    steps: Option<f64>,
    /// Whether the fine law is reversible up to quadrature.
    reversible: bool,
}

impl Companion {
    /// The discretisation `fine` with the start law `start` on coarser grids; None where an axis cannot be coarsened, or no step of the
    /// chain resolves the noise there.
    pub fn new(
        problem: &Problem,
        choice: &mut Choice,
        fine: &Discrete,
        start: &[f64],
        interrupt: Interrupt,
    ) -> Result<Option<Self>, Error> {
        let Some(grid) = fine.grid.coarsened() else { return Ok(None) };
        if choice.method == SpaceMethod::Edges {
            let second = grid.coarsened().map(|grid| Level::edges(problem, &grid, interrupt)).transpose()?;
            return Ok(Some(Self {
                first: Level::edges(problem, &grid, interrupt)?,
                second,
                steps: None,
                reversible: nearly_reversible(fine),
            }));
        }
        let start = fine.grid.coarsen_probability(start);
        let with_chain = |step| Discrete::edges(problem, &grid, interrupt)?.with_chain(&start, step);
        let tried = choice.coarse.take().filter(|(short, _)| short.grid == grid);
        let pair = tried.map_or_else(
            || {
                let short = with_chain(None)?;
                let long = with_chain(short.step().map(|step| 2.0 * step))?;
                Ok((short, long))
            },
            Ok,
        );
        let Ok((short, long)): Result<_, Error> = pair else { return Ok(None) };
        let steps = fine.step().zip(short.step()).map(|(fine, coarse)| fine / coarse);
        Ok(Some(Self { first: Level::new(short), second: Some(Level::new(long)), steps, reversible: false }))
    }

    fn levels(&mut self) -> impl Iterator<Item = &mut Level> {
        [&mut self.first].into_iter().chain(&mut self.second)
    }

    /// The problem on the coarse grid.
    pub fn discrete(&self) -> &Discrete {
        &self.first.discrete
    }

    /// Starts beside the fine run, from the same law.
    pub fn start(
        &mut self,
        grid: &Grid,
        start: &[f64],
        from: f64,
        times: &[f64],
        options: &FokkerPlanckOptions,
    ) -> Result<(), Error> {
        let coarse = grid.coarsen_probability(start);
        for level in self.levels() {
            let own = &level.discrete.grid;
            let law = if own.len() == coarse.len() {
                coarse.clone()
            } else {
                grid.coarsened().map_or_else(Vec::new, |grid| grid.coarsen_probability(&coarse))
            };
            level.transient = Some(Transient::new(&level.discrete, law, from, times, options)?);
        }
        Ok(())
    }

    /// Estimated L1 error of the fine density at time `to`.
    pub fn advance(&mut self, to: f64, grid: &Grid, fine: &[f64], interrupt: Interrupt) -> Result<Estimate, Error> {
        let mut laws = Vec::new();
        for level in self.levels() {
            if let Some(transient) = &mut level.transient {
                transient.advance(to, interrupt)?;
                laws.push(transient.probability.clone());
            }
        }
        let laws = [laws.first().map(Vec::as_slice), laws.get(1).map(Vec::as_slice)];
        Ok(self.estimate(grid, fine, laws, false).unwrap_or_default())
    }

    /// Estimated L1 error of the fine stationary density.
    pub fn stationary(&self, grid: &Grid, fine: &[f64]) -> Option<Estimate> {
        let first = self.first.discrete.at_rest();
        let second = self.second.as_ref().and_then(|level| level.discrete.at_rest());
        self.estimate(grid, fine, [first.as_deref(), second.as_deref()], true)
    }

    fn estimate(&self, grid: &Grid, fine: &[f64], laws: [Option<&[f64]>; 2], at_rest: bool) -> Option<Estimate> {
        let [first, second] = laws;
        let first = first?;
        let last = change(grid, fine, first);
        Some(match self.steps {
            None => {
                let before = second.map(|second| change(&self.first.discrete.grid, first, second));
                Estimate { grid: richardson(last, before, highest(self.reversible, at_rest)), step: 0.0 }
            }
            Some(ratio) => {
                let by_step: f64 = second.map_or(0.0, |long| first.iter().zip(long).map(|(a, b)| (a - b).abs()).sum());
                Estimate { grid: richardson(last, None, f64::from(ORDER)), step: ratio * by_step }
            }
        })
    }
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
