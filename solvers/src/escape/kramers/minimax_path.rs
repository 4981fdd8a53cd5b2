//! The minimax path between two sets of cells: of all ways the one whose highest cell is lowest, by the algorithm of Dijkstra (1959,
//! doi:10.1007/BF01386390) with the highest cell so far in the place of the length.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::landscape::minima::neighbours;
use crate::problem::grid::Grid;

/// A cell next to those that were reached, lowest first; of equal ones the first.
struct Frontier {
    height: f64,
    cell: usize,
}

impl Ord for Frontier {
    fn cmp(&self, other: &Self) -> Ordering {
        other.height.total_cmp(&self.height).then(other.cell.cmp(&self.cell))
    }
}

impl PartialOrd for Frontier {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Frontier {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Frontier {}

/// Cells from `start` to the first cell of `goal` along a way whose highest cell is as low as can be, past `closed` cells; None
/// where there is no way. `height` is one value for each cell.
pub(crate) fn minimax_path(
    grid: &Grid,
    height: &[f64],
    start: usize,
    goal: &[bool],
    closed: &[bool],
) -> Option<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let mut came_from = vec![UNSEEN; grid.len()];
    let mut frontier = BinaryHeap::from([Frontier { height: height[start], cell: start }]);
    came_from[start] = start;
    while let Some(Frontier { cell, .. }) = frontier.pop() {
        if goal[cell] {
            let mut way = vec![cell];
            while came_from[way[way.len() - 1]] != way[way.len() - 1] {
                way.push(came_from[way[way.len() - 1]]);
            }
            way.reverse();
            return Some(way);
        }
        for next in neighbours(grid, cell) {
            if came_from[next] == UNSEEN && !closed[next] {
                came_from[next] = cell;
                frontier.push(Frontier { height: height[next], cell: next });
            }
        }
    }
    None
}

/// The barriers on a way: how often it rises by more than `least` and falls by as much again; a rise at its end counts.
pub(crate) fn barriers(heights: impl Iterator<Item = f64>, least: f64) -> usize {
    let (mut low, mut high, mut count) = (f64::INFINITY, None, 0);
    for h in heights {
        match high {
            None => {
                low = low.min(h);
                high = (h - low > least).then_some(h);
            }
            Some(top) if top - h > least => (low, high, count) = (h, None, count + 1),
            Some(top) => high = Some(top.max(h)),
        }
    }
    count + usize::from(high.is_some())
}
