//! What a run has reached so far, readable while it goes on: a record of it is there whatever the computation is busy with.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use fpsolve_solvers::model::data::Data;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::Fields;

use super::engine_run::{EngineRun, Seen, read};
use super::heading::root;
use super::{Run, Status, add_analyses, add_seconds};
use crate::analysis::{Completed, Subject};
use crate::record::groups::comparison::{comparison_group, warning_rows};
use crate::record::groups::problem as problem_fields;
use crate::record::{Group, Record};
use crate::scenario::Scenario;

/// What a run has reached so far.
pub struct Reached(Mutex<Parts>);

/// The parts of the record that are there, in the order in which a run finds them.
struct Parts {
    heading: Record,
    problem: Option<Problem>,
    data: Option<Arc<Data>>,
    engines: Vec<Arc<RwLock<Seen>>>,
    fields: Option<Arc<Fields>>,
    stationary: Option<Group>,
    answers: Vec<Completed>,
    doing: String,
}

/// What the record of an abandoned computation says.
const ABANDONED: &str = "did not end soon after the interruption and was left: the record holds what was seen at the \
    output times until then";

impl Reached {
    /// Nothing yet of a scenario that has been read.
    pub fn nothing_of(scenario: &Scenario) -> Self {
        let heading =
            root(&scenario.name, &scenario.description, &scenario.source.text, scenario.seed, Status::Interrupted);
        Self(Mutex::new(Parts {
            heading,
            problem: None,
            data: None,
            engines: Vec::new(),
            fields: None,
            stationary: None,
            answers: Vec::new(),
            doing: "reading the data and evaluating the model".into(),
        }))
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The problem is built; `heading` is that of an interrupted run.
    pub fn begin(&self, heading: Record, problem: &Problem, data: Option<&Arc<Data>>) {
        let mut parts = self.parts();
        (parts.heading, parts.problem, parts.data) = (heading, Some(problem.clone()), data.cloned());
    }

    /// What the run is busy with.
    pub fn doing(&self, what: &str) {
        self.parts().doing = what.to_string();
    }

    /// An engine is built.
    pub fn add_engine(&self, run: &EngineRun) {
        self.parts().engines.push(run.shared());
    }

    /// The engines are done: the functions of the problem, and `/stationary`.
    pub fn add_fields(&self, fields: &Arc<Fields>, stationary: Option<Group>) {
        let mut parts = self.parts();
        (parts.fields, parts.stationary) = (Some(Arc::clone(fields)), stationary);
    }

    /// An analysis has answered.
    pub fn add_answer(&self, answer: &Completed) {
        self.parts().answers.push(answer.clone());
    }

    /// The run as far as it came, interrupted.
    pub fn abandoned(&self) -> Run {
        let parts = self.parts();
        let mut record = parts.heading.clone();
        let mut warnings = vec![format!("\"{}\" {ABANDONED}", parts.doing)];
        if let Some(problem) = &parts.problem {
            let grid = &problem.grid;
            if let Some(fields) = &parts.fields {
                record.groups.push(problem_fields::group(grid, fields, parts.data.as_deref()));
            }
            add_analyses(Subject::Problem, &mut record, problem, &parts.answers, &mut warnings);
            for seen in &parts.engines {
                let seen = read(seen);
                record.groups.push(seen.group(grid, None));
                warnings.extend(seen.warnings());
            }
            record.groups.extend(parts.stationary.clone());
            add_analyses(Subject::Law, &mut record, problem, &parts.answers, &mut warnings);
            parts.answers.iter().for_each(|answer| add_seconds(&mut record, answer.entry.name, answer.seconds));
            record.groups.push(comparison_group(&[], &[]));
        }
        record.datasets.extend(warning_rows(&warnings));
        Run { record, status: Status::Interrupted, failure: None, verdicts: Vec::new() }
    }
}
