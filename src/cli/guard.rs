//! Files that others wrote are read in a child process: the HDF5 library does not survive every damaged file.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::{self, Failure, Outcome};
use crate::ranks::CHILD;
use crate::{limits, signal};

/// Seconds of computing that reading may take, and bytes for which it may take one more.
const SECONDS: (u64, u64) = (10, 10_000_000);
/// Bytes that reading may take, and for each byte of the file and of the numbers that are read from it.
const MEMORY: (u64, u64) = (24 << 20, 2);
/// Signals that end a program from outside, which say nothing of the file: SIGHUP, SIGINT, SIGPIPE, SIGTERM.
const FROM_OUTSIDE: [i32; 4] = [1, 2, 13, 15];

/// Does `work` in a child of this process, with the same arguments; what ends the child by a signal is an error here.
pub(super) fn guarded(file: &Path, work: impl FnOnce() -> Result<Outcome, Failure>) -> Result<Outcome, Failure> {
    if std::env::var_os(CHILD).is_none() {
        return child(file);
    }
    end_with_parent();
    work()
}

/// Reads in a child of this process first, and here once that went well; the outcome of the child where it did not, or where this is the
/// child.
pub(super) fn first_in_a_child<T>(
    file: &Path,
    read: impl Fn() -> Result<T, Failure>,
) -> Result<Result<T, Outcome>, Failure> {
    if std::env::var_os(CHILD).is_some() {
        end_with_parent();
        return read().map(|_| Err(Outcome::Done));
    }
    match child(file)? {
        Outcome::Done => read().map(Ok),
        refused => Ok(Err(refused)),
    }
}

/// Starts this program with the same arguments as a child.
fn child(file: &Path) -> Result<Outcome, Failure> {
    let refused =
        |e: std::io::Error| Failure::run(error::advice(format!("cannot start a process to read in: {e}"), ""));
    let mut child = Command::new(std::env::current_exe().map_err(refused)?);
    child.args(std::env::args_os().skip(1)).env(CHILD, "1");
    child.stdin(Stdio::piped()).stdout(Stdio::inherit()).stderr(Stdio::piped());
    let mut child = child.spawn().map_err(refused)?;
    let alive = child.stdin.take(); // closed where this process ends, however it ends
    let ended = child.wait_with_output().map_err(refused)?;
    drop(alive);
    if let Some(code) = ended.status.code() {
        super::tell(&String::from_utf8_lossy(&ended.stderr));
        return Ok(Outcome::of_code(code));
    }
    let signal = ended.status.signal().unwrap_or(0);
    if FROM_OUTSIDE.contains(&signal) {
        return Ok(Outcome::Interrupted);
    }
    let message = format!("{}: the file is damaged: reading it ended with signal {signal}", file.display());
    Err(Failure::input(error::advice(message, "run the scenario again, or restore the record from a copy")))
}

/// Ends this child once its parent has gone: nobody waits for what it does. Its standard input is a pipe that the parent alone holds open
/// and writes nothing to.
fn end_with_parent() {
    let watch = || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        signal_hook::low_level::exit(i32::from(Outcome::Interrupted as u8));
    };
    // a file that becomes larger than allowed is an error of the writing and no end of the program
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    let _ = std::thread::Builder::new().name("parent".into()).stack_size(1 << 16).spawn(watch);
}

/// Reads with bounds on memory and time, where this is the child; both are lifted afterwards. `read` is given what it tells the bytes of
/// numbers that it is about to read: a small file may inflate to many, but what the library takes beyond them comes from damage.
pub(super) fn bounded<T>(file: &Path, read: impl FnOnce(&mut dyn FnMut(u64)) -> T) -> T {
    if std::env::var_os(CHILD).is_none() {
        return read(&mut |_| ());
    }
    let bytes = std::fs::metadata(file).map_or(0, |file| file.len());
    let present = signal::own_memory(signal::DATA);
    let most = limits::default_limit();
    let (mut numbers, before) = (bytes, [Resource::Data, Resource::Cpu].map(|of| (of, getrlimit(of))));
    let memory = |numbers: u64| {
        let room = MEMORY.0.saturating_add(numbers.saturating_mul(MEMORY.1)).min(most);
        present.map_or(u64::MAX, |present| present.saturating_add(room))
    };
    bound(Resource::Data, memory(numbers));
    bound(Resource::Cpu, SECONDS.0 + bytes / SECONDS.1);
    let value = read(&mut |next| {
        numbers = numbers.saturating_add(next);
        bound(Resource::Data, memory(numbers));
    });
    for (resource, before) in before {
        let _ = setrlimit(resource, before);
    }
    value
}

fn bound(resource: Resource, bound: u64) {
    let now = getrlimit(resource);
    let current = now.maximum.map_or(bound, |most| bound.min(most));
    let _ = setrlimit(resource, Rlimit { current: Some(current), ..now });
}
