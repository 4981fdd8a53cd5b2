//! Gaussian SGD: descent with normal gradients of the mean and the covariance of a batch; dt = η, no walls.

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Engine, Interrupt};
use fpsolve_solvers::problem::Problem;
use fpsolve_solvers::sgd::Sgd;

use super::sgd::{self, SgdTable};
use super::{EngineEntry, Options, Representation, no_words};

/// The engine.
pub static ENTRY: EngineEntry = EngineEntry {
    word: "gaussian-sgd",
    group: "gaussian_sgd",
    title: "Gaussian SGD",
    colour: [0xe6, 0x9f, 0x00],
    about: "SGD with normal gradients of the same mean and covariance, walkers as [sgd] (only where it is named)",
    default: false,
    representation: Representation::Walkers,
    needs: sgd::DESCENT,
    draws_batches: false,
    table: &sgd::TABLE,
    step: Some(sgd::step),
    memory: sgd::memory,
    work: |options, problem| {
        options.of::<SgdTable>().options.check_floor(problem.dynamics.floor())?;
        sgd::descent(options, problem, problem.model.sample_count())
    },
    rehearse: |options, problem, interrupt| {
        sgd::rehearse(options, problem, interrupt, |small| Ok(Box::new(Sgd::gaussian(problem, small)?)))
    },
    build,
    words: no_words,
};

fn build(options: &Options, problem: &Problem, _: Interrupt) -> Result<Box<dyn Engine>, Error> {
    Ok(Box::new(Sgd::gaussian(problem, options.of::<SgdTable>().options.clone())?))
}
