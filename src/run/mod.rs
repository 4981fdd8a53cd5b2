//! The straight line from a problem to its record: every engine is built and advances from output time to output time, the analyses ask
//! their questions of what was reached, the engines are compared and the verdicts spoken.

pub mod checkpoints;
pub mod compare;
pub mod convergence;
pub mod doing;
pub mod engine_run;
pub mod heading;
pub mod kept;
pub mod outcome;
pub mod reached;
pub mod resolved;
pub mod seen;
pub mod times;

use std::sync::Arc;
use std::time::Instant;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Alone, Attribute, Interrupt, Ranks};
use fpsolve_solvers::fokker_planck::FokkerPlanckOptions;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::Fields;
use fpsolve_validation::verdict::{judge_expectations, judge_limits};

pub use self::doing::Doing;
use self::engine_run::EngineRun;
pub use self::heading::heading;
pub use self::outcome::{Run, Status};
pub use self::reached::Reached;
use self::seen::ENGINE;
use crate::analysis::{Completed, Failure, Finished, Subject, analyse};
use crate::engine::Representation;
use crate::error::{BUG, caught};
use crate::ranks::Order;
use crate::record::Record;
use crate::record::groups::comparison::{comparison_group, warning_rows};
use crate::record::groups::{problem as problem_fields, stationary as stationary_density};
use crate::record::lookup::lookup;
use crate::scenario::Prepared;
use crate::setting;

/// Runs a prepared scenario. `progress` hears what it is busy with.
///
/// Never fails as a whole: a failing engine stops, the others go on, and the record holds what was reached. An analysis that fails
/// loses only itself: its group says why.
///
/// `reached` is told how far the run has come, for whoever cannot wait for its end.
pub fn run(prepared: &Prepared, interrupt: Interrupt, progress: &dyn Fn(&Doing), reached: &Reached) -> Run {
    let alone: Arc<dyn Ranks> = Arc::new(Alone);
    run_together(&alone, prepared, interrupt, progress, reached)
}

/// [`run`], with walkers computed by several processes, of which this is rank 0 and the others have [prepared](crate::serve) the same
/// scenario.
pub fn run_together(
    ranks: &Arc<dyn Ranks>,
    prepared: &Prepared,
    interrupt: Interrupt,
    progress: &dyn Fn(&Doing),
    reached: &Reached,
) -> Run {
    let progress: &dyn Fn(&Doing) = &|doing| {
        reached.doing(&doing.words());
        progress(doing);
    };
    let mut problem = prepared.problem.clone();
    let mut warnings = times::align_with_sgd(&mut problem, prepared);
    warnings.extend(prepared.notes.iter().cloned());
    let mut failures = Vec::new();

    let begun = heading(prepared, &problem, Status::Interrupted);
    reached.begin(begun, &problem, prepared.data.as_ref(), &prepared.engines);
    let mut runs = build(ranks, prepared, &problem, &mut failures, interrupt, progress, reached);
    let (mut from, end) = (0.0, problem.times.last().copied().unwrap_or(0.0));
    for (k, &time) in problem.times.iter().enumerate() {
        for (word, run) in &mut runs {
            progress(&Doing::Advancing(word, [from, time], end));
            run.advance(k, time, interrupt, reached.pace);
        }
        from = time;
    }
    let mut runs: Vec<EngineRun> = runs.into_iter().map(|(_, run)| run).collect();
    runs.iter_mut().for_each(EngineRun::keep_the_end);
    failures.extend(runs.iter().filter_map(|run| run.failure.clone()));

    progress(&Doing::Model);
    let fields = Arc::new(Fields::on_grid(&problem));
    let stationary = runs.iter().find_map(|run| run.engine.on_grid()?.stationary());
    reached.add_fields(&fields, stationary.map(|law| stationary_density::group(&problem.grid, law)));
    let finished = Finished {
        problem: &problem,
        fields: &fields,
        model: &*prepared.model,
        data: prepared.data.as_deref(),
        options: &prepared.options,
        engines: &prepared.engines,
        runs: &runs,
        stationary,
        done_blocks: &|passage| reached.done_blocks(passage),
        ranks,
        interrupt,
        progress: &|what| progress(&Doing::Detail(what)),
    };
    let begun = |name| progress(&Doing::Analysis(name));
    let (answers, side_failures) =
        analyse(&prepared.analyses, &finished, &mut failures, &begun, &|answer| reached.add_answer(answer));

    progress(&Doing::Comparing);
    reached.ending();
    let comparisons =
        caught(|| compare::comparisons(&problem, &runs, stationary, &prepared.compare)).unwrap_or_else(|panic| {
            warnings.push(format!(
                "the engines were not compared: {panic}; this is a bug, please report it with the scenario"
            ));
            Vec::new()
        });
    let status = Status::of(&failures);
    let mut record = heading(prepared, &problem, status);
    record.groups.push(reached.engines());
    if status == Status::Interrupted {
        record.groups.push(reached.checkpoint());
    }
    add_findings(&mut record, &finished, &answers, &mut warnings);
    side_failures.iter().for_each(|failure| failure.add_to(&mut record));
    warnings.extend(side_failures.iter().map(Failure::sentence));
    warnings.extend(failures.iter().map(setting::sentence));
    let mut verdicts = judge_limits(&comparisons, &prepared.compare);
    if status == Status::Complete {
        verdicts.extend(judge_expectations(&prepared.expect, &|path| lookup(&record, path).ok()));
    }
    if let Some(run) = runs.iter().find(|run| run.engine.on_grid().is_some()) {
        let unresolved = resolved::unresolved(&problem.grid, run, stationary);
        record.set("resolved", Attribute::Text(if unresolved.is_none() { "yes" } else { "no" }.into()));
        let accept = prepared.options.of::<FokkerPlanckOptions>().accept_unresolved;
        warnings.extend(unresolved.iter().map(|unresolved| unresolved.why.clone()));
        verdicts.extend(unresolved.filter(|_| !accept).map(|unresolved| unresolved.verdict()));
    }
    verdicts.extend(runs.iter().filter_map(|run| run.seen().leaves_the_box()));
    verdicts.extend(answers.iter().flat_map(|answer| answer.verdicts.iter().cloned()));
    record.groups.push(comparison_group(&comparisons, &verdicts));
    record.datasets.extend(warning_rows(&warnings));
    let failure = failures.into_iter().find(|error| !matches!(error, Error::Interrupted { .. }));
    Run { record, status, failure, verdicts }
}

/// Adds the problem, the engines and the analyses to the record, and the seconds they took.
fn add_findings(record: &mut Record, finished: &Finished, answers: &[Completed], warnings: &mut Vec<String>) {
    let grid = &finished.problem.grid;
    record.groups.push(problem_fields::group(grid, finished.fields, finished.data));
    add_analyses(Subject::Problem, record, finished.problem, answers, warnings);
    let law = finished.stationary.map(|stationary| stationary.probability.as_slice());
    for run in finished.runs {
        add_seconds(record, run.seen().name, run.seconds);
        match caught(|| (run.group(grid, law), run.seen().warnings())) {
            Ok((group, own)) => {
                record.groups.push(group);
                warnings.extend(own);
            }
            Err(panic) => {
                let error = Error::numerical(run.engine.name(), "in its record", panic, BUG);
                let failure = Failure { group: run.engine.name().to_string(), error };
                failure.add_to(record);
                warnings.push(failure.sentence());
            }
        }
    }
    if let Some(stationary) = finished.stationary {
        warnings.extend(stationary.warnings.iter().map(|warning| format!("stationary: {warning}")));
        record.groups.push(stationary_density::group(grid, stationary));
    }
    add_analyses(Subject::Law, record, finished.problem, answers, warnings);
    answers.iter().for_each(|answer| add_seconds(record, answer.entry.name, answer.seconds));
}

fn add_analyses(
    subject: Subject,
    record: &mut Record,
    problem: &Problem,
    answers: &[Completed],
    warnings: &mut Vec<String>,
) {
    for answer in answers.iter().filter(|answer| answer.entry.subject == subject) {
        match answer.add_to(record, problem) {
            None => warnings.extend(answer.warnings.iter().cloned()),
            Some(failure) => {
                failure.add_to(record);
                warnings.push(failure.sentence());
            }
        }
    }
}

fn add_seconds(record: &mut Record, name: &str, seconds: f64) {
    record.group_mut("provenance").set(&format!("wall_seconds_{name}"), Attribute::Float(seconds));
}

/// Builds the engines that were asked for.
fn build(
    ranks: &Arc<dyn Ranks>,
    prepared: &Prepared,
    problem: &Problem,
    failures: &mut Vec<Error>,
    interrupt: Interrupt,
    progress: &dyn Fn(&Doing),
    reached: &Reached,
) -> Vec<(&'static str, EngineRun)> {
    let mut runs = Vec::new();
    for kind in &prepared.engines {
        progress(&Doing::Building(kind.word));
        let start = Instant::now();
        let shared = ranks.size() > 1 && kind.representation == Representation::Walkers;
        if shared {
            let earlier = reached.earlier(kind.group).and_then(|state| state.part(ENGINE).cloned());
            ranks.tell(&Order::Build { engine: kind.word.into(), earlier }.message());
        }
        let built = caught(|| {
            let mut run = EngineRun::new((kind.build)(&prepared.options, problem, interrupt)?, 0.0);
            if interrupt() {
                return Err(Error::Interrupted { time: 0.0 }); // its choices may have ended early: nothing to go on from
            }
            reached.earlier(kind.group).map_or(Ok(()), |state| run.restore(&state))?;
            if shared {
                run.share(ranks);
            }
            run.seconds += start.elapsed().as_secs_f64();
            Ok(run)
        });
        match built.unwrap_or_else(|panic| Err(Error::numerical(kind.group, "while it was built", panic, BUG))) {
            Ok(run) => {
                reached.add_engine(&run);
                runs.push((kind.word, run));
            }
            Err(error) => {
                reached.add_unbuilt(kind.group, &error);
                failures.push(error);
            }
        }
    }
    runs
}
