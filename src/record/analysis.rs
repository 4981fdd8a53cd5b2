//! The groups of what is computed besides the engines: `/problem/diffusion_…`, `/decomposition`,
//! `/landscape`, `/outliers`.

use fpsolve_solvers::gradient_noise::{Part, Weights};
use fpsolve_solvers::landscape::CriticalPoint;
use fpsolve_solvers::problem::grid::Grid;
use ndarray::Array1;

use super::scales::{array, component_scale, field, index_scale, matrix_field, series, time_scale, variable_scales};
use super::{Attribute, Dataset, Group, Values};
use crate::analysis::landscape::Landscape;
use crate::analysis::noise_parts::{NoiseParts, Path};
use crate::analysis::outliers::{Found, Point};

/// What the parts are, for the attribute `decomposition`.
fn source(parts: &NoiseParts) -> &'static str {
    match parts.decomposition.is_estimate() {
        true => "estimate from the residuals",
        false => "teacher: means over the noise of the data",
    }
}

/// What each part is, in words.
fn words(part: Part) -> &'static str {
    match part {
        Part::Intrinsic => "what the noise of the data adds",
        Part::Exploration => "what the model misses",
        Part::MeanGradient => "minus the square of the mean gradient",
    }
}

/// Attributes that say what the parts are: `decomposition`, `decomposition_weights`, `data_noise_std`.
fn describe(group: &mut Group, parts: &NoiseParts) {
    let weights = if parts.decomposition.weights() == Weights::Trained { "trained" } else { "fixed" };
    group.set("decomposition", Attribute::Text(source(parts).into()));
    group.set("decomposition_weights", Attribute::Text(weights.into()));
    group.set("data_noise_std", Attribute::Float(parts.decomposition.variance().sqrt()));
}

/// Adds the fields `diffusion_intrinsic`, `_exploration`, `_mean_gradient` to `/problem`, and what they are.
pub fn add_noise_parts(problem: &mut Group, grid: &Grid, parts: &NoiseParts) {
    describe(problem, parts);
    let kind = if parts.decomposition.is_estimate() { "estimated part of D" } else { "part of the mean of D" };
    for ((part, name), packed) in Part::ALL.into_iter().zip(&parts.fields) {
        let long_name = format!("{kind}: {}", words(part));
        problem.datasets.push(matrix_field(&format!("diffusion_{name}"), grid, packed, &long_name));
    }
}

/// `/decomposition`: one path of SGD, with the traces of D and of its parts at its points.
pub fn path_group(grid: &Grid, parts: &NoiseParts) -> Option<Group> {
    let Path { times, positions, traces, diffusion } = parts.path.as_ref()?;
    let (d, t) = (grid.dimension(), times.len());
    let mut group = Group::new("decomposition");
    describe(&mut group, parts);
    group.datasets = vec![time_scale(times), component_scale(grid)];
    let position = array(&[t, d], positions.clone());
    group.datasets.push(Dataset::float("position", position, &["time", "component"], "1", "one path of SGD"));
    group.datasets.push(series("trace", diffusion.clone(), "trace of D, the covariance of these data's gradients"));
    for ((part, name), values) in Part::ALL.into_iter().zip(traces) {
        let estimate = if parts.decomposition.is_estimate() { ", an estimate" } else { "" };
        let long_name = format!("trace of {}{estimate}", words(part));
        group.datasets.push(series(&format!("trace_{name}"), values.clone(), &long_name));
    }
    Some(group)
}

/// `/landscape`: the critical points, and the basin of each cell.
pub fn landscape_group(grid: &Grid, found: &Landscape) -> Group {
    let (points, d) = (&found.points, grid.dimension());
    let k = points.len();
    let mut group = Group::new("landscape");
    group.datasets = variable_scales(grid);
    let basin = ndarray::ArrayD::from_shape_vec(grid.shape(), found.basin.clone()).expect("one basin for each cell");
    let axes: Vec<&str> = grid.axes().iter().map(|axis| axis.variable()).collect();
    let long_name = "number of the minimum that the cell drains to, −1 for none";
    group.datasets.push(Dataset::new("basin", Values::Integer(basin), &axes, "1", long_name));
    let mut table = Group::new("critical_points");
    table.datasets = vec![
        index_scale("critical_point", k, "number of the critical point"),
        component_scale(grid),
        index_scale("direction", d, "number of the eigenvalue, ascending"),
    ];
    let rows = |f: &dyn Fn(&CriticalPoint) -> Vec<f64>| points.iter().flat_map(f).collect::<Vec<f64>>();
    let own = ["critical_point"];
    let numbers = |name: &str, f: &dyn Fn(usize) -> i64, long_name: &str| {
        let values: Array1<i64> = (0..k).map(f).collect();
        Dataset::new(name, Values::Integer(values.into_dyn()), &own, "1", long_name)
    };
    let position = array(&[k, d], rows(&|p| p.position.clone()));
    let eigenvalues = array(&[k, d], rows(&|p| p.eigenvalues.clone()));
    let basin = |i: usize| if points[i].index() == 0 { i as i64 } else { -1 };
    table.datasets.extend([
        Dataset::float("position", position, &["critical_point", "component"], "1", "zero of the gradient of L"),
        Dataset::float("loss", array(&[k], rows(&|p| vec![p.loss])), &own, "1", "loss L"),
        Dataset::float("eigenvalues", eigenvalues, &["critical_point", "direction"], "1", "eigenvalues of the Hessian"),
        numbers("index", &|i| points[i].index() as i64, "directions in which the loss falls: 0 for a minimum"),
        numbers("basin", &basin, "number of the basin, −1 for a saddle or maximum"),
    ]);
    group.groups.push(table);
    group
}

/// `/outliers`: fields over the grid, and in `/outliers/points` the samples at each point.
pub fn outliers_group(grid: &Grid, found: &Found) -> Group {
    let mut group = Group::new("outliers");
    group.set("level", Attribute::Float(found.level));
    group.set("smoothing", Attribute::Float(found.smoothing));
    group.set("scale", Attribute::Text(found.scale.clone()));
    group.datasets = variable_scales(grid);
    let names = [
        ("effective_sample_size", "effective sample size 1/Σp²"),
        ("outlier_share", "share of the loss that dynamic outliers carry"),
        ("outlier_count", "number of dynamic outliers"),
    ];
    for ((name, long_name), values) in names.into_iter().zip(&found.fields) {
        group.datasets.push(field(name, grid, &[], values.clone(), "1", long_name));
    }
    if !found.points.is_empty() {
        group.groups.push(points_group(grid, found));
    }
    group
}

fn points_group(grid: &Grid, found: &Found) -> Group {
    let points = &found.points;
    let (k, d, m) = (points.len(), grid.dimension(), points[0].losses.len());
    let mut group = Group::new("points");
    let kind = if found.minima { "minima of the loss, lowest first" } else { "given points" };
    group.set("kind", Attribute::Text(kind.into()));
    group.datasets = vec![
        index_scale("point", k, "number of the point"),
        index_scale("sample", m, "number of the sample"),
        component_scale(grid),
    ];
    let mut add = |name: &str, axes: &[&str], shape: &[usize], values: Vec<f64>, long_name: &str| {
        group.datasets.push(Dataset::float(name, array(shape, values), axes, "1", long_name));
    };
    let numbers = |f: &dyn Fn(&Point) -> f64| points.iter().map(f).collect::<Vec<f64>>();
    let rows = |f: &dyn Fn(&Point) -> &[f64]| points.iter().flat_map(|p| f(p).to_vec()).collect::<Vec<f64>>();
    add("position", &["point", "component"], &[k, d], rows(&|p| &p.position), "position of the point");
    add("loss", &["point"], &[k], numbers(&|p| p.loss), "loss L");
    add("outlier_share", &["point"], &[k], numbers(&Point::share), "share of the loss that dynamic outliers carry");
    let long_name = "effective sample size 1/Σp²";
    add("effective_sample_size", &["point"], &[k], numbers(&Point::effective_sample_size), long_name);
    let by_sample = ["point", "sample"];
    add("sample_loss", &by_sample, &[k, m], rows(&|p| &p.losses), "loss of each sample");
    add("probability", &by_sample, &[k, m], rows(&|p| &p.probabilities), "probability p of each sample");
    if points.iter().all(|p| p.residuals.len() == m) {
        add("residual", &by_sample, &[k, m], rows(&|p| &p.residuals), "residual y − h of each sample");
    }
    let flags: Array1<i64> = points.iter().flat_map(|p| p.outlier.iter().map(|&o| i64::from(o))).collect();
    let flags = Values::Integer(flags.into_shape_with_order((k, m)).expect("one flag for each sample").into_dyn());
    group.datasets.push(Dataset::new("outlier", flags, &by_sample, "1", "1 where m·p is below the level"));
    if let Some([input, target]) = found.columns.as_ref().filter(|_| points.iter().all(|p| !p.fitted.is_empty())) {
        let n = found.inputs.len();
        group.set("input_column", Attribute::Text(input.clone()));
        group.set("target_column", Attribute::Text(target.clone()));
        let scale = array(&[n], found.inputs.clone());
        group.datasets.push(Dataset::float("input", scale, &["input"], "1", &format!("input {input}")));
        let fitted = array(&[k, n], points.iter().flat_map(|p| p.fitted.clone()).collect());
        group.datasets.push(Dataset::float("fitted", fitted, &["point", "input"], "1", "fitted function h"));
    }
    group
}
