//! Where a record goes: checked before the run, so that hours of work do not end at a full path.

use std::path::{Path, PathBuf};

use crate::error::{self, Failure};
use crate::reader::source::plain_io;

/// The path of the record: `-o` (a file, or a folder for the default name), else `name` in the working directory.
/// Errors: no such folder, no permission to write there, a file that exists where `force` is false.
pub(super) fn choose(asked: Option<&Path>, name: &Path, force: bool) -> Result<PathBuf, Failure> {
    let path = match asked {
        Some(path) if path.is_dir() => path.join(name),
        Some(path) => path.to_path_buf(),
        None => name.to_path_buf(),
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if path.file_name().is_none() {
        return Err(refuse(format!("{} is not a file name", path.display()), "write -o FILE.h5"));
    }
    if let Err(error) = tempfile::tempfile_in(folder) {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such folder".to_string(),
            std::io::ErrorKind::NotADirectory => "it is not a folder".to_string(),
            _ => plain_io(&error),
        };
        let message = format!("cannot write a record into {}: {why}", folder.display());
        return Err(refuse(message, "make the folder, or choose another with -o FOLDER/NAME.h5"));
    }
    if path.is_dir() {
        return Err(refuse(format!("{} is a folder", path.display()), "choose another file with -o"));
    }
    if path.exists() && !force {
        let message = format!("the output file {} exists already", path.display());
        return Err(refuse(message, "write --force to replace it, or choose another file with -o"));
    }
    Ok(path)
}

fn refuse(message: String, help: &str) -> Failure {
    Failure::input(error::advice(message, help))
}
