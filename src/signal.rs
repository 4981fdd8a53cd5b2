//! Interruption: the first SIGINT, SIGTERM or SIGHUP ends a run within a second with a valid record, the second ends the program.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};

static COUNT: OnceLock<Arc<AtomicUsize>> = OnceLock::new();
static END: OnceLock<Instant> = OnceLock::new();
/// Bytes that the program may take, and whether it took more.
static MOST: AtomicU64 = AtomicU64::new(u64::MAX);
static FULL: AtomicBool = AtomicBool::new(false);
/// Bytes that the program took at the last look; as many as can be before the first.
static BEFORE: AtomicU64 = AtomicU64::new(u64::MAX);
/// Whether the program itself asks for an end.
static ASKED: AtomicBool = AtomicBool::new(false);
static INSTALL: Mutex<()> = Mutex::new(());
/// The file that is removed where the program ends before it got its name.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// How long a computation has to end by itself once the user asked for it.
const GRACE: Duration = Duration::from_millis(350);
/// How often the user is listened to.
const LISTENING: Duration = Duration::from_millis(5);
/// Stack of a computation, bytes.
pub const STACK: usize = 64 << 20;

/// Starts counting SIGINT, SIGTERM and SIGHUP; from the second on the program ends at once with exit code 130 (a record that
/// stood at its path before is intact: records are replaced atomically). A file that becomes larger than allowed (SIGXFSZ) is an
/// error of the writing and no end of the program. Errors: the system refuses the handlers.
pub fn install() -> std::io::Result<()> {
    let _guard = INSTALL.lock();
    if COUNT.get().is_some() {
        return Ok(());
    }
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let count = Arc::new(AtomicUsize::new(0));
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if counter.fetch_add(1, Ordering::SeqCst) >= 1 {
                if let Some(path) = unfinished(None) {
                    let _ = std::fs::remove_file(path);
                }
                signal_hook::low_level::exit(130);
            }
        }
    });
    let _ = COUNT.set(count);
    Ok(())
}

/// Names the file that is being written, to be removed where a second signal ends the program; None once it has its name.
pub fn unfinished(path: Option<&Path>) -> Option<PathBuf> {
    let mut now = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut now, path.map(Path::to_path_buf))
}

/// Whether a signal has arrived, or the time that was allowed is over.
pub fn interrupted() -> bool {
    COUNT.get().is_some_and(|count| count.load(Ordering::Relaxed) > 0)
        || ASKED.load(Ordering::Relaxed)
        || limit_reached().is_some()
}

/// Asks for an end, as a signal would.
pub fn ask() {
    ASKED.store(true, Ordering::Relaxed);
}

/// Leaves it to another process to listen to the user: SIGINT, SIGTERM and SIGHUP do nothing here. Errors: the system refuses the handlers.
pub fn leave_to_another() -> std::io::Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGXFSZ] {
        signal_hook::flag::register(signal, Arc::default())?;
    }
    Ok(())
}

/// Ends what runs so many seconds from now, as a signal would.
pub fn end_after(seconds: f64) {
    let _ = Duration::try_from_secs_f64(seconds).ok().and_then(|time| END.set(Instant::now().checked_add(time)?).ok());
}

/// Ends what runs once the program takes more than so many bytes of memory, as a signal would.
pub fn end_above(bytes: u64) {
    MOST.store(bytes, Ordering::Relaxed);
}

/// The limit that ended what ran: "time" or "memory".
pub fn limit_reached() -> Option<&'static str> {
    let over = END.get().is_some_and(|end| Instant::now() > *end);
    over.then_some("time").or_else(|| FULL.load(Ordering::Relaxed).then_some("memory"))
}

/// Field of [`own_memory`]: what is in memory.
const RESIDENT: usize = 1;
/// Field of [`own_memory`]: data and stack, which RLIMIT_DATA bounds.
pub const DATA: usize = 5;

/// Bytes that this process has, by a field of /proc/self/statm, where the system tells.
pub fn own_memory(field: usize) -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(field)?.parse().ok()?;
    Some(pages.saturating_mul(rustix::param::page_size() as u64))
}

/// Looks whether the program takes more memory than it may, or will before the next look if it grows as it has since the last one.
fn look_at_memory() {
    let now = own_memory(RESIDENT).unwrap_or(0);
    let grown = now.saturating_sub(BEFORE.swap(now, Ordering::Relaxed));
    if now.saturating_add(grown) > MOST.load(Ordering::Relaxed) {
        FULL.store(true, Ordering::Relaxed);
    }
}

/// Does `work` on a thread of its own. None where the user asked for an end and `work` had not ended a third of a second later: no loop has
/// to listen for that. It is left behind, and ends with the program. A panic in it goes on here.
pub fn attended<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    attended_with(work, || {})
}

/// [`attended`], and does something `meanwhile`, two hundred times a second.
pub fn attended_with<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    mut meanwhile: impl FnMut(),
) -> Option<T> {
    BEFORE.store(u64::MAX, Ordering::Relaxed); // what grew before is none of this
    let (done, result) = sync_channel(1);
    let send = move || {
        let _ = done.send(work());
    };
    let thread = std::thread::Builder::new().name("run".into()).stack_size(STACK).spawn(send).ok()?;
    let mut since: Option<Instant> = None;
    loop {
        match result.recv_timeout(LISTENING) {
            Ok(value) => return Some(value),
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Ok(()) => return None,
                Err(panic) => std::panic::resume_unwind(panic),
            },
            Err(RecvTimeoutError::Timeout) => {
                look_at_memory();
                meanwhile();
            }
        }
        if interrupted() && since.get_or_insert_with(Instant::now).elapsed() > GRACE {
            return None;
        }
    }
}
