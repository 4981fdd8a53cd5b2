//! `fpsolve report RECORD`: a record as one page of HTML.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args as _;

use crate::error::{self, Failure, Outcome};
use crate::report::page;

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "report",
    about: "Write a record as a page of HTML: what may not be trusted, verdicts, moving pictures",
    arguments: Args::augment_args,
    run: |matches| {
        let args: Args = super::arguments(matches);
        super::guard::guarded(&args.record, || run(&args))
    },
};

/// Arguments of `fpsolve report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "The page is one file of 2 to 6 MB that needs no network; every browser shows and prints it.

Example:
  fpsolve report transient.h5 --open")]
struct Args {
    /// The record (HDF5)
    record: PathBuf,
    /// File of the page [default: the name of the record with .html]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show the page in the browser
    #[arg(long)]
    open: bool,
    /// Replace an existing file
    #[arg(short, long)]
    force: bool,
}

fn run(args: &Args) -> Result<Outcome, Failure> {
    let beside = || Path::new(args.record.file_stem().unwrap_or_default()).with_extension("html");
    let path = args.output.clone().unwrap_or_else(beside);
    super::output::spare(&path, "the record that is read", &args.record)?;
    let record = super::plot::read(&args.record)?;
    let page = page(&record).map_err(|e| Failure::input(error::advice(e.to_string(), "choose another record")))?;
    super::deliver(&page, Some(&path), args.force)?;
    super::print(&format!("{}\n", path.display()))?;
    if args.open {
        open(&path)?;
    }
    Ok(Outcome::Done)
}

/// Hands the page to the program that shows such files. Errors: there is none.
fn open(path: &Path) -> Result<(), Failure> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let opened = Command::new(opener).arg(path).stdin(Stdio::null()).status().is_ok_and(|status| status.success());
    let refused = || {
        let message = format!("{opener} cannot show {}", path.display());
        Failure::run(error::advice(message, "the page is written: open it in a browser yourself"))
    };
    opened.then_some(()).ok_or_else(refused)
}
