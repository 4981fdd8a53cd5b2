//! Checkpoints: all runs as arrays of one .npz file, replaced by renaming.

use std::fs::File;
use std::path::{Path, PathBuf};

use fpsolve::error::{self, Failure};
use fpsolve::reader::source::plain_io;
use ndarray::Array1;
use ndarray_npy::{NpzReader, NpzWriter};

use super::state::{Part, RunState};

/// The file beside a record.
pub fn path(record: &Path) -> PathBuf {
    record.with_extension("checkpoint.npz")
}

/// Writes all runs, with the text of the scenario and the number of threads. Errors: the file cannot be written.
pub fn write(path: &Path, scenario: &str, threads: usize, runs: &mut [RunState]) -> Result<(), Failure> {
    let refused = |why: String| {
        let message = format!("cannot write the checkpoint {}: {why}", path.display());
        Failure::run(error::advice(message, "check the space and the permissions of the folder"))
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder).map_err(|error| refused(plain_io(&error)))?;
    let mut npz = NpzWriter::new(file.as_file());
    let text: Array1<u8> = scenario.bytes().collect();
    let mut fill = || -> Result<(), ndarray_npy::WriteNpzError> {
        npz.add_array("scenario", &text)?;
        npz.add_array("threads", &Array1::from_elem(1, threads as u64))?;
        for (k, run) in runs.iter_mut().enumerate() {
            npz.add_array(format!("{k}/position"), &Array1::from_vec(run.position()))?;
            for (name, part) in run.parts() {
                let name = format!("{k}/{name}");
                match part {
                    Part::Single(values) => npz.add_array(name, &ndarray::ArrayView1::from(&values[..]))?,
                    Part::Double(values) => npz.add_array(name, &ndarray::ArrayView1::from(&values[..]))?,
                }
            }
        }
        Ok(())
    };
    fill().map_err(|error| refused(error.to_string()))?;
    npz.finish().map_err(|error| refused(error.to_string()))?;
    file.as_file().sync_all().map_err(|error| refused(plain_io(&error)))?;
    file.persist(path).map_err(|error| refused(plain_io(&error.error)))?;
    Ok(())
}

/// Reads the runs of a checkpoint, and the number of threads that it was made with; `fits` tells whether the scenario in its text trains the same runs.
/// Errors: no such file; not a checkpoint; of another scenario.
pub fn read(path: &Path, fits: impl Fn(&str) -> bool) -> Result<(Vec<RunState>, usize), Failure> {
    let refused = |why: String, help: &str| {
        Failure::input(error::advice(format!("cannot go on from {}: {why}", path.display()), help))
    };
    let help = "leave --resume out to begin anew";
    let file = File::open(path).map_err(|error| refused(plain_io(&error), help))?;
    let damaged = |error: ndarray_npy::ReadNpzError| refused(format!("it is no checkpoint: {error}"), help);
    let mut npz = NpzReader::new(file).map_err(damaged)?;
    let text: Array1<u8> = npz.by_name("scenario").map_err(damaged)?;
    if !fits(&String::from_utf8_lossy(&text.to_vec())) {
        let help = "give the scenario, and the same --set, that it was made with ([[slice]] may differ); or leave --resume out";
        return Err(refused("it was made from another scenario".into(), help));
    }
    let threads: Array1<u64> = npz.by_name("threads").map_err(damaged)?;
    let names = npz.names().map_err(damaged)?;
    let mut runs = Vec::new();
    while names.iter().any(|name| *name == format!("{}/position", runs.len())) {
        let k = runs.len();
        let position: Array1<f64> = npz.by_name(&format!("{k}/position")).map_err(damaged)?;
        let empty = || refused("it is no checkpoint: a position".into(), help);
        let mut run = RunState::at(&position.to_vec()).ok_or_else(empty)?;
        for (name, part) in run.parts() {
            let name = format!("{k}/{name}");
            match part {
                Part::Single(values) => {
                    *values = npz.by_name::<ndarray::OwnedRepr<f32>, ndarray::Ix1>(&name).map_err(damaged)?.to_vec();
                }
                Part::Double(values) => {
                    *values = npz.by_name::<ndarray::OwnedRepr<f64>, ndarray::Ix1>(&name).map_err(damaged)?.to_vec();
                }
            }
        }
        runs.push(run);
    }
    Ok((runs, threads.first().copied().unwrap_or(0) as usize))
}
