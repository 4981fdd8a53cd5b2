//! Counting walkers in the cells of the grid.

use super::block::{BLOCK, Block};
use crate::numerics::lanes::{dispatch, fma};
use crate::problem::grid::{Axis, Grid};

/// Finds the cells of whole blocks at once; agrees with [`Grid::locate`] for points inside the period of periodic axes.
#[derive(Debug)]
pub struct Locator<'a> {
    grid: &'a Grid,
}

impl<'a> Locator<'a> {
    /// A locator on `grid`.
    pub fn new(grid: &'a Grid) -> Self {
        Self { grid }
    }

    /// Adds the walkers of a block to `counts` (cells + 1; the last counts those off the grid or absorbed).
    pub fn count(&self, block: &Block, counts: &mut [u32]) {
        let mut cells = [0; BLOCK];
        self.locate(&block.points, &mut cells);
        for (i, &gone) in block.absorbed.iter().enumerate() {
            if gone {
                cells[i] = self.grid.len() as u32;
            }
        }
        cells[..block.active].iter().for_each(|&cell| counts[cell as usize] += 1);
    }

    /// Cell of each point (d × BLOCK), the number of cells for points off the grid.
    pub fn locate(&self, points: &[f64], cells: &mut [u32; BLOCK]) {
        let mut index = [0.0; BLOCK];
        for (axis, x) in self.grid.axes().iter().zip(points.chunks_exact(BLOCK)) {
            if axis.is_uniform() {
                locate_uniform(x, [axis.lower(), axis.upper(), axis.spacing()], axis.cells() as f64, &mut index);
            } else {
                locate_graded(axis, x, &mut index);
            }
        }
        to_cells(&index, self.grid.len() as f64, cells);
    }
}

/// Row-major numbering in f64, exact up to 2^53; infinity once a coordinate is off the grid.
fn locate_graded(axis: &Axis, x: &[f64], index: &mut [f64; BLOCK]) {
    for (index, &x) in index.iter_mut().zip(x) {
        *index = axis.locate(x).map_or(f64::INFINITY, |i| *index * axis.cells() as f64 + i as f64);
    }
}

dispatch! {
    fn locate_uniform(x: &[f64], axis: [f64; 3], cells: f64, index: &mut [f64; BLOCK]) {
        let [lower, upper, spacing] = axis;
        for (index, &x) in index.iter_mut().zip(x) {
            let i = ((x - lower) / spacing).floor();
            let i = if i < cells { i } else { cells - 1.0 };
            let here = fma(*index, cells, i);
            *index = if x >= lower && x <= upper { here } else { f64::INFINITY };
        }
    }
}

dispatch! {
    fn to_cells(index: &[f64; BLOCK], outside: f64, cells: &mut [u32; BLOCK]) {
        const SHIFT: f64 = 4_503_599_627_370_496.0; // 2^52: adding it leaves the integer in the low mantissa bits
        for (cell, &index) in cells.iter_mut().zip(index) {
            let index = if index < outside { index } else { outside };
            *cell = (index + SHIFT).to_bits() as u32;
        }
    }
}
