//! What only ensembles put into a record: quantiles, standard errors, followed walkers.

use fpsolve_solvers::engine::{QUANTILE_LEVELS, Statistics};
use fpsolve_solvers::ensemble::Trajectories;
use fpsolve_solvers::problem::grid::Grid;

use crate::record::scales::{array, index_scale, unpacked, vector};
use crate::record::{Dataset, Group};

/// Adds to an ensemble's group `quantile` (time, component, level) with its scale `level`, and `covariance_se` (time, row,
/// column), the standard errors of the covariance.
pub fn add_statistics(group: &mut Group, grid: &Grid, statistics: &[Statistics]) {
    let (d, t, q) = (grid.dimension(), statistics.len(), QUANTILE_LEVELS.len());
    if statistics.iter().all(|s| s.quantiles.len() == d * q) {
        group.datasets.push(vector("level", QUANTILE_LEVELS.to_vec(), "1", "share of the walkers below a quantile"));
        let values = statistics.iter().flat_map(|s| s.quantiles.iter().copied()).collect();
        let axes = ["time", "component", "level"];
        group.datasets.push(Dataset::float(
            "quantile",
            array(&[t, d, q], values),
            &axes,
            "1",
            "quantiles of the position",
        ));
    }
    let values = array(&[t, d, d], statistics.iter().flat_map(|s| unpacked(d, &s.covariance_se)).collect());
    let long_name = "standard error of the covariance";
    group.datasets.push(Dataset::float("covariance_se", values, &["time", "row", "column"], "1", long_name));
}

/// Adds `trajectory` (walker, trajectory_time, component): the first walkers at all output times and at steps in between.
pub fn add_trajectories(group: &mut Group, grid: &Grid, kept: &Trajectories) {
    let (d, n, t) = (grid.dimension(), kept.walkers, kept.times.len());
    group.datasets.push(index_scale("walker", n, "number of the walker"));
    group.datasets.push(vector("trajectory_time", kept.times.clone(), "1", "times at which walkers are followed"));
    let at = |walker: usize, row: usize, k: usize| kept.points[(row * d + k) * n + walker];
    let values = (0..n * t * d).map(|i| at(i / (t * d), i / d % t, i % d)).collect();
    let axes = ["walker", "trajectory_time", "component"];
    group.datasets.push(Dataset::float(
        "trajectory",
        array(&[n, t, d], values),
        &axes,
        "1",
        "positions of followed walkers",
    ));
}
