//! Suites of checks that a built program can run on itself: exact solutions, orders, ensembles, invariants, escape, honesty of errors.
//!
//! Each check is a row: what was computed, what was expected, how far off it may be, and why that far. A statistical row states its
//! false-alarm rate ([`RATE`]) and is paired with a row that fails unless a stated difference would be seen, so that a suite cannot pass by
//! being blind. A [`Fault`] is planted in the solvers themselves; [`FAULTS`] says which suite must see which.
//!
//! A new suite is one file here and one line in [`SUITES`].

mod convergence;
mod ensembles;
mod escape;
mod exact;
mod fault;
mod honesty;
mod invariants;
mod solve;

pub use fault::{FAULTS, Fault, Planted};

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::Interrupt;
use fpsolve_solvers::fault::plant;

/// Probability that a statistical row fails although nothing is wrong, for a new seed.
pub const RATE: f64 = 1e-6;

/// A suite.
#[derive(Debug, Clone, Copy)]
pub struct Suite {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it checks.
    pub about: &'static str,
    run: fn(&Setting, &mut Rows) -> Result<(), Error>,
}

impl Suite {
    /// Runs it, on solvers as they are or with a fault planted in them. Errors: those of the engines; an interruption.
    pub fn run(&self, setting: &Setting, fault: Option<Fault>, rows: &mut Rows) -> Result<(), Error> {
        let _planting = plant(fault);
        (self.run)(setting, rows)
    }
}

/// All suites, in the order in which they run.
pub static SUITES: &[&Suite] =
    &[&exact::SUITE, &convergence::SUITE, &ensembles::SUITE, &invariants::SUITE, &escape::SUITE, &honesty::SUITE];

/// How suites are run.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Whether the long checks run too.
    pub full: bool,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Asked now and then whether to go on.
    pub interrupt: Interrupt<'a>,
}

/// A check.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was computed.
    pub what: String,
    /// The number found.
    pub value: f64,
    /// The number expected; None where only a bound is held.
    pub expected: Option<f64>,
    /// How far the number may be from what is expected, or its largest (with [`Row::least`] its smallest) value.
    pub bound: f64,
    /// The smallest value, where there is one.
    pub least: Option<f64>,
    /// Whether it passed.
    pub passed: bool,
    /// Where the expected number and the bound come from.
    pub why: String,
}

/// The rows of a suite, told to a listener as they come.
pub struct Rows<'a> {
    rows: Vec<Row>,
    heard: &'a dyn Fn(&Row),
}

impl<'a> Rows<'a> {
    /// None yet.
    pub fn new(heard: &'a dyn Fn(&Row)) -> Self {
        Self { rows: Vec::new(), heard }
    }

    /// Those that are there.
    pub fn into_rows(self) -> Vec<Row> {
        self.rows
    }

    /// |value − expected| ≤ bound.
    fn near(&mut self, what: impl Into<String>, value: f64, expected: f64, bound: f64, why: impl Into<String>) {
        let passed = (value - expected).abs() <= bound;
        self.push(Row {
            what: what.into(),
            value,
            expected: Some(expected),
            bound,
            least: None,
            passed,
            why: why.into(),
        });
    }

    /// value ≤ bound.
    fn below(&mut self, what: impl Into<String>, value: f64, bound: f64, why: impl Into<String>) {
        let passed = value <= bound;
        self.push(Row { what: what.into(), value, expected: None, bound, least: None, passed, why: why.into() });
    }

    /// least ≤ value ≤ most.
    fn within(&mut self, what: impl Into<String>, value: f64, [least, most]: [f64; 2], why: impl Into<String>) {
        let passed = value >= least && value <= most;
        self.push(Row {
            what: what.into(),
            value,
            expected: None,
            bound: most,
            least: Some(least),
            passed,
            why: why.into(),
        });
    }

    /// value ≥ least.
    fn above(&mut self, what: impl Into<String>, value: f64, least: f64, why: impl Into<String>) {
        let passed = value >= least;
        let bound = f64::INFINITY;
        self.push(Row { what: what.into(), value, expected: None, bound, least: Some(least), passed, why: why.into() });
    }

    fn push(&mut self, row: Row) {
        (self.heard)(&row);
        self.rows.push(row);
    }
}

/// The suite with this name.
pub fn by_name(name: &str) -> Option<&'static Suite> {
    SUITES.iter().copied().find(|suite| suite.name == name)
}
