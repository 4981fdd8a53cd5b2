//! `fpsolve plot RECORD`: the pictures of a record.

use std::path::{Path, PathBuf};

use clap::Args as _;

use crate::error::{self, Failure, Outcome};
use crate::reader::source::plain_io;
use crate::record::hdf5;
use crate::{figure, record};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "plot",
    about: "Draw the pictures of a record",
    arguments: Args::augment_args,
    run: |matches| {
        let args: Args = super::arguments(matches);
        super::guard::guarded(&args.record, || run(&args))
    },
};

/// Arguments of `fpsolve plot`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
struct Args {
    /// The record (HDF5)
    record: PathBuf,
    /// Folder for the pictures, made where it is missing [default: the name of the record without .h5]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

fn after_help() -> String {
    let mut text =
        "Each picture is written as PNG and SVG; pictures of an earlier run in the folder are replaced.\n\nPictures:\n"
            .to_string();
    for figure in figure::FIGURES {
        text += &format!("  {:12}  {}\n", figure.name, figure.about);
    }
    text + "\nExample:\n  fpsolve plot transient.h5 -o pictures"
}

/// Draws every picture that the record has data for.
fn run(args: &Args) -> Result<Outcome, Failure> {
    let record = read(&args.record)?;
    let folder = match &args.output {
        Some(folder) => folder.clone(),
        None => PathBuf::from(args.record.file_stem().unwrap_or_default()),
    };
    let refused = |error: figure::Error| {
        Failure::input(error::advice(error.to_string(), "choose another folder with -o, or another record"))
    };
    let (files, failed) = figure::plot(&record, &folder).map_err(refused)?;
    let lines: Vec<String> = files.iter().map(|file| format!("{}\n", file.display())).collect();
    super::print(&lines.concat())?;
    if failed.is_empty() {
        return Ok(Outcome::Done);
    }
    let said: Vec<String> = failed.iter().map(figure::Error::to_string).collect();
    let help = "the other pictures are drawn; draw a record with fewer cells, or report it with the record";
    Err(Failure::run(error::advice(said.join("; "), help)))
}

/// The record at a path. Errors: no such file, not a record.
pub(super) fn read(path: &Path) -> Result<record::Record, Failure> {
    let help = "give a record that fpsolve wrote, for example: fpsolve plot transient.h5";
    if let Err(error) = std::fs::File::open(path) {
        let message = format!("cannot read the record {}: {}", path.display(), plain_io(&error));
        return Err(Failure::input(error::advice(message, help)));
    }
    let damaged = |panic| {
        let message = format!("{}: the file is damaged: {panic}", path.display());
        Failure::input(error::advice(message, "run the scenario again, or restore the record from a copy"))
    };
    let record = super::guard::bounded(path, || error::caught(|| hdf5::read(path))).map_err(damaged)?;
    record.map_err(|error| Failure::input(error::advice(error.to_string(), help)))
}
