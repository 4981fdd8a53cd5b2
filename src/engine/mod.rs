//! The engines: one file each, one line each in [`ENGINES`]. Words, help texts, keys, memory, colours, titles and the order of
//! reports follow from the table; nothing else lists engines.

pub mod fokker_planck;
pub mod gaussian_sgd;
pub mod gradient_descent;
pub mod langevin;
pub mod options;
pub mod sgd;
pub mod transfer_operator;
pub mod work;

use fpsolve_solvers::Error;
use fpsolve_solvers::engine::{Engine, Interrupt};
use fpsolve_solvers::problem::Problem;

use crate::engine::work::{Measured, Work};
use crate::limits::sizes::{Item, Sizes};
use crate::record::Group;
pub use options::{Options, OptionsTable};

/// The engines, in the order they run and are reported.
pub static ENGINES: &[&EngineEntry] = &[
    &fokker_planck::ENTRY,
    &langevin::ENTRY,
    &transfer_operator::ENTRY,
    &gaussian_sgd::ENTRY,
    &sgd::ENTRY,
    &gradient_descent::ENTRY,
];

/// An engine of the program: what it is called, what it needs, and how it is built.
#[derive(Debug)]
pub struct EngineEntry {
    /// The word in a scenario and on the command line.
    pub word: &'static str,
    /// Name of its group in the record.
    pub group: &'static str,
    /// Its name in pictures.
    pub title: &'static str,
    /// Its colour in pictures: red, green, blue.
    pub colour: [u8; 3],
    /// What it computes, in a line.
    pub about: &'static str,
    /// Whether it runs where a scenario names no engine.
    pub default: bool,
    /// How it represents the law of θ.
    pub representation: Representation,
    /// What it needs besides drift and diffusion.
    pub needs: &'static [Need],
    /// Whether it draws batches of samples themselves: it needs neither drift nor diffusion, and its noise is bounded.
    pub draws_batches: bool,
    /// The table of the scenario that says how it computes; engines may share one.
    pub table: &'static OptionsTable,
    /// Length in time of its steps at a learning rate, where it lives at multiples of one: the output times of all engines move there.
    /// Errors: a parameter of the optimizer out of range.
    pub step: Option<Step>,
    /// Memory that it takes besides the densities at the output times.
    pub memory: fn(&Sizes) -> Vec<Item>,
    /// What it has to do for a problem, counted before anything is computed. Errors: a step that cannot be chosen.
    pub work: fn(&Options, &Problem) -> Result<Work, Error>,
    /// Measures how long it will take, on a small part of its work. Errors: those of the engine; [`Error::Interrupted`].
    pub rehearse: Rehearse,
    /// Builds it for a problem. Errors: those of the engine; [`Error::Interrupted`].
    pub build: Build,
    /// Lines of the summary about what it chose, from its group.
    pub words: fn(&Group) -> Vec<String>,
}

/// For engines that choose nothing.
fn no_words(_group: &Group) -> Vec<String> {
    Vec::new()
}

/// Length in time of the steps of an engine at a learning rate.
pub type Step = fn(&Options, learning_rate: f64) -> Result<f64, Error>;

/// Builds an engine for a problem.
pub type Build = fn(&Options, &Problem, Interrupt) -> Result<Box<dyn Engine>, Error>;

/// Measures how long an engine will take for a problem.
pub type Rehearse = fn(&Options, &Problem, Interrupt) -> Result<Measured, Error>;

/// How an engine represents the law of θ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Representation {
    /// A density, averaged over the cells of the grid.
    Density,
    /// The positions of walkers.
    Walkers,
}

/// What an engine needs of a scenario besides drift and diffusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Samples to draw batches from.
    Samples,
    /// A learning rate: the temperature alone does not do.
    LearningRate,
}

/// The engine with this word.
pub fn find(word: &str) -> Option<&'static EngineEntry> {
    ENGINES.iter().copied().find(|engine| engine.word == word)
}

/// The words of all engines.
pub fn words() -> Vec<&'static str> {
    ENGINES.iter().map(|engine| engine.word).collect()
}

/// The tables of the scenario in which engines are described, each once, in the order of [`ENGINES`].
pub fn tables() -> Vec<&'static OptionsTable> {
    let mut tables: Vec<&'static OptionsTable> = Vec::new();
    for engine in ENGINES {
        if tables.iter().all(|table| table.key != engine.table.key) {
            tables.push(engine.table);
        }
    }
    tables
}

#[cfg(test)]
mod tests;

#[cfg(test)]
impl Options {
    /// The options of a scenario that has only tables of engines.
    pub fn parse(text: &str) -> miette::Result<Self> {
        let source = crate::reader::source::Source::from_text(std::path::Path::new("test.toml"), text.to_string());
        let document = toml::de::DeTable::parse(text).expect("a test writes TOML");
        let keys: Vec<&str> = tables().iter().map(|table| table.key).collect();
        Self::read(&crate::reader::Table::root(&source, &document, &keys)?, &tables())
    }
}
