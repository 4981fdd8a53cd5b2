//! What the chain of minibatch descent adds to its group: the laws of the long run, and what was given up cell by cell.

use fpsolve_solvers::engine::{ByCell, LongRun};
use fpsolve_solvers::problem::density;
use fpsolve_solvers::problem::grid::Grid;

use crate::record::scales::{array, field, index_scale, unpacked};
use crate::record::{Dataset, Group};

/// Adds `stationary_density` (n…), `stationary_mean` (d), `stationary_covariance` (d×d), `third_moment` (d), their errors where known,
/// `class_probability` (classes), and the law of each class `class_density` (classes, n…) where there are several.
pub fn add_long_run(group: &mut Group, grid: &Grid, law: &LongRun) {
    let (d, classes) = (grid.dimension(), law.class_probability.len());
    let long_name = "density of the chain in the long run, from the initial law, cell averages";
    let density = density::from_probability(grid, &law.probability);
    group.datasets.push(field("stationary_density", grid, &[], density, "1", long_name));
    let mut add = |name: &str, shape: &[usize], axes: &[&str], values: Vec<f64>, long_name: &str| {
        group.datasets.push(Dataset::float(name, array(shape, values), axes, "1", long_name));
    };
    add("stationary_mean", &[d], &["component"], law.mean.clone(), "mean in the long run");
    let covariance = unpacked(d, &law.covariance);
    add("stationary_covariance", &[d, d], &["row", "column"], covariance, "covariance in the long run");
    add("third_moment", &[d], &["component"], law.third_moment.clone(), "third central moment in the long run");
    let errors = &law.moment_errors;
    if !errors.is_empty() {
        let (mean, rest) = errors.split_at(d);
        let (covariance, third) = rest.split_at(rest.len() - d);
        let long_name = "estimated error of stationary_mean by the grid";
        add("stationary_mean_error", &[d], &["component"], mean.to_vec(), long_name);
        let long_name = "estimated error of stationary_covariance by the grid";
        add("stationary_covariance_error", &[d, d], &["row", "column"], unpacked(d, covariance), long_name);
        add("third_moment_error", &[d], &["component"], third.to_vec(), "estimated error of third_moment by the grid");
    }
    group.datasets.push(index_scale("class", classes, "number of the set that is never left"));
    let shares = array(&[classes], law.class_probability.clone());
    let long_name = "probability of ending in each set that is never left, from the initial law";
    group.datasets.push(Dataset::float("class_probability", shares, &["class"], "1", long_name));
    if classes > 1 {
        let laws = law.class_laws.iter().flat_map(|law| density::from_probability(grid, law)).collect();
        let long_name = "invariant density on each set that is never left, cell averages";
        group.datasets.push(field("class_density", grid, &[("class", classes)], laws, "1", long_name));
    }
}

/// Adds what an engine tells of itself cell by cell (n…).
pub fn add_by_cell(group: &mut Group, grid: &Grid, all: Vec<ByCell>) {
    let fields = all.into_iter().map(|one| field(one.name, grid, &[], one.values, "1", one.about));
    group.datasets.extend(fields);
}
