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

const WELL: &str = r#"
[model]
loss = "x^4/4 - x^2/2"
[dynamics]
temperature = 0.1
[fokker_planck]
unresolved = "accept"
[grid]
axes = [{ from = -2.5, to = 2.5, cells = 64 }]
[initial]
kind = "gaussian"
mean = [-1]
std = [0.2]
[time]
end = 1
outputs = 3
[langevin]
walkers = 100
"#;

/// Steps, terms and jumps are counted before anything is computed.
#[test]
fn what_no_computer_can_do_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.toml"), SMALL).unwrap();
    std::fs::write(folder.path().join("well.toml"), WELL.replace("[model]", "[model]\nvariables = [\"x\"]")).unwrap();
    let start = Instant::now();
    for (file, engine, set, said) in [
        ("well", "fokker-planck", "dynamics.temperature=1e300", "3.3e302 jumps between neighbouring cells"),
        ("well", "langevin", "dynamics.temperature=1e300", "steps of 2.0e-302 for 100 walkers"),
        ("well", "langevin", "time.end=1e300", "langevin would need 2.0e302 steps"),
        ("well", "langevin", "langevin.step=1e-300", "1.0e300 steps of 1.0e-300 for 100 walkers"),
        ("well", "fokker-planck", "model.loss=1e250*x^2", "jumps between neighbouring cells"),
        ("small", "fokker-planck", "time.at=[1e300]", "jumps between neighbouring cells"),
        ("small", "langevin", "time.at=[1e300]", "2.0e301 steps of 0.05 for 3,000 walkers"),
        ("small", "sgd", "time.at=[1e300]", "4.0e300 steps of 0.25"),
        ("small", "gaussian-sgd", "time.at=[1e300]", "4.0e300 steps of 0.25"),
        ("small", "gradient-descent", "time.at=[1e300]", "4.0e300 steps of 0.25"),
        ("small", "sgd", "dynamics.learning_rate=1e-300", "5.0e300 steps of 1.0e-300"),
        ("small", "langevin", "langevin.step=1e-15", "5.0e15 steps of 1.0e-15"),
    ] {
        let file = format!("{file}.toml");
        let output = fpsolve(folder.path(), &["scenario", &file, "--engine", engine, "--set", set]);
        let words = common::words(&output);
        assert!(output.status.code() == Some(4) && words.contains(said), "{engine} {set}: {words}");
        assert!(words.contains("that is more than") && words.contains(&format!("leave {engine} out")), "{words}");
    }
    let chain = ["fokker_planck.discretisation=chain", "fokker_planck.method=polynomial"];
    for method in chain {
        let more = ["--engine", "fokker-planck", "--set", "time.end=1e30", "--set", method];
        let output = fpsolve(folder.path(), &[&["scenario", "well.toml"], &more[..]].concat());
        assert_eq!(output.status.code(), Some(4), "{method}: {}", common::words(&output));
    }
    // what is extreme and harmless runs
    for set in ["dynamics.temperature=1e-300", "dynamics.temperature=1e100", "time.end=1e100"] {
        succeeds(folder.path(), &["scenario", "well.toml", "-f", "--engine", "fokker-planck", "--set", set]);
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(!folder.path().join("small.h5").exists());
}

#[test]
fn a_run_of_hours_is_refused_where_no_terminal_looks_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.toml"), SMALL).unwrap();
    let check = |set: &str, limit: &[&str], code: i32| {
        let output = fpsolve(folder.path(), &[&["check", "small.toml", "--set", set], limit].concat());
        assert_eq!(output.status.code(), Some(code), "{set} {limit:?}: {}", common::words(&output));
        common::words(&output).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(check("langevin.step=1e-5", &[], 0), "");
    let said = check("langevin.step=1e-10", &[], 4);
    assert!(said.contains("this run will take about") && said.contains("5.0e10 steps of 1.0e-10"), "{said}");
    assert!(said.contains("(langevin") && said.contains("--time-limit"), "{said}");
    let said = check("dynamics.learning_rate=1e-10", &[], 4);
    assert!(said.contains("sgd") && said.contains("5.0e10 steps of 1.0e-10 for 3,000 walkers"), "{said}");
    check("langevin.step=1e-10", &["--time-limit", "9000 days"], 0);
    check("langevin.step=1e-5", &["--time-limit", "1e-3 s"], 4);
}

#[test]
fn horizons_that_nobody_lives_to_see_are_refused_and_others_cost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (target, code) in [("w > 1", 0), ("w > 4.9", 4)] {
        let passage =
            format!(r#"{{ name = "over", from = [0.3], walkers = 50, horizon = 1e300, target = "{target}" }}"#);
        std::fs::write(folder.path().join("far.toml"), format!("{SMALL}\n[analysis]\nfirst_passage = [{passage}]"))
            .unwrap();
        let output =
            fpsolve(folder.path(), &["check", "far.toml", "--engine", "fokker-planck", "--engine", "langevin"]);
        let said = common::words(&output);
        assert_eq!(output.status.code(), Some(code), "{target}: {said}");
        assert!(code == 0 || said.contains("write a shorter `horizon`") && said.contains("for 50 walkers"), "{said}");
    }
}

/// An analysis that breaks down.
struct Panics;

impl fpsolve::analysis::Analysis for Panics {
    fn run(
        &self,
        _: &fpsolve::analysis::Finished,
    ) -> Result<Option<Box<dyn fpsolve::analysis::Findings>>, fpsolve_solvers::Error> {
        panic!("out of luck")
    }
}

#[test]
fn a_panic_in_an_analysis_loses_that_analysis_only() {
    let text = SMALL.to_string() + "\n[analysis]\ncritical_points = true\neigenpairs = 2\n";
    let source = fpsolve::reader::Source::from_text(std::path::Path::new("small.toml"), text);
    let mut prepared = fpsolve::scenario::Scenario::parse(source).unwrap().problem().unwrap();
    prepared.engines.truncate(1);
    let planned = prepared.analyses.iter_mut().find(|planned| planned.entry.name == "critical_points").unwrap();
    planned.analysis = std::sync::Arc::new(Panics);
    let reached = fpsolve::run::Reached::nothing_of(
        &fpsolve::scenario::Scenario::parse(fpsolve::reader::Source::from_text(
            std::path::Path::new("small.toml"),
            SMALL.to_string(),
        ))
        .unwrap(),
    );
    let run = fpsolve::run::run(&prepared, &|| false, &|_| {}, &reached);
    assert_eq!(run.status, fpsolve::run::Status::Complete);
    let failure = run.record.group("landscape").and_then(|group| group.attribute("failure"));
    assert!(format!("{failure:?}").contains("out of luck"), "{failure:?}");
    assert!(run.record.group("spectrum").is_some() && run.record.group("fokker_planck").is_some());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.h5");
    fpsolve::record::hdf5::write(&run.record, &path, fpsolve::record::hdf5::Existing::Replaced).unwrap();
    assert!(read(&path).group("spectrum").is_some());
}

#[test]
fn progress_is_told_to_programs_as_lines_of_json() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.toml"), SMALL).unwrap();
    let said = |more: &[&str]| {
        let output = fpsolve(folder.path(), &[&["scenario", "small.toml", "-f", "--progress", "json"], more].concat());
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(said(&["--quiet"]), "");
    let lines: Vec<serde_json::Value> =
        said(&[]).lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let doing: Vec<&str> = lines.iter().map(|line| line["doing"].as_str().unwrap()).collect();
    for part in ["building fokker-planck", "langevin to t = 1", "sgd to t = 5", "evaluating the model", "comparing"] {
        assert!(doing.contains(&part), "{part}: {doing:?}");
    }
    let fractions: Vec<f64> = lines.iter().filter_map(|line| line["fraction"].as_f64()).collect();
    assert!(fractions.len() > 5 && fractions.windows(2).all(|w| w[0] <= w[1]), "{fractions:?}");
    assert!(fractions.iter().all(|f| (0.0..1.0).contains(f)) && lines.iter().any(|line| line["left"].is_number()));
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
        // as text, in which an unknown number is the same as another
        let same = format!("{:?}", run(threads)) == format!("{one:?}");
        assert!(same, "the record of {threads} threads is another than that of one");
    }
}

#[test]
fn an_interrupted_run_leaves_a_valid_record() {
    let folder = tempfile::tempdir().unwrap();
    let long = SMALL.replace("at = [0, 1, 5]", "at = [0, 1, 1000000]");
    std::fs::write(folder.path().join("long.toml"), long).unwrap();
    // the trial of the long-step chain would go on for longer than this test waits
    let edges = ["--set", "fokker_planck.discretisation=edges"];
    let long = ["scenario", "long.toml", "--quiet", "--time-limit", "999 days"];
    let mut child = command(folder.path(), &[&long[..], &edges[..]].concat())
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
