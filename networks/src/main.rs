//! The program behind `fpsolve network`.

use std::process::ExitCode;

use fpsolve::error::{self, Outcome};
use fpsolve_networks::cli;

fn main() -> ExitCode {
    error::install_reporter();
    error::install_panic_hook();
    let outcome = match error::caught(cli::run) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(failure)) => {
            error::show(&failure.report);
            failure.outcome
        }
        Err(panic) => {
            error::show(&error::advice(
                format!("this is a bug in fpsolve: {panic}"),
                "please report it with the scenario and these lines",
            ));
            Outcome::RunFailed
        }
    };
    ExitCode::from(outcome as u8)
}
