//! The same problem on a ladder of grids: L1 errors, observed orders, extrapolated values.
//!
//! [`grids`] makes the problems, [`solve`] runs one, [`Ladder::new`] compares what was reached. With ρ_h = ρ + C h² + …
//! two grids give the extrapolation R = (4 ρ_h − ρ_2h)/3 (L. F. Richardson, doi:10.1098/rsta.1911.0009), three the
//! observed order p = log₂(‖ρ_4h − ρ_2h‖₁/‖ρ_2h − ρ_h‖₁).

use super::richardson::{LEAST, ORDER};

use crate::Error;
use crate::engine::{Attribute, Engine, Interrupt, OnGrid};
use crate::fokker_planck::discretisation::DiscretisationKind;
use crate::fokker_planck::engine::FokkerPlanck;
use crate::fokker_planck::options::FokkerPlanckOptions;
use crate::numerics::symmetric::packed_index;
use crate::problem::Problem;
use crate::problem::density::l1;
use crate::problem::grid::Grid;
use crate::problem::initial::Initial;

/// Fewest cells an axis may have on the coarsest grid.
pub const FEWEST_CELLS: usize = 4;
/// L1 differences below this are rounding.
const ROUNDING: f64 = 1e-13;
/// The order of a reversible stationary density, whose centre values are exact, and of the long-step chain.
const BALANCED: i32 = 4;
/// How far an observed order may lie below and above the declared one; reliability rules of the tests are 0.1 and 0.6.
pub const ORDER_RANGE: [f64; 2] = [-0.3, 0.6];

/// The problem solved on one grid.
#[derive(Debug, Clone)]
pub struct Solved {
    /// The grid.
    pub grid: Grid,
    /// Cell probabilities at each output time.
    pub probability: Vec<Vec<f64>>,
    /// Stationary cell probabilities, where they were wanted and are unique.
    pub stationary: Option<Vec<f64>>,
    /// Moments at the last output time, stationary moments, eigenvalues.
    pub values: Vec<Value>,
    /// How space was made discrete.
    pub discretisation: &'static DiscretisationKind,
    /// The time integrator.
    pub method: String,
    /// Smallest density at any output time.
    pub min_density: f64,
    /// Estimated L1 error of the time integration.
    pub error_time: f64,
    /// Sentences of the engine.
    pub warnings: Vec<String>,
}

/// A number that the solution gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// What it is: `mean x`, `stationary covariance x y`, `eigenvalue 1`, …
    pub name: String,
    /// The number.
    pub value: f64,
    /// Differences below this are rounding or the time integration.
    pub resolution: f64,
}

/// L1 distances of one density over the ladder.
#[derive(Debug, Clone)]
pub struct Distances {
    /// Which density: `transient` (the largest distance over the output times) or `stationary`.
    pub name: &'static str,
    /// ‖ρ_2h − ρ_h‖₁ of each grid to the next finer one.
    pub change: Vec<f64>,
    /// Estimated error of each grid: its distance to the Richardson extrapolation of the two finest.
    pub error: Vec<f64>,
    /// Observed order, from the third grid on.
    pub order: Vec<f64>,
    /// Declared order of the discretisation.
    pub declared: i32,
    /// Changes below this are rounding or the time integration.
    pub resolution: f64,
}

/// A number over the ladder.
#[derive(Debug, Clone)]
pub struct Functional {
    /// As in [`Value`].
    pub name: String,
    /// On each grid.
    pub values: Vec<f64>,
    /// Order log₂|(f_4h − f_2h)/(f_2h − f_h)| of the three finest grids; None for differences of rounding.
    pub order: Option<f64>,
    /// Richardson extrapolation (4 f_h − f_2h)/3 of the two finest.
    pub extrapolated: f64,
    /// |extrapolated − f_h|: the estimated error on the finest grid.
    pub error: f64,
    /// As in [`Value`].
    pub resolution: f64,
}

/// A ladder of at least two grids, the coarsest first.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// Cells per axis of each grid.
    pub cells: Vec<Vec<usize>>,
    /// Distances of the densities.
    pub densities: Vec<Distances>,
    /// Numbers that exist on every grid.
    pub functionals: Vec<Functional>,
}

/// The problem on its own grid and on up to `levels` − 1 coarsenings of it by 2, the coarsest first. Errors: an axis that cannot
/// be halved even once.
pub fn grids(problem: &Problem, levels: usize) -> Result<Vec<Problem>, Error> {
    let mut problems = vec![problem.clone()];
    while problems.len() < levels.max(2) {
        let Some(coarser) = coarsened(&problems[problems.len() - 1]) else { break };
        problems.push(coarser);
    }
    if problems.len() < 2 {
        return Err(Error::invalid(
            "the grid cannot be coarsened by 2 along every axis",
            "use an even number of cells on every axis, at least 8 and best a multiple of 8",
        ));
    }
    problems.reverse();
    Ok(problems)
}

fn coarsened(problem: &Problem) -> Option<Problem> {
    let grid = problem.grid.coarsened().filter(|grid| grid.shape().iter().all(|&n| n >= FEWEST_CELLS))?;
    let initial = match &problem.initial {
        Initial::Cells { probability } => Initial::Cells { probability: problem.grid.coarsen_probability(probability) },
        other => other.clone(),
    };
    Some(Problem { grid, initial, ..problem.clone() })
}

/// The options with the discretisation that the automatic choice takes for the problem on its own grid, so that all grids of a ladder
/// have the same. Errors: as for [`FokkerPlanck::new`].
pub fn fixed_discretisation(
    problem: &Problem,
    options: &FokkerPlanckOptions,
    interrupt: Interrupt,
) -> Result<FokkerPlanckOptions, Error> {
    let mut options = options.clone();
    if options.discretisation.is_none() {
        options.discretisation = Some(FokkerPlanck::chosen(problem, &options, interrupt)?);
    }
    Ok(options)
}

/// Runs the Fokker–Planck engine over all output times, with the `eigenpairs` slowest modes. Errors: whatever the engine reports.
pub fn solve(
    problem: &Problem,
    options: &FokkerPlanckOptions,
    eigenpairs: usize,
    interrupt: Interrupt,
) -> Result<Solved, Error> {
    let options = FokkerPlanckOptions { error_estimate: false, ..options.clone() };
    let mut engine = FokkerPlanck::new_until(problem, options, interrupt)?;
    let mut probability = Vec::with_capacity(problem.times.len());
    for &time in &problem.times {
        engine.advance(time, interrupt)?;
        probability.push(engine.snapshot().probability);
    }
    let mut solved = Solved {
        grid: problem.grid.clone(),
        probability,
        stationary: engine.stationary().map(|s| s.probability.clone()),
        discretisation: engine.discretisation().kind(),
        values: Vec::new(),
        method: String::new(),
        min_density: f64::NAN,
        error_time: 0.0,
        warnings: engine.warnings(),
    };
    for attribute in engine.attributes() {
        match attribute {
            ("method", Attribute::Text(method)) => solved.method = method,
            ("min_density", Attribute::Float(x)) => solved.min_density = x,
            ("error_time", Attribute::Float(x)) if x.is_finite() => solved.error_time = x,
            _ => {}
        }
    }
    solved.values = values(problem, &engine, eigenpairs, solved.error_time, interrupt)?;
    Ok(solved)
}

/// Moments, survival and eigenvalues, each with the size of differences that mean nothing.
fn values(
    problem: &Problem,
    engine: &FokkerPlanck,
    eigenpairs: usize,
    error_time: f64,
    interrupt: Interrupt,
) -> Result<Vec<Value>, Error> {
    let mut out = Vec::new();
    let mut add = |name: String, value: f64, resolution: f64| out.push(Value { name, value, resolution });
    let length = |k: usize| problem.grid.axes()[k].length();
    let variables = &problem.variables;
    let mut moments = |what: &str, mean: &[f64], covariance: &[f64], relative: f64| {
        for (k, variable) in variables.iter().enumerate() {
            add(format!("{what}mean {variable}"), mean[k], relative * length(k));
        }
        for i in 0..mean.len() {
            for j in i..mean.len() {
                let name = format!("{what}covariance {} {}", variables[i], variables[j]);
                add(name, covariance[packed_index(mean.len(), i, j)], relative * length(i) * length(j));
            }
        }
    };
    let seen = engine.snapshot();
    let rounding = 100.0 * ROUNDING;
    moments("", &seen.mean, &seen.covariance, error_time.max(rounding));
    if let Some(stationary) = engine.stationary() {
        moments("stationary ", &stationary.mean, &stationary.covariance, rounding);
    }
    if engine.discretisation().has_exit() {
        add("absorbed probability".into(), seen.outside, error_time.max(rounding));
    }
    if eigenpairs > 1 {
        let modes = engine.spectrum(eigenpairs, interrupt)?;
        for k in 1..eigenpairs.min(modes.real.len()) {
            let size = modes.real[k].hypot(modes.imaginary[k]);
            let resolution = size * modes.error[k].max(rounding);
            add(format!("eigenvalue {k}"), modes.real[k], resolution);
            if modes.imaginary[k] != 0.0 {
                add(format!("eigenvalue {k}, imaginary part"), modes.imaginary[k], resolution);
            }
        }
    }
    Ok(out)
}

impl Ladder {
    /// Compares the solutions on a ladder of grids, the coarsest first; None for fewer than two.
    pub fn new(solved: &[Solved]) -> Option<Self> {
        let finest = solved.last().filter(|_| solved.len() > 1)?;
        let error_time = solved.iter().map(|s| s.error_time).fold(ROUNDING, f64::max);
        let transient: Vec<Rung> = solved.iter().map(|s| (&s.grid, s.probability.as_slice())).collect();
        let stationary: Option<Vec<Rung>> =
            solved.iter().map(|s| Some((&s.grid, std::slice::from_ref(s.stationary.as_ref()?)))).collect();
        let declared = finest.discretisation.order;
        let mut densities = vec![distances("transient", &transient, error_time, declared)];
        densities.extend(stationary.map(|laws| distances("stationary", &laws, ROUNDING, declared)));
        Some(Self {
            cells: solved.iter().map(|s| s.grid.shape().to_vec()).collect(),
            densities,
            functionals: finest.values.iter().filter_map(|value| functional(solved, value, declared)).collect(),
        })
    }

    /// What a reader of the table should know: orders that are not the declared one, errors that are not the grid's.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks: Vec<String> = self.densities.iter().filter_map(Distances::remark).collect();
        if self.cells.len() < 3 {
            remarks.push("two grids show no order: the errors rely on the declared one".into());
        }
        let odd = |f: &&Functional| f.order.is_some_and(|p| p < f64::from(ORDER) + ORDER_RANGE[0]);
        let odd: Vec<&str> = self.functionals.iter().filter(odd).map(|f| f.name.as_str()).collect();
        if !odd.is_empty() {
            remarks.push(format!(
                "below order {ORDER} on these grids, so that the extrapolation may be no better than the finest value: {}",
                odd.join(", ")
            ));
        }
        remarks
    }
}

/// Whether an observed order is the declared one, within [`ORDER_RANGE`].
pub fn is_declared(order: f64) -> bool {
    let near = |declared: i32| (ORDER_RANGE[0]..=ORDER_RANGE[1]).contains(&(order - f64::from(declared)));
    near(ORDER) || near(BALANCED)
}

/// Growth of an error from grid to grid: 2^[`BALANCED`] where that order is observed; for a scheme that declares it, what is observed
/// between it and [`ORDER`]; for one that declares [`ORDER`], a lower order that is observed; else 2^[`ORDER`].
fn growth(observed: Option<f64>, declared: i32) -> f64 {
    let (order, low, high) = (observed.unwrap_or(f64::from(declared)), f64::from(ORDER), f64::from(BALANCED));
    if order > high + ORDER_RANGE[0] {
        high.exp2()
    } else if declared > ORDER {
        order.clamp(low, high).exp2()
    } else if order < low + ORDER_RANGE[0] {
        order.max(LEAST).exp2()
    } else {
        low.exp2()
    }
}

/// A grid with the densities on it that are compared.
type Rung<'a> = (&'a Grid, &'a [Vec<f64>]);

fn distances(name: &'static str, rungs: &[Rung], resolution: f64, declared: i32) -> Distances {
    let merged: Vec<Vec<Vec<f64>>> =
        rungs[1..].iter().map(|(grid, fine)| fine.iter().map(|p| grid.coarsen_probability(p)).collect()).collect();
    let largest =
        |a: &[Vec<f64>], b: &[Vec<f64>]| -> f64 { a.iter().zip(b).map(|(p, q)| l1(p, q)).fold(0.0, f64::max) };
    let change: Vec<f64> = rungs.iter().zip(&merged).map(|((_, coarse), fine)| largest(coarse, fine)).collect();
    let order: Vec<f64> = change.windows(2).map(|w| (w[0] / w[1]).log2()).collect();
    // the extrapolation lives on the last grid but one, and is merged down from there
    let n = rungs.len();
    let factor = growth(order.last().copied(), declared);
    let extrapolate = |(fine, coarse): (&Vec<f64>, &Vec<f64>)| -> Vec<f64> {
        fine.iter().zip(coarse).map(|(f, c)| (factor * f - c) / (factor - 1.0)).collect()
    };
    let mut limit: Vec<Vec<f64>> = merged[n - 2].iter().zip(rungs[n - 2].1).map(extrapolate).collect();
    let mut error = vec![change[n - 2] / (factor - 1.0), largest(rungs[n - 2].1, &limit)];
    for k in (0..n - 2).rev() {
        limit = limit.iter().map(|p| rungs[k + 1].0.coarsen_probability(p)).collect();
        error.push(largest(rungs[k].1, &limit));
    }
    error.reverse();
    Distances { name, change, error, order, declared, resolution }
}

impl Distances {
    /// What is wrong with the observed order, if anything.
    fn remark(&self) -> Option<String> {
        let (name, n, declared) = (self.name, self.change.len(), self.declared);
        let last = self.change[n - 1];
        if last < 10.0 * self.resolution {
            return Some(format!(
                "{name} density: the last change {last:.1e} is hardly larger than the error of rounding and time \
                 integration, {:.1e}: the orders say nothing there (a smaller tolerance of the integrator helps, if it is the time)",
                self.resolution
            ));
        }
        let order = *self.order.last()?;
        if is_declared(order) {
            return None;
        }
        Some(if order <= 0.0 {
            format!(
                "{name} density: it changes by {last:.1e} in the last step and by {:.1e} in the one before: these grids do \
                 not converge yet, the true error is unknown; use more cells",
                self.change[n - 2]
            )
        } else if order < f64::from(declared) {
            format!(
                "{name} density: observed order {order:.2}, declared {declared}: the grids are too coarse for the theory; at the \
                 observed order the error on the finest grid is {:.1e}",
                last / (order.exp2() - 1.0)
            )
        } else {
            format!(
                "{name} density: observed order {order:.2}, declared {declared}: better than it can stay, the coarse grids are \
                 outside the range of the theory; look at one level more"
            )
        })
    }
}

fn functional(solved: &[Solved], value: &Value, declared: i32) -> Option<Functional> {
    let on = |s: &Solved| s.values.iter().find(|v| v.name == value.name).map(|v| v.value);
    let values: Vec<f64> = solved.iter().map(on).collect::<Option<_>>()?;
    let n = values.len();
    let last = values[n - 2] - values[n - 1];
    let order = (n > 2 && last.abs() > 10.0 * value.resolution)
        .then(|| ((values[n - 3] - values[n - 2]) / last).abs().log2())
        .filter(|order| order.is_finite());
    let extrapolated = values[n - 1] - last / (growth(order, declared) - 1.0);
    Some(Functional {
        name: value.name.clone(),
        order,
        extrapolated,
        error: (extrapolated - values[n - 1]).abs(),
        values,
        resolution: value.resolution,
    })
}
