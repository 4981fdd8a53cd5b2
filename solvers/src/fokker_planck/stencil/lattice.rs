//! Steps on the grid: where an integer offset leads from a cell, given the walls.

use crate::problem::grid::{Boundary, Grid};

/// An integer offset in cells.
pub type Offset = [i8; 3];

/// Where a step of a given offset ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// In this cell (after wrapping round periodic axes).
    Cell(usize),
    /// The first wall on the way is reflecting: there is no such edge.
    Reflected,
    /// The first wall on the way is absorbing, met after this fraction (0 to 1) of the step.
    Absorbed(f64),
}

/// The grid as a lattice of cell indices.
#[derive(Debug, Clone, Copy)]
pub struct Lattice<'a> {
    grid: &'a Grid,
}

impl<'a> Lattice<'a> {
    /// The lattice of the cells of `grid`.
    pub fn new(grid: &'a Grid) -> Self {
        Self { grid }
    }

    /// Where `offset` leads from the cell with the given index.
    pub fn step(&self, index: [usize; 3], offset: Offset) -> Step {
        let mut target = 0;
        let mut inside = true;
        for (k, axis) in self.grid.axes().iter().enumerate() {
            let cells = axis.cells() as i64;
            let mut i = index[k] as i64 + i64::from(offset[k]);
            if axis.is_periodic() {
                i = i.rem_euclid(cells);
            }
            inside &= i >= 0 && i < cells;
            target = target * axis.cells() + i.clamp(0, cells - 1) as usize;
        }
        if inside { Step::Cell(target) } else { self.wall(index, offset) }
    }

    fn wall(&self, index: [usize; 3], offset: Offset) -> Step {
        let mut first = (2.0, Boundary::Reflecting);
        for (k, axis) in self.grid.axes().iter().enumerate() {
            let step = f64::from(offset[k]);
            if axis.is_periodic() || offset[k] == 0 {
                continue;
            }
            let (room, side) = if offset[k] > 0 { (axis.cells() - 1 - index[k], 1) } else { (index[k], 0) };
            let fraction = (room as f64 + 0.5) / step.abs();
            let boundary = axis.boundary()[side];
            // a corner that is met at once on both axes absorbs where either wall does
            let tie = (fraction - first.0).abs() < 1e-12 && boundary == Boundary::Absorbing;
            if fraction < first.0 - 1e-12 || tie {
                first = (fraction, boundary);
            }
        }
        match first.1 {
            Boundary::Absorbing => Step::Absorbed(first.0),
            _ => Step::Reflected,
        }
    }

    /// Moves a point that an edge leads across a periodic end back into the box.
    pub fn wrap(&self, point: &mut [f64; 3]) {
        for (x, axis) in point.iter_mut().zip(self.grid.axes()) {
            if axis.is_periodic() && !(*x >= axis.lower() && *x < axis.upper()) {
                *x = axis.wrap(*x);
            }
        }
    }
}
