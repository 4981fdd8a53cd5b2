//! The suites of `fpsolve validate`: every check passes, and every planted fault is seen.
#![allow(clippy::unwrap_used)]

use fpsolve_validation::suite::{FAULTS, Fault, Row, Rows, SUITES, Setting, by_name};

fn rows(name: &str, full: bool, fault: Option<Fault>) -> Result<Vec<Row>, fpsolve_solvers::Error> {
    let mut rows = Rows::new(&|_| ());
    (by_name(name).unwrap().run)(&Setting { full, seed: 13, fault, interrupt: &|| false }, &mut rows)?;
    Ok(rows.into_rows())
}

#[test]
fn every_check_passes() {
    for suite in SUITES {
        let rows = rows(suite.name, false, None).unwrap();
        rows.iter().for_each(|row| println!("{}: {} = {:.6e}: {}", suite.name, row.what, row.value, row.passed));
        assert!(rows.len() >= 5, "{}: {} checks", suite.name, rows.len());
        let failed: Vec<&Row> = rows.iter().filter(|row| !row.passed).collect();
        assert!(failed.is_empty(), "{}: {failed:#?}", suite.name);
    }
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
