//! `analysis.quasi_stationary`: the law of θ inside a basin that it has not left for long, and the rate at which it leaves;
//! `/quasi_stationary/<name>`.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::OnGrid;
use fpsolve_solvers::escape::basin::{Basin, QuasiStationary};
use fpsolve_solvers::escape::passage::Target;
use fpsolve_solvers::formula::Expression;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::density;
use miette::Result;

use super::{Analysis, AnalysisEntry, Context, Failure, Findings, Finished, Request, Scale, Subject};
use crate::reader::Located;
use crate::reader::formula::formula;
use crate::reader::table::{Table, Value};
use crate::record::read::{float, text};
use crate::record::scales::{field, variable_scales};
use crate::record::{Attribute, Record};
use crate::scenario::names::{check_group_name, check_own_names};
use crate::text::{short, with_error};

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "quasi_stationary",
    key: Some("quasi_stationary"),
    about: "list of { name, basin }: the density inside a basin such as \"x < 0\" that has not been left for long, and the exit \
            rate; /quasi_stationary",
    subject: Subject::Law,
    groups: &["quasi_stationary"],
    read,
    words,
};

/// An entry of `analysis.quasi_stationary`.
#[derive(Debug)]
struct Written {
    /// Name of its group in the record.
    name: Located<String>,
    /// A condition that holds in the basin.
    basin: Located<String>,
}

/// The basins with their names.
struct Basins(Vec<(String, Basin)>);

/// What was found in each, and what failed.
struct Found {
    densities: Vec<(String, String, QuasiStationary)>,
    /// Names, and exit rates of the chain of descent with their errors.
    of_the_chain: Vec<(String, String, f64, Option<f64>)>,
    failures: Vec<Failure>,
}

fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let list = |value: &Value| value.list()?.iter().map(read_one).collect();
    let Some(written): Option<Vec<Written>> = table.optional("quasi_stationary", list)? else { return Ok(None) };
    check_own_names(table.source(), written.iter().map(|written| &written.name), "basins")?;
    Ok(Some(Arc::new(written)))
}

fn read_one(value: &Value) -> Result<Written> {
    let table = value.table(&["name", "basin"])?;
    let help = "write { name = \"left\", basin = \"x < 0\" }";
    let name = table.require("name", help)?.string()?;
    check_group_name(table.source(), &name, "basin")?;
    Ok(Written { name, basin: formula(&table.require("basin", help)?)? })
}

impl Request for Vec<Written> {
    /// Errors: a formula that is not one or is not a condition, a basin that covers no cell, or all.
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let basin = |written: &Written| Ok((written.name.value.clone(), basin(context, &written.basin)?));
        let basins = self.iter().map(basin).collect::<Result<Vec<_>>>()?;
        Ok((!basins.is_empty()).then(|| Arc::new(Basins(basins)) as Arc<dyn Analysis>))
    }

    fn numbers_per_cell(&self, _scale: &Scale) -> f64 {
        self.len() as f64
    }
}

fn basin(context: &Context, written: &Located<String>) -> Result<Basin> {
    let condition = (context.parse)(written)?;
    let rest = Expression::constant(1.0).plus(&condition.negated());
    let set = |condition| Target::new(&written.value, condition, context.problem.dimension());
    let basin = Basin { inside: set(&condition), outside: set(&rest) };
    let refused = |error| context.solver_error(&written.span, "this basin", &error);
    basin.check(&context.problem.grid).map_err(refused)?;
    Ok(basin)
}

impl Analysis for Basins {
    /// Each by itself.
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let (law, chain) = (finished.on_grid(), finished.chain());
        if law.is_none() && chain.is_none() {
            return Ok(None);
        }
        let mut found = Found { densities: Vec::new(), of_the_chain: Vec::new(), failures: Vec::new() };
        for (name, basin) in &self.0 {
            (finished.progress)(&format!("quasi-stationary density \"{name}\""));
            let text = basin.inside.text().to_string();
            let of = |law: &dyn OnGrid| law.quasi_stationary(basin, finished.interrupt);
            let failure = |error| Failure { group: format!("quasi_stationary/{name}"), error };
            match law.map(of) {
                Some(Ok(density)) => found.densities.push((name.clone(), text.clone(), density)),
                Some(Err(error)) => found.failures.push(failure(error)),
                None => {}
            }
            match chain.map(|(_, chain)| of(chain)) {
                Some(Ok(exit)) => found.of_the_chain.push((name.clone(), text, exit.rate, exit.rate_error)),
                Some(Err(error)) => found.failures.push(failure(error)),
                None => {}
            }
        }
        Ok(Some(Box::new(found)))
    }
}

impl Findings for Found {
    /// `/quasi_stationary/<name>`: `density` (n…) and the attributes `basin`, `rate`, `rate_error`, `residual`;
    /// for the chain of descent `transfer_operator_rate` and `transfer_operator_rate_error`.
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        let grid = &problem.grid;
        for (name, basin, found) in &self.densities {
            let group = record.group_mut("quasi_stationary").group_mut(name);
            group.set("basin", Attribute::Text(basin.clone()));
            group.set("rate", Attribute::Float(found.rate));
            group.set("rate_error", Attribute::Float(found.rate_error.unwrap_or(f64::NAN)));
            group.set("residual", Attribute::Float(found.residual));
            group.datasets = variable_scales(grid);
            let density = density::from_probability(grid, &found.probability);
            let long_name = "density at the cell centres, given that the basin has not been left for long";
            group.datasets.push(field("density", grid, &[], density, "1", long_name));
        }
        for (name, basin, rate, error) in &self.of_the_chain {
            let group = record.group_mut("quasi_stationary").group_mut(name);
            group.set("basin", Attribute::Text(basin.clone()));
            group.set("transfer_operator_rate", Attribute::Float(*rate));
            group.set("transfer_operator_rate_error", Attribute::Float(error.unwrap_or(f64::NAN)));
        }
    }

    fn failures(&self) -> Vec<Failure> {
        self.failures.clone()
    }
}

/// The rate of each basin, its error and what it means.
fn words(record: &Record) -> Vec<String> {
    let mut lines = Vec::new();
    for group in record.group("quasi_stationary").iter().flat_map(|group| &group.groups) {
        for (key, engine) in [("rate", "grid"), ("transfer_operator_rate", "chain of descent, counted at steps")] {
            let Some(rate) = float(group, key) else { continue };
            let rate_words = with_error(rate, float(group, &format!("{key}_error")).unwrap_or(f64::NAN));
            let (basin, time) = (text(group, "basin").unwrap_or("?"), short(1.0 / rate));
            lines.push(format!("{}: {basin} is left at the rate {rate_words} ({engine}), after {time}", group.name));
        }
    }
    lines
}
