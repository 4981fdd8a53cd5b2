//! One run and one sweep on several processes, by mpirun: the same bits as on one, interrupted and resumed, and one message where something is
//! wrong.
#![cfg(feature = "mpi")]
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{command, label, number, read, succeeds, text, words};

/// What no reaction takes, however busy the machine is.
const HANG: Duration = Duration::from_secs(60);

/// Walkers of all engines, of a passage and of splitting by the committor, which rank 0 alone finds.
const SCENARIO: &str = r#"
name = "shared"
seed = 5
engines = ["fokker-planck", "langevin", "sgd"]
model = { kind = "sample-loss", variables = ["x"], sample_loss = "(x^2 - 1)^2/4 + 0.6*z*x", data = { points = { z = [1, -1] } } }
dynamics = { learning_rate = 0.1, batch_size = 1 }
grid = { axes = [{ from = -1.75, to = 1.65, cells = 100 }] }
initial = { kind = "gaussian", mean = [-1.0], std = [0.1] }
time = { at = [0, 0.5, 1, 4] }
langevin = { walkers = 3000, step = 0.02, trajectories = 700 }
sgd = { walkers = 2500, optimizer = { kind = "momentum", mu = 0.5 }, trajectories = 3 }
[analysis]
first_passage = [{ name = "over", from = [-1.0], target = "x > 0.9", walkers = 300, horizon = 20.0 }]
rare_event = [
  { name = "sgd", from = [-1.0], target = "x > 1.2", score = "x", engine = "sgd", replicas = 20, repetitions = 3 },
  { name = "sde", from = [-1.0], target = "x > 0.9", score = "committor", engine = "langevin", replicas = 20, repetitions = 2 },
]
[sweep]
over = { "langevin.step" = [0.02, 0.03, 0.05, 0], seed = [1, 2] }
collect = ["langevin/mean/-1/x", "sgd/mean/-1/x"]
"#;

fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shared.toml"), text).unwrap();
    folder
}

/// The program as several processes, of one thread each, on however many processors there are.
fn launched(folder: &Path, ranks: usize, arguments: &[&str]) -> Command {
    let mut mpirun = Command::new("mpirun");
    let ranks = ranks.to_string();
    mpirun.args([
        "--allow-run-as-root",
        "--oversubscribe",
        "--quiet",
        "--mca",
        "btl_vader_single_copy_mechanism",
        "none",
        "-n",
        &ranks,
    ]);
    mpirun.arg(env!("CARGO_BIN_EXE_fpsolve")).args(arguments).current_dir(folder).stdin(Stdio::null());
    mpirun
}

fn together(folder: &Path, ranks: usize, arguments: &[&str]) -> Output {
    launched(folder, ranks, arguments).output().unwrap()
}

fn ended(mut run: Child) -> Output {
    let start = Instant::now();
    while run.try_wait().unwrap().is_none() {
        if start.elapsed() > HANG {
            run.kill().unwrap();
            panic!("no reaction");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    run.wait_with_output().unwrap()
}

/// The bits of everything in a record but its provenance.
fn bits(folder: &Path, record: &str) -> String {
    let all = succeeds(folder, &["show", record, "--digest"]);
    let lines: Vec<&str> = all.lines().filter(|line| !line.contains("/provenance")).collect();
    assert!(lines.len() > 10, "{all}");
    lines.join("\n")
}

#[test]
fn a_record_has_the_same_bits_on_one_two_and_three_ranks() {
    let folder = folder(SCENARIO);
    // the last ones have more ranks than there are blocks and repetitions
    let few = ["langevin.walkers=300", "langevin.trajectories=0", "sgd.walkers=1", "sgd.trajectories=0"];
    let few: Vec<&str> = few.iter().flat_map(|set| ["--set", *set]).collect();
    for (ranks, more) in [(2, &[][..]), (3, &[]), (6, &few)] {
        succeeds(folder.path(), &[&["scenario", "shared.toml", "-f", "-o", "one.h5"], more].concat());
        let output =
            together(folder.path(), ranks, &[&["scenario", "shared.toml", "-f", "-o", "all.h5"], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        assert_eq!(text(&output.stdout).matches("record: all.h5").count(), 1, "{}", text(&output.stdout));
        assert_eq!(bits(folder.path(), "all.h5"), bits(folder.path(), "one.h5"), "{ranks} ranks");
        let whole = fpsolve::record::hdf5::read(&folder.path().join("all.h5")).unwrap();
        assert_eq!(number(&whole, "provenance/ranks"), ranks as f64);
    }
}

#[test]
fn a_table_has_the_same_bits_on_one_and_two_ranks_also_where_they_are_killed() {
    let (one, two) = (folder(SCENARIO), folder(SCENARIO));
    let arguments =
        ["sweep", "shared.toml", "--engine", "langevin", "--engine", "sgd", "--set", "langevin.walkers=6000"];
    // the cases without a step are refused
    let alone = common::fpsolve(one.path(), &arguments);
    assert_eq!(alone.status.code(), Some(1), "{}", words(&alone));
    let mut killed = launched(two.path(), 2, &arguments);
    let mut killed = killed.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (records, start) = (two.path().join("shared-sweep"), Instant::now());
    let begun = || std::fs::read_dir(&records).is_ok_and(|records| records.count() > 1);
    while !begun() && start.elapsed() < HANG {
        std::thread::sleep(Duration::from_millis(2));
    }
    // the worker: mpirun ends the others
    let worker = Command::new("pgrep").args(["-P", &killed.id().to_string()]).output().unwrap();
    let worker = text(&worker.stdout).lines().last().unwrap_or_default().to_string();
    assert!(Command::new("kill").args(["-KILL", &worker]).status().unwrap().success());
    assert_ne!(killed.wait().unwrap().code(), Some(0));
    assert!(begun());
    let output = together(two.path(), 2, &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert_eq!(bits(two.path(), "shared-sweep.h5"), bits(one.path(), "shared-sweep.h5"));
    let said = text(&output.stdout);
    assert_eq!(said.matches("langevin.step = 0, seed = 1: refused").count(), 1, "{said}");
}

#[test]
fn a_run_that_is_interrupted_is_valid_and_goes_on_with_another_number_of_ranks() {
    let (long, _) = SCENARIO.split_once("[analysis]").unwrap();
    let folder = folder(&long.replace("at = [0, 0.5, 1, 4]", "at = [0, 1, 12000]"));
    succeeds(folder.path(), &["scenario", "shared.toml", "-o", "one.h5", "--engine", "sgd"]);
    let arguments = ["scenario", "shared.toml", "-q", "-o", "all.h5", "--engine", "sgd"];
    let run = launched(folder.path(), 3, &arguments).stderr(Stdio::piped()).spawn().unwrap();
    let children = || {
        let found = Command::new("pgrep").args(["-P", &run.id().to_string(), "fpsolve"]).output().unwrap();
        text(&found.stdout).lines().map(str::to_string).collect::<Vec<_>>()
    };
    // SIGTERM is listened to
    let listens = |child: &String| {
        let status = std::fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim();
        u64::from_str_radix(caught, 16).unwrap() & (1 << 14) != 0
    };
    let start = Instant::now();
    while children().iter().filter(|child| listens(child)).count() < 3 && start.elapsed() < HANG {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(250));
    // all of them, as a terminal or a scheduler sends it: those that are not the first leave it to that one
    let sent = Command::new("kill").arg("-TERM").args(children()).status();
    assert!(sent.unwrap().success());
    let output = ended(run);
    assert_eq!(output.status.code(), Some(130), "{}", words(&output));
    assert_eq!(label(&read(&folder.path().join("all.h5")), "status"), "interrupted");
    let output = together(folder.path(), 2, &["resume", "all.h5", "-q"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert_eq!(read(&folder.path().join("all.h5")), read(&folder.path().join("one.h5")));
}

#[test]
fn what_is_wrong_is_said_once_with_its_exit_code() {
    let folder = folder(SCENARIO);
    std::fs::write(folder.path().join("there.h5"), "").unwrap();
    // the first walker in the order of all is named, whoever loses one first
    let lost = ["time.at=[0, 300]", "dynamics.learning_rate=1.5", "sgd={ walkers = 2500 }", "analysis={}"];
    let lost: Vec<&str> = lost.iter().flat_map(|set| ["--set", *set]).chain(["--engine", "sgd", "-q"]).collect();
    for (arguments, code, said) in [
        (vec!["scenario", "nothing.toml"], 2, "cannot read the scenario nothing.toml"),
        (vec!["scenario", "shared.toml", "--set", "seed=-1"], 2, "`seed` must be a whole number"),
        (vec!["scenario", "shared.toml", "--wrong"], 2, "unexpected argument '--wrong'"),
        (vec!["scenario", "shared.toml", "-o", "there.h5"], 2, "exists already"),
        (vec!["sweep", "shared.toml", "--shard", "1/2"], 2, "--shard divides the cases"),
        ([vec!["scenario", "shared.toml"], lost].concat(), 1, "sgd stopped at walker 2, step"),
    ] {
        let output = together(folder.path(), 3, &arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", words(&output));
        assert_eq!(words(&output).matches(said).count(), 1, "{arguments:?}: {}", words(&output));
    }
    let help = together(folder.path(), 2, &["--version"]);
    assert_eq!((help.status.code(), text(&help.stdout).lines().count()), (Some(0), 1));
}

/// A program that was started once asks nobody.
#[test]
fn a_process_that_is_alone_is_no_rank() {
    let folder = folder(SCENARIO);
    let mut alone = command(folder.path(), &["check", "shared.toml"]);
    let output = alone.env("OMPI_COMM_WORLD_SIZE", "1").env("OMPI_COMM_WORLD_RANK", "0").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
}
