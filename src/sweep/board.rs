//! What has been answered, what is being computed, and what is kept of it where the sweep ends early.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::case::Answer;
use crate::record::hdf5::{self, Existing};
use crate::record::provenance::Provenance;
use crate::record::{Attribute, Record};
use crate::run::Reached;
use crate::run::checkpoints::Checkpoints;

/// The state of a sweep, shared by those who compute and those who look on.
#[derive(Default)]
pub struct Board {
    parts: Mutex<Parts>,
}

#[derive(Default)]
struct Parts {
    answers: BTreeMap<usize, Answer>,
    running: BTreeMap<usize, Running>,
    /// Cases that other processes compute.
    away: BTreeSet<usize>,
    /// Root attributes and grid of the first record that was seen.
    heading: Option<(usize, Record)>,
    /// Cases to compute in this process, and how many of them are done.
    open: usize,
    done: usize,
}

struct Running {
    reached: Arc<Reached>,
    provenance: Arc<Provenance>,
    file: PathBuf,
    checkpoints: Checkpoints,
}

/// How far a sweep has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Cases that this process computes, and those of them that are done.
    pub open: usize,
    /// Done.
    pub done: usize,
    /// Answers that are there, and those of them that are not complete.
    pub answered: usize,
    /// Failed or refused.
    pub failed: usize,
}

impl Board {
    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many cases are to be computed.
    pub fn begin(&self, open: usize) {
        self.parts().open = open;
    }

    /// A case is answered.
    pub fn answer(&self, number: usize, answer: Answer, record: Option<&Record>) {
        let mut parts = self.parts();
        if let Some(record) = record.filter(|_| parts.heading.as_ref().is_none_or(|(first, _)| number < *first)) {
            parts.heading = Some((number, heading_of(record)));
        }
        if parts.running.remove(&number).is_some() | parts.away.remove(&number) {
            parts.done += 1;
        }
        parts.answers.insert(number, answer);
    }

    /// A case is begun by another process.
    pub fn hand_out(&self, number: usize) {
        self.parts().away.insert(number);
    }

    /// A case is begun.
    pub fn run(&self, number: usize, reached: &Arc<Reached>, provenance: &Arc<Provenance>, file: PathBuf) {
        let checkpoints = Checkpoints::new(reached, provenance, &file, Existing::Replaced);
        let (reached, provenance) = (Arc::clone(reached), Arc::clone(provenance));
        self.parts().running.insert(number, Running { reached, provenance, file, checkpoints });
    }

    /// Writes the checkpoints that are due; sentences on what cannot be written.
    pub fn look(&self) -> Vec<String> {
        self.parts().running.values_mut().filter_map(|running| running.checkpoints.look()).collect()
    }

    /// Keeps what the cases that are left unfinished have reached.
    pub fn keep(&self) {
        for running in self.parts().running.values() {
            let Some(mut record) = running.reached.so_far() else { continue };
            running.provenance.fill(record.group_mut("provenance"));
            let _ = hdf5::write(&record, &running.file, Existing::Replaced); // what cannot be kept is computed again
        }
    }

    /// How far it has come.
    pub fn standing(&self) -> Standing {
        let parts = self.parts();
        let failed = parts.answers.values().filter(|answer| !answer.is_complete()).count();
        Standing { open: parts.open, done: parts.done, answered: parts.answers.len(), failed }
    }

    /// Number of cases that came to their end.
    pub fn complete(&self) -> usize {
        self.parts().answers.values().filter(|answer| answer.is_complete()).count()
    }

    /// The answers by the numbers of their cases.
    pub fn answers(&self) -> BTreeMap<usize, Answer> {
        self.parts().answers.clone()
    }

    /// Root attributes and grid of the first case that has a record.
    pub fn heading(&self) -> Option<Record> {
        self.parts().heading.clone().map(|(_, record)| record)
    }
}

/// What a table keeps of the record of a case: what holds for all of them, and the grid.
fn heading_of(record: &Record) -> Record {
    let mut heading = Record::new("");
    let own = ["temperature", "beta", "learning_rate", "batch_size", "seed", "status", "scenario", "resolved"];
    let kept = |(name, _): &&(String, Attribute)| !own.contains(&name.as_str());
    heading.attributes = record.attributes.iter().filter(kept).cloned().collect();
    heading.groups = record.groups.iter().filter(|group| group.name == "grid").cloned().collect();
    heading
}
