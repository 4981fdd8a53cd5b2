//! A run that was interrupted or killed, and resumed, ends bit for bit as one that was never stopped.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use common::{command, fpsolve, label, read, succeeds, words};
use fpsolve::reader::Source;
use fpsolve::record::groups::checkpoint;
use fpsolve::record::{Record, hdf5};
use fpsolve::run::{Reached, Run, Status, run};
use fpsolve::scenario::Scenario;
use fpsolve_solvers::engine::State;

/// A scenario of one variable with samples: every engine runs.
const SAMPLES: &str = r#"
seed = 11
model = { kind = "sample-loss", variables = ["w"], sample_loss = "(v - tanh(w*u))^2", data = { points = { u = [-2, -1, 0.5, 1, 2], v = [-0.8, -0.9, 0.1, 0.9, 0.7] } } }
dynamics = { learning_rate = 0.25, batch_size = 2 }
grid = { axes = [{ from = -1, to = 5, cells = 240 }] }
initial = { kind = "gaussian", mean = [0.3], std = [0.1] }
time = { at = [0, 1, 2, 5, 20] }
"#;

/// A double well in one variable, and the same beside a parabola in two.
const WELL: &str = r#"
model = { loss = "x^4/4 - x^2/2", variables = ["x"] }
dynamics = { temperature = 0.1 }
grid = { axes = [{ from = -2.5, to = 2.5, cells = 64 }] }
initial = { kind = "gaussian", mean = [-1], std = [0.2] }
time = { at = [0, 0.1, 0.2, 0.5, 1, 2, 4] }
"#;
const PLANE: &str = r#"
model = { loss = "(x^2 - 1)^2/4 + 0.3*x*y + y^2/2", variables = ["x", "y"] }
dynamics = { temperature = 0.1 }
grid = { axes = [{ from = -2.5, to = 2.5, cells = 24 }, { from = -2, to = 2, cells = 24 }] }
initial = { kind = "gaussian", mean = [-1, 0], std = [0.25, 0.25] }
time = { at = [0, 0.1, 0.2, 0.5, 1, 2, 20] }
"#;

fn scenario(base: &str, rest: &str) -> Scenario {
    let text = format!("{base}{rest}");
    Scenario::parse(Source::from_text(Path::new("resumed.toml"), text.clone()))
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// All but where and how fast it ran, so that numbers that are none compare too: a line for each attribute and dataset.
fn lines(record: &Record) -> Vec<String> {
    let mut out: Vec<String> = record.attributes.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
    out.sort();
    out.extend(record.datasets.iter().map(|dataset| format!("{dataset:?}")));
    for group in record.groups.iter().filter(|group| group.name != "provenance") {
        out.extend(lines(group).into_iter().map(|line| format!("{}/{line}", group.name)));
    }
    out
}

fn same(resumed: &Record, whole: &Record, what: &str) {
    let (resumed, whole) = (lines(resumed), lines(whole));
    for (a, b) in resumed.iter().zip(&whole) {
        let place = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count().saturating_sub(200);
        assert!(a == b, "{what}:\n{}\n{}", a.get(place..).unwrap_or(a), b.get(place..).unwrap_or(b));
    }
    assert_eq!(resumed.len(), whole.len(), "{what}");
}

/// A run on so many threads from a state, interrupted at the `questions`-th time that it is asked.
fn part(scenario: &Scenario, state: State, questions: u64, threads: usize) -> Run {
    let mut reached = Reached::from(scenario, state);
    reached.pace = Some(Duration::from_millis(1));
    let asked = AtomicU64::new(0);
    let interrupt = || asked.fetch_add(1, Ordering::Relaxed) >= questions;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| run(&scenario.problem().unwrap(), &interrupt, &|_| {}, &reached))
}

/// The record of a run in parts, each interrupted after a few more questions than the one before and gone on with from its file, on one and two
/// threads in turn; and the number of parts.
fn in_parts(scenario: &Scenario, folder: &Path) -> (Record, usize) {
    let (mut state, mut questions) = (State::default(), 3);
    for parts in 1.. {
        let run = part(scenario, state, questions, 1 + parts % 2);
        if run.status == Status::Complete {
            return (run.record, parts);
        }
        assert_eq!(run.status, Status::Interrupted, "{:?}", run.failure);
        let path = folder.join("part.h5");
        hdf5::write(&run.record, &path, hdf5::Existing::Replaced).unwrap();
        state = checkpoint::read(&hdf5::read(&path).unwrap()).unwrap().state;
        questions += questions / 2 + 1;
    }
    unreachable!()
}

/// In parts as at one go. Fails where nothing was interrupted.
fn holds(base: &str, rest: &str) {
    let (folder, scenario) = (tempfile::tempdir().unwrap(), scenario(base, rest));
    let whole = part(&scenario, State::default(), u64::MAX, 2);
    assert_eq!(whole.status, Status::Complete, "{rest}: {:?}", whole.failure);
    let (resumed, parts) = in_parts(&scenario, folder.path());
    assert!(parts > 2, "{rest}: {parts} parts");
    same(&resumed, &whole.record, rest);
}

#[test]
fn every_engine_ends_as_if_it_had_not_been_stopped() {
    let engines: Vec<String> = fpsolve::engine::words().iter().map(|word| format!("\"{word}\"")).collect();
    let all = format!("engines = [{}]", engines.join(", "));
    holds(
        &format!("{all}{SAMPLES}"),
        "langevin = { walkers = 700, step = 0.05, trajectories = 3 }\nsgd = { walkers = 700 }",
    );
}

#[test]
fn every_optimizer_and_sampling_goes_on() {
    let only =
        format!("engines = [\"sgd\"]{}", SAMPLES.replace("5, 20]", "5, 200]").replace("cells = 240", "cells = 20"));
    for optimizer in fpsolve_solvers::sgd::optimizer::OPTIMIZERS {
        holds(&only, &format!("sgd = {{ walkers = 300, optimizer = {{ kind = \"{}\" }} }}", optimizer.name));
    }
    for replacement in ["false", "\"epoch\""] {
        let drawn = only.replace("batch_size = 2", &format!("batch_size = 2, replacement = {replacement}"));
        holds(&drawn, "sgd = { walkers = 300 }");
    }
    let weighted = only.replace("batch_size = 2", "batch_size = 2, importance = { c = 1.0, scale = \"mean-loss\" }");
    holds(&weighted, "sgd = { walkers = 300 }");
}

#[test]
fn every_integrator_and_the_chain_go_on() {
    for base in [WELL, PLANE] {
        let only = format!("engines = [\"fokker-planck\"]{base}");
        for method in fpsolve_solvers::fokker_planck::integrator::table::INTEGRATORS {
            let tolerance = if method.order == Some(1) { "1e-2" } else { "1e-6" };
            holds(&only, &format!("fokker_planck = {{ method = \"{}\", tolerance = {tolerance} }}", method.name));
        }
        holds(&only, "fokker_planck = { discretisation = \"chain\" }");
    }
}

#[test]
fn every_scheme_and_absorbing_walls_go_on() {
    for scheme in fpsolve_solvers::langevin::scheme::SCHEMES {
        holds(
            &format!("engines = [\"langevin\"]{WELL}"),
            &format!("langevin = {{ walkers = 600, step = 0.01, scheme = \"{}\" }}", scheme.name),
        );
    }
    let absorbing = WELL.replace("cells = 64", "cells = 64, boundary = [\"absorbing\", \"reflecting\"]");
    holds(
        &format!("engines = [\"langevin\"]{absorbing}"),
        "langevin = { walkers = 600, step = 0.01, trajectories = 5 }",
    );
}

#[test]
fn first_passages_go_on_block_by_block() {
    holds(
        &format!("engines = [\"fokker-planck\", \"langevin\"]{WELL}"),
        "langevin = { walkers = 100, step = 0.02 }
analysis.first_passage = [
  { name = \"over\", from = [-1.0], target = \"x > 0\", walkers = 5000 },
  { name = \"either\", from = [-1.0], target = \"x > 0\", avoid = \"x < -1.4\", walkers = 3000 } ]",
    );
}

/// A scenario that takes a second or two, with checkpoints all the time.
const LONG: &str = r#"
engines = ["fokker-planck", "langevin", "sgd"]
seed = 3
model = { kind = "sample-loss", variables = ["w"], sample_loss = "(v - tanh(w*u))^2", data = { file = "few.csv" } }
dynamics = { learning_rate = 0.05, batch_size = 2 }
grid = { axes = [{ from = -1, to = 5, cells = 400 }] }
initial = { kind = "gaussian", mean = [0.3], std = [0.1] }
time = { at = [0, 1, 40] }
langevin = { walkers = 6000, step = 0.02 }
sgd = { walkers = 6000 }
output = { checkpoint = "0.05 s" }
"#;

fn long(folder: &Path) {
    std::fs::write(folder.join("few.csv"), "u,v\n-2,-0.8\n-1,-0.9\n0.5,0.1\n1,0.9\n2,0.7\n").unwrap();
    std::fs::write(folder.join("long.toml"), LONG).unwrap();
}

/// Starts the scenario, kills it after a while; whether there is a record then.
fn killed(folder: &Path, arguments: &[&str], after: Duration) -> bool {
    let mut run = command(folder, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    sleep(after);
    run.kill().unwrap(); // SIGKILL
    run.wait().unwrap();
    folder.join("long.h5").exists()
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_as_if_it_had_not_been() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    long(folder);
    succeeds(folder, &["scenario", "long.toml", "-q", "-o", "whole.h5"]);
    let mut after = 150;
    while !killed(folder, &["scenario", "long.toml", "-q", "--threads", "1"], Duration::from_millis(after)) {
        after += 50;
    }
    assert_eq!(label(&read(&folder.join("long.h5")), "status"), "interrupted");
    let mut resumed = 0;
    for k in 0..3 {
        if label(&read(&folder.join("long.h5")), "status") == "interrupted" {
            assert!(killed(folder, &["resume", "long.h5", "-q"], Duration::from_millis(150 + 60 * k)));
            resumed += 1;
        }
    }
    assert!(resumed > 0);
    let output = fpsolve(folder, &["resume", "long.h5", "--threads", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    same(&read(&folder.join("long.h5")), &read(&folder.join("whole.h5")), "killed");
    assert!(read(&folder.join("long.h5")).group("checkpoint").is_none());
}

#[test]
fn what_cannot_be_resumed_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    long(folder);
    let mut after = 150;
    while !killed(folder, &["scenario", "long.toml", "-q", "-f"], Duration::from_millis(after)) {
        after += 50;
    }
    let part = folder.join("long.h5");
    let kept = std::fs::read(&part).unwrap();
    let refused = |said: &str| {
        let before = std::fs::read(&part).unwrap();
        let output = fpsolve(folder, &["resume", "long.h5"]);
        assert!(output.status.code() == Some(2) && words(&output).contains(said), "{said}: {}", words(&output));
        assert_eq!(std::fs::read(&part).unwrap(), before);
    };
    // another record in the way is kept
    std::fs::write(folder.join("other.h5"), "old").unwrap();
    assert_eq!(fpsolve(folder, &["resume", "long.h5", "-o", "other.h5"]).status.code(), Some(2));
    assert_eq!(std::fs::read(folder.join("other.h5")).unwrap(), b"old");
    // other data
    let data = std::fs::read_to_string(folder.join("few.csv")).unwrap();
    std::fs::write(folder.join("few.csv"), data.replace("0.7", "0.8")).unwrap();
    refused("is not the one of this run");
    std::fs::write(folder.join("few.csv"), data).unwrap();
    // another scenario, another version, a failed run, a record without a checkpoint
    let change = |change: &dyn Fn(&mut Record)| {
        std::fs::write(&part, &kept).unwrap();
        let mut record = hdf5::read(&part).unwrap();
        change(&mut record);
        hdf5::write(&record, &part, hdf5::Existing::Replaced).unwrap();
    };
    let text = |text: &str| fpsolve::record::Attribute::Text(text.into());
    change(&|record| record.set("scenario", text("seed = 4")));
    refused("belongs to another scenario");
    change(&|record| record.group_mut("checkpoint").set("program", text("0.0.1 old")));
    refused("was written by fpsolve 0.0.1 old");
    change(&|record| record.set("status", text("failed")));
    refused("this run failed, and would fail again");
    change(&|record| record.groups.retain(|group| group.name != "checkpoint"));
    refused("it holds no checkpoint");
    change(&|record| record.group_mut("checkpoint").group_mut("sgd").datasets.truncate(2));
    refused("is damaged");
    // and what is whole goes on, then is left as it is
    change(&|_| {});
    succeeds(folder, &["resume", "long.h5", "-q"]);
    let done = std::fs::read(&part).unwrap();
    assert!(succeeds(folder, &["resume", "long.h5"]).contains("complete; there is nothing to resume"));
    assert_eq!(std::fs::read(&part).unwrap(), done);
    std::fs::write(&part, &kept[..kept.len() / 2]).unwrap();
    let output = fpsolve(folder, &["resume", "long.h5"]);
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
}

#[test]
fn engines_that_were_not_reached_are_told_from_those_that_failed() {
    // too few cells for the one, which says so when it is built
    let few = SAMPLES.replace("cells = 240", "cells = 60");
    let engines = "engines = [\"gradient-descent\", \"transfer-operator\"]";
    let failed = part(&scenario(&format!("{engines}{few}"), "sgd = { walkers = 300 }"), State::default(), u64::MAX, 1);
    let rows = |record: &Record, name: &str| match &record.dataset(&format!("engines/{name}")).unwrap().values {
        fpsolve::record::Values::Text(rows) => rows.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((failed.status, rows(&failed.record, "status").join(", ")), (Status::Failed, "failed, complete".into()));
    let why = rows(&failed.record, "failure");
    assert!(why[0].contains("fewer than 0.55") && why[1].is_empty(), "{why:?}");
    assert!(failed.record.group("checkpoint").is_none());
    let stopped = part(&scenario("", SAMPLES), State::default(), 0, 1);
    let statuses = rows(&stopped.record, "status");
    assert!(statuses.iter().any(|status| status == "not reached"), "{statuses:?}");
    let summary = fpsolve::summary::summary(&stopped.record);
    assert!(summary.contains("fokker-planck") && summary.contains("not reached"), "{summary}");
}

/// Traces are read by the model itself: resuming is held to their file as it is to that of data.
#[test]
fn the_file_of_traces_is_that_of_the_data() {
    let scenario = Scenario::load(Path::new("scenarios/traces.toml"), &[]).unwrap();
    assert!(scenario.data_file().unwrap().unwrap().ends_with("data/traces.npz"));
}

/// The last questions of a run are those of its analyses: what they leave out for an interruption makes no complete record.
#[test]
fn an_analysis_that_was_cut_short_is_not_called_complete() {
    let asked = format!("engines = [\"transfer-operator\"]{}", SAMPLES.replace("20]", "6]"));
    let scenario =
        scenario(&asked, "analysis.first_passage = [{ name = \"over\", from = [0.3], target = \"w > 0.6\" }]");
    let all = AtomicU64::new(0);
    let count = || {
        all.fetch_add(1, Ordering::Relaxed);
        false
    };
    let whole = run(&scenario.problem().unwrap(), &count, &|_| {}, &Reached::nothing_of(&scenario));
    assert!(whole.record.attribute("escape/over/slope_sgd").is_some(), "{:?}", whole.record.group("escape"));
    let mut interrupted = 0;
    for before in 1..=12 {
        let questions = all.load(Ordering::Relaxed) - before;
        let stopped = run_until(&scenario, questions);
        match stopped.status {
            Status::Complete => same(&stopped.record, &whole.record, "cut short"),
            Status::Interrupted | Status::Failed => interrupted += 1,
        }
    }
    assert!(interrupted > 3, "{interrupted} of 12 were interrupted");
}

/// A run that is interrupted at the `questions`-th time that it is asked.
fn run_until(scenario: &Scenario, questions: u64) -> Run {
    let asked = AtomicU64::new(0);
    let interrupt = || asked.fetch_add(1, Ordering::Relaxed) >= questions;
    run(&scenario.problem().unwrap(), &interrupt, &|_| {}, &Reached::nothing_of(scenario))
}
