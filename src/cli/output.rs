//! Where a record goes: checked before the run, so that hours of work do not end at a full path, and again when it is written.

use std::fs::FileType;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use crate::error::{self, Failure};
use crate::reader::source::plain_io;
use crate::record::Record;
use crate::record::hdf5::{self, Existing};
use crate::scenario::Scenario;
use crate::text::refused_write;
use crate::{figure, signal};

/// What to do where a record cannot be written.
pub(super) const WRITE_HELP: &str = "check the space and the permissions of the folder, or choose another with -o";

/// The path of the record of a scenario: `-o` (a file, or a folder for the default name), else `name` in the working directory; of a
/// symbolic link, what it points to. Removes what dead runs left unfinished in its folder.
/// Errors: what the scenario itself reads; no such folder, no permission to write there, a file that exists where `force` is false, a
/// link to nothing, what is neither a file nor a folder.
pub fn choose(scenario: &Scenario, asked: Option<&Path>, name: &Path, force: bool) -> Result<PathBuf, Failure> {
    choose_beside(&inputs(scenario), asked, name, force)
}

/// [`choose`] beside files that are read, each with what it is.
pub fn choose_beside(
    inputs: &[(&str, PathBuf)],
    asked: Option<&Path>,
    name: &Path,
    force: bool,
) -> Result<PathBuf, Failure> {
    let path = match asked {
        Some(path) if path.is_dir() => path.join(name),
        Some(path) => path.to_path_buf(),
        None => name.to_path_buf(),
    };
    if path.file_name().is_none() {
        return Err(refuse(format!("{} is not a file name", path.display()), "write -o FILE.h5"));
    }
    let path = resolved(path)?;
    inputs.iter().try_for_each(|(what, read)| spare(&path, what, read))?;
    let folder = folder(&path);
    if let Err(error) = tempfile::tempfile_in(folder) {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such folder".to_string(),
            std::io::ErrorKind::NotADirectory => "it is not a folder".to_string(),
            _ => plain_io(&error),
        };
        let message = format!("cannot write a record into {}: {why}", folder.display());
        return Err(refuse(message, "make the folder, or choose another with -o FOLDER/NAME.h5"));
    }
    match std::fs::symlink_metadata(&path) {
        Ok(there) if !there.is_file() => {
            let message = format!("{} is {}", path.display(), kind(there.file_type()));
            return Err(refuse(message, "choose another file with -o"));
        }
        Ok(_) if !force => {
            let message = format!("the output file {} exists already", path.display());
            return Err(refuse(message, "write --force to replace it, or choose another file with -o"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            let message = format!("cannot write a record to {}: {}", path.display(), plain_io(&error));
            return Err(refuse(message, "choose another file with -o"));
        }
    }
    hdf5::remove_orphans(folder);
    Ok(path)
}

/// The path of the table beside a record. Errors: what the scenario reads; a file that exists where `force` is false.
pub(super) fn table(scenario: &Scenario, record: &Path, force: bool) -> Result<PathBuf, Failure> {
    let table = record.with_extension("csv");
    inputs(scenario).iter().try_for_each(|(what, read)| spare(&table, what, read))?;
    if !force && std::fs::symlink_metadata(&table).is_ok() {
        let message = format!("the table {} exists already", table.display());
        return Err(refuse(message, "write --force to replace it, or choose another file with -o"));
    }
    Ok(table)
}

/// The files that a scenario reads; data that cannot be read are told at their place in it.
fn inputs(scenario: &Scenario) -> Vec<(&'static str, PathBuf)> {
    // standard input may be a file too
    let from_standard_input = scenario.source.path == Path::new("stdin");
    let written = if from_standard_input { Path::new("/dev/stdin") } else { &scenario.source.path };
    let data = scenario.data_file().ok().flatten().map(|data| ("the data file of the scenario", data.to_path_buf()));
    std::iter::once(("the scenario", written.to_path_buf())).chain(data).collect()
}

/// Errors: the target is the file that is read, by whatever name or link.
pub(super) fn spare(target: &Path, what: &str, read: &Path) -> Result<(), Failure> {
    let file = |path: &Path| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
    match (file(target), file(read)) {
        (Some(target_file), Some(read_file))
            if (target_file.dev(), target_file.ino()) == (read_file.dev(), read_file.ino()) =>
        {
            let message = format!("{} is {what}: it would be lost", target.display());
            Err(refuse(message, "choose another file; --force replaces results, never what is read"))
        }
        _ => Ok(()),
    }
}

/// What a path points to, where it is a symbolic link. Errors: a link to nothing.
fn resolved(path: PathBuf) -> Result<PathBuf, Failure> {
    if !path.is_symlink() {
        return Ok(path);
    }
    std::fs::canonicalize(&path).map_err(|error| {
        let message = format!("{} is a symbolic link that leads to no file: {}", path.display(), plain_io(&error));
        refuse(message, "remove the link, or choose another file with -o")
    })
}

fn kind(there: FileType) -> &'static str {
    match there {
        there if there.is_dir() => "a folder",
        there if there.is_fifo() => "a pipe, not a file",
        there if there.is_block_device() || there.is_char_device() => "a device, not a file",
        _ => "not a file",
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes a record where [`choose`] said; where something has come there since that must not be replaced, under the next free name, and
/// where the folder has gone, into the working folder. Returns the path. Errors: it cannot be written.
pub fn write(record: &Record, path: &Path, force: bool) -> Result<PathBuf, Failure> {
    let there = std::fs::symlink_metadata(path);
    let free = there.as_ref().map_or(true, |there| force && there.is_file());
    let existing = if force { Existing::Replaced } else { Existing::Kept };
    let first = (free && folder(path).is_dir()).then(|| hdf5::write(record, path, existing));
    match first {
        Some(Ok(())) => return Ok(path.to_path_buf()),
        Some(Err(error)) if !error.is_in_the_way() => return Err(unwritten(path, &error)),
        Some(Err(_)) | None => {}
    }
    let (other, why) = elsewhere(path);
    hdf5::write(record, &other, Existing::Kept).map_err(|error| unwritten(&other, &error))?;
    super::tell(&format!(
        "warning: {}: {why}; the record is {}\n",
        crate::text::harmless(&path.display().to_string()),
        crate::text::harmless(&other.display().to_string())
    ));
    Ok(other)
}

/// A record that could not be written: the words of the library only where the system's own are not known.
fn unwritten(path: &Path, error: &hdf5::Error) -> Failure {
    let said = error.to_string();
    Failure::run(match refused_write(&said) {
        Some((why, help)) => error::advice(format!("cannot write the record {}: {why}", path.display()), help),
        None => error::advice(said, WRITE_HELP),
    })
}

/// Errors: the table cannot be written.
pub(super) fn write_table(table: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(table, text).map_err(|error| {
        let help = refused_write(&error.to_string()).map_or(WRITE_HELP, |(_, help)| help);
        Failure::run(error::advice(format!("cannot write {}: {}", table.display(), plain_io(&error)), help))
    })
}

/// Why a picture is not there, and what to do where the system refused to write it.
pub(super) fn undrawn(error: &figure::Error) -> (String, Option<&'static str>) {
    match error {
        figure::Error::Io { path, source } => {
            let help = refused_write(&source.to_string()).map(|(_, help)| help);
            (format!("cannot write {}: {}", path.display(), plain_io(source)), help)
        }
        figure::Error::Record(_) | figure::Error::Encode(_) | figure::Error::Bug { .. } => (error.to_string(), None),
    }
}

/// How often the drawing of pictures looks whether the user wants an end.
const LISTENING: Duration = Duration::from_millis(20);

/// Draws figures of a record, each to the stem beside it; returns the files, and whether that is all. Once the user asks for an end, those
/// that are not there yet are left out, and that is said. Errors: they cannot be drawn or written.
pub(super) fn pictures(
    record: &Record,
    figures: Vec<(&'static str, PathBuf)>,
    path: &Path,
) -> Result<(Vec<PathBuf>, bool), Failure> {
    let refused = |what: String| Failure::run(error::advice(what, WRITE_HELP));
    // drawn apart and renamed into place, so that nobody sees half a picture
    let apart =
        match signal::interrupted() {
            true => None,
            false => {
                let apart = tempfile::Builder::new().prefix(".fpsolve-pictures-").tempdir_in(folder(path));
                Some(apart.map_err(|e| {
                    refused(format!("cannot write pictures beside {}: {}", path.display(), plain_io(&e)))
                })?)
            }
        };
    let mut written = Vec::new();
    for (name, stem) in figures {
        let drawn = match &apart {
            Some(apart) => drawn(record.clone(), name, apart.path().join(name)),
            None => None,
        };
        let Some(files) = drawn else {
            let shown = crate::text::harmless(&path.display().to_string());
            let later = match record.group("grid") {
                Some(_) => format!("; fpsolve plot {shown} draws what there is"),
                None => String::new(),
            };
            super::tell(&format!("interrupted: pictures are left out{later}\n"));
            return Ok((written, false));
        };
        let refusal = |error| match undrawn(&error) {
            (what, Some(help)) => Failure::run(error::advice(what, help)),
            (what, None) => refused(what),
        };
        for file in files.map_err(refusal)? {
            let mut target = stem.as_os_str().to_owned(); // with_extension would cut a name with dots
            target.push(".");
            target.push(file.extension().unwrap_or_default());
            let target = PathBuf::from(target);
            std::fs::rename(&file, &target)
                .map_err(|e| refused(format!("cannot write {}: {}", target.display(), plain_io(&e))))?;
            written.push(target);
        }
    }
    Ok((written, true))
}

/// A figure drawn to `stem` on a thread of its own, which is left behind where the user asks for an end: None.
fn drawn(record: Record, name: &'static str, stem: PathBuf) -> Option<Result<Vec<PathBuf>, figure::Error>> {
    let (done, result) = sync_channel(1);
    let draw = move || {
        let _ = done.send(figure::plot_one(&record, name, &stem));
    };
    std::thread::Builder::new().name("pictures".into()).stack_size(signal::STACK).spawn(draw).ok()?;
    loop {
        match result.recv_timeout(LISTENING) {
            Ok(files) => return Some(files),
            Err(RecvTimeoutError::Timeout) if !signal::interrupted() => {}
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => {
                return Some(Err(figure::Error::Bug { figure: name, panic: "it ended without an answer".into() }));
            }
        }
    }
}

/// The next free name beside a path, in the working folder where its folder has gone; and why not the path itself.
fn elsewhere(path: &Path) -> (PathBuf, &'static str) {
    let gone = !folder(path).is_dir();
    let name = path.file_name().map_or(Path::new("record.h5"), Path::new);
    let (stem, folder) = (name.file_stem().unwrap_or_default().to_string_lossy(), folder(path));
    let here = if gone || folder == Path::new(".") { Path::new("") } else { folder };
    let mut names = (1..).map(|k| here.join(format!("{stem}-{k}.h5")));
    let free = |path: &PathBuf| std::fs::symlink_metadata(path).is_err();
    let first = Some(here.join(name)).filter(free);
    let other = first.or_else(|| names.find(free)).unwrap_or_default();
    (other, if gone { "its folder has gone" } else { "something has come there during the run" })
}

fn refuse(message: String, help: &str) -> Failure {
    Failure::input(error::advice(message, help))
}
