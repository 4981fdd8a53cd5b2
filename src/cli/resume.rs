//! `fpsolve resume RECORD`: go on with a run that was interrupted.

use std::path::{Path, PathBuf};

use clap::Args as _;

use super::output;
use super::scenario::{Way, carry_out};
use crate::error::{self, Failure, Outcome};
use crate::reader::Source;
use crate::record::groups::checkpoint::{self, Checkpoint};
use crate::record::hdf5;
use crate::record::read::text;
use crate::run::reached::data_hash;
use crate::scenario::Scenario;

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "resume",
    about: "Go on with a run that was interrupted",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve resume`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The record of an interrupted run (Ctrl-C, SIGTERM), or the last checkpoint of one that was killed (output.checkpoint \
in the scenario), holds the scenario and what is needed to go on. The finished record has the same numbers, bit for bit, as \
that of a run that was never interrupted. A finished record is left as it is.

Examples:
  fpsolve resume transient.h5
  fpsolve resume transient.h5 -o runs/whole.h5 --threads 8"
)]
struct Args {
    /// The record (HDF5)
    record: PathBuf,
    /// File of the finished record, or a folder for it [default: the record itself]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    data: super::DataFolders,
    #[command(flatten)]
    way: Way,
    /// Replace another record that exists at -o
    #[arg(short, long)]
    force: bool,
}

/// What a record says about going on with it.
enum Found {
    Finished(String),
    Interrupted { name: String, scenario: String, checkpoint: Checkpoint },
}

fn run(args: &Args) -> Result<Outcome, Failure> {
    let read = || read(&args.record);
    let found = match super::guard::first_in_a_child(&args.record, read)? {
        Ok(found) => found,
        Err(outcome) => return Ok(outcome),
    };
    let (name, text, checkpoint) = match found {
        Found::Interrupted { name, scenario, checkpoint } => (name, scenario, checkpoint),
        Found::Finished(name) => {
            super::print(&format!("{name}: complete; there is nothing to resume\n"))?;
            return Ok(Outcome::Done);
        }
    };
    args.way.begin()?;
    let Checkpoint { origin, state } = checkpoint;
    let mut source = Source::from_text(Path::new(&origin.scenario_file), text);
    source.overrides = origin.overrides.clone();
    args.data.check()?;
    source.data_folders = origin.data_folders.iter().map(PathBuf::from).chain(args.data.folders()).collect();
    let scenario = Scenario::parse(source)?;
    same_data(&scenario, &origin.data_sha256, &args.record)?;
    let itself = args.output.is_none();
    let asked = args.output.as_deref().unwrap_or(&args.record);
    let path = output::choose(&scenario, Some(asked), &scenario.output_file(), args.force || itself)?;
    if !args.way.shown.quiet {
        super::tell(&format!("{}: goes on {}\n", crate::text::harmless(&name), reached(&state)));
    }
    carry_out(scenario, state, &args.way, &path, args.force || itself)
}

/// How far the engines had come, in words.
fn reached(state: &fpsolve_solvers::engine::State) -> String {
    let time = |part: &fpsolve_solvers::engine::State| part.last("time");
    let all = crate::engine::ENGINES.iter().filter_map(|entry| Some((entry, time(state.part(entry.group)?)?)));
    let words: Vec<String> =
        all.map(|(entry, t)| format!("{} from t = {}", entry.word, crate::text::short(t))).collect();
    if words.is_empty() { "from the start".into() } else { words.join(", ") }
}

/// Reads a record and checks whether it can be gone on with. Errors: no record; a run that failed; no checkpoint that this program can use.
fn read(path: &Path) -> Result<Found, Failure> {
    let refused = |what: String, help: &str| Failure::input(error::advice(format!("{}: {what}", path.display()), help));
    let record = super::guard::bounded(path, |ahead| hdf5::read_telling(path, ahead))
        .map_err(|error| Failure::input(error::advice(error.to_string(), "give the record of an interrupted run")))?;
    let name = text(&record, "name").unwrap_or("(unnamed)").to_string();
    match text(&record, "status") {
        Some("complete") => Ok(Found::Finished(name)),
        Some("interrupted") => {
            let checkpoint = checkpoint::read(&record)
                .map_err(|why| refused(format!("this run cannot be resumed: {why}"), "run the scenario again"))?;
            let scenario = text(&record, "scenario").unwrap_or_default().to_string();
            Ok(Found::Interrupted { name, scenario, checkpoint })
        }
        Some("failed") => Err(refused(
            "this run failed, and would fail again".into(),
            "see its warnings with `fpsolve show`, change the scenario and run it again",
        )),
        _ => Err(refused("it does not say how its run ended".into(), "give the record of an interrupted run")),
    }
}

/// Refuses data that are not those of the interrupted run.
fn same_data(scenario: &Scenario, wanted: &str, record: &Path) -> Result<(), Failure> {
    let Some((path, hash)) = data_hash(scenario)? else { return Ok(()) };
    if wanted.is_empty() {
        let message = format!("{}: this run was interrupted before it had looked at its data", record.display());
        return Err(Failure::input(error::advice(message, "nothing had been computed: run the scenario again")));
    }
    if hash == wanted {
        return Ok(());
    }
    let message = format!("{}: the data file {} is not the one of this run", record.display(), path.display());
    Err(Failure::input(error::advice(message, "put the file back, or run the scenario again with the new one")))
}
