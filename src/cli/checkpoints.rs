//! Checkpoints: the record of a run that goes on, written now and then in the place of the final one.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::record::hdf5::{self, Existing};
use crate::record::provenance::Provenance;
use crate::run::Reached;

/// Time between two checkpoints at least, relative to what the writing of one takes: it costs less than 2 % of the run.
const RARELY: u32 = 50;

/// Writes checkpoints.
pub(super) struct Checkpoints<'a> {
    reached: &'a Reached,
    provenance: &'a Provenance,
    path: &'a Path,
    existing: Existing,
    /// When the next one is due; None for never.
    due: Option<Instant>,
    /// Whether the file at the path is one of them.
    pub written: bool,
}

impl<'a> Checkpoints<'a> {
    /// To the path of the final record.
    pub(super) fn new(reached: &'a Reached, provenance: &'a Provenance, path: &'a Path, existing: Existing) -> Self {
        let due = reached.pace.and_then(|pace| Instant::now().checked_add(pace));
        Self { reached, provenance, path, existing, due, written: false }
    }

    /// Writes one where it is due. What cannot be written is told once, and the run goes on.
    pub(super) fn look(&mut self) {
        if self.due.is_none_or(|due| Instant::now() < due) {
            return;
        }
        let (start, pace) = (Instant::now(), self.reached.pace.unwrap_or(Duration::MAX));
        let Some(mut record) = self.reached.so_far() else { return };
        self.provenance.fill(record.group_mut("provenance"));
        match hdf5::write(&record, self.path, self.existing) {
            Ok(()) => {
                (self.existing, self.written) = (Existing::Replaced, true);
                self.due = start.checked_add(pace.max(RARELY * start.elapsed()));
            }
            Err(error) => {
                self.due = None;
                let said = crate::text::harmless(&error.to_string());
                super::tell(&format!("warning: no more checkpoints: {said}\n"));
            }
        }
    }
}
