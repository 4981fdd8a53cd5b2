//! The command line program.

use std::process::ExitCode;

use fpsolve::cli;
use fpsolve::error::{self, Outcome};
use fpsolve::scenario::data::load::apart;

fn main() -> ExitCode {
    error::install_reporter();
    error::install_panic_hook();
    if apart::serve() {
        return ExitCode::SUCCESS;
    }
    let outcome = match std::panic::catch_unwind(|| cli::run(&cli::command().get_matches())) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(failure)) => {
            error::show(&failure.report);
            failure.outcome
        }
        Err(panic) => {
            let message = format!("this is a bug in fpsolve: {}", error::said(&*panic));
            error::show(&error::advice(message, "please report it with the scenario and these lines"));
            Outcome::RunFailed
        }
    };
    ExitCode::from(outcome as u8)
}
