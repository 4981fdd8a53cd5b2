//! `fpsolve plot RECORD`: the pictures of a record.

use std::path::PathBuf;

use crate::error::{self, Failure, Outcome};

/// Arguments of `fpsolve plot`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  fpsolve plot transient.h5 -o pictures")]
pub struct Args {
    /// The record (HDF5)
    record: PathBuf,
    /// Folder for the pictures [default: the name of the record without .h5]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Draws every picture that the record has data for.
pub fn run(args: &Args) -> Result<Outcome, Failure> {
    let _ = (&args.record, &args.output);
    Err(Failure::run(error::advice("pictures are not connected yet", "")))
}
