//! What rank 0 tells the others to do, and what they hand in, as messages.

use std::path::{Path, PathBuf};

use fpsolve_solvers::engine::{Message, Numbers, State};

use crate::error::Outcome;
use crate::reader::Source;

/// What rank 0 tells the others to do.
#[derive(Debug, Clone)]
pub enum Order {
    /// Reads a scenario and builds its problem; says how that went.
    Prepare {
        /// The scenario as run.
        source: Source,
        /// Threads to use, where the user says so.
        threads: Option<usize>,
    },
    /// Builds the engine of this word, and takes it to where an earlier run had come.
    Build {
        /// The word.
        engine: String,
        /// What the earlier run kept.
        earlier: Option<State>,
    },
    /// Advances an engine, of this group in the record, to a time.
    Advance {
        /// The group.
        engine: String,
        /// The time.
        to: f64,
    },
    /// Computes a part of an answer of an analysis.
    Assist {
        /// The analysis.
        analysis: String,
        /// Which of its questions.
        name: String,
        /// What rank 0 has found for it.
        found: State,
    },
    /// Computes cases of a sweep until there are no more.
    Sweep {
        /// The scenario of the cases, and the overrides of all.
        source: Source,
        /// Paths that are collected.
        collect: Vec<String>,
        /// Bytes that a case may take.
        memory: u64,
        /// Cases at a time, at most.
        at_a_time: usize,
        /// Threads to use, where the user says so.
        threads: Option<usize>,
    },
    /// Goes home.
    End,
}

fn add_source(texts: &mut Vec<String>, source: &Source) {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string();
    texts.extend([absolute(&source.path), source.text.clone(), source.overrides.len().to_string()]);
    texts.extend(source.overrides.iter().cloned());
    texts.push(source.data_folders.len().to_string());
    texts.extend(source.data_folders.iter().map(|folder| absolute(folder)));
}

/// The next texts, of which there are as many as the first one says.
fn list(texts: &mut impl Iterator<Item = String>) -> Option<Vec<String>> {
    let count: usize = texts.next()?.parse().ok()?;
    (0..count).map(|_| texts.next()).collect()
}

fn take_source(texts: &mut impl Iterator<Item = String>) -> Option<Source> {
    let (path, text) = (texts.next()?, texts.next()?);
    let mut source = Source::from_text(Path::new(&path), text);
    source.overrides = list(texts)?;
    source.data_folders = list(texts)?.into_iter().map(PathBuf::from).collect();
    Some(source)
}

fn words(list: &[u64]) -> State {
    State { arrays: vec![("words".into(), Numbers::Words(list.to_vec()))], parts: Vec::new() }
}

fn word(state: &State, k: usize) -> Option<u64> {
    state.arrays.iter().find_map(|(_, numbers)| match numbers {
        Numbers::Words(words) => words.get(k).copied(),
        Numbers::Floats(_) => None,
    })
}

/// 0 stands for none.
fn threads_of(word: u64) -> Option<usize> {
    (word > 0).then_some(word as usize)
}

impl Order {
    /// As a message.
    pub fn message(&self) -> Message {
        let threads_word = |threads: &Option<usize>| threads.map_or(0, |threads| threads as u64);
        let (about, texts, state) = match self {
            Self::Prepare { source, threads } => {
                let mut texts = Vec::new();
                add_source(&mut texts, source);
                (1, texts, words(&[threads_word(threads)]))
            }
            Self::Build { engine, earlier } => {
                let parts = earlier.iter().map(|state| ("earlier".into(), state.clone())).collect();
                (2, vec![engine.clone()], State { arrays: Vec::new(), parts })
            }
            Self::Advance { engine, to } => (3, vec![engine.clone()], words(&[to.to_bits()])),
            Self::Assist { analysis, name, found } => (4, vec![analysis.clone(), name.clone()], found.clone()),
            Self::Sweep { source, collect, memory, at_a_time, threads } => {
                let mut texts = Vec::new();
                add_source(&mut texts, source);
                texts.push(collect.len().to_string());
                texts.extend(collect.iter().cloned());
                (5, texts, words(&[*memory, *at_a_time as u64, threads_word(threads)]))
            }
            Self::End => (6, Vec::new(), State::default()),
        };
        Message { about, texts, state }
    }

    /// The order that a message tells; None for another message.
    pub fn of(message: Message) -> Option<Self> {
        let Message { about, texts, state } = message;
        let mut texts = texts.into_iter();
        Some(match about {
            1 => Self::Prepare { source: take_source(&mut texts)?, threads: threads_of(word(&state, 0)?) },
            2 => Self::Build { engine: texts.next()?, earlier: state.part("earlier").cloned() },
            3 => Self::Advance { engine: texts.next()?, to: f64::from_bits(word(&state, 0)?) },
            4 => Self::Assist { analysis: texts.next()?, name: texts.next()?, found: state },
            5 => Self::Sweep {
                source: take_source(&mut texts)?,
                collect: list(&mut texts)?,
                memory: word(&state, 0)?,
                at_a_time: word(&state, 1)? as usize,
                threads: threads_of(word(&state, 2)?),
            },
            6 => Self::End,
            _ => return None,
        })
    }
}

/// What a rank tells rank 0 while it computes cases of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub enum Returned {
    /// It is free.
    Free,
    /// The record of a case is written.
    Recorded(usize),
    /// A case has no record: how it ended, and why.
    Refused(usize, Outcome, String),
    /// A case was left unfinished.
    Left(usize),
    /// The record of a case cannot be written, and why.
    Unwritten(usize, String),
    /// It does no more.
    Gone,
}

impl Returned {
    /// As a message.
    pub fn message(&self) -> Message {
        let (about, number, outcome, text) = match self {
            Self::Free => (11, 0, 0, ""),
            Self::Recorded(number) => (12, *number, 0, ""),
            Self::Refused(number, outcome, why) => (13, *number, *outcome as u64, why.as_str()),
            Self::Left(number) => (14, *number, 0, ""),
            Self::Unwritten(number, why) => (15, *number, 0, why.as_str()),
            Self::Gone => (16, 0, 0, ""),
        };
        Message { about, texts: vec![text.to_string()], state: words(&[number as u64, outcome]) }
    }

    /// What a message returns; None for another message.
    pub fn of(message: &Message) -> Option<Self> {
        let (number, outcome) = (word(&message.state, 0)? as usize, word(&message.state, 1)?);
        let why = message.texts.first()?.clone();
        Some(match message.about {
            11 => Self::Free,
            12 => Self::Recorded(number),
            13 => Self::Refused(number, Outcome::of_code(i32::try_from(outcome).ok()?), why),
            14 => Self::Left(number),
            15 => Self::Unwritten(number, why),
            16 => Self::Gone,
            _ => return None,
        })
    }
}

/// What rank 0 answers to a free rank.
#[derive(Debug, Clone, PartialEq)]
pub enum Handed {
    /// A case: its number, the file of its record and its overrides.
    Case {
        /// The number.
        number: usize,
        /// The file.
        file: PathBuf,
        /// The overrides.
        settings: Vec<String>,
    },
    /// There are no more.
    NoMore,
    /// The user wants an end.
    Stop,
}

impl Handed {
    /// As a message.
    pub fn message(&self) -> Message {
        let (about, texts, number) = match self {
            Self::Case { number, file, settings } => {
                let texts = std::iter::once(file.display().to_string()).chain(settings.iter().cloned());
                (21, texts.collect(), *number)
            }
            Self::NoMore => (22, Vec::new(), 0),
            Self::Stop => (23, Vec::new(), 0),
        };
        Message { about, texts, state: words(&[number as u64]) }
    }

    /// What a message hands; an end for another message.
    pub fn of(message: Message) -> Self {
        let number = word(&message.state, 0).unwrap_or(0) as usize;
        let mut texts = message.texts.into_iter();
        match (message.about, texts.next()) {
            (21, Some(file)) => Self::Case { number, file: PathBuf::from(file), settings: texts.collect() },
            (23, _) => Self::Stop,
            _ => Self::NoMore,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn orders_are_understood_as_they_were_given() {
        let mut source = Source::from_text(Path::new("/a/b.toml"), "[model]".into());
        source.overrides = vec!["seed=3".into(), "a=1".into()];
        source.data_folders = vec![PathBuf::from("/data")];
        let engine = || "sgd".to_string();
        let orders = [
            Order::Prepare { source: source.clone(), threads: None },
            Order::Build { engine: engine(), earlier: Some(words(&[1])) },
            Order::Build { engine: engine(), earlier: None },
            Order::Advance { engine: engine(), to: 0.1 },
            Order::Assist { analysis: "rare_event".into(), name: "over".into(), found: words(&[2]) },
            Order::Sweep { source, collect: vec!["a/b".into()], memory: 5, at_a_time: 2, threads: Some(4) },
            Order::End,
        ];
        for order in orders {
            let message = order.message();
            let there = Message::from_bytes(&message.to_bytes()).unwrap();
            assert_eq!(Order::of(there).unwrap().message(), message);
        }
        assert!(Order::of(Returned::Free.message()).is_none());
    }

    #[test]
    fn what_is_handed_out_and_returned_is_understood() {
        let why = || "no room".to_string();
        for returned in [
            Returned::Free,
            Returned::Recorded(7),
            Returned::Refused(3, Outcome::TooLarge, why()),
            Returned::Left(2),
            Returned::Unwritten(9, why()),
            Returned::Gone,
        ] {
            assert_eq!(Returned::of(&returned.message()), Some(returned));
        }
        let case = Handed::Case { number: 5, file: "a.h5".into(), settings: vec!["seed=2".into()] };
        for handed in [case, Handed::NoMore, Handed::Stop] {
            assert_eq!(Handed::of(handed.message()), handed);
        }
    }
}
