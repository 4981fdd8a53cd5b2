//! Rare events and exponents end to end.

#![allow(clippy::unwrap_used)]

mod common;

use common::{number, read, succeeds};

const SCENARIO: &str = r#"
name = "rare"
seed = 5
engines = ["fokker-planck"]
[model]
kind = "sample-loss"
variables = ["x"]
sample_loss = "(x^2 - 1)^2/4 + 0.6*z*x"
[model.data]
points = { z = [1, -1] }
[dynamics]
learning_rate = 0.1
batch_size = 1
[grid]
axes = [{ from = -1.75, to = 1.65, cells = 170 }]
[initial]
kind = "gaussian"
mean = [-1.0]
std = [0.1]
[time]
at = [0, 1]
[sgd]
optimizer = { kind = "momentum", mu = 0.5 }
[analysis]
rare_event = [
  { name = "weak", from = [-1.0], target = "x > 1.2", score = "x", engine = "sgd", replicas = 20, repetitions = 2 },
  { name = "few", from = [-1.0], target = "x > 0.9", score = "0*x + (x > 0.9)", engine = "langevin", replicas = 20, repetitions = 2 },
]
"#;

#[test]
fn what_is_never_seen_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = SCENARIO.replace("0.6*z*x", "0.2*z*x");
    let text: String = text.lines().filter(|line| !line.contains("\"few\"")).map(|line| format!("{line}\n")).collect();
    std::fs::write(folder.path().join("rare.toml"), text).unwrap();
    let said = succeeds(folder.path(), &["scenario", "rare.toml"]);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" "); // without the ends of lines
    assert!(said.contains("weak from (-1) to x > 1.2: never seen, by splitting of sgd walkers"), "{said}");
    assert!(
        said.contains("rare event \"weak\": no path came to the target in any of 2 repetitions of 20 replicas"),
        "{said}"
    );
    let record = read(&folder.path().join("rare.h5"));
    assert_eq!(number(&record, "rare_event/weak/probability"), 0.0);
}

/// Times of SGD with momentum are in t = kη/(1 − μ), and the record has the same bits for one thread and for two.
#[test]
fn records_do_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        SCENARIO.replace("0.6*z*x", "z*x").replace("x > 1.2", "x > 0.9").replace("replicas = 20", "replicas = 60");
    std::fs::write(folder.path().join("rare.toml"), text.replace("0*x + (x > 0.9)", "committor")).unwrap();
    let record = |threads: &str| {
        let file = format!("{threads}.h5");
        succeeds(folder.path(), &["scenario", "rare.toml", "--threads", threads, "-o", &file, "--quiet"]);
        read(&folder.path().join(file))
    };
    let (one, two) = (record("1"), record("2"));
    for name in ["weak", "few"] {
        let at = |record, what| number(record, &format!("rare_event/{name}/{what}"));
        for what in ["mean_time", "mean_time_se", "probability", "steps_simulated"] {
            assert!(at(&one, what) == at(&two, what) && at(&one, what) > 0.0, "{name} {what}");
        }
    }
}
