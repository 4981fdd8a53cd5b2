//! The basins of a loss and the sets that count as arrived in one.

use fpsolve_solvers::Error;
use fpsolve_solvers::escape::passage::{Passage, Target};
use fpsolve_solvers::formula::{Symbols, parse};
use fpsolve_solvers::landscape::{Minimum, basins, critical_points, minima};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::numerics::symmetric::eigen;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::tabulate;
use fpsolve_solvers::problem::grid::{Axis, Grid};

/// Most basins between which times are asked for: they are k(k − 1).
const MOST: usize = 6;
/// Cells that a set is wide at least, from its centre.
const WIDTH: f64 = 1.5;

/// Cells from a saddle to where its sides are looked at.
const SIDE: f64 = 3.0;

/// A saddle between two basins.
pub struct Saddle {
    /// Its position.
    pub position: [f64; 2],
    /// The numbers of the basins.
    pub between: [usize; 2],
}

/// The lowest minima of a loss with their basins.
pub struct Basins {
    /// The minima, lowest first on more axes, from left to right on one.
    pub minima: Vec<Minimum>,
    /// How many more there are.
    pub left_out: usize,
    /// For each cell the number of its basin, −1 for none (n).
    pub of_cell: Vec<i64>,
    grid: Grid,
    names: Vec<String>,
    /// Half widths of the set around each minimum, by axis.
    widths: Vec<Vec<f64>>,
}

impl Basins {
    /// Errors: fewer than two minima.
    pub fn of(problem: &Problem) -> Result<Self, Error> {
        let (model, grid) = (&*problem.model, &problem.grid);
        let loss = tabulate(grid, 1, 1, |points, out| model.loss(points, out));
        let mut found = minima(model, grid, &loss);
        let left_out = found.len().saturating_sub(MOST);
        found.truncate(MOST);
        if found.len() < 2 {
            return Err(Error::invalid(
                format!(
                    "escape needs two minima of the loss on the grid, and there {}",
                    match found.len() {
                        0 => "is none",
                        _ => "is one",
                    }
                ),
                "widen the grid, or leave the rates of escape out",
            ));
        }
        if grid.dimension() == 1 {
            found.sort_by(|a, b| a.position[0].total_cmp(&b.position[0]));
        }
        let places: Vec<&[f64]> = found.iter().map(|minimum| minimum.position.as_slice()).collect();
        let of_cell = basins(grid, &loss, &places);
        let widths = places.iter().map(|place| widths(problem, place)).collect();
        Ok(Self { minima: found, left_out, of_cell, grid: grid.clone(), names: problem.variables.clone(), widths })
    }

    /// Their number k.
    pub fn count(&self) -> usize {
        self.minima.len()
    }

    /// From minimum i to the set that counts as basin j: on a line all beyond minimum j, else a box around it.
    ///
    /// Errors: a set without cells, or one that holds minimum i.
    pub fn passage(&self, i: usize, j: usize) -> Result<Passage, Error> {
        let (from, to) = (&self.minima[i].position, &self.minima[j].position);
        let text = self.target(from, to, &self.widths[j]);
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let condition = parse(&text, &Symbols::new(&names))
            .map_err(|_| Error::invalid("no set around a minimum", "move the grid"))?;
        let passage = Passage {
            name: format!("escape_rates {i} {j}"),
            from: from.clone(),
            target: Target::new(text, &condition, from.len()),
            avoid: None,
            walkers: 1,
            horizon: 1.0,
        };
        passage.check_target(&self.grid)?;
        Ok(passage)
    }

    fn target(&self, from: &[f64], to: &[f64], widths: &[f64]) -> String {
        if let ([from], [to]) = (from, to)
            && !self.grid.axes()[0].is_periodic()
        {
            return format!("{} {} {to:e}", self.names[0], if to > from { ">" } else { "<" });
        }
        let side = |k: usize| {
            let (name, low, high) = (&self.names[k], to[k] - widths[k], to[k] + widths[k]);
            format!("({name} > {low:e})*({name} < {high:e})")
        };
        (0..to.len()).map(side).collect::<Vec<_>>().join("*")
    }

    /// The saddles of the loss in a plane between two of the basins; none on other numbers of axes.
    pub fn saddles(&self, problem: &Problem) -> Vec<Saddle> {
        if self.grid.dimension() != 2 {
            return Vec::new();
        }
        let model = &*problem.model;
        let loss = tabulate(&self.grid, 1, 1, |points, out| model.loss(points, out));
        let points = critical_points(model, &self.grid, &loss).into_iter().filter(|point| point.index() == 1);
        points.filter_map(|point| self.between(model, &point.position)).collect()
    }

    /// The basins on the two sides of a saddle, along the direction in which the loss falls.
    fn between(&self, model: &dyn Model, at: &[f64]) -> Option<Saddle> {
        let lengths: Vec<f64> = self.grid.axes().iter().map(|axis| axis.length()).collect();
        let mut hessian = vec![0.0; 3];
        model.hessian(at, &lengths, &mut hessian);
        let (_, vectors) = eigen(2, &hessian);
        let side = |sign: f64| {
            let cells = |axis: &Axis| axis.length() / axis.cells() as f64;
            let steps = self.grid.axes().iter().enumerate();
            let place: Vec<Option<usize>> =
                steps.map(|(k, axis)| axis.locate(at[k] + sign * SIDE * cells(axis) * vectors[k][0])).collect();
            let cell = place[0]? * self.grid.shape()[1] + place[1]?;
            usize::try_from(self.of_cell[cell]).ok().filter(|basin| *basin < self.count())
        };
        let between = [side(-1.0)?, side(1.0)?];
        (between[0] != between[1]).then_some(Saddle { position: [at[0], at[1]], between })
    }

    /// Probability of each basin under a law (n).
    pub fn occupancy(&self, law: &[f64]) -> Vec<f64> {
        let mut all = vec![0.0; self.count()];
        for (basin, p) in self.of_cell.iter().zip(law) {
            if let Some(share) = usize::try_from(*basin).ok().and_then(|basin| all.get_mut(basin)) {
                *share += p;
            }
        }
        all
    }
}

/// Half a standard deviation of the noise around a minimum, √(T D_kk/λ)/2 with the smallest curvature λ, at least some cells.
fn widths(problem: &Problem, place: &[f64]) -> Vec<f64> {
    let d = place.len();
    let (mut drift, mut noise) = (vec![0.0; d], vec![0.0; d * (d + 1) / 2]);
    problem.dynamics.drift_diffusion(place, &mut drift, &mut noise);
    let lengths: Vec<f64> = problem.grid.axes().iter().map(|axis| axis.length()).collect();
    let mut hessian = vec![0.0; d * (d + 1) / 2];
    problem.model.hessian(place, &lengths, &mut hessian);
    let at = |k: usize| fpsolve_solvers::numerics::symmetric::packed_index(d, k, k);
    (0..d)
        .map(|k| {
            let axis = &problem.grid.axes()[k];
            let cell = axis.locate(place[k]).map_or(axis.length() / axis.cells() as f64, |cell| axis.width(cell));
            let spread = (problem.temperature * noise[at(k)] / hessian[at(k)]).sqrt();
            let half = if spread.is_finite() { 0.5 * spread } else { 0.0 };
            half.max(WIDTH * cell)
        })
        .collect()
}
