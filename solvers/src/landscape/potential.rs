//! The potential Φ = −T ln ρ of a density on a grid as a landscape: cubic splines through the cell centres.

use super::minima::neighbours;
use super::point::CriticalPoint;
use super::{Leaf, basins, critical_points, merge_tree};
use crate::Error;
use crate::model::table::{Fields, Lattice, SplineAxis, TableModel};
use crate::problem::grid::Grid;

/// Share of the peak below which densities in two dimensions and more are not told from rounding.
const ROUNDING: f64 = 1e-13;
/// Barriers in units of the temperature that are not told from the error of a density.
const LEAST: f64 = 1e-3;

/// The landscape of a potential.
#[derive(Debug, Clone)]
pub struct PotentialLandscape {
    /// Its critical points: minima are peaks of the density.
    pub points: Vec<CriticalPoint>,
    /// For each cell the number of its minimum, −1 for none (n).
    pub basin: Vec<i64>,
    /// The merge tree.
    pub tree: Vec<Leaf>,
}

/// The landscape of Φ = −T ln ρ (n, the last axis fastest); cells where ρ is 0 or lost in rounding belong to no basin. None on periodic
/// axes, whose splines do not close, and where fewer than four cells lie along an axis.
pub fn potential_landscape(grid: &Grid, potential: &[f64], temperature: f64) -> Option<PotentialLandscape> {
    if grid.axes().iter().any(|axis| axis.is_periodic() || axis.cells() < 4) {
        return None;
    }
    let lowest = potential.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = if grid.dimension() == 1 { f64::INFINITY } else { lowest - temperature * ROUNDING.ln() };
    let known = |phi: f64| phi.is_finite() && phi < highest;
    let top = potential.iter().copied().filter(|phi| known(*phi)).fold(lowest, f64::max);
    let values: Vec<f64> = potential.iter().map(|&phi| if known(phi) { phi } else { f64::INFINITY }).collect();
    let model = splines(grid, values.iter().map(|phi| phi.min(top)).collect()).ok()?;
    let mut points = critical_points(&model, grid, &values);
    // next to a cell that is not known the splines say nothing
    let all_known =
        |cell: usize| neighbours(grid, cell).all(|near| neighbours(grid, near).all(|k| values[k].is_finite()));
    let is_known = |point: &CriticalPoint| grid.locate(&point.position).is_some_and(all_known);
    points.retain(is_known);
    let minima: Vec<&[f64]> = points.iter().filter(|p| p.index() == 0).map(|p| p.position.as_slice()).collect();
    let mut basin = basins(grid, &values, &minima);
    basin.iter_mut().zip(&values).filter(|(_, phi)| phi.is_infinite()).for_each(|(basin, _)| *basin = -1);
    let tree = merge_tree(&model, grid, &values, &mut points, LEAST * temperature);
    Some(PotentialLandscape { points, basin, tree })
}

fn splines(grid: &Grid, values: Vec<f64>) -> Result<TableModel, Error> {
    let axes = grid.axes().iter().map(|axis| SplineAxis::new(axis.variable(), axis.centers()));
    let lattice = Lattice::new(axes.collect::<Result<_, _>>()?)?;
    TableModel::new(lattice, Fields { loss: Some(values), ..Fields::default() })
}
