//! The groups of a record, built from plain arrays: names, axes, units and long names as the format fixes them.
//!
//! Each group carries its own copy of the scales it uses (`time`, the variables, `component`, `row`, `column`), so that
//! a reader that opens one group finds its coordinates there. Vectors run over `component`, matrices over `row` and
//! `column`; these scales hold the names of the variables.

use fpsolve_solvers::engine::{RefinedMoments, Snapshot};
use fpsolve_solvers::escape::on_grid::GridPassage;
use fpsolve_solvers::fokker_planck::spectrum::Spectrum;
use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::density;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_validation::compare::Comparison;
use fpsolve_validation::verdict::Verdict;
use ndarray::{ArrayD, IxDyn};

use super::{Attribute, Dataset, Group, Values};

/// Names that datasets and scales of the standard groups take; a variable or a data column cannot have them.
pub const RESERVED: [&str; 47] = [
    "survival",
    "committor",
    "mean_first_passage_time",
    "time",
    "component",
    "row",
    "column",
    "sample",
    "verdict",
    "warning",
    "eigenpair",
    "loss",
    "drift",
    "diffusion",
    "data",
    "density",
    "mean",
    "mean_se",
    "covariance",
    "entropy",
    "kl_to_stationary",
    "total_variation_to_stationary",
    "outside",
    "potential",
    "current",
    "eigenvalues_real",
    "eigenvalues_imag",
    "right",
    "left",
    "basin",
    "level",
    "quantile",
    "covariance_se",
    "walker",
    "trajectory",
    "trajectory_time",
    "condition_number",
    "rank",
    "effective_sample_size",
    "outlier_share",
    "outlier_count",
    "point",
    "input",
    "batch_skewness",
    "batch_excess_kurtosis",
    "sgd_reach_lower",
    "sgd_reach_upper",
];

/// Whether a variable or data column may not be called so because a record needs the name.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name.ends_with("_edges") || name.starts_with("diffusion_")
}

pub(super) fn vector(name: &str, values: Vec<f64>, units: &str, long_name: &str) -> Dataset {
    let axis = name.to_string();
    let values = Values::Float(ndarray::Array1::from_vec(values).into_dyn());
    Dataset { name: name.into(), values, axes: vec![axis], units: units.into(), long_name: long_name.into() }
}

/// An array of the given shape; the caller's slices have that many values by construction.
pub(super) fn array(shape: &[usize], values: Vec<f64>) -> ArrayD<f64> {
    ArrayD::from_shape_vec(IxDyn(shape), values).expect("as many values as the shape asks for")
}

/// The scale `time`.
pub fn time_scale(times: &[f64]) -> Dataset {
    vector("time", times.to_vec(), "1", "time t = learning rate × step")
}

/// A scale that counts 0, 1, …
pub fn index_scale(name: &str, n: usize, long_name: &str) -> Dataset {
    let values = Values::Integer((0..n as i64).collect::<ndarray::Array1<i64>>().into_dyn());
    Dataset::new(name, values, &[name], "1", long_name)
}

/// A scale of names, such as `component` with the names of the variables.
pub fn name_scale(name: &str, names: &[&str], long_name: &str) -> Dataset {
    let values = Values::Text(names.iter().map(|n| n.to_string()).collect());
    Dataset::new(name, values, &[name], "1", long_name)
}

/// The scales of the grid's variables: cell centres.
pub fn variable_scales(grid: &Grid) -> Vec<Dataset> {
    let scale = |axis: &fpsolve_solvers::problem::grid::Axis| {
        vector(axis.variable(), axis.centers(), "1", &format!("{}, cell centres", axis.variable()))
    };
    grid.axes().iter().map(scale).collect()
}

fn variables(grid: &Grid) -> Vec<&str> {
    grid.axes().iter().map(|axis| axis.variable()).collect()
}

pub(super) fn component_scale(grid: &Grid) -> Dataset {
    name_scale("component", &variables(grid), "component of a vector")
}

fn matrix_scales(grid: &Grid) -> [Dataset; 2] {
    let names = variables(grid);
    [name_scale("row", &names, "row of a matrix"), name_scale("column", &names, "column of a matrix")]
}

/// A field on the grid with leading axes, e.g. `["time"]` or `["component"]`: values in row-major order, cells last.
///
/// `leading` gives the name and length of each axis before those of the grid.
pub fn field(
    name: &str,
    grid: &Grid,
    leading: &[(&str, usize)],
    values: Vec<f64>,
    units: &str,
    long_name: &str,
) -> Dataset {
    let shape: Vec<usize> = leading.iter().map(|l| l.1).chain(grid.shape().iter().copied()).collect();
    let axes: Vec<&str> = leading.iter().map(|l| l.0).chain(variables(grid)).collect();
    Dataset::float(name, array(&shape, values), &axes, units, long_name)
}

/// A packed symmetric matrix field, one component after the other, as the full field `[d, d, n…]`.
pub fn matrix_field(name: &str, grid: &Grid, packed: &[f64], long_name: &str) -> Dataset {
    let (d, n) = (grid.dimension(), grid.len());
    let mut full = Vec::with_capacity(d * d * n);
    for i in 0..d {
        for j in 0..d {
            let at = packed_index(d, i, j) * n;
            full.extend_from_slice(&packed[at..at + n]);
        }
    }
    field(name, grid, &[("row", d), ("column", d)], full, "1", long_name)
}

/// A series of numbers over `time`.
pub fn series(name: &str, values: Vec<f64>, long_name: &str) -> Dataset {
    let n = values.len();
    Dataset::float(name, array(&[n], values), &["time"], "1", long_name)
}

/// `/grid`: cell centres and edges of each variable.
pub fn grid_group(grid: &Grid) -> Group {
    let mut group = Group::new("grid");
    group.datasets = variable_scales(grid);
    for axis in grid.axes() {
        let name = format!("{}_edges", axis.variable());
        group.datasets.push(vector(&name, axis.edges().to_vec(), "1", &format!("{}, cell edges", axis.variable())));
        let walls = axis.boundary().map(|wall| format!("{wall:?}").to_lowercase());
        group.set(&format!("boundary_{}", axis.variable()), Attribute::Text(walls.join(" ")));
    }
    group
}

/// `/problem`: loss (n), drift (d·n, coordinate-major), diffusion (packed, d(d+1)/2 · n), further diffusion fields by
/// name (`diffusion_intrinsic`, packed), and the data columns. A loss that does not exist (general drift) is None.
pub fn problem_group(
    grid: &Grid,
    loss: Option<&[f64]>,
    drift: &[f64],
    diffusion: &[f64],
    parts: &[(&str, &[f64])],
    data: &[(&str, &[f64])],
) -> Group {
    let d = grid.dimension();
    let mut group = Group::new("problem");
    group.datasets = variable_scales(grid);
    group.datasets.push(component_scale(grid));
    group.datasets.extend(matrix_scales(grid));
    if let Some(loss) = loss {
        group.datasets.push(field("loss", grid, &[], loss.to_vec(), "1", "loss L"));
    }
    group.datasets.push(field("drift", grid, &[("component", d)], drift.to_vec(), "1", "drift b (Itô)"));
    group.datasets.push(matrix_field(
        "diffusion",
        grid,
        diffusion,
        "diffusion matrix D, covariance of the gradient noise",
    ));
    for (name, packed) in parts {
        let long_name = format!("part of D: {}", name.trim_start_matches("diffusion_").replace('_', " "));
        group.datasets.push(matrix_field(name, grid, packed, &long_name));
    }
    if let Some((_, first)) = data.first() {
        let mut table = Group::new("data");
        table.datasets.push(index_scale("sample", first.len(), "number of the sample"));
        for (name, column) in data {
            let values = array(&[column.len()], column.to_vec());
            table.datasets.push(Dataset::float(name, values, &["sample"], "1", &format!("data column {name}")));
        }
        group.groups.push(table);
    }
    group
}

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
    let density = snapshots.iter().flat_map(|s| s.probability.iter().zip(&volumes).map(|(p, v)| p / v)).collect();
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

fn unpacked(d: usize, packed: &[f64]) -> Vec<f64> {
    debug_assert_eq!(packed.len(), packed_len(d));
    (0..d * d).map(|ij| packed[packed_index(d, ij / d, ij % d)]).collect()
}

/// Adds to the Fokker–Planck group its entropy −∫ρ ln ρ and, where the stationary cell probabilities are known, the
/// Kullback–Leibler divergence and the total variation to them.
pub fn add_relaxation(group: &mut Group, grid: &Grid, snapshots: &[Snapshot], stationary: Option<&[f64]>) {
    let over = |f: &dyn Fn(&[f64]) -> f64| snapshots.iter().map(|s| f(&s.probability)).collect();
    group.datasets.push(series("entropy", over(&|p| density::entropy(grid, p)), "differential entropy"));
    if let Some(q) = stationary {
        let kl = over(&|p| density::kullback_leibler(p, q));
        group.datasets.push(series("kl_to_stationary", kl, "Kullback–Leibler divergence to the stationary density"));
        let tv = over(&|p| density::total_variation(p, q));
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

/// What `/stationary` is made of.
#[derive(Debug, Clone, Copy)]
pub struct StationaryFields<'a> {
    /// Cell probabilities (n).
    pub probability: &'a [f64],
    /// Potential Φ = −T ln ρ shifted to min Φ = 0 (n).
    pub potential: &'a [f64],
    /// Probability current (d·n, coordinate-major); None where it is not computed.
    pub current: Option<&'a [f64]>,
    /// Mean (d).
    pub mean: &'a [f64],
    /// Covariance (packed).
    pub covariance: &'a [f64],
    /// Extrapolated moments; None where nothing coarser was solved.
    pub refined: Option<&'a RefinedMoments>,
}

/// `/stationary`: density, potential, current, mean, covariance, attributes.
pub fn stationary_group(grid: &Grid, fields: StationaryFields, attributes: &[(&'static str, Attribute)]) -> Group {
    let d = grid.dimension();
    let mut group = Group::new("stationary");
    for (key, value) in attributes {
        group.set(key, value.clone());
    }
    group.datasets = variable_scales(grid);
    group.datasets.push(component_scale(grid));
    group.datasets.extend(matrix_scales(grid));
    let density = density::from_probability(grid, fields.probability);
    group.datasets.push(field("density", grid, &[], density, "1", "stationary density, cell averages"));
    group.datasets.push(field("potential", grid, &[], fields.potential.to_vec(), "1", "potential Φ = −T ln ρ"));
    if let Some(current) = fields.current {
        let long_name = "stationary probability current J";
        group.datasets.push(field("current", grid, &[("component", d)], current.to_vec(), "1", long_name));
    }
    let mean = array(&[d], fields.mean.to_vec());
    group.datasets.push(Dataset::float("mean", mean, &["component"], "1", "stationary mean"));
    let covariance = array(&[d, d], unpacked(d, fields.covariance));
    group.datasets.push(Dataset::float("covariance", covariance, &["row", "column"], "1", "stationary covariance"));
    if let Some(refined) = fields.refined {
        let mut add = |name: &str, shape: &[usize], axes: &[&str], values: Vec<f64>, long_name: &str| {
            group.datasets.push(Dataset::float(name, array(shape, values), axes, "1", long_name));
        };
        let (vector, matrix) = (["component"], ["row", "column"]);
        add("mean_extrapolated", &[d], &vector, refined.mean.clone(), "stationary mean, error of the grid taken off");
        add("mean_error", &[d], &vector, refined.mean_error.clone(), "estimated error of the mean by the grid");
        let long_name = "stationary covariance, error of the grid taken off";
        add("covariance_extrapolated", &[d, d], &matrix, unpacked(d, &refined.covariance), long_name);
        let long_name = "estimated error of the covariance by the grid";
        add("covariance_error", &[d, d], &matrix, unpacked(d, &refined.covariance_error), long_name);
    }
    group
}

/// Adds to `/escape/<name>` what the grid says: `mean_first_passage_time` and, where something else than an arrival can happen,
/// `committor` (n…), `survival` over `time`, and the values at the starting point as attributes.
pub fn add_grid_passage(group: &mut Group, grid: &Grid, found: &GridPassage) {
    group.set("from_value", Attribute::Float(found.from_value));
    if let Some(error) = found.error_grid {
        group.set("error_grid", Attribute::Float(error));
    }
    if let Some(value) = found.from_value_extrapolated {
        group.set("from_value_extrapolated", Attribute::Float(value));
    }
    group.set("error_time", Attribute::Float(found.error_time));
    group.datasets.extend(variable_scales(grid));
    let long_name = "mean time to the target from each cell";
    group.datasets.push(field("mean_first_passage_time", grid, &[], found.mean_time.clone(), "1", long_name));
    group.datasets.push(series("survival", found.survival.clone(), "probability not to have reached the target"));
    if let (Some(committor), Some(here)) = (&found.committor, found.from_committor) {
        group.set("from_committor", Attribute::Float(here));
        if let Some(error) = found.from_committor_error_grid {
            group.set("from_committor_error_grid", Attribute::Float(error));
        }
        let long_name = "probability to reach the target before the avoided set or an absorbing wall";
        group.datasets.push(field("committor", grid, &[], committor.clone(), "1", long_name));
    }
}

/// `/spectrum`: the slowest modes of −𝓛, eigenvalues (k) and right and left vectors (k, n…) as functions and densities.
pub fn spectrum_group(grid: &Grid, spectrum: &Spectrum) -> Group {
    let k = spectrum.real.len();
    let mut group = Group::new("spectrum");
    group.datasets = variable_scales(grid);
    group.datasets.push(index_scale("eigenpair", k, "number of the mode, slowest first"));
    let row = |name: &str, values: &[f64], long_name: &str| {
        Dataset::float(name, array(&[k], values.to_vec()), &["eigenpair"], "1", long_name)
    };
    group.datasets.push(row(
        "eigenvalues_real",
        &spectrum.real,
        "relaxation rates: real parts of the eigenvalues of −𝓛",
    ));
    group.datasets.push(row("eigenvalues_imag", &spectrum.imaginary, "imaginary parts of the eigenvalues of −𝓛"));
    group.datasets.push(row(
        "error",
        &spectrum.error,
        "relative error of each eigenvalue by the iteration, not the grid",
    ));
    if let Some(refined) = &spectrum.refined {
        group.datasets.push(row(
            "eigenvalues_real_extrapolated",
            &refined.real,
            "relaxation rates, error of the grid taken off",
        ));
        let long_name = "imaginary parts, error of the grid taken off";
        group.datasets.push(row("eigenvalues_imag_extrapolated", &refined.imaginary, long_name));
        group.datasets.push(row("error_grid", &refined.error, "estimated error of each eigenvalue by the grid"));
    }
    let right = spectrum.right.concat();
    group.datasets.push(field("right", grid, &[("eigenpair", k)], right, "1", "right vectors: functions"));
    let left = spectrum.left.iter().flat_map(|v| density::from_probability(grid, v)).collect();
    group.datasets.push(field("left", grid, &[("eigenpair", k)], left, "1", "left vectors: densities"));
    group
}

/// `/comparison`: for each pair (`langevin_vs_sgd`, `sgd_vs_stationary`, …) its metrics with `_noise_floor` and
/// `_noise_upper`, and the verdicts as rows.
pub fn comparison_group(comparisons: &[Comparison], verdicts: &[Verdict]) -> Group {
    let mut group = Group::new("comparison");
    for comparison in comparisons {
        let mut pair = Group::new(comparison.name());
        pair.set("false_alarm_rate", Attribute::Float(comparison.false_alarm_rate));
        pair.datasets.push(time_scale(&comparison.times));
        for metric in &comparison.metrics {
            let (name, words) = (&metric.name, metric.name.replace('_', " "));
            let floor = format!("{words} that sampling noise alone shows on average");
            let upper = format!("{words} that sampling noise alone exceeds at the false-alarm rate");
            pair.datasets.push(series(name, metric.value.clone(), metric.definition));
            pair.datasets.push(series(&format!("{name}_noise_floor"), metric.noise_floor.clone(), &floor));
            pair.datasets.push(series(&format!("{name}_noise_upper"), metric.noise_upper.clone(), &upper));
        }
        group.groups.push(pair);
    }
    group.groups.push(verdict_group(verdicts));
    group
}

/// Sentences as the dataset `warnings` over the scale `warning`, for the root of a record.
pub fn warning_rows(warnings: &[String]) -> [Dataset; 2] {
    let long_name = "where the results may not be trusted";
    [
        index_scale("warning", warnings.len(), "number of the warning"),
        Dataset::new("warnings", Values::Text(warnings.to_vec()), &["warning"], "1", long_name),
    ]
}

fn verdict_group(verdicts: &[Verdict]) -> Group {
    let mut group = Group::new("verdicts");
    let n = verdicts.len();
    let axes = ["verdict"];
    let text = |f: &dyn Fn(&Verdict) -> String| Values::Text(verdicts.iter().map(f).collect());
    let number = |f: &dyn Fn(&Verdict) -> f64| Values::Float(array(&[n], verdicts.iter().map(f).collect()));
    let passed: ndarray::Array1<i64> = verdicts.iter().map(|v| i64::from(v.passed)).collect();
    group.datasets = vec![
        index_scale("verdict", n, "number of the verdict"),
        Dataset::new("name", text(&|v| v.name.clone()), &axes, "1", "what was held against the bound"),
        Dataset::new("value", number(&|v| v.value), &axes, "1", "value found"),
        Dataset::new("bound", number(&|v| v.bound), &axes, "1", "bound"),
        Dataset::new("passed", Values::Integer(passed.into_dyn()), &axes, "1", "1 passed, 0 failed"),
        Dataset::new("why", text(&|v| v.why.clone()), &axes, "1", "why"),
    ];
    group
}
