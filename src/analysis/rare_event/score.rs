//! The score of a rare event as a function of points.

use fpsolve_solvers::Error;
use fpsolve_solvers::escape::passage::{Passage, Target};
use fpsolve_solvers::fokker_planck::cells::interpolation::{at, interpolation};
use fpsolve_solvers::formula::{Symbols, parse};
use fpsolve_solvers::problem::grid::Grid;

use super::super::Finished;
use super::event::{Event, Score};

/// ξ at n points (coordinate-major).
type Function = Box<dyn Fn(&[f64]) -> Vec<f64> + Sync>;

/// Cells on each side of the start that the committor counts as not yet out.
const AROUND: f64 = 2.0;

/// The score of an event; `committor` is that in each cell, where it is the score.
pub fn function(event: &Event, grid: &Grid, committor: Option<Vec<f64>>) -> Function {
    match &event.score {
        Score::Formula(_, program) => {
            let (program, d) = (program.clone(), event.from.len());
            Box::new(move |points| {
                let mut values = vec![0.0; points.len() / d];
                program.evaluate(points, &mut values);
                values
            })
        }
        Score::Committor => {
            let (grid, committor) = (grid.clone(), committor.unwrap_or_default());
            Box::new(move |points| interpolated(&grid, &committor, points))
        }
    }
}

/// The committor in each cell, where it is the score. Errors: no engine that finds it, and those of its search.
pub fn committor(event: &Event, finished: &Finished) -> Result<Option<Vec<f64>>, Error> {
    match &event.score {
        Score::Formula(..) => Ok(None),
        Score::Committor => on_grid(event, finished, &finished.problem.grid).map(Some),
    }
}

/// The committor between the cells around the start and the target.
fn on_grid(event: &Event, finished: &Finished, grid: &Grid) -> Result<Vec<f64>, Error> {
    let law = finished.on_grid().or_else(|| finished.chain().map(|(_, chain)| chain)).ok_or_else(|| {
        Error::invalid(
            "the committor as a score needs an engine that holds the law on the grid",
            "let fokker-planck or transfer-operator run beside, or write the score as a formula",
        )
    })?;
    let names: Vec<&str> = finished.problem.variables.iter().map(String::as_str).collect();
    let near = grid.axes().iter().zip(&event.from).map(|(axis, x)| {
        let cell = axis.locate(*x).unwrap_or(0);
        let width = AROUND * axis.width(cell);
        format!("({} > {:e})*({} < {:e})", axis.variable(), x - width, axis.variable(), x + width)
    });
    let text = near.collect::<Vec<_>>().join("*");
    let condition =
        parse(&text, &Symbols::new(&names)).map_err(|_| Error::invalid("no box around the start", "move the start"))?;
    // the committor needs a start outside of both sets: its own value there is not asked for
    let mut outside = event.from.clone();
    let axis = &grid.axes()[0];
    outside[0] += 2.0 * AROUND * axis.width(axis.locate(outside[0]).unwrap_or(0));
    let passage = Passage {
        name: event.name.clone(),
        from: outside,
        target: event.target.clone(),
        avoid: Some(Target::new(&text, &condition, grid.dimension())),
        walkers: 1,
        horizon: 1.0,
    };
    let found = law.first_passage(&passage, finished.interrupt)?;
    found
        .committor
        .ok_or_else(|| Error::invalid("the engine on the grid gave no committor", "write the score as a formula"))
}

/// A field at n points (coordinate-major), linear between cell centres; not a number where a coordinate is none.
fn interpolated(grid: &Grid, values: &[f64], points: &[f64]) -> Vec<f64> {
    let n = points.len() / grid.dimension();
    let one = |i: usize| {
        let point: Vec<f64> = points.iter().skip(i).step_by(n).copied().collect();
        if point.iter().any(|x| x.is_nan()) { f64::NAN } else { at(&interpolation(grid, None, &point), values) }
    };
    (0..n).map(one).collect()
}
