//! `fpsolve schema`: the JSON Schema of a scenario, with which editors complete and check.

use std::path::PathBuf;

use clap::Args as _;

use crate::error::{Failure, Outcome};
use crate::scenario::schema::schema;

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "schema",
    about: "Print the JSON Schema of a scenario, with which editors complete and check",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve schema`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An editor with a TOML server (Even Better TOML, taplo) completes keys and marks mistakes in a file whose
first line names the schema:
  #:schema fpsolve.schema.json

Example:
  fpsolve schema -o fpsolve.schema.json"
)]
struct Args {
    /// File for the schema [default: it is printed]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(short, long)]
    force: bool,
}

fn run(args: &Args) -> Result<Outcome, Failure> {
    super::deliver(&format!("{:#}\n", schema()), args.output.as_deref(), args.force)
}
