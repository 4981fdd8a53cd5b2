//! First passage end to end: the grid against the reference, and against the Langevin walkers.

#![allow(clippy::unwrap_used)]

mod common;

use common::{label, number, numbers, read, succeeds};
use fpsolve::record::Record;

const SCENARIO: &str = r#"
name = "escape"
seed = 5
engines = ["fokker-planck", "langevin"]
[model]
variables = ["x"]
loss = "x^4/4 - x^2/2"
[dynamics]
temperature = 0.1
[grid]
axes = [{ from = -2.5, to = 2.5, cells = 400 }]
[initial]
kind = "point"
at = [-1.0]
[time]
end = 60
outputs = 13
[langevin]
walkers = 1000
step = 0.01
[analysis]
first_passage = [{ name = "top", from = [-1.0], target = "x > 0", avoid = "x < -1.5", walkers = 20000, horizon = 600 }]
"#;

#[test]
fn the_grid_the_walkers_and_the_reference_agree() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("escape.toml"), SCENARIO).unwrap();
    let said = succeeds(folder.path(), &["scenario", "escape.toml"]);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" "); // without the ends of lines
    assert!(said.contains("mean time fokker-planck 30.8207") && said.contains("langevin "), "{said}");
    assert!(
        said.contains("Kramers 54.13 to beyond the barrier") && said.contains("the target begins at the top"),
        "{said}"
    );
    assert!(said.contains("x > 0 before x < -1.5: probability fokker-planck 0.3911"), "{said}");
    let record = read(&folder.path().join("escape.h5"));
    let (found, error) = (number(&record, "escape/top/from_value"), number(&record, "escape/top/error_grid"));
    let off = (found - 30.8213024726657).abs(); // B03
    assert!(off < 6e-4 && (off / 3.0..3.0 * off).contains(&error), "{found} is off by {off:e}, it said {error:e}");
    // fixed seed; four standard errors: false alarms 6e-5 a comparison; a shift of 5 % is 7 standard errors
    let (mean, se) = (number(&record, "escape/top/langevin_mean"), number(&record, "escape/top/langevin_mean_se"));
    assert!((mean - found).abs() < 4.0 * se + 0.002 * found, "{mean} ± {se} against {found}");
    let survival = numbers(&record, "escape/top/survival");
    let walkers = numbers(&record, "escape/top/langevin_survival");
    let errors = numbers(&record, "escape/top/langevin_survival_se");
    assert_eq!((survival[0], survival.len()), (1.0, 13));
    for ((grid, walkers), se) in survival.iter().zip(&walkers).zip(&errors) {
        assert!((grid - walkers).abs() < 4.0 * se + 1e-9, "{grid} {walkers} ± {se}");
    }
    check_committor(&record);
    // √2 π e^{5/2}, B03
    assert!((number(&record, "escape/top/kramers") - 54.125_394_562_2).abs() < 1e-8);
    let field = numbers(&record, "escape/top/mean_first_passage_time");
    assert!(field[..200].windows(2).all(|w| w[1] < w[0]) && field[200..].iter().all(|t| *t == 0.0));
}

/// ∫ e^{L/T} from −1.5 to −1 over the same to 0, by Gauss–Legendre quadrature of 400 nodes.
fn check_committor(record: &Record) {
    let exact = 0.391_332_918_454;
    assert_eq!(label(record, "escape/top/avoid"), "x < -1.5");
    let at = |name: &str| number(record, &format!("escape/top/{name}"));
    let (found, error) = (at("from_committor"), at("from_committor_error_grid"));
    let off = (found - exact).abs();
    assert!(off < 2e-4 && (off / 3.0..3.0 * off).contains(&error), "{found} is off by {off:e}, it said {error:e}");
    // fixed seed; four standard errors and 0.002 for the step; a shift of 0.02 is 6 standard errors
    let (share, se) = (at("langevin_committor"), at("langevin_committor_se"));
    assert!((share - exact).abs() < 4.0 * se + 0.002 && se < 0.004, "{share} ± {se}");
    assert_eq!(at("langevin_undecided"), 0.0);
    let field = numbers(record, "escape/top/committor");
    assert!(field.windows(2).all(|w| w[0] <= w[1]) && field[..80].iter().all(|q| *q == 0.0));
    assert!(field[200..].iter().all(|q| *q == 1.0));
}

/// A plane with an absorbing wall beside the avoided set: both end what could have been an arrival, for the grid and for the walkers.
#[test]
fn avoided_sets_and_absorbing_walls_count_together_in_the_plane() {
    let folder = tempfile::tempdir().unwrap();
    let text = SCENARIO
        .replace("variables = [\"x\"]", "variables = [\"x\", \"y\"]")
        .replace("x^4/4 - x^2/2", "x^4/4 - x^2/2 + (y - 0.3*x)^2")
        .replace(
            "{ from = -2.5, to = 2.5, cells = 400 }",
            "{ from = -2.2, to = 2.2, cells = 88 }, { from = -1.0, to = 1.4, cells = 48, boundary = [\"absorbing\", \"reflecting\"] }",
        )
        .replace("at = [-1.0]", "at = [-1.0, -0.3]")
        .replace("from = [-1.0], target", "from = [-0.9, -0.2], target")
        .replace("avoid = \"x < -1.5\", walkers = 20000", "avoid = \"(x - y < -1.2)*(x < -0.2)\", walkers = 10000");
    std::fs::write(folder.path().join("plane.toml"), text).unwrap();
    let run = |arguments: &[&str]| {
        succeeds(folder.path(), &[&["scenario", "plane.toml", "--force"], arguments].concat());
        read(&folder.path().join("escape.h5"))
    };
    let both = run(&[]);
    let at = |record: &Record, name: &str| number(record, &format!("escape/top/{name}"));
    let (grid, error) = (at(&both, "from_committor"), at(&both, "from_committor_error_grid"));
    let (walkers, se) = (at(&both, "langevin_committor"), at(&both, "langevin_committor_se"));
    assert!((grid - walkers).abs() < 4.0 * se + 3.0 * error + 0.002, "{grid} ± {error}, walkers {walkers} ± {se}");
    assert!(at(&both, "langevin_absorbed") > 0.01);
    // without the avoided set only the wall is left, and the committor is larger by much more than its errors
    let wall = run(&["--set", "analysis.first_passage.0.avoid=x < -2.1", "--engine", "fokker-planck"]);
    assert!(at(&wall, "from_committor") > grid + 0.1, "{} {grid}", at(&wall, "from_committor"));
    // the saddle (0, 0) from the minimum (−1, −0.3): det H_a = 4, det H_s = −2, λ₋ of [[−1 + 0.18, −0.6], [−0.6, 2]]
    let falling = 0.5 * (1.18 - (2.82_f64.powi(2) + 4.0 * 0.36).sqrt());
    let exact = std::f64::consts::TAU / falling.abs() * 0.5_f64.sqrt() * 2.5_f64.exp();
    assert!((at(&both, "kramers") / exact - 1.0).abs() < 1e-8, "{} {exact}", at(&both, "kramers"));
}

/// Where Kramers' law does not apply the record says why, and holds no number.
#[test]
fn without_a_barrier_there_is_a_reason_instead_of_kramers_time() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("escape.toml"), SCENARIO).unwrap();
    let arguments = ["scenario", "escape.toml", "--engine", "fokker-planck"];
    let set = ["--set", "analysis.first_passage.0.target=x > -0.7", "--set", "langevin.walkers=10"];
    let said = succeeds(folder.path(), &[&arguments[..], &set].concat());
    assert!(said.contains("no Kramers time: no barrier between the minimum (-1) and the target"), "{said}");
    let record = read(&folder.path().join("escape.h5"));
    assert!(record.attribute("escape/top/kramers").is_none());
    assert!(label(&record, "escape/top/kramers_reason").contains("way up"));
}

/// SGD's own walkers beside the law of SGD on the grid: mean time, committor, exit; paths; and without them where it is said.
#[test]
fn walkers_of_sgd_agree_with_its_law() {
    let text = SCENARIO
        .replace("\"fokker-planck\", \"langevin\"", "\"transfer-operator\", \"sgd\"")
        .replace("loss = \"x^4/4 - x^2/2\"", "kind = \"sample-loss\"\nsample_loss = \"(x^2 - 1)^2/4 + z*x\"\ndata = { points = { z = [2, -0.5, -0.5, -0.5, -0.5] } }")
        .replace("temperature = 0.1", "learning_rate = 0.2\nbatch_size = 2")
        .replace("[langevin]\nwalkers = 1000\nstep = 0.01", "[sgd]\nwalkers = 300\ntrajectories = 3")
        .replace("target = \"x > 0\", avoid = \"x < -1.5\"", "target = \"x > 0.5\", avoid = \"x < -1.4\"");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("escape.toml"), &text).unwrap();
    let said = succeeds(folder.path(), &["scenario", "escape.toml"]);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" "); // without the ends of lines
    assert!(said.contains("(20000 walkers), transfer-operator ") && said.contains("S = "), "{said}");
    let record = read(&folder.path().join("escape.h5"));
    let at = |name: &str| number(&record, &format!("escape/top/{name}"));
    // fixed seed; four standard errors of 20,000 walkers, and what the operator's grid says of itself
    for (walkers, law) in [("sgd_committor", "committor"), ("sgd_exit", "exit")] {
        let (found, se) = (at(walkers), at(&format!("{walkers}_se")));
        let (exact, bar) = (at(&format!("transfer_operator_{law}")), at(&format!("transfer_operator_{law}_error")));
        assert!(
            (found - exact).abs() < 4.0 * se + bar && se < 0.02 * exact.max(0.3),
            "{walkers} {found} ± {se}, {exact} ± {bar}"
        );
    }
    let survival =
        [numbers(&record, "escape/top/sgd_survival"), numbers(&record, "escape/top/transfer_operator_survival")];
    for (k, se) in numbers(&record, "escape/top/sgd_survival_se").iter().enumerate() {
        assert!(
            (survival[0][k] - survival[1][k]).abs() < 4.0 * se + 1e-3,
            "{k}: {} {}",
            survival[0][k],
            survival[1][k]
        );
    }
    assert_eq!(label(&record, "escape/top/sgd_arrivals"), "at the ends of steps");
    let (times, path) = (numbers(&record, "sgd/trajectory_time"), numbers(&record, "sgd/trajectory"));
    assert_eq!((times.len(), path.len()), (301, 3 * 301));
    std::fs::write(folder.path().join("off.toml"), text.replace("avoid =", "sgd = false, avoid =")).unwrap();
    assert!(!succeeds(folder.path(), &["scenario", "off.toml", "-f"]).contains("(20000 walkers)"));
}
