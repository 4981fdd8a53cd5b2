//! `fpsolve new [KIND]`: a commented scenario to start from.

use std::path::PathBuf;

use clap::Args as _;

use crate::error::{Failure, Outcome};

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "new",
    about: "Print a commented scenario to start from, or write it to a file",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// A scenario to start from.
struct Template {
    /// Its kind on the command line.
    word: &'static str,
    /// What it is about.
    about: &'static str,
    /// The scenario.
    text: &'static str,
}

/// The scenarios to start from; the first is the default.
const TEMPLATES: &[Template] = &[
    Template { word: "loss", about: "a loss as a formula, and a temperature", text: include_str!("new/loss.toml") },
    Template { word: "drift", about: "a general drift in two dimensions", text: include_str!("new/drift.toml") },
    Template { word: "data", about: "a loss of one sample, your data, SGD", text: include_str!("new/data.toml") },
    Template { word: "network", about: "a small network of tanh units", text: include_str!("new/network.toml") },
    Template { word: "escape", about: "first-passage times out of a well", text: include_str!("new/escape.toml") },
];

/// Arguments of `fpsolve new`.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
struct Args {
    /// What it is about: one of the kinds below [default: loss]
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(TEMPLATES.iter().map(|t| t.word)), hide_possible_values = true)]
    kind: Option<String>,
    /// File for the scenario [default: it is printed]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(short, long)]
    force: bool,
}

fn after_help() -> String {
    let kinds: String = TEMPLATES.iter().map(|t| format!("  {:8}  {}\n", t.word, t.about)).collect();
    format!("Kinds:\n{kinds}\nExample:\n  fpsolve new escape -o mine.toml && fpsolve scenario mine.toml")
}

/// Prints the scenario or writes it.
fn run(args: &Args) -> Result<Outcome, Failure> {
    let asked = |template: &&Template| args.kind.as_deref().is_none_or(|kind| kind == template.word);
    let text = TEMPLATES.iter().find(asked).map_or("", |template| template.text);
    super::deliver(text, args.output.as_deref(), args.force)
}
