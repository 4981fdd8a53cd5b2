//! The command line: one file per subcommand, one line per subcommand in the table below.

mod check;
mod compare;
mod completions;
mod convergence;
mod explain;
mod genesis;
mod guard;
mod landscape;
mod list;
mod man;
mod network;
mod new;
pub mod output;
mod plot;
mod progress;
mod report;
mod resume;
mod scenario;
mod schema;
mod show;
mod sweep;
mod time_limit;
mod validate;
mod validity;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command, FromArgMatches};

use crate::error::{Failure, Outcome};
use crate::reader::source::plain_io;
use crate::scenario::Scenario;
use crate::summary;

/// The subcommands, in the order of the help.
static SUBCOMMANDS: &[&Subcommand] = &[
    &new::SUBCOMMAND,
    &scenario::SUBCOMMAND,
    &resume::SUBCOMMAND,
    &check::SUBCOMMAND,
    &convergence::SUBCOMMAND,
    &validity::SUBCOMMAND,
    &landscape::SUBCOMMAND,
    &genesis::SUBCOMMAND,
    &sweep::SUBCOMMAND,
    &network::SUBCOMMAND,
    &plot::SUBCOMMAND,
    &report::SUBCOMMAND,
    &show::SUBCOMMAND,
    &compare::SUBCOMMAND,
    &list::SUBCOMMAND,
    &explain::SUBCOMMAND,
    &validate::SUBCOMMAND,
    &schema::SUBCOMMAND,
    &completions::SUBCOMMAND,
    &man::SUBCOMMAND,
];

/// A subcommand: what it is called, what it takes and what it does.
struct Subcommand {
    /// Its name.
    name: &'static str,
    /// What it does, in a line of the help.
    about: &'static str,
    /// Adds its arguments.
    arguments: fn(Command) -> Command,
    /// Does it.
    run: fn(&ArgMatches) -> Result<Outcome, Failure>,
}

/// Columns that the help takes at most.
const WIDTH: usize = 100;

const EXAMPLES: &str = "Examples:
  fpsolve new -o mine.toml                     a commented scenario to start from
  fpsolve scenario scenarios/transient.toml    run a scenario, write transient.h5
  fpsolve report transient.h5 --open           all about it on one page
  fpsolve validate                             check the program and every shipped scenario

Exit codes: 0 done, every verdict passed; 1 the run failed; 2 bad input, nothing written; 3 a verdict or expectation \
failed; 4 too large: more memory or time than the limits, or more steps than any computer can take; 130 interrupted, or \
the time limit was over (the record is still written).";

/// The command line with all subcommands.
pub fn command() -> Command {
    let subcommand = |entry: &&Subcommand| (entry.arguments)(Command::new(entry.name)).about(entry.about);
    Command::new(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .about(env!("CARGO_PKG_DESCRIPTION"))
        .max_term_width(WIDTH)
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(SUBCOMMANDS.iter().map(subcommand))
}

/// Runs the subcommand that was asked for. Errors: those of the subcommand.
pub fn run(matches: &ArgMatches) -> Result<Outcome, Failure> {
    let (name, matches) = matches.subcommand().unwrap_or(("", matches));
    match SUBCOMMANDS.iter().find(|entry| entry.name == name) {
        Some(entry) => (entry.run)(matches),
        None => command().error(clap::error::ErrorKind::MissingSubcommand, "no subcommand").exit(),
    }
}

/// The arguments of a subcommand; what clap cannot read ends the program with its message.
fn arguments<A: FromArgMatches>(matches: &ArgMatches) -> A {
    A::from_arg_matches(matches).unwrap_or_else(|error| error.format(&mut command()).exit())
}

/// Where a scenario finds its data.
#[derive(Debug, clap::Args)]
struct DataFolders {
    /// Data files may also lie in this folder (may be repeated)
    #[arg(long, value_name = "DIR")]
    data_folder: Vec<PathBuf>,
}

impl DataFolders {
    /// A scenario with overrides. Errors: those of [`Scenario::load`]; a folder that is not there.
    fn load(&self, file: &Path, overrides: &[String]) -> Result<Scenario, Failure> {
        self.check()?;
        Ok(Scenario::load_with_data(file, overrides, &self.data_folder)?)
    }

    /// The folders.
    fn folders(&self) -> Vec<PathBuf> {
        self.data_folder.clone()
    }

    /// Errors: a folder that is not there.
    fn check(&self) -> Result<(), Failure> {
        if let Some(missing) = self.data_folder.iter().find(|folder| !folder.is_dir()) {
            let message = format!("--data-folder {}: there is no such folder", missing.display());
            return Err(Failure::input(crate::error::advice(
                message,
                "give the path of a folder that holds the data file",
            )));
        }
        Ok(())
    }
}

/// Prints to standard output, control characters escaped; a reader that has gone away is no error. Errors: what else the system says,
/// a full disk.
fn print(text: &str) -> Result<(), Failure> {
    print_raw(&crate::text::harmless(text))
}

/// Prints a summary as [`print`] does, its status, warnings and failed verdicts in colour where the terminal shows colours and neither
/// `NO_COLOR` nor `TERM` forbids them.
fn print_summary(text: &str) -> Result<(), Failure> {
    let text = crate::text::harmless(text);
    match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => print_raw(&text),
        _ => print_raw(&summary::coloured(&text)),
    }
}

fn print_raw(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard output: {error}");
            Err(Failure::run(crate::error::advice(message, "check the space where it goes")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a text, or writes it to a file. Errors: the file exists and `force` is false; it cannot be written.
fn deliver(text: &str, file: Option<&Path>, force: bool) -> Result<Outcome, Failure> {
    let Some(path) = file else {
        print(text)?;
        return Ok(Outcome::Done);
    };
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).create_new(!force).open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let (why, help) = match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                ("it exists already".into(), "write --force to replace it, or choose another file with -o")
            }
            _ => {
                let help = "check the folder and its permissions, or choose another file with -o";
                (plain_io(&error), crate::text::refused_write(&error.to_string()).map_or(help, |(_, help)| help))
            }
        };
        Failure::input(crate::error::advice(format!("cannot write {}: {why}", path.display()), help))
    })?;
    Ok(Outcome::Done)
}

/// Tells on standard error, which may be a terminal that has been closed.
fn tell(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_has_a_name_a_help_and_arguments_that_clap_accepts() {
        let command = command();
        command.clone().debug_assert();
        let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        assert_eq!(names, SUBCOMMANDS.iter().map(|entry| entry.name).collect::<Vec<_>>());
        assert!(SUBCOMMANDS.iter().all(|entry| !entry.name.is_empty() && !entry.about.is_empty()));
    }

    #[test]
    fn every_help_fits_a_screen_and_has_an_example() {
        let mut command = command().term_width(WIDTH);
        command.build();
        let helps = command.get_subcommands_mut().filter(|subcommand| subcommand.get_name() != "help");
        for help in helps.map(|subcommand| subcommand.render_help().to_string()) {
            let rows = help.lines().map(|line| line.chars().count().div_ceil(WIDTH).max(1)).sum::<usize>();
            assert!(rows <= 40 && help.contains("Example"), "{rows} rows:\n{help}");
        }
        assert!(command.render_help().to_string().lines().count() <= 42);
    }
}
