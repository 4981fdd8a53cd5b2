//! Messages by MPI. Calls of its library are made by one thread at a time; what is waited for is looked at now and then, so that nobody
//! computes while there is nothing to do.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fpsolve_solvers::engine::{Message, Patience, Ranks};
use mpi::environment::Universe;
use mpi::point_to_point::{Destination, Source};
use mpi::topology::{Communicator, Process, SimpleCommunicator};
use mpi::traits::CommunicatorCollectives;
use mpi::{Rank, Tag, Threading};

use super::Here;

/// What a message is about: its length and then its bytes; that a rank should stop.
const LENGTH: Tag = 1;
const BYTES: Tag = 2;
const STOP: Tag = 3;
/// Bytes that are sent at once: MPI counts them in 32 bits.
const AT_ONCE: usize = 1 << 30;
/// How often a rank that computes looks whether it should stop.
const LISTENING: Duration = Duration::from_millis(5);

/// The MPI library, until it is dropped.
pub struct Library(#[allow(dead_code, reason = "its end is the end of the library")] Universe);

/// The world of MPI. What is counted are the messages sent to each rank and received from rank 0, by which both know what a stop is about.
#[derive(Debug)]
struct World {
    rank: usize,
    size: usize,
    calls: Mutex<()>,
    sending: Mutex<()>,
    sent: Vec<AtomicU64>,
    received: AtomicU64,
    stopped: AtomicU64,
    looking: AtomicBool,
    looked: Mutex<Instant>,
}

/// Starts MPI in one of `size` processes. Errors: it does not find them, or cannot be called by several threads.
pub fn begin(size: usize) -> Result<(Library, Here), String> {
    let started = mpi::initialize_with_threading(Threading::Serialized);
    let (universe, threading) = started.ok_or("MPI does not start")?;
    let world = universe.world();
    if world.size() as usize != size {
        return Err(format!(
            "fpsolve was started as {size} processes, but its MPI library finds {}: mpirun is that of another library",
            world.size()
        ));
    }
    if threading < Threading::Serialized {
        return Err("this MPI library cannot be called by several threads".into());
    }
    let local = world.split_shared(world.rank());
    let processes = local.size() as usize;
    let ranks = World {
        rank: world.rank() as usize,
        size,
        calls: Mutex::default(),
        sending: Mutex::default(),
        sent: (0..size).map(|_| AtomicU64::new(0)).collect(),
        received: AtomicU64::new(0),
        stopped: AtomicU64::new(0),
        looking: AtomicBool::new(false),
        looked: Mutex::new(Instant::now()),
    };
    let here = Here { ranks: Arc::new(ranks), threads: threads(&local), processes };
    Ok((Library(universe), here))
}

/// The processors that this process may use, divided by the processes on its machine that may use the same.
fn threads(local: &SimpleCommunicator) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find(|line| line.starts_with("Cpus_allowed:")).unwrap_or_default();
    let mine = allowed.bytes().fold(14_695_981_039_346_656_037_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211) // Fowler, Noll & Vo
    });
    let mut all = vec![0_u64; local.size() as usize];
    local.all_gather_into(&mine, &mut all[..]);
    let sharing = all.iter().filter(|other| **other == mine).count().max(1);
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (processors / sharing).max(1)
}

impl World {
    /// MPI, for one call.
    fn calls(&self) -> (MutexGuard<'_, ()>, SimpleCommunicator) {
        (self.calls.lock().unwrap_or_else(PoisonError::into_inner), SimpleCommunicator::world())
    }

    /// Sends bytes and waits until they are on their way.
    fn send_bytes(&self, to: usize, bytes: &[u8], tag: Tag) {
        let world = SimpleCommunicator::world();
        let process: Process = world.process_at_rank(to as Rank);
        mpi::request::scope(|scope| {
            let mut request = {
                let _one = self.calls();
                process.immediate_send_with_tag(scope, bytes, tag)
            };
            let mut patience = Patience::default();
            loop {
                let tested = {
                    let _one = self.calls();
                    request.test()
                };
                match tested {
                    Ok(_) => return,
                    Err(still) => request = still,
                }
                patience.rest();
            }
        });
    }

    /// Whether a stop has come since, for what was begun by the last message from rank 0.
    fn look_for_stop(&self) {
        let (_one, world) = self.calls();
        let first = world.process_at_rank(0);
        while first.immediate_probe_with_tag(STOP).is_some() {
            let mut about = [0; 8];
            first.receive_into_with_tag(&mut about[..], STOP);
            self.stopped.fetch_max(u64::from_le_bytes(about), Ordering::SeqCst);
        }
    }
}

impl Ranks for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn send(&self, to: usize, message: &Message) {
        let bytes = message.to_bytes();
        let _whole = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        self.send_bytes(to, &(bytes.len() as u64).to_le_bytes(), LENGTH);
        bytes.chunks(AT_ONCE).for_each(|some| self.send_bytes(to, some, BYTES));
        self.sent[to].fetch_add(1, Ordering::SeqCst);
    }

    fn receive(&self) -> Option<(usize, Message)> {
        let (_one, world) = self.calls();
        let found = world.any_process().immediate_probe_with_tag(LENGTH)?;
        let from = world.process_at_rank(found.source_rank());
        let mut length = [0; 8];
        from.receive_into_with_tag(&mut length[..], LENGTH);
        let mut bytes = vec![0; usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX)];
        bytes.chunks_mut(AT_ONCE).for_each(|some| {
            from.receive_into_with_tag(some, BYTES);
        });
        if found.source_rank() == 0 {
            self.received.fetch_add(1, Ordering::SeqCst);
        }
        // both are the same program
        Some((found.source_rank() as usize, Message::from_bytes(&bytes).unwrap_or_default()))
    }

    fn stop(&self, ranks: Range<usize>) {
        for rank in ranks {
            let about = self.sent[rank].load(Ordering::SeqCst);
            self.send_bytes(rank, &about.to_le_bytes(), STOP);
        }
    }

    fn stopped(&self) -> bool {
        let is_now = || {
            let begun = self.received.load(Ordering::SeqCst);
            begun > 0 && self.stopped.load(Ordering::SeqCst) == begun
        };
        if is_now() {
            return true;
        }
        // of the threads that compute one looks, now and then
        if self.looking.swap(true, Ordering::Acquire) {
            return false;
        }
        let due = {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let due = looked.elapsed() > LISTENING;
            if due {
                *looked = Instant::now();
            }
            due
        };
        if due {
            self.look_for_stop();
        }
        self.looking.store(false, Ordering::Release);
        is_now()
    }
}
