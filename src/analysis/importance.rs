//! Importance sampling that collapses: draws nearly always the same sample. Runs unasked where samples are drawn by importance.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::problem::Problem;
use miette::Result;

use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Subject, no_words, place};
use crate::record::Record;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "importance",
    key: None,
    about: "where importance sampling follows single samples instead of the data",
    subject: Subject::Problem,
    groups: &[],
    read: |_| Ok(Some(Arc::new(Importance))),
    words: no_words,
};

/// Effective samples below which importance sampling follows single samples instead of the data.
const FEW_EFFECTIVE_SAMPLES: f64 = 2.0;

#[derive(Debug, Clone)]
struct Importance;

struct Collapsed(String);

impl Request for Importance {
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        Ok(context.importance.is_some().then(|| Arc::new(self.clone()) as Arc<dyn Analysis>))
    }
}

impl Analysis for Importance {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        Ok(collapsed(finished).map(|words| Box::new(Collapsed(words)) as Box<dyn Findings>))
    }
}

fn collapsed(finished: &Finished) -> Option<String> {
    let (fields, problem) = (finished.fields, finished.problem);
    let (_, sizes) = fields.diagnostics.iter().find(|(name, _)| *name == "effective_sample_size")?;
    let few = sizes.iter().filter(|size| **size < FEW_EFFECTIVE_SAMPLES).count();
    let least = (0..sizes.len()).min_by(|&i, &j| sizes[i].total_cmp(&sizes[j]))?;
    (few > 0).then(|| {
        format!(
            "dynamics.importance: the sampling collapses, on {:.1} % of the grid fewer than {FEW_EFFECTIVE_SAMPLES} of {} samples \
             are in effect (least {:.3} at {}): take a larger c",
            100.0 * few as f64 / sizes.len() as f64,
            problem.model.sample_count(),
            sizes[least],
            place(&problem.grid, &problem.grid.center(least))
        )
    })
}

impl Findings for Collapsed {
    fn add_to(&self, _record: &mut Record, _problem: &Problem) {}

    fn warnings(&self) -> Vec<String> {
        vec![self.0.clone()]
    }
}
