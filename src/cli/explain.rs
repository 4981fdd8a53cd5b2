//! `fpsolve explain [WARNING]`: what a warning or a verdict means, and what to do, from the pages of the book.

use clap::Args as _;

use crate::error::{self, Failure, Outcome};
use crate::summary::explanations::{explanations, find};
use crate::text::wrapped;

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "explain",
    about: "Say what a warning, a verdict or a failure means, and what to do",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  fpsolve explain                                    all that can be explained
  fpsolve explain resolved                           a verdict
  fpsolve explain 'fokker-planck: total probability is off by 1.2e-3'")]
struct Args {
    /// The warning as it was printed, or some of its words [default: what there is is listed]
    words: Vec<String>,
}

fn run(args: &Args) -> Result<Outcome, Failure> {
    let asked = args.words.join(" ");
    if asked.trim().is_empty() {
        let mut chapter = String::new();
        let mut text = String::new();
        for entry in explanations() {
            if entry.chapter != chapter {
                chapter = entry.chapter.clone();
                text += &format!("{chapter}\n");
            }
            text += &format!("  {}\n", entry.title);
        }
        super::print(&wrapped(&text))?;
        return Ok(Outcome::Done);
    }
    let found = find(&asked);
    if found.is_empty() {
        let message = format!("there is no explanation of \"{asked}\"");
        let help = "write the warning as it was printed, or a word of it; fpsolve explain lists what there is";
        return Err(Failure::input(error::advice(message, help)));
    }
    let texts: Vec<String> = found.iter().map(|entry| entry.to_text()).collect();
    super::print(&wrapped(&texts.join("\n")))?;
    Ok(Outcome::Done)
}
