//! Branches over the parameter, fitted functions along them, and samples left out.

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::Interrupt;
use fpsolve_solvers::landscape::genesis::{Branch, Family, LeaveOneOut, branches, leave_one_out};

use super::parameter::{find, weighable};
use crate::analysis::fitted_inputs;
use crate::error::{self, Failure};
use crate::scenario::genesis::EXAMPLE;
use crate::scenario::{Prepared, Scenario};

/// Most points of a branch at which the fitted function is recorded.
const FITS: usize = 9;

/// What was found.
pub struct Found {
    /// Branches over a parameter.
    pub over: Option<Over>,
    /// Samples left out.
    pub left_out: Option<LeaveOneOut>,
}

/// The branches over a parameter.
pub struct Over {
    /// Its name, as written.
    pub name: String,
    /// Its range.
    pub range: [f64; 2],
    /// Its value in the scenario.
    pub value: f64,
    /// The branches.
    pub branches: Vec<Branch>,
    /// Fitted functions along them.
    pub fits: Fits,
}

/// Fitted functions h(x) along branches.
#[derive(Default)]
pub struct Fits {
    /// Names of the columns of inputs and targets.
    pub columns: Option<[String; 2]>,
    /// Inputs x.
    pub inputs: Vec<f64>,
    /// Branch, number of its point, and h at the inputs.
    pub fitted: Vec<(usize, usize, Vec<f64>)>,
}

/// Follows what `[genesis]` asks for. Errors: not asked for anything, a parameter that is none, a loss that is none; interrupted.
pub fn compute(
    scenario: &Scenario,
    prepared: &Prepared,
    interrupt: Interrupt,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Found, Failure> {
    let Some(asked) = &scenario.genesis else {
        let message = "the scenario has no table [genesis]";
        return Err(Failure::input(scenario.source.error(&(0..0), message, "nothing to follow", EXAMPLE)));
    };
    if !prepared.problem.model.has_loss() {
        let help = "write `loss` instead of `drift`; importance sampling: a number as `scale`, or reweight = true";
        let message = "critical points are those of a loss, and this drift is not the gradient of one";
        return Err(Failure::input(scenario.source.error(&asked.span, message, "no loss", help)));
    }
    let over = match &asked.parameter {
        Some(written) => {
            let parameter = find(scenario, prepared, written)?;
            let end = |end: &Option<crate::reader::Located<f64>>, k: usize| {
                end.as_ref().map(|end| end.value).or(parameter.usual.map(|usual| usual[k]))
            };
            let (Some(from), Some(to)) = (end(&asked.from, 0), end(&asked.to, 1)) else {
                let help = format!("write from and to, two values around {}, its value here", parameter.value);
                let message = format!("`{}` has no range", parameter.name);
                return Err(Failure::input(scenario.source.error(
                    &written.span,
                    message,
                    "from where to where?",
                    help,
                )));
            };
            say("branches of critical points");
            let (family, range) = (&*parameter.family, [from, to]);
            for end in range {
                let refused = |e: Error| Failure::input(scenario.source.solver_error(&written.span, "this value", &e));
                family.at(end).map_err(refused)?;
            }
            let found = branches(family, &prepared.problem.grid, range, parameter.value, interrupt);
            let branches = found.map_err(failed)?;
            let fits = fits(prepared, family, &branches);
            Some(Over { name: parameter.name, range, value: parameter.value, branches, fits })
        }
        None => None,
    };
    let left_out = match &asked.leave_one_out {
        Some(top) => {
            weighable(scenario, prepared, top)?;
            say("samples left out");
            let tell = |done, of| say(&format!("{done} of {of} samples left out"));
            let grid = &prepared.problem.grid;
            Some(leave_one_out(&prepared.model, grid, top.value, interrupt, &tell).map_err(failed)?)
        }
        None => None,
    };
    Ok(Found { over, left_out })
}

fn failed(error: Error) -> Failure {
    Failure::run(error::solver(&error))
}

fn fits(prepared: &Prepared, family: &dyn Family, branches: &[Branch]) -> Fits {
    let Some(regression) = prepared.model.regression() else { return Fits::default() };
    let inputs = fitted_inputs(prepared.data.as_deref(), Some(regression));
    if inputs.is_empty() {
        return Fits::default();
    }
    let mut fitted = Vec::new();
    for (k, branch) in branches.iter().enumerate() {
        let last = branch.points.len() - 1;
        let mut places: Vec<usize> = (0..FITS).map(|i| i * last / (FITS - 1)).collect();
        places.dedup();
        for place in places {
            let point = &branch.points[place];
            fitted.extend(family.fitted(point.value, &point.position, &inputs).map(|h| (k, place, h)));
        }
    }
    let columns = regression.input().map(|input| [input.to_string(), regression.target().to_string()]);
    Fits { columns, inputs, fitted }
}
