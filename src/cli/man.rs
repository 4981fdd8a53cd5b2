//! `fpsolve man`: the manual pages, made from the help.

use std::path::PathBuf;

use clap::Args as _;

use crate::error::{self, Failure, Outcome};
use crate::reader::source::plain_io;

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "man",
    about: "Write the manual pages, one for each subcommand",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  fpsolve man | man -l -                             read the first page
  fpsolve man -o ~/.local/share/man/man1             then: man fpsolve-scenario")]
struct Args {
    /// Folder for the pages, made where it is missing [default: the first page is printed]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

fn run(args: &Args) -> Result<Outcome, Failure> {
    let refused = |error: &std::io::Error| {
        let message = format!("cannot write the manual pages: {}", plain_io(error));
        Failure::run(error::advice(message, super::output::WRITE_HELP))
    };
    match &args.output {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|e| refused(&e))?;
            clap_mangen::generate_to(super::command(), folder).map_err(|e| refused(&e))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(super::command()).render(&mut page).map_err(|e| refused(&e))?;
            super::print(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(Outcome::Done)
}
