//! Where a record goes: checked before the run, so that hours of work do not end at a full path, and again when it is written.

use std::fs::FileType;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::error::{self, Failure};
use crate::reader::source::plain_io;
use crate::record::Record;
use crate::record::hdf5::{self, Existing};

/// What to do where a record cannot be written.
pub(super) const WRITE_HELP: &str = "check the space and the permissions of the folder, or choose another with -o";

/// The path of the record: `-o` (a file, or a folder for the default name), else `name` in the working directory; of a symbolic link,
/// what it points to. Removes what dead runs left unfinished in its folder.
/// Errors: no such folder, no permission to write there, a file that exists where `force` is false, a link to nothing, what is neither
/// a file nor a folder.
pub fn choose(asked: Option<&Path>, name: &Path, force: bool) -> Result<PathBuf, Failure> {
    let path = match asked {
        Some(path) if path.is_dir() => path.join(name),
        Some(path) => path.to_path_buf(),
        None => name.to_path_buf(),
    };
    if path.file_name().is_none() {
        return Err(refuse(format!("{} is not a file name", path.display()), "write -o FILE.h5"));
    }
    let path = resolved(path)?;
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
    let refused = |e: hdf5::Error| Failure::run(error::advice(e.to_string(), WRITE_HELP));
    let there = std::fs::symlink_metadata(path);
    let free = there.as_ref().map_or(true, |there| force && there.is_file());
    let existing = if force { Existing::Replaced } else { Existing::Kept };
    let first = (free && folder(path).is_dir()).then(|| hdf5::write(record, path, existing));
    match first {
        Some(Ok(())) => return Ok(path.to_path_buf()),
        Some(Err(error)) if !error.is_in_the_way() => return Err(refused(error)),
        Some(Err(_)) | None => {}
    }
    let (other, why) = elsewhere(path);
    hdf5::write(record, &other, Existing::Kept).map_err(refused)?;
    super::tell(&format!(
        "warning: {}: {why}; the record is {}\n",
        crate::text::harmless(&path.display().to_string()),
        crate::text::harmless(&other.display().to_string())
    ));
    Ok(other)
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
