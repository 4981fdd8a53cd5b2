//! `fpsolve validity` end to end: reference numbers of two wells under skewed noise, thresholds, resumption, refusals.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{fpsolve, numbers, read, succeeds, words};

/// Runs the program, which must end with this code, and gives back what it said on standard error.
fn fails(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = fpsolve(folder, arguments);
    assert_eq!(output.status.code(), Some(code));
    words(&output)
}

/// 64 quantiles of the exponential law, standardised.
fn quantiles() -> Vec<f64> {
    let z: Vec<f64> = (0..64).map(|i| -(1.0 - (f64::from(i) + 0.5) / 64.0).ln()).collect();
    let mean = z.iter().sum::<f64>() / 64.0;
    let deviation = (z.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / 64.0).sqrt();
    z.iter().map(|z| (z - mean) / deviation).collect()
}

fn scenario(validity: &str) -> String {
    format!(
        "name = \"map\"\nengines = [\"transfer-operator\"]\n[model]\nkind = \"sample-loss\"\nvariables = [\"x\"]\n\
         sample_loss = \"(x^2 - 1)^2/4 - z*x\"\n[model.data]\npoints = {{ z = {:?} }}\n[dynamics]\nlearning_rate = 0.2\nbatch_size = 1\n\
         [grid]\naxes = [{{ from = -2.6, to = 2.6, cells = 400 }}]\n[initial]\nkind = \"gaussian\"\nmean = [0.0]\nstd = [0.2]\n[time]\n\
         at = [0, 1]\n[analysis]\nfirst_passage = [{{ name = \"over\", from = [-1.0], target = \"x > 0.9\" }}]\n[validity]\n{validity}",
        quantiles()
    )
}

/// τ_SGD/τ_SDE by another program's operator and quadrature: nearly a function of η/B, and orders 2 and 3 do not help.
#[test]
fn ratios_of_mean_times_collapse_on_the_noise_level() {
    let folder = tempfile::tempdir().unwrap();
    let text = scenario("learning_rate = [0.1, 0.2, 0.4]\nbatch_size = [1, 2, 4]\nevery = true\n");
    std::fs::write(folder.path().join("map.toml"), text).unwrap();
    let said = succeeds(folder.path(), &["validity", "map.toml", "-o", "map.h5"]);
    assert!(said.contains("map: complete") && said.contains("order 1: 0 valid, 9 not, 0 undecided"), "{said}");
    let record = read(&folder.path().join("map.h5"));
    let ratios = numbers(&record, "validity/log_ratio");
    let bars = numbers(&record, "validity/log_ratio_error");
    let reference = [[0.3020, 0.0912, 0.00847], [0.5309, 0.2882, 0.0854], [0.7315, 0.4799, 0.2411]];
    for (a, row) in reference.iter().enumerate() {
        for (b, expected) in row.iter().enumerate() {
            let (found, bar) = (ratios[3 * a + b].exp(), bars[3 * a + b]);
            // four digits and the bar of two grids
            assert!((found / expected - 1.0).abs() < 1e-3 + bar && bar < 0.02, "{a} {b}: {found} ± {bar}, {expected}");
        }
    }
    // orders 2 and 3 at (.4, 1)
    for (order, expected) in [(1, 0.784), (2, 0.747)] {
        let found = ratios[9 * order + 6].exp();
        assert!((found / expected - 1.0).abs() < 2e-3, "order {}: {found}", order + 1);
    }
    assert!(folder.path().join("map.csv").exists() && folder.path().join("map.png").exists());
    // the same record again, taken over cell by cell
    let again = succeeds(folder.path(), &["validity", "map.toml", "-o", "map.h5", "--resume"]);
    assert_eq!(said.lines().take(12).collect::<Vec<_>>(), again.lines().take(12).collect::<Vec<_>>());
    let other = fails(folder.path(), &["validity", "map.toml", "-o", "map.h5", "--resume", "--set", "seed=3"], 2);
    assert!(other.contains("holds the map of another scenario"), "{other}");
}

/// ±0.3 cannot cross the barrier: SGD never escapes, and only boundaries are computed.
#[test]
fn noise_that_cannot_cross_never_escapes() {
    let folder = tempfile::tempdir().unwrap();
    let text = scenario("learning_rate = { from = 0.1, to = 0.3, points = 6 }\nbatch_size = [1, 2, 3, 4, 5, 6]\n");
    let text = text.replace("- z*x", "+ 0.3*z*x");
    let start = text.find("points = {").unwrap();
    let end = text[start..].find('\n').unwrap() + start;
    let text = format!("{}points = {{ z = [1, -1] }}{}", &text[..start], &text[end..]);
    std::fs::write(folder.path().join("map.toml"), text).unwrap();
    let said = succeeds(folder.path(), &["validity", "map.toml"]);
    assert!(
        said.contains("never") && said.contains("2 invariant laws") && said.contains("at 16 of 36 pairs"),
        "{said}"
    );
    let record = read(&folder.path().join("map-validity.h5"));
    assert!(numbers(&record, "validity/valid").iter().all(|valid| *valid == 0.0));
    let computed = numbers(&record, "validity/computed");
    assert_eq!(computed.iter().sum::<f64>(), 16.0);
}

#[test]
fn a_scenario_without_a_table_or_samples_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = scenario("learning_rate = [0.1]\nbatch_size = [1]\n");
    std::fs::write(folder.path().join("none.toml"), &text[..text.find("[validity]").unwrap()]).unwrap();
    assert!(fails(folder.path(), &["validity", "none.toml"], 2).contains("the scenario has no table [validity]"));
    let loss = text.replace("kind = \"sample-loss\"", "").replace("sample_loss", "loss").replace(" - z*x", "");
    let (start, end) = (loss.find("[model.data]").unwrap(), loss.find("[dynamics]").unwrap());
    let loss = format!("{}{}", &loss[..start], &loss[end..]).replace("transfer-operator", "fokker-planck");
    std::fs::write(folder.path().join("loss.toml"), loss).unwrap();
    assert!(fails(folder.path(), &["validity", "loss.toml"], 2).contains("needs a model with samples"));
}

/// With momentum no operator fits: walkers against the grid. Under the smaller noise most do not arrive in time, so that a bound alone is known.
#[test]
fn where_no_operator_fits_ensembles_give_floors_and_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let text = scenario("learning_rate = [0.05, 0.2]\nbatch_size = [1]\n")
        .replace("engines = [\"transfer-operator\"]", "engines = [\"fokker-planck\", \"sgd\"]")
        .replace("cells = 400", "cells = 96")
        .replace("at = [0, 1]", "at = [0, 20]")
        .replace("target = \"x > 0.9\"", "target = \"x > 0.9\", walkers = 300, horizon = 200")
        + "[sgd]\nwalkers = 600\noptimizer = { kind = \"momentum\", mu = 0.5 }\n";
    std::fs::write(folder.path().join("map.toml"), text).unwrap();
    let said = succeeds(folder.path(), &["validity", "map.toml", "-o", "map.h5"]);
    assert!(said.contains("(bars from sampling)") && said.contains("≥ "), "{said}");
    let record = read(&folder.path().join("map.h5"));
    let floors = numbers(&record, "validity/total_variation_error");
    assert!(floors[..2].iter().all(|floor| (0.01..0.5).contains(floor)), "{floors:?}");
    // a bound alone: an infinite bar, and undecided unless it lies above the threshold
    let [ratios, bars] = ["log_ratio", "log_ratio_error"].map(|name| numbers(&record, &format!("validity/{name}")));
    assert!(bars[0] == f64::INFINITY && ratios[0].is_finite(), "{ratios:?} {bars:?}");
    assert_eq!(numbers(&record, "validity/computed"), [1.0, 1.0]);
    let again = succeeds(folder.path(), &["validity", "map.toml", "-o", "map.h5", "--resume", "-f"]);
    assert!(again.contains("map: complete"), "{again}");
}
