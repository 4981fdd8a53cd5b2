//! Importance sampling that collapses: draws nearly always the same sample. Runs unasked where samples are drawn by importance.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::model::Scheme;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::tabulate;
use miette::Result;

use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Subject, no_words, place};
use crate::record::Record;
use crate::text::short;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "importance",
    key: None,
    about: "where importance sampling follows single samples instead of the data",
    subject: Subject::Problem,
    groups: &[],
    read: |_| Ok(Some(Arc::new(Importance { power: false }))),
    words: no_words,
};

/// Effective samples below which importance sampling follows single samples instead of the data.
pub(super) const FEW_EFFECTIVE_SAMPLES: f64 = 2.0;

#[derive(Debug, Clone)]
struct Importance {
    /// Whether probabilities are powers of losses, which must not be negative.
    power: bool,
}

struct Doubts(Vec<String>);

impl Request for Importance {
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let asked = context.importance.map(|importance| match importance.sampling.scheme {
            Scheme::Power { .. } => Self { power: true },
            Scheme::Uniform | Scheme::SoftMin { .. } | Scheme::SoftMax { .. } | Scheme::GradientNorm => self.clone(),
        });
        Ok(asked.map(|asked| Arc::new(asked) as Arc<dyn Analysis>))
    }
}

impl Analysis for Importance {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let negative = if self.power { negative(finished) } else { None };
        let doubts: Vec<String> = collapsed(finished).into_iter().chain(negative).collect();
        Ok((!doubts.is_empty()).then(|| Box::new(Doubts(doubts)) as Box<dyn Findings>))
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

/// Losses below 0 have no powers.
fn negative(finished: &Finished) -> Option<String> {
    let (grid, data) = (&finished.problem.grid, finished.model.data()?);
    let losses = tabulate(grid, data.samples(), data.samples(), |points, out| data.sample_losses(points, out));
    let below = losses.iter().filter(|loss| **loss < 0.0).count();
    (below > 0).then(|| {
        let share = short(100.0 * below as f64 / losses.len() as f64);
        format!("dynamics.importance: {share} % of the losses on the grid are below 0: a power of a loss needs losses ≥ 0, those count as next to 0")
    })
}

impl Findings for Doubts {
    fn add_to(&self, _record: &mut Record, _problem: &Problem) {}

    fn warnings(&self) -> Vec<String> {
        self.0.clone()
    }
}
