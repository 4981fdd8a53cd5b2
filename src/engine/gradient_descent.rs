//! Gradient descent: the full batch at every step, from the positions where SGD starts.

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Engine, Interrupt};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::sgd::Sgd;

use super::sgd::{self, SgdTable};
use super::{EngineEntry, Options, Representation, no_words};

/// The engine.
pub static ENTRY: EngineEntry = EngineEntry {
    word: "gradient-descent",
    group: "gradient_descent",
    title: "gradient descent",
    colour: [0x4d, 0x4d, 0x4d],
    about: "full-batch descent from where SGD starts, walkers as [sgd] (only where it is named)",
    default: false,
    representation: Representation::Walkers,
    needs: sgd::DESCENT,
    draws_batches: false,
    table: &sgd::TABLE,
    step: Some(sgd::step),
    memory: sgd::memory,
    work: |options, problem| sgd::descent(options, problem, problem.model.sample_count()),
    rehearse: |options, problem, interrupt| {
        sgd::rehearse(options, problem, interrupt, |small| Ok(Box::new(Sgd::without_noise(problem, &small)?)))
    },
    build,
    words: no_words,
};

fn build(options: &Options, problem: &Problem, _: Interrupt) -> Result<Box<dyn Engine>, Error> {
    Ok(Box::new(Sgd::without_noise(problem, &options.of::<SgdTable>().options)?))
}
