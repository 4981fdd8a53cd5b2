//! `fpsolve validate --self-test`: would the suites see a mistake in the solvers?

use std::time::Instant;

use fpsolve_validation::suite::{FAULTS, Fault, Planted, Suite};

use super::{Args, Check, checks_of};
use crate::cli;
use crate::error::Failure;
use crate::error::Outcome;
use crate::text::table;

/// What a suite says of a fault.
struct Seen {
    cell: String,
    /// The first check that failed.
    first: Option<String>,
    /// Whether it had to see the fault and did not, or failed without one.
    wrong: bool,
}

/// Runs the suites as they are, then plants each fault in the solvers and prints which suites see it; with `--full` those too that need
/// not. Exit code 3 where one that must does not, or where one fails without a fault.
pub(super) fn run(args: &Args) -> Result<Outcome, Failure> {
    let suites = args.plan().suites;
    let (start, mut wrong, mut lines) = (Instant::now(), 0, Vec::new());
    let mut head = vec!["planted fault".to_string()];
    head.extend(suites.iter().map(|suite| suite.name.to_string()));
    let mut rows = vec![head];
    let faults = FAULTS.iter().map(Some);
    for planted in std::iter::once(None).chain(faults) {
        let what = planted.map_or("none", |planted| planted.what);
        cli::tell(&format!("planting: {what}\n"));
        let mut row = vec![what.to_string()];
        for suite in &suites {
            let must = planted.is_none_or(|planted| planted.suites.contains(&suite.name));
            if !must && !args.full {
                row.push("-".into());
                continue;
            }
            let Some(seen) = look(suite, args.seed, planted)? else { return Ok(Outcome::Interrupted) };
            wrong += usize::from(seen.wrong);
            match (planted, seen.first) {
                (Some(planted), Some(check)) if must => {
                    lines.push(format!("  {what} ({}), {}: {check}", planted.place, suite.name));
                }
                (None, Some(check)) => lines.push(format!("  FAILED without a fault, {}: {check}", suite.name)),
                (Some(_), _) | (None, None) => {}
            }
            row.push(seen.cell);
        }
        rows.push(row);
    }
    let mut text = String::new();
    table(&rows, &mut text);
    text += "\n  planted where, and the first check that failed:\n";
    lines.iter().for_each(|line| text += &format!("{line}\n"));
    let seconds = start.elapsed().as_secs_f64();
    text += &format!("\n  {} faults planted, {wrong} missed or false; {seconds:.0} s\n", FAULTS.len());
    cli::print(&text)?;
    Ok(if wrong == 0 { Outcome::Done } else { Outcome::VerdictFailed })
}

/// None where it was interrupted. Errors: those of the engines without a fault.
fn look(suite: &'static Suite, seed: u64, planted: Option<&Planted>) -> Result<Option<Seen>, Failure> {
    let fault: Option<Fault> = planted.map(|planted| planted.fault);
    let Some(checks) = checks_of(suite, false, seed, fault)? else { return Ok(None) };
    let failed: Vec<&Check> = checks.iter().filter(|check| !check.row.passed).collect();
    let must = planted.is_some_and(|planted| planted.suites.contains(&suite.name));
    let cell = match (fault.is_some(), failed.len()) {
        (false, 0) => format!("{} pass", checks.len()),
        (false, n) => format!("{n} FAIL"),
        (true, 0) if must => "MISSED".into(),
        (true, 0) => "-".into(),
        (true, n) => format!("seen by {n}"),
    };
    let wrong = if fault.is_some() { must && failed.is_empty() } else { !failed.is_empty() };
    Ok(Some(Seen { cell, first: failed.first().map(|check| check.row.what.clone()), wrong }))
}
