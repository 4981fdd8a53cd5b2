//! `/fokker_planck`, `/langevin`, `/sgd`, …: what an engine showed at the output times.

use fpsolve_solvers::engine::{RefinedMoments, Snapshot};
use fpsolve_solvers::problem::grid::Grid;

use crate::record::scales::{
    array, component_scale, field, matrix_scales, series, time_scale, unpacked, variable_scales,
};
use crate::record::{Attribute, Dataset, Group};

/// `/fokker_planck`, `/langevin` or `/sgd`: what an engine showed at the output times, its attributes and warnings.
///
/// Densities are probabilities over volumes. Ensembles also get `mean_se`, the standard error of the mean.
pub fn engine_group(
    name: &str,
    walkers: Option<usize>,
    grid: &Grid,
    snapshots: &[Snapshot],
    attributes: &[(&'static str, Attribute)],
    warnings: &[String],
) -> Group {
    let (d, t) = (grid.dimension(), snapshots.len());
    let mut group = Group::new(name);
    for (key, value) in attributes {
        group.set(key, value.clone());
    }
    group.set("warnings", Attribute::Text(warnings.join("\n")));
    group.datasets.push(time_scale(&snapshots.iter().map(|s| s.time).collect::<Vec<_>>()));
    group.datasets.extend(variable_scales(grid));
    group.datasets.push(component_scale(grid));
    group.datasets.extend(matrix_scales(grid));
    let volumes = grid.volumes();
    let mut density = Vec::with_capacity(t * volumes.len()); // of this size at once: it is the largest part of a record
    for snapshot in snapshots {
        density.extend(snapshot.probability.iter().zip(&volumes).map(|(p, v)| p / v));
    }
    group.datasets.push(field("density", grid, &[("time", t)], density, "1", "probability density, cell averages"));
    let mean = snapshots.iter().flat_map(|s| s.mean.iter().copied()).collect();
    group.datasets.push(Dataset::float("mean", array(&[t, d], mean), &["time", "component"], "1", "mean position"));
    if walkers.is_some() {
        let se = snapshots.iter().flat_map(|s| s.mean_se.iter().copied()).collect();
        let long_name = "standard error of the mean position";
        group.datasets.push(Dataset::float("mean_se", array(&[t, d], se), &["time", "component"], "1", long_name));
    }
    let covariance = snapshots.iter().flat_map(|s| unpacked(d, &s.covariance)).collect();
    let axes = ["time", "row", "column"];
    group.datasets.push(Dataset::float(
        "covariance",
        array(&[t, d, d], covariance),
        &axes,
        "1",
        "covariance of the position",
    ));
    let outside = snapshots.iter().map(|s| s.outside).collect();
    group.datasets.push(series("outside", outside, "share of the probability off the grid"));
    group
}

/// How a density relaxes, a number for each output time.
#[derive(Debug, Clone, PartialEq)]
pub struct Relaxation {
    /// Differential entropy −∫ρ ln ρ.
    pub entropy: Vec<f64>,
    /// Kullback–Leibler divergence and total variation to the stationary density; None where that is not known.
    pub to_stationary: Option<[Vec<f64>; 2]>,
}

/// Adds to the Fokker–Planck group `entropy`, and where the stationary density is known `kl_to_stationary` and
/// `total_variation_to_stationary`.
pub fn add_relaxation(group: &mut Group, relaxation: Relaxation) {
    group.datasets.push(series("entropy", relaxation.entropy, "differential entropy"));
    if let Some([kl, tv]) = relaxation.to_stationary {
        group.datasets.push(series("kl_to_stationary", kl, "Kullback–Leibler divergence to the stationary density"));
        group.datasets.push(series("total_variation_to_stationary", tv, "total variation to the stationary density"));
    }
}

/// Adds the extrapolated moments of the output times: `mean_extrapolated`, `mean_error` and the same of the covariance.
pub fn add_refined_moments(group: &mut Group, grid: &Grid, refined: &[RefinedMoments]) {
    let (d, t) = (grid.dimension(), refined.len());
    let mut add = |name: &str, shape: &[usize], axes: &[&str], values: Vec<f64>, long_name: &str| {
        group.datasets.push(Dataset::float(name, array(shape, values), axes, "1", long_name));
    };
    let (vector, matrix) = (["time", "component"], ["time", "row", "column"]);
    let flat = |of: &dyn Fn(&RefinedMoments) -> Vec<f64>| refined.iter().flat_map(of).collect();
    add("mean_extrapolated", &[t, d], &vector, flat(&|r| r.mean.clone()), "mean position, error of the grid taken off");
    add("mean_error", &[t, d], &vector, flat(&|r| r.mean_error.clone()), "estimated error of the mean by the grid");
    let long_name = "covariance of the position, error of the grid taken off";
    add("covariance_extrapolated", &[t, d, d], &matrix, flat(&|r| unpacked(d, &r.covariance)), long_name);
    let long_name = "estimated error of the covariance by the grid";
    add("covariance_error", &[t, d, d], &matrix, flat(&|r| unpacked(d, &r.covariance_error)), long_name);
}
