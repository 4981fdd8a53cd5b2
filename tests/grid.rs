//! Grids from the scenario end to end: boxes that the program looks for.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

use fpsolve::record::{Attribute, Record, hdf5};

const AUTO: &str = r#"
name = "auto"
seed = 4
[model]
variables = ["x"]
loss = "x^4/4 - x^2/2"
[dynamics]
temperature = 0.1
[grid]
bounds = "auto"
cells = [400]
[initial]
kind = "point"
at = [-1.0]
[time]
at = [0, 1, 10]
[langevin]
walkers = 500
[expect]   # the second moment of the quartic double well, as in scenarios/double-well.toml
"stationary/covariance/x/x" = { value = 0.87136290804204983, rtol = 1e-4 }
"#;

fn fpsolve(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fpsolve")).current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn numbers(record: &Record, path: &str) -> Vec<f64> {
    record.dataset(path).unwrap().as_float().unwrap().iter().copied().collect()
}

#[test]
fn a_box_is_found_told_and_the_same_every_time() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("auto.toml"), AUTO).unwrap();
    let edges = |name: &str| {
        let output = fpsolve(folder.path(), &["scenario", "auto.toml", "-o", name]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let said = text(&output.stdout);
        assert!(said.contains("box found by a pilot of 256 walkers") && !said.contains("warning"), "{said}");
        let record = hdf5::read(&folder.path().join(name)).unwrap();
        assert_eq!(record.attribute("grid/bounds"), Some(&Attribute::Text("auto".into())));
        let Some(Attribute::Float(truncation)) = record.attribute("stationary/error_truncation") else { panic!() };
        assert!(*truncation < 1e-8, "{truncation:e}");
        numbers(&record, "grid/x_edges")
    };
    let first = edges("first.h5");
    assert!(first[0] < -1.8 && first[0] > -3.0 && first[400] > 1.8 && first[400] < 3.0, "{} {}", first[0], first[400]);
    assert_eq!(first, edges("second.h5"));
    let check = fpsolve(folder.path(), &["check", "auto.toml"]);
    assert!(text(&check.stdout).contains("found by a pilot of 256 walkers"));
}

#[test]
fn a_wall_in_the_way_is_named_with_its_side() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = AUTO.replace("bounds = \"auto\"\ncells = [400]", "axes = [{ from = -3, to = 1.2, cells = 420 }]");
    std::fs::write(folder.path().join("narrow.toml"), narrow.split("[expect]").next().unwrap()).unwrap();
    let output = fpsolve(folder.path(), &["scenario", "narrow.toml"]);
    let said = text(&output.stdout);
    assert!(said.contains("outermost cells at the upper end of x (= 1.2)") && said.contains("stationary"), "{said}");
    assert!(!said.contains("lower end"), "{said}");
}
