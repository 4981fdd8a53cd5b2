//! `fpsolve network FILE`: hands over to the program `fpsolve-network`, which is built apart because networks need a newer compiler.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use clap::Args as _;

use crate::error::{self, Failure, Outcome};
use crate::reader::source::plain_io;

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "network",
    about: "Train neural networks under importance sampling, and cut slices of their losses",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// The program.
const PROGRAM: &str = "fpsolve-network";

/// Arguments of `fpsolve network`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The work is done by the program fpsolve-network, which is looked for beside this one, then in PATH: `make networks` or
`cargo install --path networks` build it (Rust 1.95). Its options: -o FILE, --set KEY=VALUE, --threads N, --resume, --quiet,
--force; `fpsolve-network --help` explains them.

Examples:
  fpsolve network networks/scenarios/network-digits.toml
  fpsolve network mine.toml --set training.epochs=5 -o short.h5
  fpsolve network mine.toml --resume"
)]
struct Args {
    /// The scenario of a network (TOML), and options of fpsolve-network
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "FILE|OPTION")]
    passed: Vec<OsString>,
}

/// Becomes the other program.
fn run(args: &Args) -> Result<Outcome, Failure> {
    let beside = std::env::current_exe().ok().and_then(|here| Some(here.parent()?.join(PROGRAM)));
    let program = beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(PROGRAM));
    let error = Command::new(&program).args(&args.passed).exec();
    if error.kind() == std::io::ErrorKind::NotFound {
        let message = format!("networks need the program {PROGRAM}, which is neither beside fpsolve nor in PATH");
        let help =
            "build it in the sources of fpsolve, with Rust 1.95: make networks, or cargo install --path networks";
        return Err(Failure::input(error::advice(message, help)));
    }
    let message = format!("cannot start {}: {}", program.display(), plain_io(&error));
    Err(Failure::run(error::advice(message, "build it anew: make networks")))
}
