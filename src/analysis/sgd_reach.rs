//! The box that plain SGD does not leave, and what of the SDE's density lies beyond. Runs unasked where plain SGD runs.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::gradient_noise::reach::{beyond, reach, resolved};
use fpsolve_solvers::problem::Problem;
use miette::Result;

use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Subject, no_words};
use crate::engine::sgd::SgdTable;
use crate::record::scales::array;
use crate::record::{Attribute, Dataset, Record};
use crate::text::interval;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "sgd_reach",
    key: None,
    about: "the box that SGD stays in, and the share of the SDE's density beyond; /problem/sgd_reach_…",
    subject: Subject::Law,
    groups: &[],
    read: |_| Ok(Some(Arc::new(SgdReach))),
    words: no_words,
};

/// Share of the SDE's probability beyond the reach of SGD that is worth a warning.
const NOTICEABLE: f64 = 1e-3;

#[derive(Debug, Clone)]
struct SgdReach;

struct Reach {
    /// Lower and upper end for each variable.
    ends: Vec<[f64; 2]>,
    /// Share of a density of the SDE beyond them; None where they are closer than a cell, or there is no such density.
    beyond: Option<f64>,
    warning: Option<String>,
}

impl Request for SgdReach {
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        Ok(context.problem.minibatch.is_some().then(|| Arc::new(self.clone()) as Arc<dyn Analysis>))
    }
}

impl Analysis for SgdReach {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        // other optimizers than plain SGD have other steps
        let batches = finished.engines.iter().any(|engine| engine.draws_batches);
        if !batches || !finished.options.of::<SgdTable>().is_plain() {
            return Ok(None);
        }
        Ok(look(finished).map(|found| Box::new(found) as Box<dyn Findings>))
    }
}

fn look(finished: &Finished) -> Option<Reach> {
    let problem = finished.problem;
    let ends = reach(problem)?;
    let Some((name, probability)) = density_of_sde(finished) else {
        return Some(Reach { ends, beyond: None, warning: None });
    };
    if !resolved(&problem.grid, &ends) {
        return Some(Reach { ends, beyond: None, warning: None });
    }
    let share = beyond(&problem.grid, &ends, &probability);
    let words =
        |(variable, [lower, upper]): (&String, &[f64; 2])| format!("{variable} in {}", interval(*lower, *upper));
    let place: Vec<String> = problem.variables.iter().zip(&ends).map(words).collect();
    let warning = (share > NOTICEABLE).then(|| {
        format!(
            "sgd: its noise is bounded, in the long run it stays at {}; {name} has {:.2} % of its probability beyond: that \
             tail belongs to the SDE alone",
            place.join(", "),
            100.0 * share
        )
    });
    Some(Reach { ends, beyond: Some(share), warning })
}

/// The density of the SDE to hold against the bounded noise of SGD: the stationary one, else the last of an engine.
fn density_of_sde(finished: &Finished) -> Option<(&'static str, Vec<f64>)> {
    let last = |engine: &str| Some(finished.run_of(engine)?.seen().snapshots.last()?.probability.clone());
    let stationary = finished.stationary.map(|s| ("the stationary density", s.probability.clone()));
    let density = || last("fokker_planck").map(|p| ("the last density of Fokker-Planck", p));
    let walkers = || last("langevin").map(|p| ("the last density of Langevin", p));
    stationary.or_else(density).or_else(walkers)
}

impl Findings for Reach {
    fn add_to(&self, record: &mut Record, _problem: &Problem) {
        let group = record.group_mut("problem");
        for (name, side, words) in [("sgd_reach_lower", 0, "lower"), ("sgd_reach_upper", 1, "upper")] {
            let values = array(&[self.ends.len()], self.ends.iter().map(|ends| ends[side]).collect());
            let long_name = format!("{words} end of the box that SGD does not leave once it is inside");
            group.datasets.push(Dataset::float(name, values, &["component"], "1", &long_name));
        }
        if let Some(share) = self.beyond {
            group.set("beyond_sgd_reach", Attribute::Float(share));
        }
    }

    fn warnings(&self) -> Vec<String> {
        self.warning.iter().cloned().collect()
    }
}
