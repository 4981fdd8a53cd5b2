//! Total variation.

use super::{Metric, Pair, Reading, Scaling};
use crate::statistics::{Cellwise, distance_quantile};

/// ½ Σ |p − q| over the cells and the outside.
pub const METRIC: Metric = Metric {
    name: "total_variation",
    definition: "½ Σ |p − q| over the cells and the outside as one more cell; 0 to 1",
    reference: "noise: mean absolute deviation of binomial counts (De Moivre 1730; Diaconis & Zabell, Stat. Sci. 6, 1991)",
    scaling: Scaling::Root,
    quick: true,
    is_quantile: true,
    budget: |_, g| Some(g),
    read,
};

fn read(pair: &Pair, rate: f64) -> Vec<Reading> {
    let value = 0.5 * pair.a.cells().zip(pair.b.cells()).map(|(p, q)| (p - q).abs()).sum::<f64>();
    let noise = pair.cellwise(Cellwise::TotalVariation);
    // counts are whole numbers: the law of matching shape may end short of the next value
    let step = pair.a.walkers.iter().chain(&pair.b.walkers).min().map_or(0.0, |&n| 2.0 / n.max(1) as f64);
    vec![Reading { value, noise_floor: noise.mean, noise_upper: distance_quantile(noise, rate) + step }]
}
