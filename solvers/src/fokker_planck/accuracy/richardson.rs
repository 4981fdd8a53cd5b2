//! Errors from the same densities and numbers on coarser grids: see [`crate::numerics::richardson`].

pub use crate::numerics::richardson::{Extrapolated, LEAST, ORDER, extrapolated, richardson};
use crate::problem::density::l1;
use crate::problem::grid::Grid;

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
