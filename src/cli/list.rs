//! `fpsolve list`: what a scenario can choose from.

use crate::error::{Failure, Outcome};
use crate::scenario::EngineKind;

/// Arguments of `fpsolve list`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the tables.
pub fn run(_args: &Args) -> Result<Outcome, Failure> {
    let mut text = String::from("engines\n");
    for engine in EngineKind::ALL {
        text += &format!("  {}\n", engine.word());
    }
    super::print(&text);
    Ok(Outcome::Done)
}
