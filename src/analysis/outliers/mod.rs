//! `analysis.outliers`: dynamic outliers, the samples that sampling by importance would hardly draw; `/outliers`.

mod compute;
mod group;
mod request;

use fpsolve_solvers::Error;
use fpsolve_solvers::model::ImportanceSampled;
use fpsolve_solvers::problem::Problem;
use miette::Result;

pub(crate) use self::compute::inputs;
pub use self::compute::{Outliers, Point};
pub use self::group::group;
use super::{Analysis, AnalysisEntry, Findings, Finished, Subject};
use crate::record::Record;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "outliers",
    key: Some("outliers"),
    about: "{ at = \"minima\" or points, q, c, scale }: samples with m·p < q, p ~ exp(−l/(c·U)); /outliers",
    subject: Subject::Problem,
    groups: &["outliers"],
    read: request::read,
    words: group::words,
};

/// The search for dynamic outliers.
struct Search {
    /// Losses and sampling probabilities.
    sampled: ImportanceSampled,
    /// Points to look at; None for the minima of the loss.
    at: Option<Vec<Vec<f64>>>,
    /// A sample is an outlier where m p < level.
    level: f64,
    /// U of p ∝ e^{−l/(U c)}, in words for the record.
    scale: String,
    /// Smoothing c.
    smoothing: f64,
}

impl Analysis for Search {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        (finished.progress)("dynamic outliers");
        Ok(Some(Box::new(compute::look_for(self, finished))))
    }

    /// Descents from a fixed number of starts.
    fn growth(&self) -> f64 {
        0.0
    }
}

impl Findings for Outliers {
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        record.groups.push(group(&problem.grid, self));
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}
