//! `fpsolve landscape` end to end: critical points, merge trees of the loss and of Φ, their pictures.

#![allow(clippy::unwrap_used)]

mod common;

use common::{fpsolve, numbers, read, succeeds, text, words};

const FOUR: &str = "name = \"four\"\n[model]\nkind = \"formula\"\nvariables = [\"x\", \"y\"]\n\
    loss = \"(x^2 - 1)^2 + (y^2 - 1)^2 + 0.1*x + 0.03*y + 0.3*x*y\"\n[dynamics]\ntemperature = 0.25\n[grid]\n\
    axes = [{ from = -1.9, to = 1.9, cells = 60 }, { from = -1.9, to = 1.9, cells = 60 }]\n[initial]\nkind = \"uniform\"\n\
    [time]\nend = 5\noutputs = 3\n";

/// Minima and maximum with Newton's method at 40 digits, the persistence as their difference.
#[test]
fn genesis_has_three_critical_points_and_a_barrier() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = std::path::absolute("scenarios/genesis.toml").unwrap();
    let said = succeeds(folder.path(), &["landscape", scenario.to_str().unwrap(), "--set", "grid.axes.0.cells=300"]);
    assert!(said.contains("minimum  0.711567162  0.3100053491") && said.contains("0.0637818901"), "{said}");
    let record = read(&folder.path().join("genesis-landscape.h5"));
    let places = numbers(&record, "landscape/critical_points/position");
    let known = [0.711_567_162_310_496_7, 4.758_392_164_878_343];
    assert!(places.len() == 3 && places.iter().zip(known).all(|(found, w)| (found - w).abs() < 1e-9), "{places:?}");
    let persistence = numbers(&record, "landscape/merge_tree/persistence");
    assert!(persistence[0].is_infinite() && (persistence[1] - 0.063_781_890_1).abs() < 1e-9, "{persistence:?}");
    // Φ has its deepest minimum where the loss has the higher one
    let deepest = numbers(&record, "landscape/potential/merge_tree/position")[0];
    assert!((deepest - 4.77).abs() < 0.01, "{deepest}");
    assert_eq!(numbers(&record, "landscape/critical_points/diffusion").len(), 3);
    let svg = std::fs::read_to_string(folder.path().join("genesis-landscape-basins.svg")).unwrap();
    assert!(svg.contains("merge tree of loss L") && svg.contains("merge tree of potential Φ") && !svg.contains("NaN"));
    assert!(!folder.path().join("genesis-landscape-relief.png").exists());
}

/// D = 1: Φ = L, so that both trees have the same barriers.
#[test]
fn with_constant_noise_the_landscape_is_that_of_the_loss() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("four.toml"), FOUR).unwrap();
    succeeds(folder.path(), &["landscape", "four.toml"]);
    let record = read(&folder.path().join("four-landscape.h5"));
    let of = |path: &str| numbers(&record, &format!("{path}/merge_tree/persistence"));
    let (loss, potential) = (of("landscape"), of("landscape/potential"));
    assert_eq!((loss.len(), potential.len()), (4, 4));
    // the spline through 60 cells, of fourth order
    assert!(loss[1..].iter().zip(&potential[1..]).all(|(l, p)| (l - p).abs() < 2e-3), "{loss:?} {potential:?}");
    let index = numbers(&record, "landscape/critical_points/index");
    assert_eq!([0.0, 1.0, 2.0].map(|k| index.iter().filter(|i| **i == k).count()), [4, 4, 1]);
    for picture in ["basins", "relief"] {
        assert!(folder.path().join(format!("four-landscape-{picture}.png")).exists(), "{picture}");
    }
    let again = fpsolve(folder.path(), &["landscape", "four.toml"]);
    assert!(again.status.code() == Some(2) && words(&again).contains("exists already"), "{}", text(&again.stderr));
    let only = succeeds(folder.path(), &["landscape", "four.toml", "--loss-only", "--force"]);
    assert!(only.contains("merge tree of L") && !only.contains("merge tree of Φ"), "{only}");
}

/// A drift with a rotation has no loss: its tree is that of Φ, and the run says so.
#[test]
fn a_general_drift_has_the_tree_of_its_density() {
    let folder = tempfile::tempdir().unwrap();
    let drift = "drift = [\"x - x^3 - 0.5*y\", \"0.5*x - y\"]";
    let text = FOUR.replace("loss = \"(x^2 - 1)^2 + (y^2 - 1)^2 + 0.1*x + 0.03*y + 0.3*x*y\"", drift);
    let text = text + "[analysis]\nmerge_tree = true\n";
    std::fs::write(folder.path().join("drift.toml"), text).unwrap();
    succeeds(
        folder.path(),
        &[
            "scenario",
            "drift.toml",
            "--engine",
            "fokker-planck",
            "-o",
            "drift.h5",
            "--set",
            "dynamics.temperature=0.05",
        ],
    );
    let record = read(&folder.path().join("drift.h5"));
    assert!(record.group("landscape/merge_tree").is_none());
    let tree = numbers(&record, "landscape/potential/merge_tree/persistence");
    assert!(tree.len() == 2 && tree[1] > 0.0 && tree[1] < 0.25, "{tree:?}");
    assert!(common::warnings(&record).contains("the tree is that of Φ alone"));
}

/// Fold and weight with quadruple differences (30 digits); the clean minimum with Newton's method on nine samples.
#[test]
fn the_outlier_of_genesis_needs_three_percent_of_its_weight() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = std::path::absolute("scenarios/genesis.toml").unwrap();
    let said = succeeds(folder.path(), &["genesis", scenario.to_str().unwrap()]);
    for told in ["2 branches", "fold", "0.031279", "a weight of 0.031279", "without sample 2 there is a maximum more"] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let record = read(&folder.path().join("genesis-genesis.h5"));
    let fold = |name: &str| numbers(&record, &format!("genesis/folds/{name}"));
    assert!((fold("w")[0] - 1.084_372_09).abs() < 1e-8 && (fold("data.weight.5")[0] - 0.031_279_58).abs() < 1e-8);
    let (sample, survives) =
        (numbers(&record, "genesis/leave_one_out/0/sample"), numbers(&record, "genesis/leave_one_out/0/survives"));
    let gone: Vec<f64> = sample.iter().zip(&survives).filter(|(_, s)| **s == 0.0).map(|(sample, _)| *sample).collect();
    assert_eq!((gone, sample.len()), (vec![5.0], 10));
    for picture in ["bifurcation", "branch-fits", "leave-one-out"] {
        let svg = std::fs::read_to_string(folder.path().join(format!("genesis-genesis-{picture}.svg"))).unwrap();
        assert!(!svg.contains("NaN"), "{picture}");
    }
}

const FOLD: &str = "name = \"fold\"\n[model]\nkind = \"formula\"\nvariables = [\"x\", \"y\"]\nparameters = { a = 0.8 }\n\
    loss = \"x^3/3 - a*x + (y - x^2)^2\"\n[dynamics]\ntemperature = 0.25\n[grid]\n\
    axes = [{ from = -1.5, to = 1.4, cells = 40 }, { from = -0.5, to = 1.5, cells = 40 }]\n[initial]\nkind = \"uniform\"\n\
    [time]\nend = 5\noutputs = 3\n";

/// A constant of a formula: minimum and saddle ±√a meet at a = 0; and what cannot be followed.
#[test]
fn a_parameter_of_the_model_and_what_is_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("fold.toml"), FOLD).unwrap();
    let with = |settings: &[&str]| {
        let sets = settings.iter().flat_map(|set| ["--set", set]);
        ["genesis", "fold.toml", "--force"].into_iter().chain(sets).map(String::from).collect::<Vec<_>>()
    };
    let range = ["genesis.from=-0.3", "genesis.to=1.0"];
    let said = succeeds(folder.path(), &with(&[&["genesis.parameter=model.parameters.a"], &range[..]].concat()));
    assert!(said.contains("saddle – minimum") && said.contains("range)"), "{said}");
    let record = read(&folder.path().join("fold-genesis.h5"));
    for name in ["model.parameters.a", "x", "y"] {
        assert!(numbers(&record, &format!("genesis/folds/{name}"))[0].abs() < 1e-8, "{name}");
    }
    for (settings, told) in [
        (vec![], "no table [genesis]"),
        (vec!["genesis.parameter=model.parameter.a"], "did you mean `model.parameters.a`"),
        (vec!["genesis.parameter=data.weight.3"], "needs a model whose samples"),
        (vec!["genesis.parameter=model.parameters.a"], "from where to where"),
        (vec!["genesis.parameter=model.parameters.a", "genesis.from=1", "genesis.to=1"], "is empty"),
        (vec!["genesis.leave_one_out=true"], "needs a model whose samples"),
    ] {
        let output = fpsolve(folder.path(), &with(&settings));
        let said = words(&output);
        assert!(output.status.code() == Some(2) && said.contains(told), "{told}: {said}");
    }
    let scenario = std::path::absolute("scenarios/genesis.toml").unwrap();
    let beyond =
        fpsolve(folder.path(), &["genesis", scenario.to_str().unwrap(), "--set", "genesis.parameter=data.weight.10"]);
    assert!(words(&beyond).contains("there is no sample 10: the data have 10"), "{}", words(&beyond));
}
