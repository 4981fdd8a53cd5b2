//! The pieces that groups are made of: scales, fields on the grid, series, with their axes as the format fixes them.
//!
//! Each group carries its own copy of the scales it uses (`time`, the variables, `component`, `row`, `column`), so that
//! a reader that opens one group finds its coordinates there. Vectors run over `component`, matrices over `row` and
//! `column`; these scales hold the names of the variables.

use fpsolve_solvers::numerics::symmetric::{packed_index, packed_len};
use fpsolve_solvers::problem::grid::Grid;
use ndarray::{ArrayD, IxDyn};

use super::{Dataset, Values};

/// A dataset that is its own scale.
pub fn vector(name: &str, values: Vec<f64>, units: &str, long_name: &str) -> Dataset {
    let axis = name.to_string();
    let values = Values::Float(ndarray::Array1::from_vec(values).into_dyn());
    Dataset { name: name.into(), values, axes: vec![axis], units: units.into(), long_name: long_name.into() }
}

/// An array of the given shape; the caller's slices have that many values by construction.
pub fn array(shape: &[usize], values: Vec<f64>) -> ArrayD<f64> {
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

/// Names of the variables.
pub fn variables(grid: &Grid) -> Vec<&str> {
    grid.axes().iter().map(|axis| axis.variable()).collect()
}

/// The scale `component`, with the names of the variables.
pub fn component_scale(grid: &Grid) -> Dataset {
    name_scale("component", &variables(grid), "component of a vector")
}

/// The scales `row` and `column`, with the names of the variables.
pub fn matrix_scales(grid: &Grid) -> [Dataset; 2] {
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

/// A packed symmetric matrix (d(d+1)/2) row by row (d²).
pub fn unpacked(d: usize, packed: &[f64]) -> Vec<f64> {
    debug_assert_eq!(packed.len(), packed_len(d));
    (0..d * d).map(|ij| packed[packed_index(d, ij / d, ij % d)]).collect()
}
