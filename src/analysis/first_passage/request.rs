//! `analysis.first_passage` as written, and its checks.

use std::sync::Arc;

use fpsolve_solvers::escape::passage::{Passage, Target};
use miette::Result;

use super::super::{Analysis, Context, Request, Scale};
use super::{Asked, FirstPassages};
use crate::reader::Located;
use crate::reader::formula::formula;
use crate::reader::table::{Table, Value};
use crate::scenario::names::{check_group_name, check_own_names};
use crate::text::{count, exact, interval};

/// An entry of `analysis.first_passage`.
#[derive(Debug, Clone)]
struct Written {
    /// Name of its group in the record.
    name: Located<String>,
    /// Starting point.
    from: Located<Vec<f64>>,
    /// A condition that holds in the target.
    target: Located<String>,
    /// A condition that holds in a set to be avoided.
    avoid: Option<Located<String>>,
    /// Walkers of each ensemble.
    walkers: usize,
    /// Whether walkers of SGD answer too, where that engine runs.
    sgd: bool,
    /// Time up to which those walkers are followed; None for [`HORIZON`] times the end of the run.
    horizon: Option<Located<f64>>,
}

/// Walkers of a first-passage problem that names no number.
const WALKERS: usize = 10_000;
/// Most walkers of a first-passage problem: all their times are kept.
const MOST_WALKERS: u64 = 10_000_000;
/// Horizon of a first-passage problem that names none, in units of the end of the run.
const HORIZON: f64 = 20.0;

/// Reads `analysis.first_passage`.
pub(super) fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let list = |value: &Value| value.list()?.iter().map(read_one).collect();
    let Some(written): Option<Vec<Written>> = table.optional("first_passage", list)? else { return Ok(None) };
    check_own_names(table.source(), written.iter().map(|written| &written.name), "first-passage problems")?;
    Ok(Some(Arc::new(written)))
}

fn read_one(value: &Value) -> Result<Written> {
    let table = value.table(&["name", "from", "target", "avoid", "walkers", "sgd", "horizon"])?;
    let help = "write { name = \"escape\", from = [-1.0], target = \"x > 1\" }";
    let name = table.require("name", help)?.string()?;
    check_group_name(table.source(), &name, "first-passage problem")?;
    let from = table.require("from", help)?.numbers()?;
    let target = formula(&table.require("target", help)?)?;
    let avoid = table.optional("avoid", formula)?;
    let count = |v: &Value| Ok(v.count(1..=MOST_WALKERS)?.value as usize);
    let walkers = table.or("walkers", WALKERS, &WALKERS.to_string(), count)?;
    let sgd = table.or("sgd", true, "true", |v: &Value| Ok(v.boolean()?.value))?;
    let horizon = table.optional("horizon", Value::positive)?;
    if horizon.is_none() {
        table.source().note_default(&table.path("horizon"), format!("{HORIZON} times the last output time"));
    }
    Ok(Written { name, from, target, avoid, walkers, sgd, horizon })
}

impl Request for Vec<Written> {
    /// Errors: a start with another number of coordinates or off the grid, a formula that is not one or is not a condition, a target or
    /// an avoided set that holds at the start or covers no cell, an avoided set that overlaps the target, a horizon before the end of
    /// the run.
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let asked = |written: &Written| {
            let horizon = written.horizon.as_ref().map_or(&written.name.span, |h| &h.span).clone();
            Ok(Asked { passage: passage(context, written)?, horizon, sgd: written.sgd })
        };
        let asked = self.iter().map(asked).collect::<Result<Vec<_>>>()?;
        Ok((!asked.is_empty()).then(|| Arc::new(FirstPassages(asked)) as Arc<dyn Analysis>))
    }

    /// Time and committor of each passage, and the loss, its slopes and the minimax path of Kramers' law.
    fn numbers_per_cell(&self, scale: &Scale) -> f64 {
        let kramers = if scale.dimension > 1 { 5.0 } else { 0.0 };
        if self.is_empty() { 0.0 } else { 2.0 * self.len() as f64 + kramers }
    }
}

fn passage(context: &Context, written: &Written) -> Result<Passage> {
    let (source, grid) = (context.source, &context.problem.grid);
    let Written { name, from, target, avoid, walkers, horizon, .. } = written;
    check_start(context, "first_passage", name, from)?;
    let end = context.problem.times.last().copied().unwrap_or(0.0);
    if let Some(horizon) = horizon.as_ref().filter(|horizon| horizon.value < end) {
        let message =
            format!("the horizon {} of \"{}\" is before the last output time {end}", horizon.value, name.value);
        let help = format!("write horizon = {end} or more: the survival is shown at all output times");
        return Err(source.error(&horizon.span, message, "too early", help));
    }
    let set = |text: &Located<String>| -> Result<Target> {
        let condition = (context.parse)(text)?;
        Ok(Target::new(&text.value, &condition, grid.dimension()))
    };
    let passage = Passage {
        name: name.value.clone(),
        from: from.value.clone(),
        target: set(target)?,
        avoid: avoid.as_ref().map(set).transpose()?,
        walkers: *walkers,
        horizon: horizon.as_ref().map_or(HORIZON * end, |horizon| horizon.value),
    };
    passage.check_target(grid).map_err(|error| context.solver_error(&target.span, "this target", &error))?;
    let span = avoid.as_ref().map_or(&target.span, |avoid| &avoid.span);
    passage.check_avoid(grid).map_err(|error| context.solver_error(span, "this avoided set", &error))?;
    Ok(passage)
}

/// Errors: a start with another number of coordinates, or off the grid.
pub(in super::super) fn check_start(
    context: &Context,
    key: &str,
    name: &Located<String>,
    from: &Located<Vec<f64>>,
) -> Result<()> {
    let (grid, variables) = (&context.problem.grid, &context.problem.variables);
    if from.value.len() != variables.len() {
        let (found, needed) = (count(from.value.len(), "number"), count(variables.len(), "variable"));
        let message = format!("`analysis.{key}.from` has {found} for {needed}");
        let help = format!("write one number for each variable: {}", variables.join(", "));
        return Err(context.source.error(&from.span, message, format!("needs {}", variables.len()), help));
    }
    for (axis, &x) in grid.axes().iter().zip(&from.value) {
        if !(x >= axis.lower() && x <= axis.upper()) {
            let (variable, ends) = (axis.variable(), interval(axis.lower(), axis.upper()));
            let message = format!("the start of \"{}\" is off the grid: {variable} = {}", name.value, exact(x));
            let help = format!("write a value of {variable} in {ends}, or widen the grid");
            return Err(context.source.error(&from.span, message, "off the grid", help));
        }
    }
    Ok(())
}
