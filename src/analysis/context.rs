//! What analyses are given: before a run to check what is asked, after it to answer.

use std::ops::Range;
use std::sync::Arc;

use fpsolve_solvers::engine::{Interrupt, OnGrid, Ranks};
use fpsolve_solvers::escape::by_walkers::DoneBlocks;
use fpsolve_solvers::fokker_planck::Stationary;
use fpsolve_solvers::formula::Expression;
use fpsolve_solvers::model::Model;
use fpsolve_solvers::model::data::Data;
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::problem::fields::Fields;
use miette::{Report, Result};

use crate::engine::{EngineEntry, Options};
use crate::reader::{Located, Source};
use crate::run::engine_run::EngineRun;
use crate::scenario::dynamics::importance::Importance;
use crate::scenario::model::ModelKind;
use crate::scenario::noise::Noise;

/// A scenario whose problem is built, for checks of what is asked.
pub struct Context<'a> {
    /// The scenario's text, for errors.
    pub source: &'a Source,
    /// The problem that the engines share.
    pub problem: &'a Problem,
    /// The model of the data as it is, whatever the sampling.
    pub model: &'a Arc<dyn Model>,
    /// The model as it is written.
    pub kind: &'a dyn ModelKind,
    /// The data behind the model, where it has any.
    pub data: Option<&'a Data>,
    /// `[noise]`.
    pub noise: &'a Noise,
    /// `dynamics.importance`.
    pub importance: Option<&'a Importance>,
    /// Parses a formula in the scenario's variables and parameters; errors point into its text.
    pub parse: &'a dyn Fn(&Located<String>) -> Result<Expression>,
    /// Sentences on what the choices in the scenario mean for the result.
    pub notes: &'a mut Vec<String>,
}

impl Context<'_> {
    /// An error of the solvers, at the place that is responsible.
    pub fn solver_error(&self, span: &Range<usize>, label: &str, error: &fpsolve_solvers::Error) -> Report {
        self.source.solver_error(span, label, error)
    }
}

/// A finished run.
pub struct Finished<'a> {
    /// The problem that the engines shared, with the output times as run.
    pub problem: &'a Problem,
    /// Its functions on the grid.
    pub fields: &'a Fields,
    /// The model of the data as it is, whatever the sampling.
    pub model: &'a dyn Model,
    /// The data behind the model, where it has any.
    pub data: Option<&'a Data>,
    /// What the tables of the engines say.
    pub options: &'a Options,
    /// The engines that were to run.
    pub engines: &'a [&'static EngineEntry],
    /// The engines and what they showed.
    pub runs: &'a [EngineRun],
    /// The stationary density, where an engine has it.
    pub stationary: Option<&'a Stationary>,
    /// Blocks of walkers of a first passage, by its name, that an earlier run or this one is done with.
    pub done_blocks: &'a dyn Fn(&str) -> Arc<DoneBlocks>,
    /// The processes that walkers are followed by.
    pub ranks: &'a Arc<dyn Ranks>,
    /// Asked now and then whether to stop.
    pub interrupt: Interrupt<'a>,
    /// Hears a short line whenever there is something to say.
    pub progress: &'a dyn Fn(&str),
}

/// What a process needs to compute its part of an answer of rank 0.
pub struct Assisting<'a> {
    /// The problem that the engines share, with the output times as run.
    pub problem: &'a Problem,
    /// What the tables of the engines say.
    pub options: &'a Options,
    /// The processes.
    pub ranks: &'a Arc<dyn Ranks>,
    /// Asked now and then whether to stop.
    pub interrupt: Interrupt<'a>,
}

impl<'a> Finished<'a> {
    /// The run of an engine, failed or not.
    pub fn run_of(&self, engine: &str) -> Option<&'a EngineRun> {
        self.runs.iter().find(|run| run.engine.name() == engine)
    }

    /// The chain of descent itself and the name of its engine, if one ran and got through.
    pub fn chain(&self) -> Option<(&'static str, &'a dyn OnGrid)> {
        let runs = self.runs.iter().filter(|run| run.failure.is_none());
        runs.into_iter().find_map(|run| Some((run.engine.name(), run.engine.chain()?)))
    }

    /// The engine that holds the whole law on a grid, if one ran.
    pub fn on_grid(&self) -> Option<&'a dyn OnGrid> {
        self.runs.iter().find_map(|run| run.engine.on_grid())
    }
}
