//! Errors from the same numbers on coarser grids (L. F. Richardson, doi:10.1098/rsta.1911.0009).
//!
//! With the densities on the grids h, 2h and 4h the observed order is r = log₂(‖ρ_4h − ρ_2h‖/‖ρ_2h − ρ_h‖), and the error at h is
//! estimated as ‖ρ_2h − ρ_h‖/(2^r − 1): right where the scheme has its declared order, where centre values make a reversible
//! density fourth order, and where high cell Péclet numbers leave the first.

use crate::problem::density::l1;
use crate::problem::grid::Grid;

/// The order that is assumed where it cannot be observed.
pub const ORDER: i32 = 2;
/// The least order that is believed.
const LEAST: f64 = 0.75;

/// The highest order that is believed: centre values make a reversible stationary density fourth order, and transients that have
/// come near it nearly so; all else is second order, whatever coarse grids show first.
pub fn highest(reversible: bool, stationary: bool) -> f64 {
    match (reversible, stationary) {
        (true, true) => 4.0,
        (true, false) => 3.0,
        _ => f64::from(ORDER),
    }
}

/// L1 distance of cell probabilities on `grid` to those on its coarsening.
pub fn change(grid: &Grid, fine: &[f64], coarse: &[f64]) -> f64 {
    let merged = grid.coarsen_probability(fine);
    l1(&merged, coarse)
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
