//! `fpsolve list`: what a scenario can choose from, read from the tables that the program itself uses.

use clap::Args as _;
use fpsolve_solvers::formula::function_names;

use crate::engine::{self, ENGINES};
use crate::error::{Failure, Outcome};
use crate::figure::FIGURES;
use crate::reader::Kind;
use crate::scenario::keys::keys;
use crate::scenario::{initial, model, noise};
use crate::text::table;

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "list",
    about: "List the keys of a scenario, engines, methods, schemes, models and kinds of noise",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  fpsolve list | less
  fpsolve list | grep passage")]
struct Args {}

/// Prints the tables.
fn run(_args: &Args) -> Result<Outcome, Failure> {
    let mut text = String::new();
    let mut section = |title: &str, rows: Vec<(String, String)>| {
        text += &format!("{title}\n");
        table(&rows.into_iter().map(|(name, about)| vec![name, about]).collect::<Vec<_>>(), &mut text);
        text += "\n";
    };
    section("keys of a scenario; defaults in brackets", keys());
    section("engines", ENGINES.iter().map(|e| row(e.word, e.about)).collect());
    section("functions of formulas", vec![row(function_names().join(", "), "")]);
    section("model.kind", kinds(model::MODEL_KINDS));
    section("noise.kind", kinds(noise::NOISE_KINDS));
    section("initial.kind", kinds(initial::INITIAL_KINDS));
    for words in engine::tables() {
        words.choices.iter().for_each(|(key, rows)| section(&format!("{}.{key}", words.key), rows()));
    }
    section("pictures", FIGURES.iter().map(|figure| row(figure.name, figure.about)).collect());
    super::print(&(text.trim_end().to_string() + "\n"))?;
    Ok(Outcome::Done)
}

/// Each kind with the keys that only it has.
fn kinds<T>(kinds: &[Kind<T>]) -> Vec<(String, String)> {
    let keys = |keys: &[&str]| if keys.is_empty() { String::new() } else { format!("keys {}", keys.join(", ")) };
    kinds.iter().map(|kind| row(kind.word, keys(kind.keys))).collect()
}

fn row(name: impl Into<String>, about: impl Into<String>) -> (String, String) {
    (name.into(), about.into())
}
