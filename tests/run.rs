//! The built program end to end: the same record for any number of threads, records of interrupted runs, exit codes.

#![allow(clippy::unwrap_used)]

mod common;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{command, fpsolve, label, read, succeeds};

const SMALL: &str = r#"
schema = 1
seed = 11

[model]
kind = "sample-loss"
variables = ["w"]
sample_loss = "(v - tanh(w*u))^2"

[model.data]
points = { u = [-2, -1, 0.5, 1, 2], v = [-0.8, -0.9, 0.1, 0.9, 0.7] }

[dynamics]
learning_rate = 0.25
batch_size = 2

[fokker_planck]
unresolved = "accept"

[grid]
axes = [{ from = -1, to = 5, cells = 60 }]

[initial]
kind = "gaussian"
mean = [0.3]
std = [0.1]

[time]
at = [0, 1, 5]

[langevin]
walkers = 3000
step = 0.05

[sgd]
walkers = 3000
"#;

#[test]
fn the_summary_and_the_record_say_which_columns_are_standardised() {
    let folder = tempfile::tempdir().unwrap();
    for (standardize, said) in [
        ("[\"u\"]", "u (mean 0.1, deviation 1.428); as they were: v"),
        ("true", "u (mean 0.1, deviation 1.428), v (mean "),
    ] {
        let data = format!("[model.data]\nstandardize = {standardize}");
        std::fs::write(folder.path().join("s.toml"), SMALL.replace("[model.data]", &data)).unwrap();
        let summary = succeeds(folder.path(), &["scenario", "s.toml", "--engine", "fokker-planck", "-f"]);
        assert!(summary.contains(&format!("  data standardised: {said}")), "{summary}");
        assert!(label(&read(&folder.path().join("s.h5")), "problem/data/standardised").starts_with(said));
    }
}

#[test]
fn the_record_does_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.toml"), SMALL).unwrap();
    let run = |threads: &str| {
        let output = format!("{threads}.h5");
        let arguments = ["scenario", "small.toml", "--threads", threads, "-o", &output];
        succeeds(folder.path(), &arguments);
        read(&folder.path().join(output))
    };
    let one = run("1");
    assert!(one.group("sgd").is_some() && one.group("comparison/langevin_vs_sgd").is_some());
    for threads in ["2", "3", "8"] {
        assert!(run(threads) == one, "the record of {threads} threads is another than that of one");
    }
}

#[test]
fn an_interrupted_run_leaves_a_valid_record() {
    let folder = tempfile::tempdir().unwrap();
    let long = SMALL.replace("at = [0, 1, 5]", "at = [0, 1, 1000000]");
    std::fs::write(folder.path().join("long.toml"), long).unwrap();
    let mut child = command(folder.path(), &["scenario", "long.toml", "--quiet"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let patience = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(patience.elapsed() < Duration::from_secs(120), "the run goes on after SIGINT");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let record = read(&folder.path().join("long.h5"));
    assert_eq!(label(&record, "status"), "interrupted");
    assert!(record.dataset("langevin/density").is_some());
}

#[test]
fn a_failed_expectation_is_exit_code_3_and_an_existing_record_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = format!("{SMALL}\n[expect]\n\"stationary/mean/w\" = {{ value = 100.0, rtol = 0.01 }}\n");
    std::fs::write(folder.path().join("wrong.toml"), wrong).unwrap();
    let arguments = ["scenario", "wrong.toml", "--engine", "fokker-planck"];
    assert_eq!(fpsolve(folder.path(), &arguments).status.code(), Some(3));
    let before = std::fs::read(folder.path().join("wrong.h5")).unwrap();
    assert_eq!(fpsolve(folder.path(), &arguments).status.code(), Some(2));
    assert_eq!(std::fs::read(folder.path().join("wrong.h5")).unwrap(), before);
}
