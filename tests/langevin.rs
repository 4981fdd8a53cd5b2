//! The Langevin engine through the built program: followed walkers, quantiles and first passages in the record, the same record
//! for any number of threads, walkers that are lost.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::Output;

use common::{fpsolve, label, number, text, words};
use fpsolve::figure;
use fpsolve::record::Record;

const SCENARIO: &str = r#"
schema = 1
seed = 5
engines = ["langevin"]

[model]
kind = "formula"
variables = ["x", "y"]
loss = "(x^2 - 1)^2/4 + y^2/2"

[noise]
kind = "formula"
diffusion = [["1 + x^2/4", "0.2"], ["0.2", "1"]]

[dynamics]
temperature = 0.2

[grid]
axes = [{ from = -2.5, to = 2.5, cells = 30 }, { from = -2, to = 1.25, cells = 20, boundary = ["reflecting", "absorbing"] }]

[initial]
kind = "gaussian"
mean = [-1, 0]
std = [0.1, 0.1]

[time]
end = 4
outputs = 5

[langevin]
walkers = 3000
trajectories = 300

[analysis]
first_passage = [
    { name = "over", from = [-1, 0], target = "x + y/2 > 0", walkers = 2500, horizon = 60 },
    { name = "corner", from = [-1, 0], target = "(x > 0)*(y > 0)", walkers = 1000 },
]
"#;

fn run(folder: &Path, scenario: &str, name: &str, more: &[&str]) -> Output {
    std::fs::write(folder.join("scenario.toml"), scenario).unwrap();
    fpsolve(folder, &[&["scenario", "scenario.toml", "--force", "-o", name], more].concat())
}

fn read(folder: &Path, name: &str) -> Record {
    common::read(&folder.join(name))
}

#[test]
fn the_record_has_walkers_quantiles_and_passages_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), SCENARIO, "1.h5", &["--threads", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let summary = text(&output.stdout);
    let one = read(folder.path(), "1.h5");
    for threads in ["2", "3", "8"] {
        assert_eq!(run(folder.path(), SCENARIO, "more.h5", &["--threads", threads]).status.code(), Some(0));
        assert!(read(folder.path(), "more.h5") == one, "the record of {threads} threads is another than that of one");
    }
    let shape = |path: &str| one.dataset(path).unwrap().shape();
    let rows = shape("langevin/trajectory_time")[0];
    assert!(rows > 200, "{rows} times");
    assert_eq!(shape("langevin/trajectory"), [300, rows, 2]);
    assert_eq!(shape("langevin/quantile"), [5, 2, 7]);
    assert_eq!(shape("langevin/covariance_se"), [5, 2, 2]);
    let quantile = one.dataset("langevin/quantile").unwrap().as_float().unwrap();
    assert!((0..6).all(|q| quantile[[4, 0, q]] < quantile[[4, 0, q + 1]]));
    // walkers are absorbed at y = 1.25, and counted
    let outside = one.dataset("langevin/outside").unwrap().as_float().unwrap();
    assert!(outside[[4]] > 0.0 && outside[[4]] < 0.2, "{outside}");
    let survival = one.dataset("escape/over/langevin_survival").unwrap().as_float().unwrap();
    assert!(survival[[0]] == 1.0 && survival[[4]] < 0.9, "{survival}");
    assert_eq!(number(&one, "escape/over/langevin_walkers"), 2500.0);
    assert!(number(&one, "escape/over/langevin_absorbed") > 0.0);
    assert!(number(&one, "escape/corner/langevin_mean") > number(&one, "escape/over/langevin_mean"));
    for wanted in [
        "langevin: step",
        "chosen: ",
        "over from (-1, 0) to x + y/2 > 0: mean time langevin",
        "were absorbed at a wall",
    ] {
        assert!(summary.contains(wanted), "{wanted}: {summary}");
    }
    let pictures = figure::plot(&one, &folder.path().join("pictures")).unwrap().0;
    for name in ["trajectories.png", "survival.svg"] {
        assert!(pictures.iter().any(|path| path.ends_with(name)), "{name}: {pictures:?}");
    }
}

#[test]
fn censored_walkers_and_targets_without_a_surface_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = SCENARIO.replace(", horizon = 60", ", horizon = 4").replace("(x > 0)*(y > 0)", "(x > 0) == 1");
    let output = run(folder.path(), &scenario, "r.h5", &[]);
    assert_eq!(output.status.code(), Some(0));
    let summary = text(&output.stdout);
    for wanted in ["at least", "had not arrived by the horizon t = 4", "has no surface to build bridges to"] {
        assert!(summary.contains(wanted), "{wanted}: {summary}");
    }
}

/// The drift √(2.45 − x) is finite at every cell centre and not a number beyond the last one.
#[test]
fn a_walker_that_is_lost_stops_the_run_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = SCENARIO.replace("loss = \"(x^2 - 1)^2/4 + y^2/2\"", "drift = [\"sqrt(2.45 - x)\", \"-y\"]");
    let output = run(folder.path(), &scenario, "r.h5", &[]);
    let (said, summary) = (words(&output), text(&output.stdout));
    assert_eq!(output.status.code(), Some(1), "{said}");
    for wanted in [
        "langevin stopped at walker ",
        ", step ",
        "finite; before the step it was at [2.4",
        "NaN",
        "take a shorter step",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert!(summary.contains("failed"), "{summary}");
    let record = read(folder.path(), "r.h5");
    assert_eq!(label(&record, "status"), "failed");
    assert!(record.dataset("langevin/density").is_some() && record.group("escape").is_none());
}
