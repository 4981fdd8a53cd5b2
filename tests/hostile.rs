//! Files that strangers made end in words, not in a signal; and a record is written where it was said, or not at all.
#![allow(clippy::unwrap_used)]

mod common;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use common::{command, fpsolve, label, read, succeeds, words};

const SMALL: &str = r#"
name = "small"
engines = ["fokker-planck"]
model = { kind = "formula", variables = ["x"], loss = "x^2/2" }
noise = { kind = "isotropic" }
dynamics = { temperature = 0.5 }
grid = { axes = [{ from = -4, to = 4, cells = 16 }] }
initial = { kind = "gaussian", mean = [0.0], std = [0.5] }
time = { end = 1.0, outputs = 2 }
"#;

fn small() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.toml"), SMALL).unwrap();
    folder
}

/// Two end the HDF5 library by a segmentation fault, one asks for more memory than there is.
#[test]
fn damaged_records_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["plot-segv-12-min.h5", "plot-segv-62-min.h5", "plot-panic-capacity-586.h5"] {
        let file = std::path::absolute(Path::new("tests/hostile").join(name)).unwrap();
        for subcommand in ["plot", "show", "report"] {
            let output = fpsolve(folder.path(), &[subcommand, file.to_str().unwrap()]);
            let said = words(&output);
            assert!(
                output.status.code() == Some(2) && said.contains("is damaged"),
                "{name}: {:?} {said}",
                output.status
            );
        }
    }
}

/// A linear congruential generator, Numerical Recipes' constants: the mutants are the same on every machine.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

#[test]
fn mutated_records_are_read_or_refused() {
    let folder = small();
    succeeds(folder.path(), &["scenario", "small.toml", "-q"]);
    let whole = std::fs::read(folder.path().join("small.h5")).unwrap();
    let (mut state, mut refused) = (7, 0);
    for mutant in 0..40 {
        let mut bytes = whole.clone();
        for _ in 0..1 + mutant % 8 {
            let at = next(&mut state) % bytes.len().min(16_384);
            bytes[at] = next(&mut state) as u8;
        }
        std::fs::write(folder.path().join("mutant.h5"), bytes).unwrap();
        let output = fpsolve(folder.path(), &["show", "mutant.h5"]);
        let said = words(&output);
        assert!(matches!(output.status.code(), Some(0 | 2)), "mutant {mutant}: {:?} {said}", output.status);
        assert!(!said.contains("bug") && said.len() < 2000, "mutant {mutant}: {said}");
        refused += usize::from(output.status.code() == Some(2));
    }
    assert!((1..40).contains(&refused), "{refused} of 40 were refused");
}

#[test]
fn what_is_no_file_is_not_written_to() {
    let folder = small();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
    assert!(made.success());
    symlink("nowhere.h5", folder.path().join("dangling")).unwrap();
    let long = format!("{}.h5", "a".repeat(300));
    for (target, said) in [
        ("pipe", "is a pipe"),
        ("/dev/null", "is a device"),
        ("dangling", "leads to no file"),
        (&long, "name too long"),
    ] {
        let output = fpsolve(folder.path(), &["scenario", "small.toml", "-f", "-o", target]);
        let said_so = words(&output);
        assert!(output.status.code() == Some(2) && said_so.contains(said), "{target}: {said_so}");
    }
}

#[test]
fn a_link_keeps_pointing_at_its_record_and_orphans_are_removed() {
    let folder = small();
    std::fs::write(folder.path().join("there.h5"), "old").unwrap();
    symlink("there.h5", folder.path().join("link.h5")).unwrap();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    let unfinished = |process: u32| folder.path().join(format!(".fpsolve-{host}-{process}-abc.tmp"));
    let (dead, alive) = (unfinished(0x3fff_fff0), unfinished(std::process::id()));
    [&dead, &alive].iter().for_each(|path| std::fs::write(path, "").unwrap());
    assert_eq!(fpsolve(folder.path(), &["scenario", "small.toml", "-o", "link.h5"]).status.code(), Some(2));
    succeeds(folder.path(), &["scenario", "small.toml", "-q", "-f", "-o", "link.h5"]);
    assert!(folder.path().join("link.h5").is_symlink());
    assert_eq!(label(&read(&folder.path().join("there.h5")), "status"), "complete");
    assert!(!dead.exists() && alive.exists());
}

#[test]
fn what_comes_in_the_way_of_a_record_does_not_cost_it() {
    let folder = small();
    let at = |name: &str| folder.path().join(name);
    let walkers = SMALL.replace("fokker-planck", "langevin") + "langevin = { walkers = 50000, step = 1e-4 }";
    std::fs::write(at("walkers.toml"), walkers).unwrap();
    std::fs::create_dir(at("gone")).unwrap();
    for (target, found) in [("late.h5", "late-1.h5"), ("gone/v.h5", "v.h5")] {
        let mut run = command(folder.path(), &["scenario", "walkers.toml", "-q", "-o", target]);
        let mut run = run.stderr(Stdio::piped()).spawn().unwrap();
        // the target is looked at before the run begins, and a run begins on a thread of its own
        let begun = |task: std::fs::DirEntry| {
            std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "run")
        };
        let tasks = format!("/proc/{}/task", run.id());
        while run.try_wait().unwrap().is_none() && !std::fs::read_dir(&tasks).unwrap().filter_map(Result::ok).any(begun)
        {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        match target {
            "late.h5" => std::fs::write(at("late.h5"), "mine").unwrap(),
            _ => std::fs::remove_dir(at("gone")).unwrap(),
        }
        let output = run.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", words(&output));
        assert!(words(&output).contains("the record is"), "{}", words(&output));
        assert_eq!(label(&read(&at(found)), "status"), "complete");
    }
    assert_eq!(std::fs::read(at("late.h5")).unwrap(), b"mine");
}

#[test]
fn a_full_standard_output_is_an_error() {
    let folder = small();
    for arguments in [&["list"][..], &["check", "small.toml"], &["validate", "small.toml"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command(folder.path(), arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", words(&output));
    }
}

#[test]
fn a_step_beyond_all_grids_is_refused_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
engines = ["transfer-operator"]
model = { kind = "sample-loss", variables = ["x"], sample_loss = "x^2/2 + z*x", data = { points = { z = [-1.0, 0.5, 99999999999999999999] } } }
dynamics = { learning_rate = 0.2, batch_size = 1 }
grid = { axes = [{ from = -2, to = 2, cells = 64 }] }
initial = { kind = "gaussian", mean = [0.0], std = [0.3] }
time = { end = 1.0, outputs = 2 }
"#;
    std::fs::write(folder.path().join("far.toml"), text).unwrap();
    let output = fpsolve(folder.path(), &["scenario", "far.toml", "-q"]);
    let said = words(&output);
    assert!(output.status.code().is_some_and(|code| code != 0) && said.contains("cells away"), "{said}");
    assert!(!said.contains("bug"), "{said}");
}

/// Whatever --force allows, and by whatever name the target is called.
#[test]
fn what_is_read_is_never_the_target() {
    let folder = small();
    let at = |name: &str| folder.path().join(name);
    let data = r#"
model = { kind = "sample-loss", variables = ["w"], sample_loss = "(y - w*x)^2", data = { file = "points.csv" } }
dynamics = { learning_rate = 0.1, batch_size = 1 }
grid = { axes = [{ from = -1, to = 3, cells = 32 }] }
initial = { kind = "uniform" }
time = { end = 1.0, outputs = 2 }
"#;
    std::fs::write(at("data.toml"), data).unwrap();
    std::fs::write(at("points.csv"), "x,y\n1,1\n2,2.1\n3,2.9\n").unwrap();
    succeeds(folder.path(), &["scenario", "small.toml", "-q", "-o", "record.h5"]);
    symlink("small.toml", at("link.h5")).unwrap();
    std::fs::hard_link(at("points.csv"), at("hard.h5")).unwrap();
    let kept =
        ["small.toml", "data.toml", "points.csv", "record.h5"].map(|name| (name, std::fs::read(at(name)).unwrap()));
    for (arguments, said) in [
        (&["scenario", "small.toml", "-f", "-o", "small.toml"][..], "is the scenario"),
        (&["scenario", "small.toml", "-f", "-o", "link.h5"], "is the scenario"),
        (&["scenario", "data.toml", "-f", "-o", "points.csv"], "is the data file"),
        (&["scenario", "data.toml", "-f", "-o", "hard.h5"], "is the data file"),
        (&["convergence", "small.toml", "-f", "-o", "small.toml"], "is the scenario"),
        (&["convergence", "data.toml", "-f", "-o", "points.h5"], "is the data file"),
        (&["landscape", "small.toml", "-f", "-o", "small.toml"], "is the scenario"),
        (&["sweep", "small.toml", "-f", "-o", "small.toml", "--over", "seed=1,2"], ""),
        (&["resume", "record.h5", "-f", "-o", "small.toml"], ""),
        (&["report", "record.h5", "-f", "-o", "record.h5"], "is the record"),
        (&["plot", "record.h5", "-o", "record.h5"], "is the record"),
    ] {
        let output = fpsolve(folder.path(), arguments);
        let words = words(&output);
        let refused = output.status.code() == Some(2) && words.contains(said);
        assert!(refused || said.is_empty(), "{arguments:?}: {:?} {words}", output.status);
        for (name, before) in &kept {
            assert!(&std::fs::read(at(name)).unwrap() == before, "{arguments:?}: {name} was changed");
        }
    }
}

#[test]
fn pictures_that_cannot_be_as_asked_are_refused() {
    let folder = small();
    succeeds(folder.path(), &["scenario", "small.toml", "-q"]);
    for (arguments, said) in [
        (&["--only", "density", "--format", "pdf", "-o", "p.png"][..], "--format asks for another format than p.png"),
        (&["--format", "svg", "--width", "500"], "--width 500 is that of PNG pictures"),
        (&["-o", "/dev/full"], "/dev/full is there already and is no folder"),
        (&["-o", "small.toml"], "is no folder"),
    ] {
        let output = fpsolve(folder.path(), &[&["plot", "small.h5"], arguments].concat());
        let words = words(&output);
        assert!(output.status.code() == Some(2) && words.contains(said), "{arguments:?}: {words}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let arguments = ["plot", "small.h5", "--only", "density", "--format", "png", "-o", "p.png"];
    succeeds(folder.path(), &arguments);
    assert!(folder.path().join("p.png").exists());
}

/// A limit on the size of files is told in plain words, without what the library says of its buffers.
#[test]
fn a_limit_of_file_sizes_is_told() {
    let folder = small();
    succeeds(folder.path(), &["scenario", "small.toml", "-q", "-o", "whole.h5"]);
    let program = env!("CARGO_BIN_EXE_fpsolve");
    for arguments in ["scenario small.toml -q -o cut.h5", "plot whole.h5 --only density -o cut.png", "report whole.h5"]
    {
        let limited = format!("ulimit -f 4; exec {program} {arguments}");
        let output = std::process::Command::new("sh")
            .args(["-c", &limited])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let words = words(&output);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments}: {:?} {words}", output.status);
        assert!(words.contains("limit for files") && words.contains("ulimit -f"), "{arguments}: {words}");
        assert!(!words.contains("bytes actually written") && !words.contains("os error"), "{arguments}: {words}");
    }
}

/// The record of a run that was ended before its first output time has a grid and nothing on it.
#[test]
fn a_record_with_nothing_to_draw_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let grid = |name: &str, axis: &str, values: Vec<f64>| {
        let values = ndarray::Array1::from_vec(values).into_dyn();
        fpsolve::record::Dataset::float(name, values, &[axis], "1", name)
    };
    let mut record = fpsolve::record::Record::new("empty");
    let mut group = fpsolve::record::Group::new("grid");
    group.datasets.push(grid("x", "x", vec![0.5, 1.5]));
    group.datasets.push(grid("x_edges", "x_edges", vec![0.0, 1.0, 2.0]));
    record.groups.push(group);
    let path = folder.path().join("empty.h5");
    fpsolve::record::hdf5::write(&record, &path, fpsolve::record::hdf5::Existing::Kept).unwrap();
    let output = fpsolve(folder.path(), &["plot", "empty.h5"]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert!(words(&output).contains("empty.h5 holds nothing to draw"), "{}", words(&output));
}
