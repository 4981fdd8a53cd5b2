//! Where a record comes from: left out of comparisons of records bit by bit.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::ranks::ranks;
use crate::record::{Attribute, Group};

/// The start of a run.
pub struct Provenance {
    clock: Instant,
    start: SystemTime,
}

impl Provenance {
    /// Now.
    pub fn start() -> Self {
        Self { clock: Instant::now(), start: SystemTime::now() }
    }

    /// Fills the group `/provenance`: command line, commit, host, threads, ranks where there are several, start (seconds since 1970 UTC), wall seconds
    /// until now.
    pub fn fill(&self, group: &mut Group) {
        let command: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let start = self.start.duration_since(UNIX_EPOCH).map_or(0.0, |t| t.as_secs_f64());
        group.set("command_line", Attribute::Text(command.join(" ")));
        group.set("git_commit", Attribute::Text(env!("FPSOLVE_COMMIT").to_string()));
        group.set("host", Attribute::Text(host.trim().to_string()));
        group.set("threads", Attribute::Integer(rayon::current_num_threads() as i64));
        if ranks().size() > 1 {
            group.set("ranks", Attribute::Integer(ranks().size() as i64));
        }
        group.set("start_unix", Attribute::Float(start));
        group.set("wall_seconds", Attribute::Float(self.clock.elapsed().as_secs_f64()));
    }
}
