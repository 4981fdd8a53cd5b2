//! Hellinger distance.

use super::{Metric, Pair, Reading, Scaling};
use crate::statistics::{Cellwise, gamma_quantile, root_mean};

/// √(½ Σ (√p − √q)²) over the cells and the outside.
pub const METRIC: Metric = Metric {
    name: "hellinger",
    definition: "√(½ Σ (√p − √q)²) over the cells and the outside as one more cell; 0 to 1",
    reference: "Hellinger, J. reine angew. Math. 136, 1909; noise of its square: exact Poisson and binomial sums, gamma law",
    scaling: Scaling::Root,
    quick: true,
    is_quantile: true,
    budget: |_, g| Some(g.sqrt()),
    read,
};

fn read(pair: &Pair, rate: f64) -> Vec<Reading> {
    let square = 0.5 * pair.a.cells().zip(pair.b.cells()).map(|(p, q)| (p.sqrt() - q.sqrt()).powi(2)).sum::<f64>();
    let noise = pair.cellwise(Cellwise::SquaredHellinger);
    let noise_upper = gamma_quantile(noise, rate).sqrt();
    vec![Reading { value: square.sqrt(), noise_floor: root_mean(noise), noise_upper }]
}
