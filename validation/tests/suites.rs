//! The suites of `fpsolve validate`: every check passes, and every planted fault is seen.
#![allow(clippy::unwrap_used)]

use fpsolve_validation::suite::{FAULTS, Fault, Row, Rows, SUITES, Setting, by_name};

fn rows(name: &str, full: bool, fault: Option<Fault>) -> Result<Vec<Row>, fpsolve_solvers::Error> {
    let mut rows = Rows::new(&|_| ());
    by_name(name).unwrap().run(&Setting { full, seed: 13, interrupt: &|| false }, fault, &mut rows)?;
    Ok(rows.into_rows())
}

#[test]
fn every_check_passes() {
    let mut failed = Vec::new();
    for suite in SUITES {
        let start = std::time::Instant::now();
        let rows = rows(suite.name, false, None).unwrap();
        println!("{}: {:.1} s", suite.name, start.elapsed().as_secs_f64());
        rows.iter().for_each(|row| println!("{}: {} = {:.6e}: {}", suite.name, row.what, row.value, row.passed));
        assert!(rows.len() >= 5, "{}: {} checks", suite.name, rows.len());
        failed.extend(rows.into_iter().filter(|row| !row.passed).map(|row| format!("{}: {row:#?}", suite.name)));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// In all suites that must see it; a run that an engine refuses has been seen too.
#[test]
fn every_planted_fault_is_seen() {
    for planted in FAULTS {
        assert!(!planted.suites.is_empty(), "{}", planted.what);
        for name in planted.suites {
            let seen = rows(name, false, Some(planted.fault)).map_or(true, |rows| rows.iter().any(|row| !row.passed));
            assert!(seen, "{} is not seen by {name}", planted.what);
        }
    }
}
