//! Whatever a run is busy with, a signal ends it with a valid record of what was reached, and a second one ends the program.

#![allow(clippy::unwrap_used)]

mod common;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{command, label, read, shipped, text, warnings};

/// What no reaction takes, however busy the machine is.
const HANG: Duration = Duration::from_secs(60);

/// A loss of so many samples that one pass over the grid takes minutes.
const MANY_SAMPLES: &str = r#"
name = "many"
model = { kind = "sample-loss", variables = ["a", "b"], sample_loss = "log(1 + exp(-y*(a*u + b)))", data = { file = "many.csv" } }
dynamics = { learning_rate = 0.1, batch_size = 10 }
grid = { axes = [{ from = -4.0, to = 4.0, cells = 200 }, { from = -4.0, to = 4.0, cells = 200 }] }
initial = { kind = "point", at = [0, 0] }
time = { end = 10.0, outputs = 3 }
"#;

fn started(folder: &Path, scenario: &Path) -> Child {
    let scenario = scenario.to_str().unwrap();
    let mut run = command(folder, &["scenario", scenario, "-q", "-f", "-o", "record.h5"]);
    run.stderr(Stdio::piped()).spawn().unwrap()
}

fn send(run: &Child, signal: &str) {
    let sent = std::process::Command::new("kill").args([signal, &run.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// The exit code of a run and what it said; none where a signal ended it. Fails where it does not end.
fn ended(mut run: Child) -> (Option<i32>, String) {
    let start = Instant::now();
    while run.try_wait().unwrap().is_none() {
        if start.elapsed() > HANG {
            run.kill().unwrap();
            panic!("no reaction");
        }
        sleep(Duration::from_millis(5));
    }
    let output = run.wait_with_output().unwrap();
    assert!(output.status.code().is_some() || output.status.signal().is_some());
    (output.status.code(), text(&output.stderr))
}

fn many_samples(folder: &Path) -> std::path::PathBuf {
    let row = |s: u32| format!("{},{}\n", f64::from(s) / 20_000.0 - 1.0, if s.is_multiple_of(3) { 1 } else { -1 });
    let rows: String = (0..40_000).map(row).collect();
    std::fs::write(folder.join("many.csv"), format!("u,y\n{rows}")).unwrap();
    std::fs::write(folder.join("many.toml"), MANY_SAMPLES).unwrap();
    folder.join("many.toml")
}

/// Moments and signals differ from scenario to scenario.
#[test]
fn a_run_that_is_interrupted_leaves_a_valid_record() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record.h5");
    let mut interrupted = 0;
    for (k, scenario) in shipped().iter().enumerate().step_by(4) {
        let run = started(folder.path(), &std::path::absolute(scenario).unwrap());
        sleep(Duration::from_millis(60 + 61 * k as u64 % 200));
        send(&run, ["-INT", "-TERM", "-HUP"][k % 3]);
        let name = scenario.display();
        match ended(run) {
            (Some(130), said) => {
                assert_eq!(said, "", "{name}");
                assert_eq!(label(&read(&record), "status"), "interrupted", "{name}");
                interrupted += 1;
            }
            (Some(0), _) => assert_eq!(label(&read(&record), "status"), "complete", "{name}"),
            (None, _) => assert!(!record.exists(), "{name}: before it listened"),
            (code, said) => panic!("{name}: {code:?}\n{said}"),
        }
        let _ = std::fs::remove_file(&record);
    }
    assert!(interrupted > 0, "no run was interrupted");
}

#[test]
fn an_evaluation_that_takes_minutes_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let run = started(folder.path(), &many_samples(folder.path()));
    sleep(Duration::from_millis(300));
    send(&run, "-INT");
    assert_eq!(ended(run), (Some(130), String::new()));
    let record = read(&folder.path().join("record.h5"));
    assert_eq!((label(&record, "status"), label(&record, "name")), ("interrupted".into(), "many".into()));
    assert!(warnings(&record).contains("evaluating the model\" did not end"), "{}", warnings(&record));
}

/// The building alone takes minutes, before anything can be estimated.
#[test]
fn the_time_limit_ends_a_run_with_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = many_samples(folder.path());
    let limit = ["scenario", scenario.to_str().unwrap(), "-o", "record.h5", "--time-limit", "0.3 s"];
    let run = command(folder.path(), &limit).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (code, said) = ended(run);
    assert!(code == Some(130) && said.contains("the time limit is over"), "{code:?} {said}");
    assert_eq!(label(&read(&folder.path().join("record.h5")), "status"), "interrupted");
}

#[test]
fn a_second_signal_ends_the_program_and_leaves_the_old_record() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("record.h5"), "old").unwrap();
    let run = started(folder.path(), &many_samples(folder.path()));
    sleep(Duration::from_millis(300));
    send(&run, "-INT");
    sleep(Duration::from_millis(50)); // two signals of one kind that wait together are one
    send(&run, "-INT");
    assert_eq!(ended(run), (Some(130), String::new()));
    assert_eq!(std::fs::read(folder.path().join("record.h5")).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}

/// Starts a subcommand on a shipped scenario and interrupts it after some time.
fn interrupted(folder: &Path, arguments: &[&str], after: Duration) -> (Option<i32>, String) {
    let run = command(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    sleep(after);
    send(&run, "-INT");
    ended(run)
}

#[test]
fn what_is_interrupted_draws_no_picture() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = |name: &str| std::path::absolute(Path::new("scenarios").join(name)).unwrap().display().to_string();
    let (validity, ladder) = (scenario("validity.toml"), scenario("transient-2d.toml"));
    for (arguments, after) in [
        (["validity", &validity, "-q", "-f", "-o", "record.h5"], 1000),
        (["convergence", &ladder, "-q", "-f", "-o", "record.h5"], 500),
        (["convergence", &ladder, "-q", "-f", "-o", "record.h5"], 3000),
    ] {
        let (code, said) = interrupted(folder.path(), &arguments, Duration::from_millis(after));
        assert_eq!(code, Some(130), "{arguments:?}: {said}");
        assert!(said.starts_with("interrupted: ") && !said.contains("error"), "{arguments:?}: {said}");
        let drawn = |ending: &str| folder.path().join(format!("record.{ending}")).exists();
        assert!(!drawn("png") && !drawn("svg"), "{arguments:?}");
        if drawn("h5") {
            assert_eq!(label(&read(&folder.path().join("record.h5")), "status"), "interrupted", "{arguments:?}");
        }
        assert!(drawn("h5") || arguments[0] == "validity", "{arguments:?}: nothing was written");
    }
}

/// Estimating takes longer than that: it is refused as a limit is that the estimate exceeds.
#[test]
fn a_time_limit_that_ends_the_estimate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = std::path::absolute("scenarios/transient.toml").unwrap();
    for limit in ["0.001s", "0.01s", "0.1s"] {
        let arguments = ["scenario", scenario.to_str().unwrap(), "-q", "-o", "record.h5", "--time-limit", limit];
        let run = command(folder.path(), &arguments).stderr(Stdio::piped()).spawn().unwrap();
        let (code, said) = ended(run);
        assert!(code == Some(4) && said.contains("--time-limit"), "{limit}: {code:?} {said}");
        assert!(!folder.path().join("record.h5").exists(), "{limit}");
    }
}

/// The process that reads and draws for another ends with it, whatever ends that.
#[cfg(target_os = "linux")]
#[test]
fn the_child_of_a_plot_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = std::path::absolute("scenarios/double-well.toml").unwrap();
    let arguments = ["scenario", scenario.to_str().unwrap(), "-q", "-o", "record.h5"];
    assert!(command(folder.path(), &arguments).status().unwrap().success());
    for signal in ["-TERM", "-KILL"] {
        let wide = ["plot", "record.h5", "--width", "6000", "-o", "pictures"]; // takes many seconds
        let run = command(folder.path(), &wide).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let children = format!("/proc/{0}/task/{0}/children", run.id());
        let start = Instant::now();
        let child = loop {
            let text = std::fs::read_to_string(&children).unwrap_or_default();
            match text.split_whitespace().next() {
                Some(child) => break child.to_string(),
                None => assert!(start.elapsed() < HANG, "no child"),
            }
            sleep(Duration::from_millis(5));
        };
        sleep(Duration::from_millis(300)); // it is drawing
        send(&run, signal);
        let (code, _) = ended(run);
        assert_eq!(code, None, "{signal}");
        // a process that has ended and that nobody has waited for yet is there as a zombie
        let state = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        let there = || state().rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"));
        let since = Instant::now();
        while there() && since.elapsed() < Duration::from_secs(2) {
            sleep(Duration::from_millis(10));
        }
        assert!(!there(), "{signal}: the child {child} goes on: {}", state());
    }
}
