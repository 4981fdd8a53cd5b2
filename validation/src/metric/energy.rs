//! Energy distance of the marginals: Cramér's distance, of the distribution functions in the square.

use super::{Marginal, Metric, Pair, Reading, Scaling, over_axes, over_lengths};
use crate::statistics::{Functional, bridge, square_integral};

/// √(2 ∫ (F − G)² dx), the largest over the axes.
pub const METRIC: Metric = Metric {
    name: "energy_distance",
    definition: "√(2 ∫ (F − G)² dx) of the marginals (uniform inside each cell), conditional on being on the grid: the root of \
                 2E|X − Y| − E|X − X'| − E|Y − Y'| along the axis; on a periodic axis the least over F − G − c (Watson); the largest \
                 over the axes",
    reference: "Székely & Rizzo, J. Stat. Plan. Inference 143, 2013; Watson, Biometrika 48, 1961; noise: Brownian bridge of the law",
    scaling: Scaling::Root,
    quick: true,
    is_quantile: true,
    budget: |pair, g| Some(over_lengths(pair, |length| g * (2.0 * length).sqrt())),
    read,
};

fn read(pair: &Pair, rate: f64) -> Vec<Reading> {
    over_axes(pair, rate, farthest, |marginal, rate| {
        let (edges, widths) = marginal.difference();
        let value = (2.0 * square_integral(&edges, &widths, marginal.axis.is_periodic())).sqrt();
        let (noise_floor, noise_upper, sd) = bridge(marginal, &widths, rate, Functional::Energy);
        (Reading { value, noise_floor, noise_upper }, sd)
    })
}

/// The largest distance of two laws on the axis: F − G is 1 along it, on a circle ±½.
fn farthest(marginal: &Marginal) -> f64 {
    (2.0 * marginal.axis.length() * if marginal.axis.is_periodic() { 0.25 } else { 1.0 }).sqrt()
}
