//! The grids of reference problems: equal cells, one kind of wall.

use fpsolve_solvers::Error;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};

/// A grid of equal cells on `(from, to, cells)` per axis, named x, y, z, with the same wall at every end.
///
/// Errors: more than three axes; an axis without cells or that runs backwards.
pub fn uniform(axes: &[(f64, f64, usize)], wall: Boundary) -> Result<Grid, Error> {
    let names = ["x", "y", "z"];
    if axes.len() > names.len() {
        return Err(Error::invalid(format!("a grid of {} axes", axes.len()), "give one to three axes"));
    }
    let axis = |(name, &(from, to, cells)): (&str, &(f64, f64, usize))| Axis::uniform(name, from, to, cells, [wall; 2]);
    Grid::new(names.into_iter().zip(axes).map(axis).collect::<Result<_, _>>()?)
}
