//! `fpsolve validate`: suites of checks of the program itself, and scenarios; one table of verdicts.

mod report;
mod scenarios;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args as _;
use fpsolve_validation::suite::{FAULTS, Fault, Planted, Row, Rows, SUITES, Setting, Suite, by_name};

use crate::error::{self, Failure, Outcome};
use crate::signal;
use crate::text::table;

/// The subcommand.
pub(super) static SUBCOMMAND: super::Subcommand = super::Subcommand {
    name: "validate",
    about: "Check the program against exact solutions, its own promises and scenarios; one table of verdicts",
    arguments: Args::augment_args,
    run: |matches| run(&super::arguments(matches)),
};

/// Arguments of `fpsolve validate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Suites:
  exact        laws, moments, currents and rates that are known in closed form
  convergence  order and level of every discretisation, integrator and axis on refined grids
  ensembles    Langevin and SGD walkers against the exact laws of their own discrete steps
  invariants   conservation, positivity, decay of free energy, symmetry, separability, units
  escape       mean times of escape and committors against quadrature
  honesty      true error over reported error for every reference: histogram, mean, the worst ten
  cross        the scenarios that come with fpsolve: engines against each other, expected numbers

Exit code 3 where a check failed.

Examples:
  fpsolve validate                            all suites
  fpsolve validate exact honesty --full       two of them, with their long checks
  fpsolve validate --report checks.xml        for a CI system (JUnit); .json and .html too
  fpsolve validate scenarios/student-t.toml   this scenario
  fpsolve validate --self-test                plants faults and looks whether the suites see them")]
struct Args {
    /// Suites, scenarios, or folders of scenarios [default: all suites]
    #[arg(value_name = "SUITE|FILE|DIR")]
    what: Vec<String>,
    /// Run the long checks too
    #[arg(long)]
    full: bool,
    /// Seed of all random numbers of the suites, or "random"
    #[arg(long, value_name = "N|random", default_value = "13", value_parser = seed)]
    seed: u64,
    /// Write the table to this file too: .html, .json or .xml (JUnit)
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Plant faults, one at a time, and check that the suites fail
    #[arg(long, conflicts_with_all = ["full", "report"])]
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
    if args.self_test {
        return self_test(args);
    }
    let Plan { suites, scenarios } = args.plan();
    let folder =
        tempfile::tempdir().map_err(|e| Failure::run(error::advice(format!("no temporary folder: {e}"), "")))?;
    let files = match &scenarios {
        Some(files) if files.is_empty() => scenarios::shipped(folder.path())?,
        Some(files) => scenarios::collect(files)?,
        None => Vec::new(),
    };
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
        let setting = Setting { full, seed, fault, interrupt: &signal::interrupted };
        let done = (suite.run)(&setting, &mut rows);
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

/// Plants each fault and prints which suites see it; exit code 3 where one that must does not.
fn self_test(args: &Args) -> Result<Outcome, Failure> {
    let plan = args.plan();
    let mut rows =
        vec![[&["planted fault"], plan.suites.iter().map(|s| s.name).collect::<Vec<_>>().as_slice()].concat()];
    let mut cells: Vec<Vec<String>> = rows.drain(..).map(|row| row.into_iter().map(String::from).collect()).collect();
    cells[0].push("first check that failed".into());
    let (mut missed, start) = (Vec::new(), Instant::now());
    for Planted { fault, what, suites } in FAULTS {
        super::tell(&format!("planting: {what}\n"));
        let (mut row, mut first) = (vec![what.to_string()], String::new());
        for suite in &plan.suites {
            let must = suites.contains(&suite.name);
            // the others may see it too, which takes time to find out
            if !must {
                row.push(String::new());
                continue;
            }
            let Some(checks) = checks_of(suite, false, args.seed, Some(*fault))? else {
                return Ok(Outcome::Interrupted);
            };
            let failed: Vec<&Check> = checks.iter().filter(|check| !check.row.passed).collect();
            row.push(if failed.is_empty() {
                "MISSED".into()
            } else {
                format!("seen by {} of {}", failed.len(), checks.len())
            });
            match failed.first() {
                Some(check) if first.is_empty() => first.clone_from(&check.row.what),
                Some(_) => {}
                None => missed.push(format!("{what}: not seen by {}", suite.name)),
            }
        }
        row.push(first);
        cells.push(row);
    }
    let mut text = String::new();
    table(&cells, &mut text);
    missed.iter().for_each(|line| text += &format!("  MISSED {line}\n"));
    text += &format!(
        "  {} faults planted, {} missed; {:.0} s\n",
        FAULTS.len(),
        missed.len(),
        start.elapsed().as_secs_f64()
    );
    super::print(&text)?;
    Ok(if missed.is_empty() { Outcome::Done } else { Outcome::VerdictFailed })
}
