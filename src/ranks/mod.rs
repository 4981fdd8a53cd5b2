//! One program in several processes: rank 0 runs it and tells the others what to compute; they serve ([`crate::serve`]).
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | the processes of this program, their start and their end |
//! | `launch.rs` | whether mpirun or srun started this process, and as which |
//! | `order.rs` | what rank 0 tells the others to do |
//! | `mpi.rs` | messages by MPI; the only file that names it (feature `mpi`) |

mod launch;
#[cfg(feature = "mpi")]
mod mpi;
mod order;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use fpsolve_solvers::engine::{Alone, Ranks};

pub use launch::{CHILD, is_first};
pub use order::{Handed, Order, Returned};

use crate::error::{Failure, advice};
use crate::reader::Source;

/// The processes of this program, where there are several.
static RANKS: OnceLock<Here> = OnceLock::new();
/// Whether the others wait for something that rank 0 has not come to the end of.
static AWAITED: AtomicBool = AtomicBool::new(false);

/// What this process knows of the others.
struct Here {
    ranks: Arc<dyn Ranks>,
    /// Threads that it may use.
    threads: usize,
    /// Processes on this machine.
    processes: usize,
}

/// The processes of this program.
pub fn ranks() -> Arc<dyn Ranks> {
    RANKS.get().map_or_else(|| Arc::new(Alone) as Arc<dyn Ranks>, |here| Arc::clone(&here.ranks))
}

/// Threads that this process may use of those that the processes on its machine share; None where it is alone.
pub fn threads() -> Option<usize> {
    RANKS.get().map(|here| here.threads)
}

/// Processes on this machine that share its memory.
pub fn processes() -> usize {
    RANKS.get().map_or(1, |here| here.processes)
}

/// Several processes that have found each other, until they part.
pub struct Running {
    #[cfg(feature = "mpi")]
    library: Option<mpi::Library>,
}

/// Finds the other processes, where mpirun or srun started several. Errors: they cannot work together; said by the first.
pub fn begin() -> Result<Running, Failure> {
    match launch::told() {
        Some([_, size]) if size > 1 => begin_together(size),
        Some(_) | None => Ok(Running {
            #[cfg(feature = "mpi")]
            library: None,
        }),
    }
}

#[cfg(feature = "mpi")]
fn begin_together(size: usize) -> Result<Running, Failure> {
    if !is_first() {
        let cannot = |error| Failure::run(advice(format!("cannot watch for Ctrl-C: {error}"), ""));
        crate::signal::leave_to_another().map_err(cannot)?;
    }
    let (library, here) = mpi::begin(size).map_err(|why| {
        Failure::run(advice(why, "start it with the mpirun of the MPI library that fpsolve was built with"))
    })?;
    let _ = RANKS.set(here);
    Ok(Running { library: Some(library) })
}

#[cfg(not(feature = "mpi"))]
fn begin_together(size: usize) -> Result<Running, Failure> {
    let message = format!(
        "fpsolve was started as {size} processes, but this program was built without MPI: each of them would do the whole work"
    );
    let help = "build it with `make MPI=1 build`, or start it once, without mpirun or srun; a sweep can be divided by --shard K/N";
    Err(Failure::input(advice(message, help)))
}

impl Running {
    /// Parts: rank 0 sends the others home. Where work was left behind that others wait in, the whole program ends with the exit code.
    pub fn end(self, code: u8) {
        #[cfg(feature = "mpi")]
        if let Some(library) = self.library {
            let ranks = ranks();
            if AWAITED.load(Ordering::SeqCst) {
                std::process::exit(i32::from(code)); // mpirun ends the others
            }
            if ranks.rank() == 0 {
                ranks.stop(1..ranks.size());
                ranks.tell(&Order::End.message());
            }
            drop(library);
        }
        let _ = code;
    }
}

/// Tells the others to read a scenario and build its problem.
pub fn prepare(ranks: &dyn Ranks, source: &Source, threads: Option<usize>) {
    if ranks.size() > 1 {
        ranks.tell(&Order::Prepare { source: source.clone(), threads }.message());
    }
}

/// Waits until the others have [prepared](prepare). Errors: that of the first that could not, where rank 0 could.
pub fn prepared(ranks: &dyn Ranks) -> Result<(), Failure> {
    let mut outcomes: Vec<_> = (1..ranks.size()).map(|_| ranks.wait()).collect();
    outcomes.sort_by_key(|(rank, _)| *rank);
    for (rank, message) in outcomes {
        message.outcome().map_err(|error| {
            let message = format!("rank {rank} of {} cannot run this scenario: {error}", ranks.size());
            let help = "the files that a scenario names must be there on every machine";
            Failure::input(advice(message, error.help().map_or(help.into(), |more| format!("{help}\n{more}"))))
        })?;
    }
    Ok(())
}

/// Tells the others to do their part of something, and does one's own, at the end of which all have met.
pub fn together<T>(ranks: &dyn Ranks, order: &Order, work: impl FnOnce() -> T) -> T {
    if ranks.size() == 1 {
        return work();
    }
    // a panic here leaves them waiting: then nothing more can be done together
    assert!(
        !AWAITED.swap(true, Ordering::SeqCst),
        "the other processes still wait for the end of something that failed"
    );
    ranks.tell(&order.message());
    let value = work();
    AWAITED.store(false, Ordering::SeqCst);
    value
}
