//! Sliced Wasserstein distance: along many directions at once, so that it sees what no marginal shows.

use super::coarse::Coarse;
use super::{Metric, Pair, Reading, Scaling, spreads};

/// The mean of ∫ |F − G| over directions.
pub const METRIC: Metric = Metric {
    name: "sliced_wasserstein",
    definition: "mean of ∫ |F − G| over 16 directions (32 in three variables), of the laws gathered in at most 48 (16) cells along each axis, \
                 in units of the spread along each axis, conditional on being on the grid; not meaningful on periodic axes, where it is 0",
    reference: "Rabin, Peyré, Delon & Bernot, SSVM 2011; noise: mean √(2/π) ∫ √(F(1 − F)/N), tail of Borell, Invent. Math. 30, 1975",
    scaling: Scaling::Root,
    quick: false,
    is_quantile: false,
    budget: |pair, g| Some(g * spreads(pair).map(|r| r * r).sum::<f64>().sqrt()),
    read,
};

fn read(pair: &Pair, rate: f64) -> Vec<Reading> {
    let most = if pair.marginals().len() < 3 { 48 } else { 16 };
    let Some(coarse) = Coarse::of(pair, most) else {
        return vec![Reading { value: 0.0, noise_floor: 0.0, noise_upper: 0.0 }];
    };
    let directions = directions(coarse.dimension);
    let mut sums = [0.0; 2];
    for direction in &directions {
        let [value, noise] = along(&coarse, direction);
        sums = [sums[0] + value, sums[1] + noise];
    }
    let [value, noise] = sums.map(|sum| sum / directions.len() as f64);
    let noise_floor = if coarse.walkers.is_infinite() { 0.0 } else { noise / coarse.walkers.sqrt() };
    // a mean over directions of functions of slope 1 of a projection has at most the mean variance of the projections
    let noise_upper = coarse.upper(noise_floor, coarse.trace / coarse.dimension as f64, rate);
    vec![Reading { value, noise_floor, noise_upper }]
}

/// ∫ |F − G| and √(2/π) ∫ √(F(1 − F)) of the projections.
fn along(coarse: &Coarse, direction: &[f64; 3]) -> [f64; 2] {
    let place = |point: &[f64; 3]| (0..3).map(|k| point[k] * direction[k]).sum::<f64>();
    let mut order: Vec<(f64, usize)> = coarse.points.iter().enumerate().map(|(i, point)| (place(point), i)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut difference, mut below, mut sums) = (0.0, 0.0, [0.0; 2]);
    for pair in order.windows(2) {
        difference += coarse.difference[pair[0].1];
        below += coarse.law[pair[0].1];
        let step = pair[1].0 - pair[0].0;
        sums[0] += step * f64::abs(difference);
        sums[1] += step * f64::max(below * (1.0 - below), 0.0).sqrt();
    }
    [sums[0], sums[1] * std::f64::consts::FRAC_2_PI.sqrt()]
}

/// Directions, evenly over half of the circle or the sphere.
fn directions(dimension: usize) -> Vec<[f64; 3]> {
    match dimension {
        1 => vec![[1.0, 0.0, 0.0]],
        2 => {
            let angle = |j: usize| std::f64::consts::PI * (j as f64 + 0.5) / 16.0;
            (0..16).map(|j| [angle(j).cos(), angle(j).sin(), 0.0]).collect()
        }
        _ => {
            let golden = std::f64::consts::PI * (3.0 - 5f64.sqrt());
            let one = |j: usize| {
                let height = (j as f64 + 0.5) / 32.0;
                let (radius, angle) = ((1.0 - height * height).sqrt(), golden * j as f64);
                [radius * angle.cos(), radius * angle.sin(), height]
            };
            (0..32).map(one).collect()
        }
    }
}
