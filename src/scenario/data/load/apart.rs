//! Columns of HDF5 files that others made are read in a process of their own: the library does not survive every damaged file.
//!
//! The program starts itself with `FPSOLVE_COLUMN` set; the child writes `+` and the numbers, or `-` and what is wrong.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::MAX_SAMPLES;
use crate::record::hdf5::read_column;

/// Set for the child.
const CHILD: &str = "FPSOLVE_COLUMN";
/// Memory of the child, bytes: the samples that are allowed several times over.
const MEMORY: u64 = 2 << 30;
/// Seconds of computing that it may take: ten million numbers are read in less than one.
const SECONDS: u64 = 3;

/// Whether this process can start itself as a reader.
static APART: AtomicBool = AtomicBool::new(false);

/// Does the work of the child, where this process is one, and tells so; else columns are read in children of this process from now on.
pub fn serve() -> bool {
    if std::env::var_os(CHILD).is_none() {
        APART.store(true, Ordering::Relaxed);
        return false;
    }
    for (resource, bound) in [(Resource::As, MEMORY), (Resource::Cpu, SECONDS), (Resource::Core, 0)] {
        let _ = setrlimit(resource, Rlimit { current: Some(bound), maximum: Some(bound) });
    }
    let mut arguments = std::env::args_os().skip(1);
    let (file, dataset) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let answer = match read_column(Path::new(&file), &dataset.to_string_lossy()) {
        Ok(values) => [b"+".to_vec(), values.iter().flat_map(|value| value.to_le_bytes()).collect()].concat(),
        Err(error) => format!("-{error}").into_bytes(),
    };
    let _ = std::io::stdout().write_all(&answer);
    true
}

/// A dataset with one axis of numbers, read in a process of its own where that can be. Errors: those of [`read_column`]; what ended the
/// process.
pub(super) fn read(file: &Path, dataset: &str) -> Result<Vec<f64>, String> {
    if !APART.load(Ordering::Relaxed) {
        return read_column(file, dataset).map_err(|error| error.to_string());
    }
    let refused = |error: std::io::Error| format!("cannot start a process to read in: {error}");
    let mut child = Command::new(std::env::current_exe().map_err(refused)?);
    child.arg(file).arg(dataset).env(CHILD, "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = child.spawn().map_err(refused)?;
    let mut answer = Vec::new();
    let most = 8 * MAX_SAMPLES + 1;
    let read = child.stdout.take().map(|stdout| stdout.take(most + 1).read_to_end(&mut answer));
    if answer.len() as u64 > most {
        let _ = child.kill();
    }
    let status = child.wait().map_err(refused)?;
    read.transpose().map_err(refused)?;
    match (answer.split_first(), status.signal()) {
        (Some((b'+', numbers)), None) if numbers.len() as u64 <= 8 * MAX_SAMPLES => {
            Ok(numbers.chunks_exact(8).filter_map(|bytes| Some(f64::from_le_bytes(bytes.try_into().ok()?))).collect())
        }
        (Some((b'+', _)), None) => Err(format!("{dataset} has more than {MAX_SAMPLES} numbers")),
        (Some((b'-', why)), None) => Err(String::from_utf8_lossy(why).into_owned()),
        (_, Some(signal)) => {
            Err(format!("{}: the file is damaged: reading it ended with signal {signal}", file.display()))
        }
        (_, None) => Err(format!("{}: the file is damaged: nothing could be read", file.display())),
    }
}
