//! Probability in the outermost cells: where the walls of the grid shape the result.
//!
//! It names the sides that probability touches; how much the law without walls has beyond them is [`super::truncation`]'s to estimate.

use crate::Error;
use crate::engine::Archive;
use crate::problem::density::marginal;
use crate::problem::grid::{Boundary, Grid};

/// Ends of axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Reflecting and absorbing walls.
    Walls,
    /// Where a periodic axis is cut.
    Cuts,
}

/// Share of the mean density of an axis above which a law meets one of its ends.
const MEETS: f64 = 1e-3;

/// Whether a law has probability at such an end of an axis.
pub fn meets(ends: Ends, grid: &Grid, probability: &[f64]) -> bool {
    grid.axes().iter().enumerate().filter(|(_, axis)| axis.is_periodic() == (ends == Ends::Cuts)).any(|(k, axis)| {
        let along = marginal(grid, probability, k);
        let share = |p: Option<&f64>| p.is_some_and(|p| p * axis.cells() as f64 > MEETS);
        share(along.first()) || share(along.last())
    })
}

fn reflects(wall: Boundary) -> bool {
    wall == Boundary::Reflecting
}

/// Share above which a wall is named.
const REPORT_ABOVE: f64 = 1e-6;

/// The largest share in the outermost cells of every side so far, and when it was seen.
#[derive(Debug, Clone)]
pub struct WallContact {
    transient: Vec<[(f64, f64); 2]>,
    stationary: Vec<[f64; 2]>,
    physical: Vec<[bool; 2]>,
}

impl WallContact {
    /// No contact yet; sides that are `physical` (one pair an axis) are never named.
    pub fn new(physical: Vec<[bool; 2]>) -> Self {
        let d = physical.len();
        Self { physical, transient: vec![[(0.0, 0.0); 2]; d], stationary: vec![[0.0; 2]; d] }
    }

    /// Takes in the density at a time.
    pub fn observe(&mut self, grid: &Grid, probability: &[f64], time: f64) {
        for (most, share) in self.transient.iter_mut().zip(shares(grid, probability)) {
            for (most, share) in most.iter_mut().zip(share) {
                if share > most.0 {
                    *most = (share, time);
                }
            }
        }
    }

    /// Takes in the stationary density.
    pub fn observe_stationary(&mut self, grid: &Grid, probability: &[f64]) {
        self.stationary = shares(grid, probability);
    }

    /// Notes the contact during the run, or puts it back. Errors: as for [`State::restore`](crate::engine::State::restore).
    pub fn archive(&mut self, archive: &mut Archive) -> Result<(), Error> {
        let all = self.transient.iter_mut().flatten().flat_map(|(share, time)| [share, time]);
        archive.pieces("wall_contact", all.map(std::slice::from_mut).collect())
    }

    /// A sentence for each side that holds more than 10⁻⁶ of the probability.
    pub fn warnings(&self, grid: &Grid) -> Vec<String> {
        let mut out = Vec::new();
        for (k, axis) in grid.axes().iter().enumerate() {
            for (side, end, place) in [(0, "lower", axis.lower()), (1, "upper", axis.upper())] {
                let ((share, time), stationary) = (self.transient[k][side], self.stationary[k][side]);
                let mut seen = Vec::new();
                if share > REPORT_ABOVE {
                    seen.push(format!("{} at t = {}", told(share), six_digits(time)));
                }
                if stationary > REPORT_ABOVE {
                    seen.push(format!("{} of the stationary density", told(stationary)));
                }
                if !seen.is_empty() && !self.physical[k][side] {
                    out.push(format!(
                        "probability in the outermost cells at the {end} end of {} (= {}): {}; widen the grid there, unless \
                         the wall belongs to the problem",
                        axis.variable(),
                        six_digits(place),
                        seen.join(", ")
                    ));
                }
            }
        }
        out
    }
}

/// A share: in per cent where that is some.
fn told(share: f64) -> String {
    if share < 0.01 { format!("{share:.1e}") } else { format!("{:.0} %", 100.0 * share) }
}

/// A number in six significant digits.
fn six_digits(x: f64) -> f64 {
    format!("{x:.5e}").parse().unwrap_or(x)
}

/// Share of the probability in the outermost cells of each reflecting side.
fn shares(grid: &Grid, probability: &[f64]) -> Vec<[f64; 2]> {
    let axes = grid.axes().iter().enumerate();
    let axis = |(k, axis): (usize, &crate::problem::grid::Axis)| {
        let line = marginal(grid, probability, k);
        let ends = [line[0], line[line.len() - 1]];
        let walls = axis.boundary().map(reflects);
        std::array::from_fn(|side| if walls[side] { ends[side] } else { 0.0 })
    };
    axes.map(axis).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::problem::grid::Axis;

    #[test]
    fn sides_are_told_apart_and_absorbing_walls_are_left_out() {
        let x = Axis::uniform("x", -1.0, 1.0, 4, [Boundary::Reflecting, Boundary::Absorbing]).unwrap();
        let y = Axis::uniform("y", 0.0, 1.0, 3, [Boundary::Reflecting; 2]).unwrap();
        let grid = Grid::new(vec![x, y]).unwrap();
        let mut p = vec![0.0; 12];
        (p[4], p[10], p[5]) = (0.5, 0.3, 0.2); // (1,1) inside, (3,1) at the absorbing wall, (1,2) at the upper end of y
        let mut contact = WallContact::new(vec![[false; 2]; 2]);
        contact.observe(&grid, &[0.0; 12], 0.0);
        assert!(contact.warnings(&grid).is_empty());
        contact.observe(&grid, &p, 0.5);
        let said = contact.warnings(&grid);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("upper end of y (= 1): 20 % at t = 0.5;"), "{said:?}");
        contact.observe_stationary(&grid, &p);
        assert!(contact.warnings(&grid)[0].contains("20 % at t = 0.5, 20 % of the stationary density"));
    }
}
