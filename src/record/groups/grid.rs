//! `/grid`.

use fpsolve_solvers::problem::grid::Grid;

use crate::record::scales::{variable_scales, vector};
use crate::record::{Attribute, Group};

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
