//! The program: a scenario from end to end, interruption, resumption, messages.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use fpsolve::figure;
use fpsolve::record::read::{float, text};
use fpsolve::record::{Record, hdf5};

use crate::HERE;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fpsolve-network"));
    command.env_remove("NO_COLOR");
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    program().current_dir(folder).args(args).output().unwrap()
}

fn scenario(name: &str) -> String {
    format!("{HERE}/scenarios/{name}.toml")
}

fn bits(record: &Record, path: &str) -> Vec<u64> {
    record.dataset(path).unwrap().as_float().unwrap().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn digits_are_trained_recorded_summed_up_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let set = ["--set", "training.epochs=6", "--set", "network.data.samples=500", "--quiet"];
    let digits = scenario("network-digits");
    let args = [&[digits.as_str()][..], &set].concat();
    let output = run(folder.path(), &args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    let record = hdf5::read(&folder.path().join("network-digits.h5")).unwrap();
    assert_eq!(text(&record, "status"), Some("complete"));
    let sum = &record.dataset("network/sha256").unwrap().values;
    assert!(format!("{sum:?}").contains("\""), "{sum:?}");
    for run in ["uniform_1", "1_1", "uniform_2", "1_2"] {
        assert_eq!(record.dataset(&format!("network/run/{run}/test_accuracy")).unwrap().shape(), [6]);
    }
    let start = |run: &str| bits(&record, &format!("network/run/{run}/loss"))[..500].to_vec();
    assert_eq!(start("uniform_1"), start("1_1"), "one seed, one start");
    assert!(float(record.group("provenance").unwrap(), "images_per_second").unwrap() > 0.0);
    let said = fpsolve::summary::summary(&record);
    assert!(said.contains("500 training images, 100 of them with a planted wrong label"), "{said}");
    assert!(said.contains("c = 1"), "{said}");
    let (files, failed) = figure::plot(&record, &folder.path().join("pictures")).unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    let names: Vec<_> = files.iter().map(|f| f.file_stem().unwrap().to_str().unwrap().to_string()).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("network-")).count(), 6, "{names:?}");
    let again = run(folder.path(), &args);
    assert_eq!(again.status.code(), Some(2), "a record is not replaced unasked");
}

#[test]
fn an_interrupted_session_leaves_a_record_and_goes_on_to_the_same_end() {
    let folder = tempfile::tempdir().unwrap();
    let common = [
        &scenario("network-digits"),
        "--set",
        "training.epochs=30",
        "--set",
        "runs.seeds=[1]",
        "--threads",
        "1",
        "--quiet",
    ];
    let whole = run(folder.path(), &[&common[..], &["-o", "whole.h5"]].concat());
    assert!(whole.status.success());
    let mut child = program().current_dir(folder.path()).args(common).args(["-o", "part.h5"]).spawn().unwrap();
    let begun = Instant::now();
    while !folder.path().join("part.checkpoint.npz").exists() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let part = hdf5::read(&folder.path().join("part.h5")).unwrap();
    assert_eq!(text(&part, "status"), Some("interrupted"));
    let resumed = run(folder.path(), &[&common[..], &["-o", "part.h5", "--resume"]].concat());
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    assert!(!folder.path().join("part.checkpoint.npz").exists());
    let [a, b] = ["whole.h5", "part.h5"].map(|name| hdf5::read(&folder.path().join(name)).unwrap());
    for run in ["uniform_1", "1_1"] {
        for name in ["train_loss", "test_accuracy", "loss", "probability", "checkpoint/30/theta", "step_loss"] {
            let path = format!("network/run/{run}/{name}");
            assert_eq!(bits(&a, &path), bits(&b, &path), "{path}");
        }
    }
}

#[test]
fn an_interruption_does_not_wait_for_a_step_of_a_deep_network() {
    let folder = tempfile::tempdir().unwrap();
    let deep =
        "network={kind=\"resnet\",depth=110,data={kind=\"csv\",file=\"data/digits.csv.gz\",shape=[8,8],white=16}}";
    let args =
        [&scenario("network-digits"), "--set", deep, "--set", "training.batch_size=1000", "--threads", "1", "-q"];
    let mut child = program().current_dir(folder.path()).args(args).spawn().unwrap();
    // three steps of a thousand images are measured first, many seconds
    std::thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none());
    let asked = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let record = hdf5::read(&folder.path().join("network-digits.h5")).unwrap();
    assert_eq!(text(&record, "status"), Some("interrupted"));
}

#[test]
fn the_checkpoint_of_a_large_network_stays_and_other_slices_are_cut_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let text = format!(
            "name = \"large\"\n[network]\nkind = \"cnn\"\nchannels = [8]\nhidden = 32768\n[network.data]\nkind = \"csv\"\n\
             file = \"{HERE}/scenarios/data/digits.csv.gz\"\nshape = [8, 8]\nwhite = 16\nsamples = 40\ntest_samples = 20\n\
             [training]\nepochs = 1\nbatch_size = 20\nlearning_rate = 0.001\n[[slice]]\nname = \"{name}\"\n\
             directions = \"random\"\nsamples = 10\n\
             axes = [{{ from = -0.1, to = 0.1, nodes = 5 }}, {{ from = -0.1, to = 0.1, nodes = 5 }}]\n"
        );
        std::fs::write(folder.path().join("large.toml"), text).unwrap();
    };
    write("first");
    let output = run(folder.path(), &["large.toml"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("parameters: large.checkpoint.npz"), "{told}");
    let read = || hdf5::read(&folder.path().join("large.h5")).unwrap();
    let first = read();
    assert_eq!(text(first.group("network").unwrap(), "parameters_file"), Some("large.checkpoint.npz"));
    assert!(first.dataset("network/run/uniform_1/checkpoint/1/theta").is_none());
    write("second");
    let output = run(folder.path(), &["large.toml", "--resume", "--quiet"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let second = read();
    assert!(second.group("slice/first").is_none());
    assert_eq!(bits(&first, "slice/first/losses"), bits(&second, "slice/second/losses"), "one network, one plane");
    let other = ["large.toml", "--resume", "--set", "training.batch_size=10"];
    assert_eq!(run(folder.path(), &other).status.code(), Some(2), "other training is another scenario");
}

#[test]
fn troubles_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |args: &[&str], code: i32, wanted: &str| {
        let output = run(folder.path(), args);
        let said = String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(wanted) && output.status.code() == Some(code), "{wanted}: {said}");
    };
    let digits = scenario("network-digits");
    fails(&["none.toml"], 2, "cannot read the scenario none.toml: there is no such file");
    fails(&[&digits, "--resume"], 2, "cannot go on from network-digits.checkpoint.npz: there is no such file");
    fails(&[&digits, "--set", "training.device=cuda"], 2, "was built without it");
    fails(&[&digits, "--set", "training.learning_rate=1e30", "-q"], 1, "are no numbers any more in epoch 1");
    fails(&[&scenario("network-cifar10")], 2, "there is no such folder");
    let law = format!("{HERE}/../scenarios/double-well.toml");
    fails(&[&law], 2, "unknown key");
    assert!(!folder.path().join("network-digits.h5").exists());
}
