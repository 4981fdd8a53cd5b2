//! The command line: one file per subcommand, one line per subcommand in the table below.

mod check;
mod convergence;
mod list;
mod output;
mod plot;
mod scenario;
mod validate;

use std::io::Write;

use clap::{Parser, Subcommand};

use crate::error::{Failure, Outcome};

/// What stochastic gradient descent does to a loss landscape: Fokker-Planck, Langevin and SGD side by side.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  fpsolve scenario scenarios/transient.toml          run a scenario, write transient.h5
  fpsolve check scenarios/transient.toml             what it means and needs, without running
  fpsolve convergence scenarios/double-well.toml     the same on a ladder of grids: is the grid fine enough?
  fpsolve plot transient.h5 -o pictures              draw the record
  fpsolve validate                                   run every shipped scenario, print the verdicts

Exit codes: 0 done, every verdict passed; 1 the run failed; 2 bad input, nothing written; 3 a verdict or
expectation failed; 4 too large for the memory limit; 130 interrupted (the record is still written).";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario and write its record
    Scenario(scenario::Args),
    /// Read a scenario, print its defaults and the memory it needs, without running it
    Check(check::Args),
    /// Run a scenario on a ladder of grids: errors, observed orders, extrapolated numbers
    Convergence(convergence::Args),
    /// Draw the pictures of a record
    Plot(plot::Args),
    /// List engines, methods, schemes, models and kinds of noise
    List(list::Args),
    /// Run scenarios and print one table of verdicts
    Validate(validate::Args),
}

/// Runs the subcommand that was asked for.
pub fn run(cli: Cli) -> Result<Outcome, Failure> {
    match cli.command {
        Command::Scenario(args) => scenario::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Convergence(args) => convergence::run(&args),
        Command::Plot(args) => plot::run(&args),
        Command::List(args) => list::run(&args),
        Command::Validate(args) => validate::run(&args),
    }
}

/// Prints to standard output; a reader that has gone away is no error.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Number of threads for the ensembles. Errors: the pool cannot be made.
fn set_threads(threads: Option<usize>) -> Result<(), Failure> {
    let Some(threads) = threads else { return Ok(()) };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|error| {
        Failure::run(crate::error::advice(format!("cannot start {threads} threads: {error}"), "use fewer --threads"))
    })
}

/// Lets Ctrl-C end runs with a valid record. Errors: the system refuses.
fn watch_signals() -> Result<(), Failure> {
    crate::signal::install()
        .map_err(|error| Failure::run(crate::error::advice(format!("cannot watch for Ctrl-C: {error}"), "")))
}
