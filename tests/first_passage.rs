//! First passage end to end: the grid against the reference, and against the Langevin walkers.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use fpsolve::record::{Attribute, Record, hdf5};

const SCENARIO: &str = r#"
name = "escape"
seed = 5
engines = ["fokker-planck", "langevin"]
[model]
variables = ["x"]
loss = "x^4/4 - x^2/2"
[dynamics]
temperature = 0.1
[grid]
axes = [{ from = -2.5, to = 2.5, cells = 400 }]
[initial]
kind = "point"
at = [-1.0]
[time]
end = 60
outputs = 13
[langevin]
walkers = 1000
step = 0.01
[analysis]
first_passage = [{ name = "top", from = [-1.0], target = "x > 0", walkers = 20000, horizon = 600 }]
"#;

fn numbers(record: &Record, path: &str) -> Vec<f64> {
    record.dataset(path).unwrap().as_float().unwrap().iter().copied().collect()
}

fn number(record: &Record, path: &str) -> f64 {
    match record.attribute(path) {
        Some(Attribute::Float(x)) => *x,
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn the_grid_the_walkers_and_the_reference_agree() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("escape.toml"), SCENARIO).unwrap();
    let arguments = ["scenario", "escape.toml"];
    let output =
        Command::new(env!("CARGO_BIN_EXE_fpsolve")).current_dir(folder.path()).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("mean time fokker-planck 30.82 ±") && said.contains("langevin "), "{said}");
    let record = hdf5::read(&folder.path().join("escape.h5")).unwrap();
    let (found, error) = (number(&record, "escape/top/from_value"), number(&record, "escape/top/error_grid"));
    let off = (found - 30.8213024726657).abs(); // B03
    assert!(off < 6e-4 && (off / 3.0..3.0 * off).contains(&error), "{found} is off by {off:e}, it said {error:e}");
    // fixed seed; four standard errors: false alarms 6e-5 a comparison; a shift of 5 % is 7 standard errors
    let (mean, se) = (number(&record, "escape/top/langevin_mean"), number(&record, "escape/top/langevin_mean_se"));
    assert!((mean - found).abs() < 4.0 * se + 0.002 * found, "{mean} ± {se} against {found}");
    let survival = numbers(&record, "escape/top/survival");
    let walkers = numbers(&record, "escape/top/langevin_survival");
    let errors = numbers(&record, "escape/top/langevin_survival_se");
    assert_eq!((survival[0], survival.len()), (1.0, 13));
    for ((grid, walkers), se) in survival.iter().zip(&walkers).zip(&errors) {
        assert!((grid - walkers).abs() < 4.0 * se + 1e-9, "{grid} {walkers} ± {se}");
    }
    let field = numbers(&record, "escape/top/mean_first_passage_time");
    assert!(field[..200].windows(2).all(|w| w[1] < w[0]) && field[200..].iter().all(|t| *t == 0.0));
}
