//! Checkpoints: the record of a run that goes on, written now and then in the place of the final one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Reached;
use crate::record::hdf5::{self, Existing};
use crate::record::provenance::Provenance;

/// Time between two checkpoints at least, relative to what the writing of one takes: it costs less than 2 % of the run.
const RARELY: u32 = 50;

/// Writes checkpoints.
pub struct Checkpoints {
    reached: Arc<Reached>,
    provenance: Arc<Provenance>,
    path: PathBuf,
    existing: Existing,
    /// When the next one is due; None for never.
    due: Option<Instant>,
    /// Whether the file at the path is one of them.
    pub written: bool,
}

impl Checkpoints {
    /// To the path of the final record.
    pub fn new(reached: &Arc<Reached>, provenance: &Arc<Provenance>, path: &Path, existing: Existing) -> Self {
        let due = reached.pace.and_then(|pace| Instant::now().checked_add(pace));
        let (reached, provenance) = (Arc::clone(reached), Arc::clone(provenance));
        Self { reached, provenance, path: path.to_path_buf(), existing, due, written: false }
    }

    /// Writes one where it is due. A sentence where it cannot be written, once: the run goes on.
    pub fn look(&mut self) -> Option<String> {
        if self.due.is_none_or(|due| Instant::now() < due) {
            return None;
        }
        let (start, pace) = (Instant::now(), self.reached.pace.unwrap_or(Duration::MAX));
        let mut record = self.reached.so_far()?;
        self.provenance.fill(record.group_mut("provenance"));
        match hdf5::write(&record, &self.path, self.existing) {
            Ok(()) => {
                (self.existing, self.written) = (Existing::Replaced, true);
                self.due = start.checked_add(pace.max(RARELY * start.elapsed()));
                None
            }
            Err(error) => {
                self.due = None;
                Some(format!("warning: no more checkpoints: {}\n", crate::text::harmless(&error.to_string())))
            }
        }
    }
}
