//! A cell on one axis: the law of SGD by the transfer operator, that of the SDE by quadrature.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Attribute, Engine, Interrupt};
use fpsolve_solvers::escape::line::Line;
use fpsolve_solvers::escape::passage::Passage;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::grid::{Axis, Boundary, Grid};
use fpsolve_solvers::problem::initial::Initial;
use fpsolve_solvers::transfer_operator::{TransferOperator, TransferOperatorOptions};

use super::cell::{Cell, Estimate, ORDERS, OrderCell};

/// Cells that a typical step covers.
const STEP_CELLS: f64 = 5.0;
/// Fewest and most cells of an axis; multiples of eight, so that coarser grids exist.
const CELLS: [usize; 2] = [160, 3200];
/// Steps of the quadrature, at least.
const QUADRATURE: usize = 8_000;
/// Probability of a node below which its curvature and its steps do not count.
const SEEN: f64 = 1e-6;

/// The cell of a problem: `orders` are the problems with the modified equations of each order, None where one cannot be.
///
/// Errors: [`Error::Interrupted`]; what the operator says about this η and B is the cell's remark.
pub fn cell(
    orders: &[Option<Problem>; ORDERS],
    options: &TransferOperatorOptions,
    passage: Option<&Passage>,
    interrupt: Interrupt,
) -> Result<Cell, Error> {
    let Some(first) = &orders[0] else { return Ok(Cell::unknown("the SDE cannot be built".into())) };
    let axis = &first.grid.axes()[0];
    let Some(line) = Line::new(&*first.dynamics, first.temperature, axis, QUADRATURE) else {
        return Ok(Cell::unknown("the noise of the SDE vanishes on the grid".into()));
    };
    let cells = cells_needed(first, &line, axis);
    match of_two_grids(orders, options, passage, cells, interrupt) {
        Ok(cell) => Ok(cell),
        Err(error @ Error::Interrupted { .. }) => Err(error),
        Err(error) => Ok(Cell::unknown(error.to_string())),
    }
}

/// The points of a fine grid where the SDE's law is, each with η λ and the length of a step of SGD.
fn look(problem: &Problem, law: &[f64], axis: &Axis) -> Vec<[f64; 2]> {
    let n = law.len();
    let at = |k: usize| axis.lower() + axis.length() * (k as f64 + 0.5) / n as f64;
    let points: Vec<f64> = (0..n).map(at).collect();
    let delta = 1e-4 * axis.length();
    let slope = |shift: f64| {
        let mut gradient = vec![0.0; n];
        problem.model.gradient(&points.iter().map(|x| x + shift).collect::<Vec<_>>(), &mut gradient);
        gradient
    };
    let (up, down) = (slope(delta), slope(-delta));
    let (mut drift, mut noise) = (vec![0.0; n], vec![0.0; n]);
    problem.dynamics.drift_diffusion(&points, &mut drift, &mut noise);
    let rate = problem.minibatch.map_or(0.0, |minibatch| minibatch.learning_rate);
    let one = |k: usize| {
        let curvature = (up[k] - down[k]) / (2.0 * delta);
        [rate * curvature, (2.0 * problem.temperature * rate * noise[k].max(0.0)).sqrt()]
    };
    (0..n).filter(|&k| law[k] > SEEN).map(one).collect()
}

/// Cells of which a step of SGD covers enough nearly wherever the law is.
fn cells_needed(problem: &Problem, line: &Line, axis: &Axis) -> usize {
    let law = line.stationary(400);
    let mut steps: Vec<f64> = look(problem, &law, axis).iter().map(|seen| seen[1]).filter(|s| *s > 0.0).collect();
    steps.sort_by(f64::total_cmp);
    let typical = steps.get(steps.len() / 20).copied().unwrap_or(axis.length());
    let wanted = (STEP_CELLS * axis.length() / typical).ceil();
    (wanted as usize).clamp(CELLS[0], CELLS[1]).div_ceil(8) * 8
}

/// What the operator says on one grid.
struct Descent {
    law: Vec<f64>,
    moments: [f64; 2],
    time: Option<Estimate>,
    classes: f64,
    clamped: f64,
}

fn descent(
    problem: &Problem,
    options: &TransferOperatorOptions,
    passage: Option<&Passage>,
    cells: usize,
    interrupt: Interrupt,
) -> Result<Descent, Error> {
    let axis = &problem.grid.axes()[0];
    let axis = Axis::uniform(axis.variable(), axis.lower(), axis.upper(), cells, [Boundary::Reflecting; 2])?;
    let problem = Problem {
        grid: Grid::new(vec![axis])?,
        initial: passage.map_or(Initial::Uniform, |passage| Initial::Point { at: passage.from.clone() }),
        times: vec![0.0],
        dynamics: Arc::clone(&problem.dynamics),
        ..problem.clone()
    };
    let engine = TransferOperator::new(&problem, options.clone(), interrupt)?;
    let long_run = engine.long_run().ok_or_else(|| {
        Error::numerical(
            "transfer_operator",
            "in the long run",
            "no invariant law was found",
            "use another box or grid",
        )
    })?;
    let clamped = engine.attributes().iter().find_map(|(name, value)| match value {
        Attribute::Float(x) if *name == "clamped" => Some(*x),
        _ => None,
    });
    let classes = long_run.class_probability.len() as f64;
    let time = match (passage, engine.chain()) {
        (Some(passage), Some(chain)) => match chain.first_passage(passage, interrupt) {
            Ok(found) => Some(Estimate { value: found.from_value, error: found.error_grid.unwrap_or(f64::NAN) }),
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            // no way to the target: SGD never arrives
            Err(_) => Some(Estimate { value: f64::INFINITY, error: 0.0 }),
        },
        _ => None,
    };
    let moments = [long_run.mean[0], long_run.covariance[0]];
    Ok(Descent { law: long_run.probability.clone(), moments, time, classes, clamped: clamped.unwrap_or(f64::NAN) })
}

fn of_two_grids(
    orders: &[Option<Problem>; ORDERS],
    options: &TransferOperatorOptions,
    passage: Option<&Passage>,
    cells: usize,
    interrupt: Interrupt,
) -> Result<Cell, Error> {
    let first = orders[0].as_ref().ok_or_else(|| Error::invalid("no equation", "take another order"))?;
    let fine = descent(first, options, passage, cells, interrupt)?;
    let options = TransferOperatorOptions { stationary: true, ..options.clone() };
    let coarse = match descent(first, &options, None, cells / 2, interrupt) {
        Err(error @ Error::Interrupted { .. }) => return Err(error), // not a cell without bars
        other => other.ok(),
    };
    let axis = &first.grid.axes()[0];
    let mut cell = Cell {
        orders: [OrderCell::UNKNOWN; ORDERS],
        moments: fine.moments,
        rate_times_curvature: look(first, &fine.law, axis).iter().map(|seen| seen[0]).fold(0.0, f64::max),
        classes: fine.classes,
        clamped: fine.clamped,
        remark: None,
    };
    for (order, problem) in orders.iter().enumerate() {
        let Some(problem) = problem else { continue };
        match beside(problem, axis, passage, &fine, coarse.as_ref()) {
            Some(found) => cell.orders[order] = found,
            None => cell.remark = Some(format!("the noise of order {} is not positive on the grid", order + 1)),
        }
    }
    Ok(cell)
}

/// One order of the SDE beside the law of SGD; None where its noise is not positive.
fn beside(
    problem: &Problem,
    axis: &Axis,
    passage: Option<&Passage>,
    fine: &Descent,
    coarse: Option<&Descent>,
) -> Option<OrderCell> {
    let cells = fine.law.len();
    let steps = cells * QUADRATURE.div_ceil(cells);
    let line = Line::new(&*problem.dynamics, problem.temperature, axis, steps)?;
    let distances = |law: &[f64]| {
        let sde = line.stationary(law.len());
        let h = axis.length() / law.len() as f64;
        let total = 0.5 * law.iter().zip(&sde).map(|(a, b)| (a - b).abs()).sum::<f64>();
        let mut ahead = 0.0;
        let work = law.iter().zip(&sde).map(|(a, b)| {
            ahead += a - b;
            f64::abs(ahead) * h
        });
        [total, work.sum::<f64>()]
    };
    let here = distances(&fine.law);
    let bar = coarse.map_or([f64::NAN; 2], |coarse| {
        let there = distances(&coarse.law);
        [0, 1].map(|k| (here[k] - there[k]).abs())
    });
    let law = line.stationary(cells);
    let mean: f64 = law.iter().enumerate().map(|(k, p)| p * centre(axis, k, cells)).sum();
    let variance: f64 = law.iter().enumerate().map(|(k, p)| p * (centre(axis, k, cells) - mean).powi(2)).sum();
    let h = axis.length() / cells as f64;
    let log_ratio = match (passage, fine.time) {
        (Some(passage), Some(time)) => {
            let tau = time_of(&line, axis, passage)?;
            Estimate { value: (time.value / tau).ln(), error: time.error / time.value.min(f64::MAX) }
        }
        _ => Estimate::UNKNOWN,
    };
    Some(OrderCell {
        total_variation: Estimate { value: here[0], error: bar[0] },
        wasserstein_1: Estimate { value: here[1], error: bar[1] },
        log_ratio,
        moments: [mean, variance + h * h / 12.0],
    })
}

fn centre(axis: &Axis, k: usize, cells: usize) -> f64 {
    axis.lower() + axis.length() * (k as f64 + 0.5) / cells as f64
}

/// The SDE's mean time to the edge of a target on one side of the start.
fn time_of(line: &Line, axis: &Axis, passage: &Passage) -> Option<f64> {
    match passage.target.edges_around(axis, passage.from[0]) {
        [Some(to), None] | [None, Some(to)] => Some(line.mean_time(passage.from[0], to)),
        [Some(_), Some(_)] | [None, None] => None,
    }
}
