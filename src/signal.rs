//! Interruption: the first SIGINT or SIGTERM ends the run at the next step with a valid record, the third ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};

static COUNT: OnceLock<Arc<AtomicUsize>> = OnceLock::new();
static INSTALL: Mutex<()> = Mutex::new(());

/// Starts counting SIGINT and SIGTERM; from the third on the program ends at once with exit code 130 (a record that stood
/// at its path before is intact: records are replaced atomically). Errors: the system refuses the handlers.
pub fn install() -> std::io::Result<()> {
    let _guard = INSTALL.lock();
    if COUNT.get().is_some() {
        return Ok(());
    }
    let count = Arc::new(AtomicUsize::new(0));
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if counter.fetch_add(1, Ordering::SeqCst) >= 2 {
                std::process::exit(130);
            }
        }
    });
    let _ = COUNT.set(count);
    Ok(())
}

/// Whether a signal has arrived.
pub fn interrupted() -> bool {
    COUNT.get().is_some_and(|count| count.load(Ordering::Relaxed) > 0)
}
