//! `fpsolve plot RECORD`: the pictures of a record.

use std::path::PathBuf;

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
    run: |matches| run(&super::arguments(matches)),
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
    let record = read(args)?;
    let folder = match &args.output {
        Some(folder) => folder.clone(),
        None => PathBuf::from(args.record.file_stem().unwrap_or_default()),
    };
    let files = figure::plot(&record, &folder).map_err(|error| match error {
        figure::Error::Io { .. } | figure::Error::Record(_) => {
            Failure::input(error::advice(error.to_string(), "choose another folder with -o, or another record"))
        }
        figure::Error::Encode(_) => Failure::run(error::advice(error.to_string(), "draw a record with fewer cells")),
    })?;
    let lines: Vec<String> = files.iter().map(|file| format!("{}\n", file.display())).collect();
    super::print(&lines.concat());
    Ok(Outcome::Done)
}

fn read(args: &Args) -> Result<record::Record, Failure> {
    let help = "give a record that fpsolve wrote, for example: fpsolve plot transient.h5";
    if let Err(error) = std::fs::File::open(&args.record) {
        let message = format!("cannot read the record {}: {}", args.record.display(), plain_io(&error));
        return Err(Failure::input(error::advice(message, help)));
    }
    hdf5::read(&args.record).map_err(|error| Failure::input(error::advice(error.to_string(), help)))
}
