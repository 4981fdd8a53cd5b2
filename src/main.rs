//! The command line program.

use std::process::ExitCode;

use fpsolve::cli;
use fpsolve::error::{self, Outcome};

fn main() -> ExitCode {
    error::install_reporter();
    let outcome = match std::panic::catch_unwind(|| cli::run(&cli::command().get_matches())) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(failure)) => {
            error::show(&failure.report);
            failure.outcome
        }
        Err(_) => {
            let help = "please report it with the scenario and the lines above";
            error::show(&error::advice("this is a bug in fpsolve", help));
            Outcome::RunFailed
        }
    };
    ExitCode::from(outcome as u8)
}
