//! The same problem on a ladder of grids: errors, observed orders, extrapolated values.

use super::{FokkerPlanck, FokkerPlanckOptions};
use crate::Error;
use crate::engine::{Engine, Interrupt};
use crate::grid::Grid;
use crate::initial::Initial;
use crate::problem::Problem;

/// One rung: the problem on one grid.
#[derive(Debug, Clone)]
pub struct Rung {
    /// Cells per axis.
    pub cells: Vec<usize>,
    /// L1 distance of the density at the last output time to that on the next finer grid; None on the finest.
    pub change: Option<f64>,
    /// The same of the stationary density, where there is one.
    pub stationary_change: Option<f64>,
    /// Observed order log₂ of the ratio of two successive changes; from the third grid on.
    pub order: Option<f64>,
    /// Observed order of the stationary density.
    pub stationary_order: Option<f64>,
    /// Values of the functionals named in [`Ladder::functionals`].
    pub values: Vec<f64>,
}

/// A functional on all rungs.
#[derive(Debug, Clone)]
pub struct Functional {
    /// What it is: `mean x at t = 1`, `stationary variance x`, …
    pub name: String,
    /// Order log₂|(f_4h − f_2h)/(f_2h − f_h)| of the three finest grids.
    pub order: Option<f64>,
    /// Richardson extrapolation (4 f_h − f_2h)/3 of the two finest.
    pub extrapolated: f64,
    /// |extrapolated − f_h|: the estimated error on the finest grid.
    pub error: f64,
}

/// What [`convergence`] found, coarsest grid first.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// The rungs.
    pub rungs: Vec<Rung>,
    /// The functionals.
    pub functionals: Vec<Functional>,
    /// Estimated L1 error of the density on the finest grid: a third of the last change.
    pub error: f64,
    /// The same of the stationary density.
    pub stationary_error: Option<f64>,
}

struct Solved {
    grid: Grid,
    density: Vec<f64>,
    stationary: Option<Vec<f64>>,
    values: Vec<f64>,
    names: Vec<String>,
}

/// Runs the problem on its own grid and on up to `levels` − 1 coarsenings of it by 2. Errors: an axis that cannot be halved even
/// once, whatever the runs themselves report.
pub fn convergence(
    problem: &Problem,
    options: &FokkerPlanckOptions,
    levels: usize,
    interrupt: Interrupt,
) -> Result<Ladder, Error> {
    let mut problems = vec![problem.clone()];
    while problems.len() < levels.max(2) {
        let Some(coarser) = coarsened(&problems[problems.len() - 1]) else { break };
        problems.push(coarser);
    }
    if problems.len() < 2 {
        return Err(Error::invalid(
            "the grid cannot be coarsened by 2 along every axis",
            "use an even number of cells on every axis, best a multiple of 8",
        ));
    }
    problems.reverse();
    let results = problems.iter().map(|p| solve(p, options, interrupt)).collect::<Result<Vec<Solved>, Error>>()?;
    Ok(ladder(&results))
}

fn coarsened(problem: &Problem) -> Option<Problem> {
    let grid = problem.grid.coarsened()?;
    let initial = match &problem.initial {
        Initial::Cells { probability } => Initial::Cells { probability: problem.grid.coarsen_probability(probability) },
        other => other.clone(),
    };
    Some(Problem { grid, initial, ..problem.clone() })
}

fn solve(problem: &Problem, options: &FokkerPlanckOptions, interrupt: Interrupt) -> Result<Solved, Error> {
    let options = FokkerPlanckOptions { error_estimate: false, ..options.clone() };
    let mut engine = FokkerPlanck::new(problem, options)?;
    let end = problem.times.last().copied().unwrap_or(0.0);
    engine.advance(end, interrupt)?;
    let seen = engine.snapshot();
    let (mut names, mut values) = (Vec::new(), Vec::new());
    let mut add = |what: &str, mean: &[f64], covariance: &[f64]| {
        let d = mean.len();
        for (k, variable) in problem.variables.iter().enumerate() {
            names.push(format!("{what}mean {variable}"));
            values.push(mean[k]);
        }
        for i in 0..d {
            for j in i..d {
                names.push(format!("{what}covariance {} {}", problem.variables[i], problem.variables[j]));
                values.push(covariance[crate::symmetric::packed_index(d, i, j)]);
            }
        }
    };
    add("", &seen.mean, &seen.covariance);
    if let Some(stationary) = engine.stationary() {
        add("stationary ", &stationary.mean, &stationary.covariance);
    }
    let stationary = engine.stationary().map(|s| s.probability.clone());
    Ok(Solved { grid: problem.grid.clone(), density: seen.probability, stationary, values, names })
}

fn ladder(results: &[Solved]) -> Ladder {
    let change = |of: fn(&Solved) -> Option<&Vec<f64>>| -> Vec<Option<f64>> {
        let pairs = results.windows(2).map(|pair| {
            let merged = pair[1].grid.coarsen_probability(of(&pair[1])?);
            Some(merged.iter().zip(of(&pair[0])?).map(|(a, b)| (a - b).abs()).sum())
        });
        pairs.chain([None]).collect()
    };
    let (changes, stationary) = (change(|r| Some(&r.density)), change(|r| r.stationary.as_ref()));
    let order = |changes: &[Option<f64>], at: usize| -> Option<f64> {
        let (before, last) = (changes[at.checked_sub(2)?]?, changes[at - 1]?);
        Some((before / last).log2())
    };
    let rungs = (0..results.len())
        .map(|at| Rung {
            cells: results[at].grid.shape().to_vec(),
            change: changes[at],
            stationary_change: stationary[at],
            order: order(&changes, at),
            stationary_order: order(&stationary, at),
            values: results[at].values.clone(),
        })
        .collect();
    let n = results.len();
    let functional = |(k, name): (usize, &String)| {
        let value = |at: usize| results[at].values[k];
        let (fine, coarse) = (value(n - 1), value(n - 2));
        let extrapolated = (4.0 * fine - coarse) / 3.0;
        let order = (n > 2).then(|| ((value(n - 3) - coarse) / (coarse - fine)).abs().log2());
        Functional { name: name.clone(), order, extrapolated, error: (extrapolated - fine).abs() }
    };
    Ladder {
        rungs,
        functionals: results[n - 1].names.iter().enumerate().map(functional).collect(),
        error: changes[n - 2].map_or(f64::NAN, |c| c / 3.0),
        stationary_error: stationary[n - 2].map(|c| c / 3.0),
    }
}
