//! The command line program.

use std::process::ExitCode;

use fpsolve::error::{self, Outcome};
use fpsolve::scenario::data::load::apart;
use fpsolve::serve::serve;
use fpsolve::{cli, ranks};

fn main() -> ExitCode {
    error::install_reporter();
    error::install_panic_hook();
    if apart::serve() {
        return ExitCode::SUCCESS;
    }
    let matches = cli::command().try_get_matches().unwrap_or_else(|error| {
        if ranks::is_first() {
            error.exit();
        }
        std::process::exit(error.exit_code()) // the first process has said it
    });
    let running = match ranks::begin() {
        Ok(running) => running,
        Err(failure) => {
            if ranks::is_first() {
                error::show(&failure.report);
            }
            return ExitCode::from(failure.outcome as u8);
        }
    };
    let ranks = ranks::ranks();
    if ranks.rank() > 0 {
        serve(&ranks);
        running.end(0);
        return ExitCode::SUCCESS;
    }
    let outcome = match error::caught(|| cli::run(&matches)) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(failure)) => {
            error::show(&failure.report);
            failure.outcome
        }
        Err(panic) => {
            let message = format!("this is a bug in fpsolve: {panic}");
            error::show(&error::advice(message, "please report it with the scenario and these lines"));
            Outcome::RunFailed
        }
    };
    running.end(outcome as u8);
    ExitCode::from(outcome as u8)
}
