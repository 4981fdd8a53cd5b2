//! `analysis.rare_event` as written, and its checks.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::escape::passage::Target;
use fpsolve_solvers::formula::Program;
use fpsolve_solvers::splitting::KEPT_STATES;
use miette::Result;

use super::super::first_passage::check_start;
use super::super::{Analysis, Context, Request, Scale};
use super::Events;
use super::event::{COMMITTOR, Event, Score};
use crate::analysis::walkers::Walkers;
use crate::reader::Located;
use crate::reader::formula::formula;
use crate::reader::table::{Table, Value};
use crate::scenario::names::{check_group_name, check_own_names};

/// An entry of `analysis.rare_event`.
#[derive(Debug, Clone)]
struct Written {
    name: Located<String>,
    from: Located<Vec<f64>>,
    target: Located<String>,
    score: Located<String>,
    walkers: Option<Located<Walkers>>,
    replicas: usize,
    repetitions: usize,
}

/// All entries, and where they stand.
#[derive(Debug)]
struct List {
    written: Vec<Written>,
    span: Range<usize>,
}

/// Replicas and repetitions where none are named.
const REPLICAS: usize = 200;
const REPETITIONS: usize = 10;
/// Most of them.
const MOST_REPLICAS: u64 = 100_000;
const MOST_REPETITIONS: u64 = 10_000;

/// Reads `analysis.rare_event`.
pub(super) fn read(table: &Table) -> Result<Option<Arc<dyn Request>>> {
    let list = |value: &Value| {
        let written = value.list()?.iter().map(read_one).collect::<Result<Vec<_>>>()?;
        Ok(List { written, span: value.span() })
    };
    let Some(list) = table.optional("rare_event", list)? else { return Ok(None) };
    check_own_names(table.source(), list.written.iter().map(|written| &written.name), "rare events")?;
    Ok(Some(Arc::new(list)))
}

fn read_one(value: &Value) -> Result<Written> {
    let table = value.table(&["name", "from", "target", "score", "engine", "replicas", "repetitions"])?;
    let help = "write { name = \"over\", from = [-1.0], target = \"x > 0.9\", score = \"x\" }";
    let name = table.require("name", help)?.string()?;
    check_group_name(table.source(), &name, "rare event")?;
    let from = table.require("from", help)?.numbers()?;
    let target = formula(&table.require("target", help)?)?;
    let score_help =
        "write score = \"x\" or another formula that rises towards the target, or score = \"committor\" for the grid's";
    let score = formula(&table.require("score", score_help)?)?;
    let walkers = table.optional("engine", |value: &Value| {
        let word = value.string()?;
        let found = [Walkers::Sgd, Walkers::Langevin].into_iter().find(|walkers| walkers.word() == word.value);
        let refuse = || {
            let message = format!("`{}` is \"{}\"", value.path(), word.value);
            value.error(message, "no such choice", "write \"sgd\" or \"langevin\": they have walkers")
        };
        Ok(Located { value: found.ok_or_else(refuse)?, span: word.span.clone() })
    })?;
    if walkers.is_none() {
        table.source().note_default(&table.path("engine"), "sgd where batches are drawn, else langevin");
    }
    let count = |most: u64| move |v: &Value| Ok(v.count(2..=most)?.value as usize);
    let replicas = table.or("replicas", REPLICAS, &REPLICAS.to_string(), count(MOST_REPLICAS))?;
    let repetitions = table.or("repetitions", REPETITIONS, &REPETITIONS.to_string(), count(MOST_REPETITIONS))?;
    Ok(Written { name, from, target, score, walkers, replicas, repetitions })
}

impl Request for List {
    /// Errors: a start with another number of coordinates or off the grid, a formula that is not one, a target that is not a condition,
    /// holds at the start or covers no cell, a score that nowhere in the target is larger than at the start, walkers of SGD without
    /// samples or learning rate.
    fn prepare(&self, context: &mut Context) -> Result<Option<Arc<dyn Analysis>>> {
        let events = self.written.iter().map(|written| event(context, written)).collect::<Result<Vec<_>>>()?;
        Ok((!events.is_empty()).then(|| Arc::new(Events(events)) as Arc<dyn Analysis>))
    }

    fn numbers_per_cell(&self, _scale: &Scale) -> f64 {
        let committors = self.written.iter().filter(|written| written.score.value == COMMITTOR).count();
        2.0 * committors as f64
    }

    /// The replicas of all repetitions that run side by side.
    fn bytes(&self, scale: &Scale) -> f64 {
        let replica = KEPT_STATES * (8.0 * 2.0 * scale.dimension as f64 + 40.0);
        let threads = rayon::current_num_threads();
        let of = |w: &Written| w.replicas as f64 * w.repetitions.min(threads) as f64 * replica;
        self.written.iter().map(of).fold(0.0, f64::max)
    }

    fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

fn event(context: &Context, written: &Written) -> Result<Event> {
    let (problem, source) = (context.problem, context.source);
    let Written { name, from, target, score, walkers, replicas, repetitions } = written;
    check_start(context, "rare_event", name, from)?;
    let condition = (context.parse)(target)?;
    let set = Target::new(&target.value, &condition, problem.dimension());
    let help = "start outside the target: there is no way to split";
    let checked = set.check(&problem.grid, &from.value, "target", help);
    checked.map_err(|error| context.solver_error(&target.span, "this target", &error))?;
    let rises = if score.value == COMMITTOR {
        Score::Committor
    } else {
        let program = Program::compile(std::slice::from_ref(&(context.parse)(score)?));
        check_score(context, score, &program, &from.value, &set)?;
        Score::Formula(score.value.clone(), program)
    };
    let drawn = problem.minibatch.is_some() && problem.model.data().is_some();
    if let Some(asked) = walkers.as_ref().filter(|asked| asked.value == Walkers::Sgd && !drawn) {
        let what =
            if problem.minibatch.is_some() { "a model with samples" } else { "a learning rate and a batch size" };
        let message = format!("the rare event \"{}\" of SGD needs {what}", name.value);
        let help = "write engine = \"langevin\", or take a model with data, a learning rate and a batch size";
        return Err(source.error(&asked.span, message, "no batches here", help));
    }
    let default = if drawn { Walkers::Sgd } else { Walkers::Langevin };
    Ok(Event {
        name: name.value.clone(),
        from: from.value.clone(),
        target: set,
        score: rises,
        walkers: walkers.as_ref().map_or(default, |walkers| walkers.value),
        replicas: *replicas,
        repetitions: *repetitions,
    })
}

/// Errors: a score that is not a number at the start, or nowhere in the target larger than there.
fn check_score(
    context: &Context,
    score: &Located<String>,
    program: &Program,
    from: &[f64],
    target: &Target,
) -> Result<()> {
    let grid = &context.problem.grid;
    let (mut here, mut there) = (vec![0.0], vec![0.0; grid.len()]);
    program.evaluate(from, &mut here);
    program.evaluate(&grid.centers(), &mut there);
    let refuse = |message: String, help: &str| Err(context.source.error(&score.span, message, "this score", help));
    if !here[0].is_finite() {
        return refuse(format!("the score is {} at the start", here[0]), "write one that is a number there");
    }
    let inside = there.iter().zip(target.cells(grid)).filter(|(_, inside)| *inside);
    let most = inside.map(|(score, _)| *score).fold(f64::NEG_INFINITY, f64::max);
    if most > here[0] {
        return Ok(());
    }
    let message = format!(
        "the score \"{}\" does not rise from the start to the target: it is {} there, at most {most}",
        score.value, here[0]
    );
    refuse(message, "write a score that is larger in the target than at the start, such as its negative")
}
