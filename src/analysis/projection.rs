//! How well projected amplitudes are determined over the grid: rank and condition number of Φ. Runs unasked where amplitudes are
//! projected.

use std::sync::Arc;

use fpsolve_solvers::Error;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::Fields;
use fpsolve_solvers::problem::grid::Grid;
use miette::Result;

use super::{Analysis, AnalysisEntry, Context, Findings, Finished, Request, Subject, no_words, place};
use crate::record::{Attribute, Record};
use crate::text::short;

/// Its line in the table.
pub static ENTRY: AnalysisEntry = AnalysisEntry {
    name: "projection",
    key: None,
    about: "rank and condition number of the projection of amplitudes; attributes of /problem",
    subject: Subject::Problem,
    groups: &[],
    read: |_| Ok(Some(Arc::new(Projection))),
    words: no_words,
};

/// Condition numbers above this are warned of: amplitudes keep fewer than eight digits.
const ILL: f64 = 1e8;

#[derive(Debug, Clone)]
struct Projection;

struct Conditioning {
    /// Smallest rank.
    rank_min: f64,
    /// Largest condition number where no rank is lost.
    condition_max: Option<f64>,
    warnings: Vec<String>,
}

impl Request for Projection {
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        Ok(context.model.regression().map(|_| Arc::new(self.clone()) as Arc<dyn Analysis>))
    }
}

impl Analysis for Projection {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, Error> {
        let found = conditioning(finished.fields, finished.model, &finished.problem.grid);
        Ok(found.map(|found| Box::new(found) as Box<dyn Findings>))
    }
}

fn conditioning(fields: &Fields, model: &dyn Model, grid: &Grid) -> Option<Conditioning> {
    let field = |wanted: &str| fields.diagnostics.iter().find(|(name, _)| *name == wanted).map(|(_, values)| values);
    let (rank, condition) = (field("rank")?, field("condition_number")?);
    let units = model.regression()?.parameters().saturating_sub(grid.dimension());
    let at = |cell: usize| place(grid, &grid.center(cell)[..grid.dimension()]);
    let lost: Vec<usize> = (0..grid.len()).filter(|&cell| rank[cell] < units as f64).collect();
    let mut warnings = Vec::new();
    if let Some(&worst) = lost.iter().min_by(|&&a, &&b| rank[a].total_cmp(&rank[b])) {
        warnings.push(format!(
            "projection: Φ has lost rank in {} of {} cells, down to {} of {units} at {}: columns that depend on earlier ones \
             are left out there, with amplitudes 0; the fit is that of the others",
            lost.len(),
            grid.len(),
            rank[worst],
            at(worst)
        ));
    }
    // where rank is lost the condition number says nothing more
    let kept = (0..grid.len()).filter(|&cell| rank[cell] >= units as f64);
    let worst = kept.max_by(|&a, &b| condition[a].total_cmp(&condition[b]));
    if let Some(worst) = worst.filter(|&worst| condition[worst] > ILL) {
        warnings.push(format!(
            "projection: the condition number of Φ reaches {} at {}: amplitudes keep about {:.0} digits there",
            short(condition[worst]),
            at(worst),
            (16.0 - condition[worst].log10()).max(0.0)
        ));
    }
    let rank_min = rank.iter().copied().fold(f64::INFINITY, f64::min);
    Some(Conditioning { rank_min, condition_max: worst.map(|worst| condition[worst]), warnings })
}

impl Findings for Conditioning {
    fn add_to(&self, record: &mut Record, _problem: &Problem) {
        let group = record.group_mut("problem");
        if let Some(condition) = self.condition_max {
            group.set("condition_max", Attribute::Float(condition));
        }
        group.set("rank_min", Attribute::Integer(self.rank_min as i64));
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}
