//! Questions to a finished run: one file, or folder, for each, which holds its key in `[analysis]`, its checks, its computation, its
//! groups in the record, its words in the summary and the memory it takes; and one line in [`ANALYSES`].

pub mod batch_cumulants;
pub mod critical_points;
pub mod decomposition;
pub mod escape_rates;
pub mod first_passage;
pub mod importance;
pub mod merge_tree;
pub mod modes;
pub mod outliers;
pub mod projection;
pub mod quasi_stationary;
pub mod rare_event;
pub mod reactions;
pub mod relaxation;
pub mod sampling_schemes;
pub mod sde_orders;
pub mod sgd_reach;
pub mod table;
pub mod traces;
pub mod walkers;

mod basins;
mod context;
pub mod outlook;
mod requests;

use std::any::Any;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::State;
use fpsolve_solvers::landscape::Minimum;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::tabulate;
use fpsolve_solvers::problem::grid::Grid;
use fpsolve_validation::verdict::Verdict;
use miette::Result;

pub use context::{Assisting, Context, Finished};
pub(crate) use outliers::inputs as fitted_inputs;
use outlook::{Outlook, Rehearsed};
pub use requests::{Completed, Planned, Requests, analyse};

use crate::engine::work::Stopwatch;
use crate::reader::table::Table;
use crate::record::read::text;
use crate::record::{Attribute, Group, Record};
use crate::setting;
use crate::text::beside;

/// All analyses, in the order in which they are read, run, recorded and reported.
pub static ANALYSES: &[&AnalysisEntry] = &[
    &table::ENTRY,
    &importance::ENTRY,
    &projection::ENTRY,
    &batch_cumulants::ENTRY,
    &modes::ENTRY,
    &critical_points::ENTRY,
    &merge_tree::ENTRY,
    &first_passage::ENTRY,
    &rare_event::ENTRY,
    &quasi_stationary::ENTRY,
    &reactions::ENTRY,
    &relaxation::ENTRY,
    &escape_rates::ENTRY,
    &sampling_schemes::ENTRY,
    &decomposition::ENTRY,
    &outliers::ENTRY,
    &sgd_reach::ENTRY,
    &sde_orders::ENTRY,
    &traces::ENTRY,
];

/// Reads what a scenario asks of an analysis in its table `[analysis]`; None where it is not asked.
pub type Read = fn(&Table) -> Result<Option<Arc<dyn Request>>>;

/// An analysis: a question to a finished run.
#[derive(Debug)]
pub struct AnalysisEntry {
    /// Its name; its seconds are `wall_seconds_<name>` of `/provenance`.
    pub name: &'static str,
    /// Its key in `[analysis]`; None for one that runs unasked wherever it applies.
    pub key: Option<&'static str>,
    /// What it gives.
    pub about: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// The groups that are its own in the record.
    pub groups: &'static [&'static str],
    /// Reads its value; errors point at what is wrongly written.
    pub read: Read,
    /// What it found, as lines for the summary, from a record; none where the record does not have it.
    pub words: fn(&Record) -> Vec<String>,
}

/// What an analysis is about, and so where its results stand: before those of the engines or behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The problem, whatever the engines find.
    Problem,
    /// The law of θ that the engines find.
    Law,
}

/// An analysis as a scenario asks for it.
pub trait Request: Debug + Send + Sync {
    /// Checks it against the problem; None where it does not apply. Errors point at the key that is responsible.
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>>;
    /// Bytes that it keeps whatever the grid.
    fn bytes(&self, _scale: &Scale) -> f64 {
        0.0
    }
    /// Its place in the scenario.
    fn span(&self) -> Range<usize> {
        0..0
    }
    /// Numbers that it keeps for each cell of the grid.
    fn numbers_per_cell(&self, _scale: &Scale) -> f64 {
        0.0
    }
}

/// What the memory of an analysis depends on, known before anything is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Number of variables d.
    pub dimension: usize,
    /// Whether the data come from a known function.
    pub teacher: bool,
}

/// An analysis that is ready to run.
pub trait Analysis: Any + Send + Sync {
    /// Computes it; None where no engine gives what it needs. Errors: of its method, [`Error::Interrupted`].
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error>;
    /// Computes this process's part of what rank 0 has told the others to compute of the question `name`; `found` is what rank 0 has found for
    /// it. All meet at the end of it.
    fn assist(&self, _name: &str, _found: &State, _assisting: &Assisting) {}
    /// Exponent of the number of cells with which its time grows.
    fn growth(&self) -> f64 {
        1.0
    }
    /// What it will take, from a run on a coarse grid.
    fn expected(&self, rehearsed: &Rehearsed) -> Outlook {
        let start = Stopwatch::start();
        let _ = self.run(rehearsed.finished);
        let seconds = start.seconds() * rehearsed.growth.powf(self.growth());
        Outlook { seconds, ..Outlook::default() }
    }
}

/// What an analysis found.
pub trait Findings: Send + Sync {
    /// Adds its groups, fields and attributes to the record.
    fn add_to(&self, record: &mut Record, problem: &Problem);
    /// Sentences on where it may not be trusted.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
    /// What it judges; nothing for most.
    fn verdicts(&self) -> Vec<Verdict> {
        Vec::new()
    }
    /// What failed while the rest was found.
    fn failures(&self) -> Vec<Failure> {
        Vec::new()
    }
}

/// What could not be found, and why: the run is complete without it.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Path of the group in the record that says so.
    pub group: String,
    /// Why.
    pub error: Error,
}

impl Failure {
    /// Sets the attribute `failure` of its group.
    pub fn add_to(&self, record: &mut Record) {
        let group = self.group.split('/').fold(record, |group: &mut Group, name| group.group_mut(name));
        let before = text(group, "failure").map(|before| format!("{before}; ")).unwrap_or_default();
        group.set("failure", Attribute::Text(format!("{before}{}", self.error)));
    }

    /// What failed, why, and what to do.
    pub fn sentence(&self) -> String {
        format!("/{} was not found: {}", self.group, setting::sentence(&self.error))
    }
}

/// For analyses that have nothing to say in the summary.
fn no_words(_record: &Record) -> Vec<String> {
    Vec::new()
}

/// The minima of a model's loss inside a grid, lowest first.
fn minima(model: &dyn Model, grid: &Grid) -> Vec<Minimum> {
    let loss = tabulate(grid, 1, 1, |points, out| model.loss(points, out));
    fpsolve_solvers::landscape::minima(model, grid, &loss)
}

/// A point in words: `w1 = 0.3726, w2 = 0.4617`.
fn place(grid: &Grid, theta: &[f64]) -> String {
    let words = grid.axes().iter().zip(theta).map(|(a, t)| format!("{} = {}", a.variable(), beside(*t, a.length())));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_are_given_once_and_every_key_says_what_it_gives() {
        for (i, entry) in ANALYSES.iter().enumerate() {
            let other = |o: &&&AnalysisEntry| o.name == entry.name || (o.key.is_some() && o.key == entry.key);
            assert!(!ANALYSES[..i].iter().any(|o| other(&o)), "{} is there twice", entry.name);
            assert!(!entry.about.is_empty(), "{} does not say what it gives", entry.name);
        }
    }

    #[test]
    fn a_record_without_results_has_no_words() {
        assert!(ANALYSES.iter().all(|entry| (entry.words)(&Record::new("")).is_empty()));
    }
}
