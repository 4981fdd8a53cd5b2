//! What the noise of batches is besides its mean and covariance: its third and fourth cumulants, standardised. Runs unasked where there
//! are batches.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::gradient_noise::batch_cumulants;
use fpsolve_solvers::problem::Problem;
use miette::Result;
use rayon::prelude::*;

use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Subject, no_words};
use crate::record::Record;
use crate::record::scales::field;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "batch_cumulants",
    key: None,
    about: "skewness and excess kurtosis of the batch gradient; /problem/batch_…",
    subject: Subject::Problem,
    groups: &[],
    read: |_| Ok(Some(Arc::new(BatchCumulants))),
    words: no_words,
};

/// Cells that are looked at together.
const CHUNK: usize = 1024;

#[derive(Debug, Clone)]
struct BatchCumulants;

/// Skewness and excess kurtosis of each component of the batch gradient (d×n).
struct Cumulants {
    skewness: Vec<f64>,
    excess_kurtosis: Vec<f64>,
}

impl Request for BatchCumulants {
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let batches = context.problem.minibatch.is_some() && context.problem.model.data().is_some();
        Ok(batches.then(|| Arc::new(self.clone()) as Arc<dyn Analysis>))
    }
}

impl Analysis for BatchCumulants {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        Ok(cumulants(finished.problem).map(|found| Box::new(found) as Box<dyn Findings>))
    }
}

fn cumulants(problem: &Problem) -> Option<Cumulants> {
    let (minibatch, data) = (problem.minibatch?, problem.model.data()?);
    let (grid, d) = (&problem.grid, problem.dimension());
    let chunks: Vec<_> = (0..grid.len().div_ceil(CHUNK))
        .into_par_iter()
        .map(|c| {
            let points = grid.centers_of(c * CHUNK..grid.len().min((c + 1) * CHUNK));
            batch_cumulants(data, &points, minibatch.batch_size, minibatch.replacement)
        })
        .collect();
    let whole = |part: &dyn Fn(usize) -> Vec<f64>| -> Vec<f64> { (0..d).flat_map(part).collect() };
    let row = |values: &[f64], k: usize| values[k * values.len() / d..(k + 1) * values.len() / d].to_vec();
    let skewness = whole(&|k| chunks.iter().flat_map(|c| row(&c.skewness, k)).collect());
    let excess_kurtosis = whole(&|k| chunks.iter().flat_map(|c| row(&c.excess_kurtosis, k)).collect());
    Some(Cumulants { skewness, excess_kurtosis })
}

impl Findings for Cumulants {
    fn add_to(&self, record: &mut Record, problem: &Problem) {
        let (grid, leading) = (&problem.grid, [("component", problem.dimension())]);
        let mut add = |name: &str, values: &[f64], long_name: &str| {
            let dataset = field(name, grid, &leading, values.to_vec(), "1", long_name);
            record.group_mut("problem").datasets.push(dataset);
        };
        add("batch_skewness", &self.skewness, "skewness of the batch gradient, 0 for a normal law");
        add("batch_excess_kurtosis", &self.excess_kurtosis, "excess kurtosis of the batch gradient");
    }
}
