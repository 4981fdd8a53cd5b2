//! `fpsolve plot RECORD`: the pictures of a record.

use std::io::Write as _;
use std::path::PathBuf;

use crate::error::{self, Failure, Outcome};
use crate::figure;
use crate::record::hdf5;

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

/// Draws every picture that the record has data for and prints their paths.
pub fn run(args: &Args) -> Result<Outcome, Failure> {
    let record = hdf5::read(&args.record).map_err(|error| Failure::input(advice(error, "name a record of fpsolve")))?;
    let folder = args.output.clone().unwrap_or_else(|| args.record.with_extension(""));
    let folder = if folder == args.record { folder.with_extension("figures") } else { folder };
    let written = figure::plot(&record, &folder).map_err(|error| match error {
        figure::Error::Encode(_) => Failure::run(advice(error, "")),
        figure::Error::Io { .. } => Failure::input(advice(error, "choose another folder with -o DIR")),
        figure::Error::Record(_) => Failure::input(advice(error, "name a record of fpsolve")),
    })?;
    let mut out = std::io::stdout().lock();
    for path in written {
        let _ = writeln!(out, "{}", path.display()); // a closed pipe is no failure
    }
    Ok(Outcome::Done)
}

fn advice(error: impl std::fmt::Display, help: &str) -> miette::Report {
    error::advice(error.to_string(), help)
}
