//! What the noise of batches is besides its mean and covariance: datasets of `/problem`.

use fpsolve_solvers::gradient_noise::batch_cumulants;
use fpsolve_solvers::gradient_noise::reach::{beyond, reach};
use fpsolve_solvers::problem::Problem;
use rayon::prelude::*;

use super::scales::{array, field};
use super::{Attribute, Dataset, Group};
use crate::text::short;

/// Cells that are looked at together.
const CHUNK: usize = 1024;

/// `batch_skewness` and `batch_excess_kurtosis` (d, n…): standardised third and fourth cumulants of the batch gradient; none
/// for a problem without batches.
pub fn cumulant_fields(problem: &Problem) -> Vec<Dataset> {
    let (Some(minibatch), Some(data)) = (problem.minibatch, problem.model.data()) else { return Vec::new() };
    let (grid, d) = (&problem.grid, problem.dimension());
    let chunks: Vec<_> = (0..grid.len().div_ceil(CHUNK))
        .into_par_iter()
        .map(|c| {
            let points = grid.centers_of(c * CHUNK..grid.len().min((c + 1) * CHUNK));
            batch_cumulants(data, &points, minibatch.batch_size, minibatch.replacement)
        })
        .collect();
    let whole = |part: &dyn Fn(usize) -> Vec<f64>| -> Vec<f64> { (0..d).flat_map(part).collect() };
    let row = |values: &[f64], k: usize| values[k * values.len() / d..(k + 1) * values.len() / d].to_vec();
    let skewness = whole(&|k| chunks.iter().flat_map(|c| row(&c.skewness, k)).collect());
    let kurtosis = whole(&|k| chunks.iter().flat_map(|c| row(&c.excess_kurtosis, k)).collect());
    let leading = [("component", d)];
    vec![
        field("batch_skewness", grid, &leading, skewness, "1", "skewness of the batch gradient, 0 for a normal law"),
        field("batch_excess_kurtosis", grid, &leading, kurtosis, "1", "excess kurtosis of the batch gradient"),
    ]
}

/// Share of the SDE's probability beyond the reach of SGD that is worth a warning.
const NOTICEABLE: f64 = 1e-3;

/// Adds `sgd_reach_lower`, `sgd_reach_upper` (d) and the attribute `beyond_sgd_reach`, the share that `law` (a density of the SDE,
/// with its name) has outside of them; returns a warning where that is noticeable. Nothing where no such box is known.
pub fn add_reach(group: &mut Group, problem: &Problem, law: Option<(&str, &[f64])>) -> Option<String> {
    let reach = reach(problem)?;
    for (name, side, words) in [("sgd_reach_lower", 0, "lower"), ("sgd_reach_upper", 1, "upper")] {
        let values = array(&[reach.len()], reach.iter().map(|ends| ends[side]).collect());
        let long_name = format!("{words} end of the box that SGD does not leave once it is inside");
        group.datasets.push(Dataset::float(name, values, &["component"], "1", &long_name));
    }
    let (name, probability) = law?;
    let share = beyond(&problem.grid, &reach, probability);
    group.set("beyond_sgd_reach", Attribute::Float(share));
    let ends = |(variable, [lower, upper]): (&String, &[f64; 2])| {
        format!("{variable} in [{}, {}]", short(*lower), short(*upper))
    };
    let place: Vec<String> = problem.variables.iter().zip(&reach).map(ends).collect();
    (share > NOTICEABLE).then(|| {
        format!(
            "sgd: its noise is bounded, in the long run it stays at {}; {name} has {:.2} % of its probability beyond: that \
             tail belongs to the SDE alone",
            place.join(", "),
            100.0 * share
        )
    })
}
