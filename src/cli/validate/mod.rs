//! `fpsolve validate`: suites of checks of the program itself, and scenarios.

mod report;
mod scenarios;
mod self_test;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args as _;
use fpsolve_validation::suite::{Fault, Row, Rows, SUITES, Setting, Suite, by_name};

use crate::error::{self, Failure, Outcome};
use crate::signal;
use crate::text::nearest;

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "validate",
    about: "Check the program against exact solutions, its own promises and scenarios",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve validate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Suites:
  exact        laws, moments, currents and rates that are known in closed form
  convergence  order and level of every scheme, integrator, discretisation and coordinate
  ensembles    walkers of every scheme, optimizer and sampling against the exact laws of their steps
  invariants   conservation, positivity, decay of free energy, symmetry, separability, units
  escape       mean times of escape and committors against quadrature
  honesty      true error over reported error for every reference; noise floors against noise
  cross        the scenarios that come with fpsolve: engines against each other, expected numbers

Exit code 3 where a check failed.

Examples:
  fpsolve validate                            all suites
  fpsolve validate exact honesty --full       two of them, with their long checks
  fpsolve validate --report checks.xml        for a CI system (JUnit); .json and .html too
  fpsolve validate scenarios/student-t.toml   this scenario
  fpsolve validate --self-test                plants faults: do the suites see them?")]
struct Args {
    /// Suites, scenarios, or folders of scenarios [default: all suites]
    #[arg(value_name = "SUITE|FILE|DIR")]
    what: Vec<String>,
    /// Run the long checks too; with --self-test, every suite on every fault
    #[arg(long)]
    full: bool,
    /// Seed of all random numbers of the suites, or "random"
    #[arg(long, value_name = "N|random", default_value = "13", value_parser = seed)]
    seed: u64,
    /// Write the table to this file too: .html, .json or .xml (JUnit)
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Plant faults in the solvers, one at a time, and check that the suites fail
    #[arg(long, conflicts_with = "report")]
    self_test: bool,
    #[command(flatten)]
    data: super::DataFolders,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

fn seed(written: &str) -> Result<u64, String> {
    if written == "random" {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        return Ok(u64::from(now.subsec_nanos()) ^ now.as_secs());
    }
    written.parse().map_err(|_| "a whole number, or \"random\"".into())
}

/// The suite of the scenarios.
const CROSS: &str = "cross";

/// A check of a suite.
struct Check {
    suite: &'static str,
    row: Row,
    /// What is shown for its value, where that is no number.
    word: Option<String>,
    seconds: f64,
}

/// What is to be run.
struct Plan {
    suites: Vec<&'static Suite>,
    /// Scenarios; None where none is wanted, empty for those that come with the program.
    scenarios: Option<Vec<PathBuf>>,
}

impl Args {
    /// Errors: a word that is no suite and looks like no file.
    fn known(&self) -> Result<(), Failure> {
        let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).chain([CROSS]).collect();
        let stray = |what: &&String| {
            let path = std::path::Path::new(what);
            !names.contains(&what.as_str()) && path.extension().is_none() && !path.exists()
        };
        let Some(word) = self.what.iter().find(stray) else { return Ok(()) };
        let meant = nearest(word, &names).map(|name| format!("did you mean \"{name}\"? ")).unwrap_or_default();
        let help = format!("{meant}the suites are {}; a scenario ends in .toml", names.join(", "));
        Err(Failure::input(error::advice(format!("there is no suite, scenario or folder \"{word}\""), help)))
    }

    fn plan(&self) -> Plan {
        let is_suite = |what: &String| what == CROSS || by_name(what).is_some();
        let files: Vec<PathBuf> = self.what.iter().filter(|what| !is_suite(what)).map(PathBuf::from).collect();
        let suites = if self.what.is_empty() {
            SUITES.to_vec()
        } else {
            self.what.iter().filter_map(|what| by_name(what)).collect()
        };
        let cross = self.what.is_empty() || self.what.iter().any(|what| what == CROSS);
        Plan { suites, scenarios: (cross || !files.is_empty()).then_some(files) }
    }
}

/// Runs suites and scenarios; exit code 3 where a check failed, the record of no scenario is kept.
fn run(args: &Args) -> Result<Outcome, Failure> {
    let form = args.report.as_deref().map(report::form).transpose();
    let form = form.map_err(|what| Failure::input(error::advice(what, "for example: --report checks.xml")))?;
    super::set_threads(args.threads.map(usize::from))?;
    super::watch_signals()?;
    args.known()?;
    if args.self_test {
        return self_test::run(args);
    }
    let Plan { suites, scenarios } = args.plan();
    let folder =
        tempfile::tempdir().map_err(|e| Failure::run(error::advice(format!("no temporary folder: {e}"), "")))?;
    let files = match &scenarios {
        Some(files) if files.is_empty() => scenarios::shipped(folder.path())?,
        Some(files) => scenarios::collect(files)?,
        None => Vec::new(),
    };
    if let Some(report) = &args.report {
        files.iter().try_for_each(|file| super::output::spare(report, "a scenario that is checked", file))?;
    }
    let (start, mut checks) = (Instant::now(), Vec::new());
    for suite in suites {
        let Some(found) = checks_of(suite, args.full, args.seed, None)? else { return Ok(Outcome::Interrupted) };
        checks.extend(found);
    }
    let load = |file: &std::path::Path| args.data.load(file, &[]);
    let Some(found) = scenarios::checks(&files, &load)? else { return Ok(Outcome::Interrupted) };
    checks.extend(found);
    let heading = format!("seed {}, {:.0} s", args.seed, start.elapsed().as_secs_f64());
    super::print(&report::to_text(&checks, &heading))?;
    if let (Some(path), Some(form)) = (&args.report, form) {
        report::write(path, form, &checks, &format!("fpsolve {}, {heading}", env!("CARGO_PKG_VERSION")))?;
    }
    Ok(if checks.iter().all(|check| check.row.passed) { Outcome::Done } else { Outcome::VerdictFailed })
}

/// The checks of a suite; None where it was interrupted. Errors: those of the engines.
fn checks_of(
    suite: &'static Suite,
    full: bool,
    seed: u64,
    fault: Option<Fault>,
) -> Result<Option<Vec<Check>>, Failure> {
    if fault.is_none() {
        super::tell(&format!("running {}\n", suite.name));
    }
    let work = move || {
        let last = std::cell::Cell::new(Instant::now());
        let seconds = std::cell::RefCell::new(Vec::new());
        let heard = |_: &Row| seconds.borrow_mut().push(last.replace(Instant::now()).elapsed().as_secs_f64());
        let mut rows = Rows::new(&heard);
        let setting = Setting { full, seed, interrupt: &signal::interrupted };
        let done = suite.run(&setting, fault, &mut rows);
        let rows = rows.into_rows();
        done.map(|()| rows.into_iter().zip(seconds.into_inner()).collect::<Vec<_>>())
    };
    let check = |(row, seconds)| Check { suite: suite.name, row, word: None, seconds };
    match signal::attended(work) {
        None | Some(Err(fpsolve_solvers::Error::Interrupted { .. })) => Ok(None),
        Some(Ok(rows)) => Ok(Some(rows.into_iter().map(check).collect())),
        // a suite that an engine refuses to finish has seen the fault
        Some(Err(error)) if fault.is_some() => {
            let row = Row {
                what: "the engine".into(),
                value: f64::NAN,
                expected: None,
                bound: 0.0,
                least: None,
                passed: false,
                why: error.to_string(),
            };
            Ok(Some(vec![check((row, 0.0))]))
        }
        Some(Err(error)) => Err(Failure::run(error::solver(&error))),
    }
}
