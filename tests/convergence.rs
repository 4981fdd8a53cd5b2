//! `fpsolve convergence` end to end: the table, the files beside it, every shipped scenario, bad input, interruption.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{command, fpsolve, label, read, shipped, succeeds, text};
use fpsolve::scenario::{Scenario, grid};
use rayon::prelude::*;

const SCENARIO: &str = r#"
name = "slope"
[model]
variables = ["x"]
loss = "x^2/2"
[dynamics]
temperature = 0.1
[grid]
axes = [{ from = -2, to = 2, cells = 64 }]
[initial]
kind = "gaussian"
mean = [0.5]
std = [0.2]
[time]
at = [0, 0.3, 1]
[fokker_planck]
tolerance = 1e-9
[langevin]
walkers = 1000000000   # ensembles are left out, and so is their memory
[analysis]
eigenpairs = 3
"#;

#[test]
fn the_table_the_record_the_rows_and_the_picture_agree() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("slope.toml"), SCENARIO).unwrap();
    let table = succeeds(folder.path(), &["convergence", "slope.toml", "--finer", "1"]);
    for wanted in ["transient", "stationary", "next", "eigenvalue", "extrapolated", "128 "] {
        assert!(table.contains(wanted), "{wanted}: {table}");
    }
    assert!(!table.contains("note:") && !table.contains("warning:"), "{table}");
    let record = read(&folder.path().join("slope-convergence.h5"));
    let numbers = |path: &str| common::numbers(&record, path);
    assert_eq!(numbers("convergence/cells_x"), [16.0, 32.0, 64.0, 128.0]);
    for (name, order) in [("transient_order", 2.0), ("stationary_order", 4.0)] {
        let orders = numbers(&format!("convergence/{name}"));
        assert!((orders[1] - order).abs() < 0.1, "{name}: {orders:?}");
    }
    let functional = |k: usize| numbers("convergence/value").into_iter().skip(k).step_by(6).collect::<Vec<f64>>();
    let (rate, limit) = (functional(4), numbers("convergence/extrapolated")[4]);
    assert!((limit - 1.0).abs() < 1e-4 && rate.windows(2).all(|w| (w[1] - 1.0).abs() < (w[0] - 1.0).abs()), "{rate:?}");
    let rows = std::fs::read_to_string(folder.path().join("slope-convergence.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(rows.as_bytes());
    let head = reader.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|h| h == name).unwrap();
    let lines: Vec<csv::StringRecord> = reader.records().map(|line| line.unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0][column("eigenvalue_1")].parse::<f64>().unwrap(), rate[0]);
    assert_eq!(&lines[3][column("transient_change")], "");
    let picture = resvg::tiny_skia::Pixmap::load_png(folder.path().join("slope-convergence.png")).unwrap();
    assert_eq!(picture.width(), 2400);
    assert!(folder.path().join("slope-convergence.svg").exists());
    let again = fpsolve(folder.path(), &["convergence", "slope.toml"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("exists already"));
    let plot = fpsolve(folder.path(), &["plot", "slope-convergence.h5"]);
    assert_eq!(text(&plot.stdout).lines().count(), 2, "{}", text(&plot.stdout));
}

#[test]
fn every_shipped_scenario_climbs() {
    let folder = tempfile::tempdir().unwrap();
    shipped().par_iter().for_each(|file| {
        let scenario = Scenario::load(file, &[]).unwrap();
        let few = if scenario.dimension() < 3 { 16 } else { 8 };
        let key = |k: usize| match scenario.grid.value {
            grid::Grid::Axes(_) => format!("grid.axes.{k}.cells={few}"),
            grid::Grid::Auto { .. } => format!("grid.cells.{k}={few}"),
            grid::Grid::Refined { .. } => panic!("{}: a tolerance decides on the cells", file.display()),
        };
        let settings: Vec<String> = (0..scenario.dimension()).map(key).collect();
        let arguments = ["convergence", file.to_str().unwrap(), "--levels", "2", "-o", folder.path().to_str().unwrap()];
        let mut command = command(Path::new("."), &arguments);
        let output = command.args(settings.iter().flat_map(|set| ["--set", set])).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}: {}", file.display(), text(&output.stderr));
        assert!(text(&output.stdout).contains("two grids show no order"), "{}", text(&output.stdout));
    });
}

#[test]
fn a_grid_that_cannot_be_halved_and_one_too_large_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("slope.toml"), SCENARIO).unwrap();
    let odd = fpsolve(folder.path(), &["convergence", "slope.toml", "--set", "grid.axes.0.cells=33"]);
    assert_eq!(odd.status.code(), Some(2));
    let said = text(&odd.stderr);
    assert!(said.contains("cannot be coarsened by 2") && said.contains("slope.toml:9:1"), "{said}");
    let large = ["convergence", "slope.toml", "--finer", "8", "--memory-limit", "1MB"];
    assert_eq!(fpsolve(folder.path(), &large).status.code(), Some(4));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was written");
}

#[test]
fn an_interrupted_ladder_leaves_what_it_reached() {
    let folder = tempfile::tempdir().unwrap();
    // implicit Euler to a tolerance that takes minutes on the finest grids
    let slow = SCENARIO.replace("tolerance = 1e-9", "tolerance = 1e-9\nmethod = \"implicit-euler\"");
    std::fs::write(folder.path().join("slow.toml"), slow).unwrap();
    let mut child = command(folder.path(), &["convergence", "slow.toml", "--quiet", "--finer", "7"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let record = read(&folder.path().join("slope-convergence.h5"));
    assert_eq!(label(&record, "status"), "interrupted");
}
