//! The table of analyses at work: read from a scenario, checked against its problem, run.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use fpsolve_solvers::Error;
use fpsolve_solvers::problem::Problem;
use fpsolve_validation::verdict::Verdict;
use miette::Result;

use super::{ANALYSES, Analysis, AnalysisEntry, Context, Failure, Findings, Finished, Request, Scale};
use crate::error::{BUG, caught};
use crate::reader::table::Table;
use crate::record::Record;

/// The analyses that a scenario asks for, in the order of the table.
#[derive(Debug, Clone)]
pub struct Requests(Vec<(&'static AnalysisEntry, Arc<dyn Request>)>);

/// An analysis that is ready to run.
#[derive(Clone)]
pub struct Planned {
    /// Its line in the table.
    pub entry: &'static AnalysisEntry,
    /// What is to be computed.
    pub analysis: Arc<dyn Analysis>,
}

/// An analysis that has run.
#[derive(Clone)]
pub struct Completed {
    /// Its line in the table.
    pub entry: &'static AnalysisEntry,
    /// Wall seconds.
    pub seconds: f64,
    /// What it found.
    pub findings: Arc<dyn Findings>,
    /// Sentences on where it may not be trusted.
    pub warnings: Vec<String>,
    /// What it judges.
    pub verdicts: Vec<Verdict>,
}

impl Completed {
    /// Adds what it found to the record; where that panics its groups are taken away again. Errors: what it said.
    pub fn add_to(&self, record: &mut Record, problem: &Problem) -> std::result::Result<(), Failure> {
        caught(|| self.findings.add_to(record, problem)).map_err(|panic| {
            record.groups.retain(|group| !self.entry.groups.contains(&group.name.as_str()));
            failure(self.entry, Error::numerical(self.entry.name, "in its record", panic, BUG))
        })
    }
}

/// What says in the record that an analysis failed.
fn failure(entry: &AnalysisEntry, error: Error) -> Failure {
    Failure { group: entry.groups.first().unwrap_or(&entry.name).to_string(), error }
}

impl Requests {
    /// Reads `[analysis]`. Errors: unknown keys, and those of each analysis.
    pub fn read(root: &Table) -> Result<Self> {
        let keys: Vec<&str> = ANALYSES.iter().filter_map(|entry| entry.key).collect();
        let table = root.table("analysis", &keys)?;
        let read = |entry: &&'static AnalysisEntry| Ok((entry.read)(&table)?.map(|request| (*entry, request)));
        let requests = ANALYSES.iter().map(read).collect::<Result<Vec<_>>>()?;
        Ok(Self(requests.into_iter().flatten().collect()))
    }

    /// Checks each against the problem. Errors: those of each analysis.
    pub fn prepare(&self, context: &mut Context) -> Result<Vec<Planned>> {
        let mut planned = Vec::new();
        for &(entry, ref request) in &self.0 {
            planned.extend(request.prepare(context)?.map(|analysis| Planned { entry, analysis }));
        }
        Ok(planned)
    }

    /// Bytes that all of them keep whatever the grid.
    pub fn bytes(&self, scale: &Scale) -> f64 {
        self.0.iter().map(|(_, request)| request.bytes(scale)).sum()
    }

    /// Place of the analysis with this name in the scenario.
    pub fn span_of(&self, name: &str) -> Range<usize> {
        self.0.iter().find(|(entry, _)| entry.name == name).map_or(0..0, |(_, request)| request.span())
    }

    /// Numbers that all of them keep for each cell of the grid.
    pub fn numbers_per_cell(&self, scale: &Scale) -> f64 {
        self.0.iter().map(|(_, request)| request.numbers_per_cell(scale)).sum()
    }
}

/// Runs the analyses in order; what fails, be it by a panic, fails alone. Interruptions are added to `interrupted`;
/// `begun` hears of each beginning, `answered` of each answer.
pub fn analyse(
    planned: &[Planned],
    finished: &Finished,
    interrupted: &mut Vec<Error>,
    begun: &dyn Fn(&'static str),
    answered: &dyn Fn(&Completed),
) -> (Vec<Completed>, Vec<Failure>) {
    let (mut completed, mut failures) = (Vec::new(), Vec::new());
    for Planned { entry, analysis } in planned {
        let start = Instant::now();
        begun(entry.name);
        let bug = |panic: String| Err(Error::numerical(entry.name, "in its computation", panic, BUG));
        let answer = || {
            let Some(findings) = analysis.run(finished)? else { return Ok(None) };
            let (warnings, verdicts, failures) = (findings.warnings(), findings.verdicts(), findings.failures());
            let seconds = start.elapsed().as_secs_f64();
            Ok(Some((Completed { entry, seconds, findings: Arc::from(findings), warnings, verdicts }, failures)))
        };
        match caught(answer).unwrap_or_else(bug) {
            Ok(None) => {}
            Ok(Some((answer, partial))) => {
                failures.extend(partial);
                answered(&answer);
                completed.push(answer);
            }
            Err(error) => failures.push(failure(entry, error)),
        }
        // what it left out for the interruption it need not have said
        if (finished.interrupt)() {
            interrupted.push(Error::Interrupted { time: finished.problem.times.last().copied().unwrap_or(0.0) });
        }
    }
    let stopped = |failure: &Failure| matches!(failure.error, Error::Interrupted { .. });
    interrupted.extend(failures.iter().filter(|failure| stopped(failure)).map(|failure| failure.error.clone()));
    failures.retain(|failure| !stopped(failure));
    (completed, failures)
}
