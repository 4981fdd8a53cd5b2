//! Wasserstein distance of order 1 of the marginals, exact between densities that are uniform in each cell.

use super::{Marginal, Metric, Pair, Reading, Scaling, over_axes, over_lengths};
use crate::statistics::{Functional, absolute_integral, bridge, circular_median};

/// ∫ |F − G| dx, the largest over the axes.
pub const METRIC: Metric = Metric {
    name: "wasserstein_1",
    definition: "∫ |F − G| dx of the marginals (uniform inside each cell), conditional on being on the grid, in units of the \
                 axis; on a periodic axis min over c of ∫ |F − G − c| dx; the largest over the axes",
    reference: "Vallender, Theory Prob. Appl. 18, 1974; on the circle Rabin, Delon & Gousseau, J. Math. Imaging Vis. 41, \
                2011; noise: Brownian bridge of the law (del Barrio, Giné & Matrán, Ann. Prob. 27, 1999)",
    scaling: Scaling::Root,
    quick: true,
    is_quantile: true,
    budget: |pair, g| Some(over_lengths(pair, |length| g * length)),
    read,
};

fn read(pair: &Pair, rate: f64) -> Vec<Reading> {
    over_axes(pair, rate, farthest, |marginal, rate| {
        let (edges, widths) = marginal.difference();
        let value = distance(marginal, &edges, &widths);
        let (noise_floor, noise_upper, sd) = bridge(marginal, &widths, rate, Functional::Wasserstein);
        (Reading { value, noise_floor, noise_upper }, sd)
    })
}

/// The largest W1 of two laws on the axis: its length, half of it on a circle.
fn farthest(marginal: &Marginal) -> f64 {
    marginal.axis.length() * if marginal.axis.is_periodic() { 0.5 } else { 1.0 }
}

/// ∫ |F − G| from its values at the cell edges.
fn distance(marginal: &Marginal, edges: &[f64], widths: &[f64]) -> f64 {
    let shift = if marginal.axis.is_periodic() { circular_median(edges, widths) } else { 0.0 };
    absolute_integral(edges, widths, shift)
}
