//! The tables of a scenario that say how engines compute.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use miette::{Report, Result};

use crate::reader::source::Located;
use crate::reader::table::{Table, Value};

/// A table of the scenario that says how an engine, or several, compute.
#[derive(Debug)]
pub struct OptionsTable {
    /// Its name, such as `langevin`.
    pub key: &'static str,
    /// Its keys.
    pub keys: &'static [&'static str],
    /// Reads it, or takes its defaults where it is not written. Errors: a value that cannot be.
    pub read: fn(&Table) -> Result<AnyOptions>,
    /// Keys that choose by name, each with the names and a line on each.
    pub choices: &'static [(&'static str, Choices)],
}

/// Names that can be chosen, and a line on each.
pub type Choices = fn() -> Vec<(String, String)>;

/// What one table says; [`Options::of`] gives it back its type.
pub type AnyOptions = Arc<dyn Any + Send + Sync>;

/// What a scenario says in all tables of the engines.
#[derive(Debug, Clone)]
pub struct Options(Vec<AnyOptions>);

impl Options {
    /// Reads these tables below the root of a scenario. Errors: an unknown key, a value that cannot be.
    pub fn read(root: &Table, tables: &[&'static OptionsTable]) -> Result<Self> {
        let tables = tables.iter();
        Ok(Self(tables.map(|table| (table.read)(&root.table(table.key, table.keys)?)).collect::<Result<_>>()?))
    }

    /// The options of type `T`. Panics where no table of the engines reads a `T`, which no scenario can bring about.
    pub fn of<T: Any>(&self) -> &T {
        self.0.iter().find_map(|options| options.downcast_ref()).expect("a table of the engines reads these options")
    }
}

/// Most walkers of an ensemble.
const MAX_WALKERS: u64 = 1_000_000_000;
/// Walkers where the scenario names no number.
const DEFAULT_WALKERS: usize = 100_000;

/// Reads the number of walkers of an ensemble. Errors: not a whole number from 1 to [`MAX_WALKERS`].
pub(super) fn walkers(table: &Table) -> Result<Located<usize>> {
    let read = |v: &Value| Ok(v.count(1..=MAX_WALKERS)?.map(|n| n as usize));
    table.or("walkers", table.here(DEFAULT_WALKERS), &DEFAULT_WALKERS.to_string(), read)
}

/// Most walkers whose positions are kept (8 kB and more for each).
const MAX_TRAJECTORIES: u64 = 1000;

/// Reads of how many walkers of an ensemble positions are kept. Errors: more than there are.
pub(super) fn trajectories(table: &Table, walkers: usize) -> Result<usize> {
    let count = |v: &Value| Ok(v.count(0..=MAX_TRAJECTORIES)?.value as usize);
    let trajectories = table.or("trajectories", 0, "0", count)?;
    if let Some(value) = table.get("trajectories").filter(|_| trajectories > walkers) {
        let message = format!("{trajectories} trajectories of {walkers} walkers");
        return Err(value.error(message, "more than there are", "follow at most as many walkers as there are"));
    }
    Ok(trajectories)
}

/// The error of a solver that does not know a name or refuses a number, at its place.
pub(super) fn refused(table: &Table, span: &Range<usize>, label: &str, error: &fpsolve_solvers::Error) -> Report {
    table.source().solver_error(span, label, error)
}
