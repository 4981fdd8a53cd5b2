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
