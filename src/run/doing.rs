//! What a run is busy with, for whoever looks on.

use crate::text::rounded;

/// What a run is busy with.
#[derive(Debug, Clone, Copy)]
pub enum Doing<'a> {
    /// An engine is built: its word.
    Building(&'static str),
    /// An engine moves on: its word, from which time to which, and the end of the run.
    Advancing(&'static str, [f64; 2], f64),
    /// The functions of the problem are evaluated in every cell.
    Model,
    /// An analysis, by its name.
    Analysis(&'static str),
    /// A part of what was said before.
    Detail(&'a str),
    /// The engines are compared.
    Comparing,
}

impl Doing<'_> {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Building(engine) => format!("building {engine}"),
            Self::Advancing(engine, [_, to], _) => format!("{engine} to t = {}", rounded(*to)),
            Self::Model => "evaluating the model".into(),
            Self::Analysis(name) => name.replace('_', " "),
            Self::Detail(what) => what.to_string(),
            Self::Comparing => "comparing".into(),
        }
    }
}
