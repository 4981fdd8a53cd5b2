//! `fpsolve completions SHELL`: what a shell needs to complete the command line.

use clap::Args as _;
use clap_complete::Shell;

use crate::error::{Failure, Outcome};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "completions",
    about: "Print what a shell needs to complete the command line",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  fpsolve completions bash > ~/.local/share/bash-completion/completions/fpsolve
  fpsolve completions zsh > ~/.zfunc/_fpsolve
  fpsolve completions fish > ~/.config/fish/completions/fpsolve.fish")]
struct Args {
    /// The shell
    shell: Shell,
}

fn run(args: &Args) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), env!("CARGO_PKG_NAME"), &mut script);
    super::print(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}
