//! Two records on different grids: the same law passes beside its noise, another differs, too few walkers decide nothing.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{fpsolve, succeeds, text, words};

fn record(folder: &Path, name: &str, overrides: &[&str]) {
    let scenario = r#"
engines = ["fokker-planck", "langevin"]
model = { kind = "formula", variables = ["x"], loss = "x^2/2" }
noise = { kind = "isotropic" }
dynamics = { temperature = 0.5 }
grid = { axes = [{ from = -4, to = 4, cells = 64 }] }
initial = { kind = "gaussian", mean = [1.0], std = [0.5] }
time = { at = [0, 1] }
langevin = { walkers = 20000, step = 0.01 }
"#;
    std::fs::write(folder.join("s.toml"), scenario).unwrap();
    let set = overrides.iter().flat_map(|change| ["--set", change]);
    let arguments: Vec<&str> = ["scenario", "s.toml", "-q", "-o", name].into_iter().chain(set).collect();
    succeeds(folder, &arguments);
}

#[test]
fn the_same_law_passes_and_another_differs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    record(folder, "a.h5", &[]);
    record(folder, "b.h5", &["seed=2", "grid.axes.0.cells=50"]);
    record(folder, "warm.h5", &["dynamics.temperature=0.55"]);
    let said = succeeds(folder, &["compare", "a.h5", "b.h5"]);
    assert!(
        said.contains("on 50 cells") && said.contains("would have been seen") && !said.contains("DIFFERS"),
        "{said}"
    );
    let json =
        succeeds(folder, &["compare", "a.h5", "b.h5", "--engine", "langevin", "--with", "fokker-planck", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    let metrics = found["comparisons"][0]["metrics"].as_array().unwrap();
    assert_eq!(metrics.len(), fpsolve_validation::metric::METRICS.len());
    assert!(metrics.iter().all(|metric| metric["verdict"] != "differs"), "{json}");
    for (other, limit) in [("warm.h5", "total_variation=0.2"), ("b.h5", "total_variation=0.001")] {
        let output = fpsolve(folder, &["compare", "a.h5", other, "--max", limit]);
        assert_eq!(output.status.code(), Some(3), "{other}: {}", words(&output));
        let word = if other == "b.h5" { "inconclusive" } else { "DIFFERS" };
        assert!(text(&output.stdout).contains(word), "{other}: {}", text(&output.stdout));
    }
    for (arguments, said) in [
        (vec!["compare", "a.h5", "b.h5", "--at", "0.5"], "have no time t = 0.5 in common"),
        (vec!["compare", "a.h5", "b.h5", "--engine", "sgd"], "has no density of sgd"),
        (vec!["compare", "a.h5", "s.toml"], "is it a record?"),
    ] {
        let output = fpsolve(folder, &arguments);
        assert!(output.status.code() == Some(2) && words(&output).contains(said), "{said}: {}", words(&output));
    }
}
