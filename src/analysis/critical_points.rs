//! `analysis.critical_points`: minima, saddles and maxima of the loss, and the basins of the minima; `/landscape`.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::landscape::{CriticalPoint, basins, critical_points};
use fpsolve_solvers::numerics::symmetric::packed_len;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::tabulate;
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;
use ndarray::Array1;

use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Scale, Subject};
use crate::reader::Located;
use crate::reader::table::{Table, Value};
use crate::record::read::{column, find, floats, integers};
use crate::record::scales::{array, component_scale, index_scale, matrix_scales, unpacked, variable_scales};
use crate::record::{Dataset, Group, Record, Values};
use crate::summary::axis_lengths;
use crate::text::beside;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "critical_points",
    key: Some("critical_points"),
    about: "true: minima, saddles and maxima of the loss, and the basins of the minima; /landscape",
    subject: Subject::Problem,
    groups: &["landscape"],
    read,
    words,
};

/// The search, where it was written: whether it is wanted.
#[derive(Debug, Clone)]
struct CriticalPoints {
    written: Located<bool>,
}

/// The shape of a loss, or of a potential.
pub(super) struct Landscape {
    /// Critical points: minima by their loss, then the others.
    pub points: Vec<CriticalPoint>,
    /// For each cell the minimum that it drains to, −1 for none (n).
    pub basin: Vec<i64>,
}

/// What a landscape is one of: the name of its heights, and what they are.
pub(super) struct Heights {
    /// Name of the dataset.
    pub name: &'static str,
    /// In words.
    pub words: &'static str,
}

/// Of the loss.
pub(super) const LOSS: Heights = Heights { name: "loss", words: "loss L" };

fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let written = table.optional("critical_points", Value::boolean)?;
    Ok(written.map(|written| Arc::new(CriticalPoints { written }) as Arc<dyn Request>))
}

impl Request for CriticalPoints {
    /// Errors: a general drift, or importance sampling without a loss.
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        if !self.written.value {
            return Ok(None);
        }
        if context.problem.model.has_loss() {
            return Ok(Some(Arc::new(self.clone())));
        }
        let message = "`analysis.critical_points` needs a loss, and this drift is not the gradient of one";
        let help =
            "remove `critical_points`, or write `loss` instead of `drift` (importance sampling: a number as `scale`)";
        Err(context.source.error(&self.written.span, message, "no loss", help))
    }

    fn numbers_per_cell(&self, _scale: &Scale) -> f64 {
        2.0
    }
}

impl Analysis for CriticalPoints {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        (finished.progress)("critical points of the loss");
        Ok(Some(Box::new(look(finished.problem))))
    }

    /// Descents from a fixed number of starts.
    fn growth(&self) -> f64 {
        0.0
    }
}

/// Finds the critical points of the loss that the engines descend.
fn look(problem: &Problem) -> Landscape {
    let (model, grid) = (&*problem.model, &problem.grid);
    let loss = tabulate(grid, 1, 1, |points, out| model.loss(points, out));
    with_basins(grid, &loss, critical_points(model, grid, &loss))
}

/// Critical points with the basins of the minima among them.
pub(super) fn with_basins(grid: &Grid, loss: &[f64], points: Vec<CriticalPoint>) -> Landscape {
    let minima: Vec<&[f64]> = points.iter().filter(|p| p.index() == 0).map(|p| p.position.as_slice()).collect();
    let basin = basins(grid, loss, &minima);
    Landscape { points, basin }
}

impl Findings for Landscape {
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        fill(record.group_mut("landscape"), problem, self, &LOSS);
    }
}

/// Fills `/landscape`, or `/landscape/potential`: the critical points with D there, and the basin of each cell.
pub(super) fn fill(group: &mut Group, problem: &Problem, found: &Landscape, heights: &Heights) {
    let (points, grid) = (&found.points, &problem.grid);
    let (k, d) = (points.len(), grid.dimension());
    group.datasets.extend(variable_scales(grid));
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
    let noise = |p: &CriticalPoint| {
        let (mut drift, mut packed) = (vec![0.0; d], vec![0.0; packed_len(d)]);
        problem.dynamics.drift_diffusion(&p.position, &mut drift, &mut packed);
        unpacked(d, &packed)
    };
    table.datasets.extend(matrix_scales(grid));
    let diffusion = array(&[k, d, d], rows(&noise));
    let gradient = format!("zero of the gradient of {}", heights.words);
    table.datasets.extend([
        Dataset::float("position", position, &["critical_point", "component"], "1", &gradient),
        Dataset::float(heights.name, array(&[k], rows(&|p| vec![p.loss])), &own, "1", heights.words),
        Dataset::float("eigenvalues", eigenvalues, &["critical_point", "direction"], "1", "eigenvalues of the Hessian"),
        numbers("index", &|i| points[i].index() as i64, "directions in which the loss falls: 0 for a minimum"),
        numbers("basin", &basin, "number of the basin, −1 for a saddle or maximum"),
        Dataset::float("diffusion", diffusion, &["critical_point", "row", "column"], "1", "diffusion matrix D there"),
    ]);
    group.groups.push(table);
}

/// How many critical points of each kind, and where the minima are.
fn words(record: &Record) -> Vec<String> {
    let Some(table) = record.group("landscape/critical_points") else { return Vec::new() };
    let (Some(index), Some(position), Some(loss)) =
        (find(table, "index").and_then(integers), find(table, "position"), column(table, "loss"))
    else {
        return Vec::new();
    };
    let d = position.shape()[1];
    let theta = floats(position).unwrap_or_default();
    let count = |wanted: &dyn Fn(usize) -> bool| index.iter().filter(|&&i| wanted(i as usize)).count();
    let kinds = [
        (count(&|i| i == 0), "minimum", "minima"),
        (count(&|i| i > 0 && i < d), "saddle", "saddles"),
        (count(&|i| i == d), "maximum", "maxima"),
    ];
    let words =
        kinds.iter().filter(|k| k.0 > 0).map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many }));
    let words: Vec<String> = words.collect();
    let found = if words.is_empty() { "no critical point inside the grid".into() } else { words.join(", ") };
    let lengths = axis_lengths(record);
    let lowest = loss.iter().copied().fold(f64::INFINITY, f64::min);
    let range = loss.iter().map(|l| l - lowest).fold(0.0, f64::max);
    let range = if range > 1e-12 * lowest.abs() { range } else { 0.0 }; // rounding tells none from another
    let minima = (0..index.len()).filter(|&k| index[k] == 0).map(|k| {
        let place: Vec<String> = theta[k * d..(k + 1) * d].iter().zip(&lengths).map(|(t, l)| beside(*t, *l)).collect();
        format!("({}) L = {}", place.join(", "), beside(loss[k], range))
    });
    let minima: Vec<String> = minima.take(6).collect();
    let list = if minima.is_empty() { String::new() } else { format!("; minima {}", minima.join(", ")) };
    vec![format!("landscape: {found}{list}")]
}

/// What a critical point of this index is in d variables.
pub fn kind(index: usize, d: usize) -> &'static str {
    match index {
        0 => "minimum",
        n if n == d => "maximum",
        _ => "saddle",
    }
}
