//! What only ensembles put into a record: quantiles, standard errors, followed walkers, first passages.

use fpsolve_solvers::engine::{QUANTILE_LEVELS, Statistics};
use fpsolve_solvers::ensemble::Trajectories;
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::langevin::first_passage::FirstPassage;
use fpsolve_solvers::numerics::symmetric::packed_index;
use fpsolve_solvers::problem::grid::Grid;

use crate::record::scales::{array, index_scale, series, time_scale, vector};
use crate::record::{Attribute, Dataset, Group, Record};

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
    let full =
        |s: &Statistics| (0..d * d).map(|ij| s.covariance_se[packed_index(d, ij / d, ij % d)]).collect::<Vec<f64>>();
    let values = array(&[t, d, d], statistics.iter().flat_map(full).collect());
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

/// The group `/escape/<name>` with its target, avoided set, start and output times, made where it is missing.
pub fn passage_group<'a>(record: &'a mut Record, passage: &Passage, times: &[f64]) -> &'a mut Group {
    let group = record.group_mut("escape").group_mut(&passage.name);
    group.set("target", Attribute::Text(passage.target.text().to_string()));
    if let Some(avoid) = &passage.avoid {
        group.set("avoid", Attribute::Text(avoid.text().to_string()));
    }
    let from: Vec<String> = passage.from.iter().map(f64::to_string).collect();
    group.set("from", Attribute::Text(from.join(" ")));
    if !group.datasets.iter().any(|dataset| dataset.name == "time") {
        group.datasets.push(time_scale(times));
    }
    group
}

/// Adds to `/escape/<name>` what an ensemble found: `langevin_survival` and `langevin_survival_se` over `time`, the mean time and
/// how it was found as attributes; where something else than an arrival can happen also `langevin_committor` with its standard
/// error, of the walkers that came to the target, the avoided set or an absorbing wall, and `langevin_undecided`, the share of the
/// others.
pub fn add_first_passage(group: &mut Group, passage: &Passage, times: &[f64], found: &FirstPassage) {
    let (survival, errors) = found.survival(times).into_iter().unzip();
    group.datasets.push(series("langevin_survival", survival, "share of the Langevin walkers still on their way"));
    group.datasets.push(series("langevin_survival_se", errors, "standard error of langevin_survival"));
    if found.absorbed.len() < found.walkers {
        group.set("langevin_mean", Attribute::Float(found.mean));
        group.set("langevin_mean_se", Attribute::Float(found.standard_error));
    }
    let median = found.arrivals.get(found.walkers / 2);
    group.set("langevin_walkers", Attribute::Integer(found.walkers as i64));
    group.set("langevin_censored", Attribute::Float(found.censored()));
    group.set("langevin_absorbed", Attribute::Float(found.absorbed()));
    median.into_iter().for_each(|median| group.set("langevin_median", Attribute::Float(*median)));
    group.set("langevin_horizon", Attribute::Float(passage.horizon));
    group.set("langevin_step", Attribute::Float(found.step));
    group.set("langevin_bridge", Attribute::Text(found.bridge.to_string()));
    if let Some((committor, error)) = found.first.and_then(|first| first.committor()) {
        group.set("langevin_committor", Attribute::Float(committor));
        group.set("langevin_committor_se", Attribute::Float(error));
        group.set("langevin_undecided", Attribute::Float(found.undecided()));
    }
}
