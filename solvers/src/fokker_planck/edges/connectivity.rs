//! Connected components of the cells, and the axis edges that join them where long offsets left cells alone.

use crate::fokker_planck::generator::RateEdge;
use crate::fokker_planck::stencil::lattice::{Lattice, Step};
use crate::problem::grid::Grid;

/// Disjoint sets of cells.
pub struct Components {
    parent: Vec<u32>,
}

impl Components {
    /// Every cell alone.
    pub fn new(cells: usize) -> Self {
        Self { parent: (0..cells as u32).collect() }
    }

    /// Joins the ends of all edges with a rate in at least one direction.
    pub fn join_all<'a>(&mut self, edges: impl Iterator<Item = &'a RateEdge>) {
        for &(i, j, forward, backward) in edges {
            if forward > 0.0 || backward > 0.0 {
                self.join(i as usize, j as usize);
            }
        }
    }

    /// The representative of a cell's component.
    pub fn find(&mut self, mut cell: usize) -> usize {
        while self.parent[cell] as usize != cell {
            let up = self.parent[self.parent[cell] as usize];
            self.parent[cell] = up;
            cell = up as usize;
        }
        cell
    }

    /// Joins two components; false where they were one already.
    pub fn join(&mut self, i: usize, j: usize) -> bool {
        let (i, j) = (self.find(i), self.find(j));
        self.parent[i.max(j)] = i.min(j) as u32;
        i != j
    }
}

/// Axis neighbours (cell, cell, axis) that lie in different components: edges between all of them join the grid.
pub fn gaps(grid: &Grid, components: &mut Components) -> Vec<(usize, usize, usize)> {
    let first = components.find(0);
    if (1..grid.len()).all(|cell| components.find(cell) == first) {
        return Vec::new();
    }
    let lattice = Lattice::new(grid);
    let mut out = Vec::new();
    for cell in 0..grid.len() {
        let index = grid.multi_index(cell);
        for k in 0..grid.dimension() {
            let mut offset = [0i8; 3];
            offset[k] = 1;
            if let Step::Cell(to) = lattice.step(index, offset)
                && components.find(cell) != components.find(to)
            {
                out.push((cell, to, k));
            }
        }
    }
    out
}
