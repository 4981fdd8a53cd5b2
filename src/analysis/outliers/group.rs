//! `/outliers`, and what it says in words.

use fpsolve_solvers::problem::grid::Grid;
use ndarray::Array1;

use super::compute::{Outliers, Point};
use crate::record::read::{column, find, float, floats, integers, text};
use crate::record::scales::{array, component_scale, field, index_scale, variable_scales};
use crate::record::{Attribute, Dataset, Group, Record, Values};
use crate::text::short;

/// `/outliers`: fields over the grid, and in `/outliers/points` the samples at each point.
pub fn group(grid: &Grid, found: &Outliers) -> Group {
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

fn points_group(grid: &Grid, found: &Outliers) -> Group {
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

/// Which samples are outliers at each point, and what of the loss they carry.
pub fn words(record: &Record) -> Vec<String> {
    let Some(group) = record.group("outliers") else { return Vec::new() };
    let (level, c) = (float(group, "level").unwrap_or(0.0), float(group, "smoothing").unwrap_or(0.0));
    let scale = text(group, "scale").unwrap_or("-");
    let mut lines =
        vec![format!("dynamic outliers (m·p < {}, p ∝ exp(−l/(c·U)), c = {}, U = {scale}):", short(level), short(c))];
    let Some(points) = record.group("outliers/points") else { return lines };
    let count = find(points, "loss").map_or(0, |d| d.shape()[0]);
    lines.extend((0..count).filter_map(|k| point(points, k)).map(|line| format!("  {line}")));
    lines
}

fn point(points: &Group, k: usize) -> Option<String> {
    let number = |name: &str| column(points, name).and_then(|v| v.get(k).copied());
    let losses = find(points, "sample_loss")?;
    let (m, d) = (losses.shape()[1], find(points, "position")?.shape()[1]);
    let position = floats(find(points, "position")?)?[k * d..(k + 1) * d].to_vec();
    let flags = integers(find(points, "outlier")?)?;
    let outliers: Vec<usize> = (0..m).filter(|s| flags[k * m + s] == 1).collect();
    let place: Vec<String> = position.into_iter().map(short).collect();
    let what = match text(points, "kind").is_some_and(|kind| kind.starts_with("minima")) {
        true if k == 0 => "lowest minimum",
        true => "local minimum",
        false => "point",
    };
    let samples = match outliers.len() {
        0 => "no outlier".to_string(),
        1 => format!("sample {} is an outlier and carries", outliers[0]),
        n if n <= 6 => {
            let names: Vec<String> = outliers.iter().map(usize::to_string).collect();
            format!("samples {} are outliers and carry", names.join(", "))
        }
        n => format!("{n} of {m} samples are outliers and carry"),
    };
    let share = match outliers.len() {
        0 => String::new(),
        _ => format!(" {:.1} % of the loss", 100.0 * number("outlier_share")?),
    };
    let (loss, size) = (short(number("loss")?), short(number("effective_sample_size")?));
    Some(format!("{what} ({}), L = {loss}: {samples}{share}; effective sample size {size} of {m}", place.join(", ")))
}
