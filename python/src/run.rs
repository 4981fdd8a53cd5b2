//! Runs on a thread of their own, while Python is asked for interruptions.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fpsolve::error::{self, Failure};
use fpsolve::limits;
use fpsolve::reader::Source;
use fpsolve::record::provenance::Provenance;
use fpsolve::run::{Doing, Reached, Run, Status};
use fpsolve::scenario::Scenario;
use fpsolve::setting;
use pyo3::prelude::*;

use crate::failure::exception;
use crate::record::Record;

/// How often Python is asked for an interruption.
const LISTENING: Duration = Duration::from_millis(40);
/// How long a computation has to end by itself once it was asked to.
const GRACE: Duration = Duration::from_millis(350);
/// Stack of a computation, bytes.
const STACK: usize = 64 << 20;

/// A finished run.
#[pyclass(frozen, get_all, module = "fpsolve._fpsolve")]
pub struct Finished {
    /// The record.
    record: Py<Record>,
    /// "complete", "interrupted" or "failed".
    status: &'static str,
    /// Why an engine failed.
    failure: Option<String>,
    /// Name, value, bound, passed, why.
    verdicts: Vec<(String, f64, f64, bool, String)>,
    /// File name that the scenario gives its record.
    output: PathBuf,
    /// The exception of Python that interrupted it.
    interruption: Option<Py<PyAny>>,
}

/// What a computation says while it runs.
enum Said {
    /// How many steps it will tell of.
    Steps(usize),
    /// What it does.
    Doing(String),
    /// Its end.
    Done(Result<Box<Run>, Failure>),
}

/// Runs a scenario: a file, or its text in JSON (then `path` names it and gives its folder).
///
/// `set` overrides keys (`key.path=value`), `data_folders` are folders for data files, `told(steps, doing)` hears of progress.
#[pyfunction]
#[pyo3(signature = (path, text, set, data_folders, memory_limit, told))]
pub fn run(
    py: Python<'_>,
    path: PathBuf,
    text: Option<String>,
    set: Vec<String>,
    data_folders: Vec<PathBuf>,
    memory_limit: Option<u64>,
    told: Option<Py<PyAny>>,
) -> PyResult<Finished> {
    let read = || -> Result<Scenario, Failure> {
        let source = match text {
            Some(text) => Source::from_bytes(&path, text.into_bytes())?,
            None => Source::read(&path)?,
        };
        let scenario = Scenario::of_source(source, &set, &data_folders)?;
        let limit = memory_limit.unwrap_or_else(limits::default_limit);
        limits::check(&scenario, &scenario.engines_to_run()?, limit)?;
        Ok(scenario)
    };
    let scenario = py.detach(read).map_err(|failure| exception(py, &failure))?;
    let output = scenario.output_file();
    let (reached, stop) = (Arc::new(Reached::nothing_of(&scenario)), Arc::new(AtomicBool::new(false)));
    let (say, heard) = channel();
    let (there, asked) = (Arc::clone(&reached), Arc::clone(&stop));
    let provenance = Provenance::start();
    let thread = std::thread::Builder::new().name("run".into()).stack_size(STACK);
    let work = move || compute(&scenario, there, &asked, &say);
    thread.spawn(work).map_err(|error| pyo3::exceptions::PyRuntimeError::new_err(error.to_string()))?;
    let (run, interruption) = attend(py, &Mutex::new(heard), &stop, &reached, told.as_ref())?;
    let mut run = run.map_err(|failure| exception(py, &failure))?;
    provenance.fill(run.record.group_mut("provenance"));
    drop(reached);
    give_back();
    let verdicts = run.verdicts.into_iter().map(|v| (v.name, v.value, v.bound, v.passed, v.why)).collect();
    Ok(Finished {
        record: Py::new(py, Record { record: run.record })?,
        status: if interruption.is_some() { Status::Interrupted.word() } else { run.status.word() },
        failure: run.failure.as_ref().map(setting::sentence),
        verdicts,
        output,
        interruption: interruption.map(|error| error.into_value(py).into_any()),
    })
}

/// Gives memory that nobody holds any more back to the system, which the allocator of the GNU C library would keep for later.
fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes no pointer and touches free memory alone.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Builds the problem and runs it.
fn compute(scenario: &Scenario, reached: Arc<Reached>, stop: &AtomicBool, say: &Sender<Said>) {
    let tell = |what: Said| {
        let _ = say.send(what); // nobody listens to a run that was left
    };
    let work = || -> Result<Box<Run>, Failure> {
        let prepared = scenario.problem()?;
        let interrupt = || stop.load(Ordering::Relaxed);
        limits::work::check(scenario, &prepared, &interrupt)?;
        tell(Said::Steps(prepared.engines.len() * prepared.problem.times.len()));
        let doing = |what: &Doing| tell(Said::Doing(what.words()));
        Ok(Box::new(fpsolve::run::run(&prepared, &interrupt, &doing, &reached)))
    };
    let result = error::caught(work).unwrap_or_else(|panic| Err(Failure::bug(&panic)));
    drop(reached); // before the end is told: whoever hears of it gives memory back
    tell(Said::Done(result));
}

/// Waits for the end, passes progress on, and stops when Python is interrupted or its callback raises.
#[expect(clippy::type_complexity, reason = "the end of the run and what interrupted it")]
fn attend(
    py: Python<'_>,
    heard: &Mutex<Receiver<Said>>,
    stop: &AtomicBool,
    reached: &Reached,
    told: Option<&Py<PyAny>>,
) -> PyResult<(Result<Box<Run>, Failure>, Option<PyErr>)> {
    let mut interruption: Option<(PyErr, Instant)> = None;
    let mut steps = None;
    loop {
        let said = py.detach(|| heard.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(LISTENING));
        let outcome = match said {
            Ok(Said::Done(run)) => return Ok((run, interruption.map(|(error, _)| error))),
            Ok(Said::Steps(n)) => {
                steps = Some(n);
                Ok(())
            }
            Ok(Said::Doing(what)) if interruption.is_none() => {
                told.map_or(Ok(()), |told| told.call1(py, (steps, what)).map(|_| ()))
            }
            Ok(Said::Doing(_)) | Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(pyo3::exceptions::PyRuntimeError::new_err("the run ended without a result"));
            }
        };
        if interruption.is_none()
            && let Err(error) = outcome.and_then(|()| py.check_signals())
        {
            stop.store(true, Ordering::Relaxed);
            interruption = Some((error, Instant::now()));
        }
        if interruption.as_ref().is_some_and(|(_, since)| since.elapsed() > GRACE) {
            return Ok((Ok(Box::new(reached.abandoned())), interruption.map(|(error, _)| error)));
        }
    }
}
