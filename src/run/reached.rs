//! What a run has reached so far, readable while it goes on: a record of it is there whatever the computation is busy with, and what is
//! needed to go on from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::State;
use fpsolve_solvers::escape::by_walkers::DoneBlocks;
use fpsolve_solvers::model::data::Data;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::Fields;

use super::engine_run::EngineRun;
use super::heading::root;
use super::seen::{Seen, read};
use super::{Run, Status, add_analyses, add_seconds};
use crate::analysis::{Completed, Subject};
use crate::engine::EngineEntry;
use crate::error::{BUG, advice};
use crate::reader::source::plain_io;
use crate::record::groups::checkpoint::{Origin, group as checkpoint_group, sha256_of_file};
use crate::record::groups::comparison::{comparison_group, warning_rows};
use crate::record::groups::engines::{How, engines_group};
use crate::record::groups::problem as problem_fields;
use crate::record::{Attribute, Group, Record};
use crate::scenario::Scenario;
use crate::setting;

/// What a run has reached so far.
pub struct Reached {
    parts: Mutex<Parts>,
    scenario: String,
    /// Time between two checkpoints, where they are wanted.
    pub pace: Option<Duration>,
}

/// The parts of the record that are there, in the order in which a run finds them.
struct Parts {
    origin: Origin,
    /// What an earlier run had reached and this one has not taken up yet.
    earlier: State,
    heading: Record,
    problem: Option<Problem>,
    data: Option<Arc<Data>>,
    asked: Vec<&'static EngineEntry>,
    engines: Vec<Arc<RwLock<Seen>>>,
    /// Engines that could not be built.
    unbuilt: Vec<(&'static str, Error)>,
    fields: Option<Arc<Fields>>,
    stationary: Option<Group>,
    answers: Vec<Completed>,
    passages: BTreeMap<String, Arc<DoneBlocks>>,
    doing: String,
    ending: bool,
}

/// The file with the data of a scenario, where there is one, and its SHA-256. Errors: a file that may not or cannot be read.
pub fn data_hash(scenario: &Scenario) -> miette::Result<Option<(PathBuf, String)>> {
    let Some(path) = scenario.data_file()? else { return Ok(None) };
    let hash = sha256_of_file(&path).map_err(|error| {
        let message = format!("cannot read the data file {}: {}", path.display(), plain_io(&error));
        advice(message, "check the file and its permissions")
    })?;
    Ok(Some((path, hash)))
}

/// The part of a state that holds first passages.
const PASSAGES: &str = "first_passage";

/// What the record of an abandoned computation says.
const ABANDONED: &str = "did not end soon after the interruption and was left: the record holds what was seen at the \
    output times until then";

impl Reached {
    /// Nothing yet of a scenario that has been read.
    pub fn nothing_of(scenario: &Scenario) -> Self {
        Self::from(scenario, State::default())
    }

    /// What an earlier run of the scenario had reached.
    pub fn from(scenario: &Scenario, earlier: State) -> Self {
        let heading =
            root(&scenario.name, &scenario.description, &scenario.source.text, scenario.seed, Status::Interrupted);
        let parts = Parts {
            origin: origin(scenario),
            earlier,
            heading,
            problem: None,
            data: None,
            asked: Vec::new(),
            engines: Vec::new(),
            unbuilt: Vec::new(),
            fields: None,
            stationary: None,
            answers: Vec::new(),
            passages: BTreeMap::new(),
            doing: "reading the data and evaluating the model".into(),
            ending: false,
        };
        let (text, pace) = (scenario.source.text.clone(), scenario.output.checkpoint);
        Self { parts: Mutex::new(parts), scenario: text, pace }
    }

    /// Notes by what the data are known again, before they are read. Errors: a file that cannot be read.
    pub fn note_data(&self, scenario: &Scenario) -> miette::Result<()> {
        if let Some((_, hash)) = data_hash(scenario)? {
            self.parts().origin.data_sha256 = hash;
        }
        Ok(())
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The problem is built; `heading` is that of an interrupted run.
    pub fn begin(
        &self,
        heading: Record,
        problem: &Problem,
        data: Option<&Arc<Data>>,
        engines: &[&'static EngineEntry],
    ) {
        let mut parts = self.parts();
        (parts.heading, parts.problem, parts.data) = (heading, Some(problem.clone()), data.cloned());
        parts.asked = engines.to_vec();
    }

    /// What the run is busy with.
    pub fn doing(&self, what: &str) {
        self.parts().doing = what.to_string();
    }

    /// The state that an earlier run kept of an engine.
    pub fn earlier(&self, engine: &str) -> Option<State> {
        self.parts().earlier.part(engine).cloned()
    }

    /// An engine is built.
    pub fn add_engine(&self, run: &EngineRun) {
        let mut parts = self.parts();
        parts.engines.push(run.shared());
        parts.earlier.parts.retain(|(name, _)| name != run.engine.name());
    }

    /// An engine could not be built.
    pub fn add_unbuilt(&self, group: &'static str, error: &Error) {
        self.parts().unbuilt.push((group, error.clone()));
    }

    /// The engines are done: the functions of the problem, and `/stationary`.
    pub fn add_fields(&self, fields: &Arc<Fields>, stationary: Option<Group>) {
        let mut parts = self.parts();
        (parts.fields, parts.stationary) = (Some(Arc::clone(fields)), stationary);
    }

    /// The blocks of walkers of a first passage that are done, by an earlier run or this one.
    pub fn done_blocks(&self, passage: &str) -> Arc<DoneBlocks> {
        let mut parts = self.parts();
        let Parts { earlier, passages, .. } = &mut *parts;
        let restored = || {
            let blocks = DoneBlocks::default();
            let state = earlier.part(PASSAGES).and_then(|passages| passages.part(passage));
            // one that does not fit is followed anew
            let restored = state.map(|state| state.restore(&mut |archive| blocks.archive(archive)));
            Arc::new(if matches!(restored, Some(Err(_))) { DoneBlocks::default() } else { blocks })
        };
        Arc::clone(passages.entry(passage.to_string()).or_insert_with(restored))
    }

    /// The end is near: no checkpoint is worth writing any more.
    pub fn ending(&self) {
        self.parts().ending = true;
    }

    /// An analysis has answered.
    pub fn add_answer(&self, answer: &Completed) {
        self.parts().answers.push(answer.clone());
    }

    /// `/engines`: how far each came.
    pub fn engines(&self) -> Group {
        let parts = self.parts();
        let last = parts.problem.as_ref().map_or(0, |problem| problem.times.len());
        let one = |entry: &&'static EngineEntry| {
            if let Some((_, error)) = parts.unbuilt.iter().find(|(group, _)| *group == entry.group) {
                return (entry.word, unbuilt(error));
            }
            let built = parts.engines.iter().find(|seen| read(seen).name == entry.group);
            let found = built.map(|seen| {
                let seen = read(seen);
                how(seen.failure.as_ref(), seen.snapshots.len() == last)
            });
            (entry.word, found.unwrap_or(How::NotReached))
        };
        engines_group(&parts.asked.iter().map(one).collect::<Vec<_>>())
    }

    /// `/checkpoint`: what a later run goes on from.
    pub fn checkpoint(&self) -> Group {
        let origin = self.parts().origin.clone();
        checkpoint_group(&self.scenario, &origin, self.state())
    }

    fn state(&self) -> State {
        let parts = self.parts();
        let mut state = State::default();
        for seen in &parts.engines {
            let mut seen = seen.write().unwrap_or_else(PoisonError::into_inner);
            let name = seen.name.to_string();
            state.parts.extend(seen.state().map(|kept| (name, kept)));
        }
        // engines that an earlier run had come to, and this one not yet
        state.parts.extend(parts.earlier.parts.iter().filter(|(name, _)| name != PASSAGES).cloned());
        let passage = |(name, blocks): (&String, &Arc<DoneBlocks>)| {
            Some((name.clone(), State::save(&mut |archive| blocks.archive(archive)).ok()?))
        };
        let mut passages: Vec<(String, State)> = parts.passages.iter().filter_map(passage).collect();
        let begun = |name: &String| parts.passages.contains_key(name);
        let earlier = parts.earlier.part(PASSAGES).into_iter().flat_map(|passages| &passages.parts);
        passages.extend(earlier.filter(|(name, _)| !begun(name)).cloned());
        state.parts.push((PASSAGES.into(), State { arrays: Vec::new(), parts: passages }));
        state
    }

    /// The record of a run that may end at any moment, with its checkpoint; None where it has not kept anything yet, or is about to end.
    pub fn so_far(&self) -> Option<Record> {
        let kept = |seen: &Arc<RwLock<Seen>>| read(seen).kept.is_some();
        let wanted = { Some(self.parts()).is_some_and(|parts| !parts.ending && parts.engines.iter().any(kept)) };
        wanted.then(|| self.record(Vec::new()))
    }

    /// The run as far as it came, interrupted.
    pub fn abandoned(&self) -> Run {
        let doing = self.parts().doing.clone();
        let record = self.record(vec![format!("\"{doing}\" {ABANDONED}")]);
        Run { record, status: Status::Interrupted, failure: None, verdicts: Vec::new() }
    }

    /// The run as far as it came before a panic; None before there was a problem.
    pub fn broken(&self, panic: &str) -> Option<Run> {
        let doing = {
            let parts = self.parts();
            parts.problem.as_ref()?;
            parts.doing.clone()
        };
        let error = Error::numerical("the run", format!("while it was busy with \"{doing}\""), panic, BUG);
        let mut record = self.record(vec![setting::sentence(&error)]);
        record.set("status", Attribute::Text(Status::Failed.word().into()));
        Some(Run { record, status: Status::Failed, failure: Some(error), verdicts: Vec::new() })
    }

    fn record(&self, mut warnings: Vec<String>) -> Record {
        let mut record = self.parts().heading.clone();
        record.groups.push(self.engines());
        record.groups.push(self.checkpoint());
        let parts = self.parts();
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
        record
    }
}

/// Where a run of a scenario comes from; its data are looked at later.
fn origin(scenario: &Scenario) -> Origin {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string();
    let source = &scenario.source;
    Origin {
        scenario_file: absolute(&source.path),
        overrides: source.overrides.clone(),
        data_folders: source.data_folders.iter().map(|folder| absolute(folder)).collect(),
        data_sha256: String::new(),
    }
}

/// How an engine ended that could not be built: an interruption is none of its faults.
fn unbuilt(error: &Error) -> How {
    match error {
        Error::Interrupted { .. } => How::NotReached,
        Error::Invalid { .. } | Error::TooLarge { .. } | Error::Numerical { .. } => {
            How::Failed(setting::sentence(error))
        }
    }
}

/// How an engine ended that was built.
fn how(failure: Option<&Error>, complete: bool) -> How {
    match failure {
        Some(Error::Interrupted { .. }) => How::Interrupted,
        Some(error) => How::Failed(setting::sentence(error)),
        None if complete => How::Complete,
        None => How::Interrupted,
    }
}
