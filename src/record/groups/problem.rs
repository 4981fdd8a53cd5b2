//! `/problem`.

use fpsolve_solvers::model::data::{Data, Standardised};
use fpsolve_solvers::problem::fields::Fields;
use fpsolve_solvers::problem::grid::Grid;

use crate::record::scales::{array, component_scale, field, index_scale, matrix_field, matrix_scales, variable_scales};
use crate::record::{Attribute, Dataset, Group};
use crate::text::{beside, short};

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

/// `/problem` of the functions of a problem, with the model's diagnostics and its data.
pub fn group(grid: &Grid, fields: &Fields, data: Option<&Data>) -> Group {
    let columns: Vec<(&str, &[f64])> = data.map_or(Vec::new(), |data| {
        data.names().iter().filter_map(|name| Some((name.as_str(), data.column(name)?))).collect()
    });
    let mut group = problem_group(grid, fields.loss.as_deref(), &fields.drift, &fields.diffusion, &[], &columns);
    if let Some(data) = data.filter(|data| !data.standardised().is_empty()) {
        let table = group.group_mut("data");
        table.set("standardised", Attribute::Text(standardised(data)));
    }
    for (name, values) in &fields.diagnostics {
        group.datasets.push(field(name, grid, &[], values.clone(), "1", &name.replace('_', " ")));
    }
    group
}

/// Which columns are standardised, what they were before, and which are as they were.
fn standardised(data: &Data) -> String {
    let columns = data.standardised();
    let words = |c: &Standardised| {
        format!("{} (mean {}, deviation {})", c.name, beside(c.mean, c.deviation), short(c.deviation))
    };
    let before = columns.iter().map(words);
    let before = before.collect::<Vec<_>>().join(", ");
    let rest: Vec<&str> = data.names().iter().map(String::as_str).collect();
    let rest: Vec<&str> = rest.into_iter().filter(|name| columns.iter().all(|c| c.name != *name)).collect();
    match rest.as_slice() {
        [] => format!("{before}: every column, so the target too; losses and noise are in its new unit"),
        rest => format!("{before}; as they were: {}", rest.join(", ")),
    }
}
