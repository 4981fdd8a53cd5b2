//! Grids from the scenario end to end: boxes that the program looks for.

#![allow(clippy::unwrap_used)]

mod common;

use common::{fpsolve, label, number, numbers, read, succeeds, text};

const AUTO: &str = r#"
name = "auto"
seed = 4
[model]
variables = ["x"]
loss = "x^4/4 - x^2/2"
[dynamics]
temperature = 0.1
[grid]
bounds = "auto"
cells = [400]
[initial]
kind = "point"
at = [-1.0]
[time]
at = [0, 1, 10]
[langevin]
walkers = 500
[expect]   # the second moment of the quartic double well, as in scenarios/double-well.toml
"stationary/covariance/x/x" = { value = 0.87136290804204983, rtol = 1e-4 }
"#;

#[test]
fn a_box_is_found_told_and_the_same_every_time() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("auto.toml"), AUTO).unwrap();
    let edges = |name: &str| {
        let said = succeeds(folder.path(), &["scenario", "auto.toml", "-o", name]);
        assert!(said.contains("box found by a pilot of 256 walkers") && !said.contains("warning"), "{said}");
        let record = read(&folder.path().join(name));
        assert_eq!(label(&record, "grid/bounds"), "auto");
        let truncation = number(&record, "stationary/error_truncation");
        assert!(truncation < 1e-8, "{truncation:e}");
        numbers(&record, "grid/x_edges")
    };
    let first = edges("first.h5");
    assert!(first[0] < -1.8 && first[0] > -3.0 && first[400] > 1.8 && first[400] < 3.0, "{} {}", first[0], first[400]);
    assert_eq!(first, edges("second.h5"));
    let check = succeeds(folder.path(), &["check", "auto.toml"]);
    assert!(check.contains("found by a pilot of 256 walkers"));
}

#[test]
fn a_wall_in_the_way_is_named_with_its_side() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = AUTO.replace("bounds = \"auto\"\ncells = [400]", "axes = [{ from = -3, to = 1.2, cells = 420 }]");
    std::fs::write(folder.path().join("narrow.toml"), narrow.split("[expect]").next().unwrap()).unwrap();
    let output = fpsolve(folder.path(), &["scenario", "narrow.toml"]);
    let said = text(&output.stdout);
    assert!(said.contains("outermost cells at the upper end of x (= 1.2)") && said.contains("stationary"), "{said}");
    assert!(!said.contains("lower end"), "{said}");
}

#[test]
fn graded_axes_put_the_cells_where_they_are_needed() {
    let folder = tempfile::tempdir().unwrap();
    // B06: ρ ∝ (b + a x²)^(−1 − λ/(2aT)…) with tails far out; 480 graded cells do what thousands of equal ones would
    let tails = r#"
name = "tails"
[model]
variables = ["x"]
loss = "x^2/2"
[noise]
kind = "formula"
diffusion = [["0.5*x^2 + 0.3"]]
[dynamics]
temperature = 0.2
[grid]
axes = [{ from = -60, to = 60, cells = 480, grading = { center = 0, width = 0.5 } }]
[initial]
kind = "gaussian"
mean = [0.5]
std = [0.2]
[time]
end = 5
outputs = 8
spacing = "log"
first = 0.01
[langevin]
walkers = 500
[analysis]
eigenpairs = 2
[expect]   # ⟨x²⟩ = bT/(λ − aT): Student's t with 11 degrees of freedom; x itself is an eigenfunction with rate λ
"stationary/covariance/x/x" = { value = 0.06666666666666667, rtol = 1e-3 }
"spectrum/eigenvalues_real/1" = { value = 1.0, rtol = 1e-3 }
"fokker_planck/mean/-1/x" = { value = 0.003368973, rtol = 1e-3 }
"#;
    std::fs::write(folder.path().join("tails.toml"), tails).unwrap();
    succeeds(folder.path(), &["scenario", "tails.toml"]);
    let record = read(&folder.path().join("tails.h5"));
    let edges = numbers(&record, "grid/x_edges");
    assert_eq!((edges[0], edges[480], edges.len()), (-60.0, 60.0, 481));
    let (inner, outer) = (edges[241] - edges[240], edges[480] - edges[479]);
    assert!(inner < 0.02 && outer > 100.0 * inner, "{inner} {outer}");
    let times = numbers(&record, "fokker_planck/time");
    assert!((times[1] - 0.01).abs() < 1e-15 && times[0] == 0.0 && times[7] == 5.0, "{times:?}");
    assert!(times[1..].windows(3).all(|w| (w[1] / w[0] - w[2] / w[1]).abs() < 1e-9), "{times:?}");
    let written =
        tails.replace("from = -60, to = 60, cells = 480, grading = { center = 0, width = 0.5 }", "edges = EDGES");
    std::fs::write(folder.path().join("edges.toml"), written.replace("EDGES", &format!("{edges:?}"))).unwrap();
    succeeds(folder.path(), &["scenario", "edges.toml", "-o", "edges.h5"]);
    let same = read(&folder.path().join("edges.h5"));
    assert_eq!(numbers(&same, "fokker_planck/density"), numbers(&record, "fokker_planck/density"));
    let ladder = succeeds(folder.path(), &["convergence", "tails.toml"]);
    assert!(!ladder.contains("below order 2"), "{ladder}");
    let record = read(&folder.path().join("tails-convergence.h5"));
    for name in ["transient_order", "stationary_order"] {
        let order = numbers(&record, &format!("convergence/{name}"))[1];
        assert!((1.8..2.3).contains(&order), "{name}: {order}");
    }
    let refined = fpsolve(folder.path(), &["convergence", "edges.toml", "--finer", "1", "--force"]);
    assert!(text(&refined.stderr).contains("whose edges are written out"), "{}", text(&refined.stderr));
}

#[test]
fn a_tolerance_alone_finds_box_and_cells_and_says_what_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let alone = AUTO.replace("bounds = \"auto\"\ncells = [400]", "tolerance = 0.002");
    let file = alone.split("[langevin]").next().unwrap().replace("seed = 4", "seed = 4\nengines = [\"fokker-planck\"]");
    std::fs::write(folder.path().join("alone.toml"), &file).unwrap();
    let said = succeeds(folder.path(), &["scenario", "alone.toml", "-o", "alone.h5"]);
    assert!(said.contains("cells found by trials, tolerance 0.002: estimated error"), "{said}");
    let record = read(&folder.path().join("alone.h5"));
    assert_eq!(label(&record, "grid/grading"), "auto");
    assert_eq!(label(&record, "grid/bounds"), "auto");
    // the run has the estimate of the last trial, and the trials are counted
    let estimate = number(&record, "fokker_planck/error_grid").max(number(&record, "stationary/error_grid"));
    assert!(estimate <= 0.002 && estimate <= number(&record, "grid/tolerance_error") * 1.000001, "{estimate:e}");
    assert!(number(&record, "grid/tolerance_trials") >= 2.0);
    // the second moment of the quartic double well, as in scenarios/double-well.toml
    let variance = numbers(&record, "stationary/covariance")[0];
    assert!((variance / 0.871_362_908_042_049_8 - 1.0).abs() < 2e-3, "{variance}");
    let check = succeeds(folder.path(), &["check", "alone.toml"]);
    assert!(check.contains("tolerance 0.002: estimated error"), "{check}");
    let output = fpsolve(folder.path(), &["convergence", "alone.toml", "--finer", "1"]);
    assert!(text(&output.stderr).contains("whose cells a tolerance decides on"), "{}", text(&output.stderr));
    // the program itself takes 48 MiB
    std::fs::write(folder.path().join("tight.toml"), file.replace("tolerance = 0.002", "tolerance = 1e-6")).unwrap();
    let output = fpsolve(folder.path(), &["scenario", "tight.toml", "--memory-limit", "49MiB"]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("more than the memory allows"), "{}", text(&output.stderr));
}

#[test]
fn graded_cells_are_narrow_where_the_density_is() {
    let folder = tempfile::tempdir().unwrap();
    let graded = AUTO.replace("cells = [400]", "cells = [400]\ngrading = \"auto\"");
    let file =
        graded.split("[langevin]").next().unwrap().replace("seed = 4", "seed = 4\nengines = [\"fokker-planck\"]");
    std::fs::write(folder.path().join("graded.toml"), file).unwrap();
    succeeds(folder.path(), &["scenario", "graded.toml", "-o", "graded.h5"]);
    let edges = numbers(&read(&folder.path().join("graded.h5")), "grid/x_edges");
    let width = |x: f64| {
        let i = edges.partition_point(|edge| *edge <= x).clamp(1, edges.len() - 1);
        edges[i] - edges[i - 1]
    };
    // from the start in one well to the stationary law in both; nothing lives at the ends
    assert!(edges.len() == 401 && 1.3 * width(-1.0) < width(edges[0]), "{} {}", width(-1.0), width(edges[0]));
}

const LEAVING: &str = r#"
name = "leaving"
engines = ["fokker-planck"]
[model]
variables = ["x"]
drift = ["-tanh(5*x)"]
[dynamics]
temperature = 1e-5
[grid]
axes = [{ from = 0.43, to = 2.42, cells = 6, boundary = ["reflecting", "absorbing"] }]
[initial]
kind = "uniform"
[time]
at = [0, 2]
"#;

/// An absorbing wall that drift leads away from, with next to no noise: nothing leaves. Between two walls nothing stays: no density is
/// negative then, and there are no moments.
#[test]
fn behind_absorbing_walls_there_is_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.toml"), LEAVING).unwrap();
    let all = fpsolve(folder.path(), &["scenario", "all.toml", "-o", "all.h5"]);
    let record = read(&folder.path().join("all.h5"));
    assert!(number(&record, "fokker_planck/mass_error") < 1e-12, "{}", text(&all.stdout));
    assert_eq!(numbers(&record, "fokker_planck/outside"), [0.0, 0.0]);

    let nothing = LEAVING
        .replace("[\"reflecting\", \"absorbing\"]", "\"absorbing\"")
        .replace("cells = 6", "cells = 200")
        .replace("1e-5", "0.5")
        .replace("[0, 2]", "[0, 2, 60]");
    std::fs::write(folder.path().join("nothing.toml"), nothing).unwrap();
    succeeds(folder.path(), &["scenario", "nothing.toml", "-o", "nothing.h5"]);
    let record = read(&folder.path().join("nothing.h5"));
    assert!(numbers(&record, "fokker_planck/density").iter().all(|p| *p >= 0.0));
    let (outside, mean) = (numbers(&record, "fokker_planck/outside"), numbers(&record, "fokker_planck/mean"));
    assert!((outside[2] - 1.0).abs() < 1e-9 && mean[1].is_finite(), "{outside:?} {mean:?}");
}
