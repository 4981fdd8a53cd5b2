//! What a run computes besides the engines, read back from its record: the parts of the noise, critical points, outliers.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{fpsolve, label, number, numbers, read, succeeds, warnings, words};
use fpsolve::analysis::{ANALYSES, Analysis, Findings, Finished, Planned};
use fpsolve::reader::Source;
use fpsolve::record::{Attribute, Record};
use fpsolve::run::{Reached, Status};
use fpsolve::scenario::Scenario;
use fpsolve::summary::summary;
use fpsolve_solvers::problem::Problem;

const SCENARIO: &str = r#"
schema = 1
seed = 4
engines = ["fokker-planck"]

[model]
kind = "sample-loss"
variables = ["a", "w"]
sample_loss = "(y - a*tanh(w*x))^2/2"

[model.data]
teacher = { inputs = { from = -2, to = 2, samples = 30 }, function = "1.5*tanh(2*x)", noise_std = 0.3, outliers = [{ index = 20, shift = -3.0 }] }

[dynamics]
learning_rate = 0.1
batch_size = 3

[grid]
axes = [{ from = 0.2, to = 3, cells = 20 }, { from = 0.1, to = 5, cells = 24 }]

[initial]
kind = "point"
at = [0.5, 0.5]

[time]
at = [0, 4]

[fokker_planck]
unresolved = "accept"
stationary = false
"#;

fn run(name: &str, more: &str) -> Record {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), format!("{SCENARIO}\n{more}")).unwrap();
    succeeds(folder.path(), &["scenario", name, "-o", "r.h5"]);
    read(&folder.path().join("r.h5"))
}

fn sum_of_parts(record: &Record) -> Vec<f64> {
    let parts =
        ["intrinsic", "exploration", "mean_gradient"].map(|p| numbers(record, &format!("problem/diffusion_{p}")));
    (0..parts[0].len()).map(|i| parts.iter().map(|p| p[i]).sum()).collect()
}

fn close(a: &[f64], b: &[f64], tolerance: f64) {
    let size = b.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    assert_eq!(a.len(), b.len());
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart <= tolerance * size, "{apart} of {size}");
}

#[test]
fn the_parts_of_a_teacher_are_recorded_and_are_the_decomposed_noise() {
    let record = run("teacher.toml", "");
    assert!(label(&record, "problem/decomposition").starts_with("teacher"));
    assert_eq!(label(&record, "problem/decomposition_weights"), "fixed");
    assert_eq!(record.attribute("problem/data_noise_std"), Some(&Attribute::Float(0.3)));
    // kind = "decomposed" runs on the mean over the noise: the sum of the parts
    let mean = run("decomposed.toml", "[noise]\nkind = \"decomposed\"\n");
    close(&sum_of_parts(&record), &numbers(&mean, "problem/diffusion"), 1e-13);
    // along the path every part is that of the field at the same point: the traces add up as well
    let trace = |name: &str| numbers(&mean, &format!("decomposition/trace_{name}"));
    assert_eq!(numbers(&mean, "decomposition/time").len(), 41);
    assert_eq!(&numbers(&mean, "decomposition/position")[..2], [0.5, 0.5]);
    assert!(trace("mean_gradient").iter().all(|&v| v <= 0.0) && trace("intrinsic").iter().all(|&v| v > 0.0));
    let trained = run("trained.toml", "[noise]\nweights = \"trained\"\n");
    assert_eq!(label(&trained, "problem/decomposition_weights"), "trained");
    assert!(numbers(&trained, "problem/diffusion_intrinsic")[0] < numbers(&record, "problem/diffusion_intrinsic")[0]);
    assert!(summary(&record).contains("means over the data's noise, σ = 0.3"));
}

#[test]
fn estimates_are_called_so_everywhere_and_add_up_to_the_noise_of_these_data() {
    let record = run("estimate.toml", "[analysis]\ndecomposition = \"estimate\"\n");
    assert!(label(&record, "problem/decomposition").starts_with("estimate"));
    assert!(label(&record, "decomposition/decomposition").starts_with("estimate"));
    close(&sum_of_parts(&record), &numbers(&record, "problem/diffusion"), 1e-12);
    let field = record.dataset("problem/diffusion_exploration").unwrap();
    assert!(field.long_name.starts_with("estimated"), "{}", field.long_name);
    let words = summary(&record);
    assert!(words.contains("estimated from residuals, σ ≈") && words.contains("estimates, not the parts themselves"));
}

#[test]
fn critical_points_and_outliers_are_recorded() {
    let record = run("outliers.toml", "[analysis]\ncritical_points = true\noutliers = { q = 0.1 }\n");
    assert_eq!(numbers(&record, "landscape/critical_points/index"), [0.0]);
    close(&numbers(&record, "outliers/points/position"), &numbers(&record, "landscape/critical_points/position"), 1e-9);
    assert!(numbers(&record, "landscape/basin").contains(&0.0));
    assert!(numbers(&record, "landscape/critical_points/eigenvalues").iter().all(|&v| v > 0.0));
    // losses κ r² with κ = ½; the shifted sample is the outlier
    let residual = numbers(&record, "outliers/points/residual");
    let losses: Vec<f64> = residual.iter().map(|r| 0.5 * r * r).collect();
    close(&numbers(&record, "outliers/points/sample_loss"), &losses, 1e-12);
    let flags = numbers(&record, "outliers/points/outlier");
    let flagged: Vec<usize> = (0..30).filter(|&s| flags[s] == 1.0).collect();
    assert_eq!(flagged, [20]);
    let share = losses[20] / losses.iter().sum::<f64>();
    close(&numbers(&record, "outliers/points/outlier_share"), &[share], 1e-12);
    let words = summary(&record);
    assert!(words.contains("landscape: 1 minimum") && words.contains("sample 20 is an outlier and carries"), "{words}");
}

#[test]
fn a_sampling_that_sees_one_sample_is_warned_of() {
    let record = run("few.toml", "[analysis]\noutliers = { at = [[0.5, 0.5]], c = 1e-4 }\n");
    let warnings = warnings(&record);
    let said = warnings.lines().find(|w| w.contains("effective sample size")).expect("a warning");
    assert!(said.contains("of 30") && said.contains("write a larger c"), "{said}");
    let size = numbers(&record, "outliers/effective_sample_size");
    assert!(size.iter().all(|&n| (1.0 - 1e-12..=30.0).contains(&n)) && size.iter().any(|&n| n < 1.5));
}

#[test]
fn lost_rank_is_warned_of() {
    let scenario = SCENARIO
        .replace(
            "kind = \"sample-loss\"\nvariables = [\"a\", \"w\"]",
            "kind = \"tanh-regression\"\ncenters = [-0.5, 0.4, 0.4]",
        )
        .replace("sample_loss = \"(y - a*tanh(w*x))^2/2\"\n", "")
        .replace("{ from = 0.2, to = 3, cells = 20 }, ", "")
        .replace("at = [0.5, 0.5]", "at = [0.5]");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rank.toml"), scenario).unwrap();
    let said = succeeds(folder.path(), &["scenario", "rank.toml"]);
    assert!(said.contains("Φ has lost rank in 24 of 24 cells, down to 2 of 3"), "{said}");
    let record = read(&folder.path().join("rank.h5"));
    assert_eq!(record.attribute("problem/rank_min"), Some(&Attribute::Integer(2)));
}

const ORNSTEIN_UHLENBECK: &str = r#"
engines = ["fokker-planck"]

[model]
kind = "formula"
variables = ["x"]
loss = "x^2/2"

[noise]
kind = "isotropic"

[dynamics]
temperature = 0.25

[grid]
axes = [{ from = -3.5, to = 3.5, cells = 280 }]

[initial]
kind = "point"
at = [-0.5]

[time]
at = [0, 1]
"#;

fn write_basin(folder: &Path, basin: &str) {
    let analysis = format!("[analysis]\nquasi_stationary = [{{ name = \"left\", basin = \"{basin}\" }}]\n");
    std::fs::write(folder.join("basin.toml"), format!("{ORNSTEIN_UHLENBECK}\n{analysis}")).unwrap();
}

/// An Ornstein–Uhlenbeck process that has stayed at x < 0 has the density −x/T e^{−x²/(2T)} and leaves at the rate of its drift, 1.
#[test]
fn the_quasi_stationary_density_of_one_side() {
    let folder = tempfile::tempdir().unwrap();
    write_basin(folder.path(), "x < 0");
    let said = succeeds(folder.path(), &["scenario", "basin.toml"]);
    assert!(said.contains("left: x < 0 is left at the rate "), "{said}");
    let record = read(&folder.path().join("basin.h5"));
    let float = |name: &str| number(&record, &format!("quasi_stationary/left/{name}"));
    assert!((float("rate") - 1.0).abs() < 3.0 * float("rate_error") && float("rate_error") < 1e-3);
    assert!(float("residual") < 1e-12);
    let (x, density) = (numbers(&record, "quasi_stationary/left/x"), numbers(&record, "quasi_stationary/left/density"));
    for (x, density) in x.into_iter().zip(density) {
        let exact = if x < 0.0 { -x / 0.25 * (-x * x / 0.5).exp() } else { 0.0 };
        assert!((density - exact).abs() < 2e-3, "{density} for {exact} at {x}");
    }
}

#[test]
fn a_basin_off_the_grid_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (basin, why) in [("x < -9", "covers no cell"), ("x < 9", "covers every cell"), ("x", "is not a condition")] {
        write_basin(folder.path(), basin);
        let output = fpsolve(folder.path(), &["scenario", "basin.toml"]);
        let said = words(&output);
        assert!(output.status.code() == Some(2) && said.contains(why), "{basin}: {said}");
    }
}

/// Brownian motion between absorbing walls, or in a parabola between reflecting ones.
fn line(walls: &str, cells: usize, loss: &str, more: &str) -> String {
    format!(
        "schema = 1\nengines = [\"fokker-planck\"]\n[model]\nkind = \"formula\"\nvariables = [\"x\"]\nloss = \"{loss}\"\n\
         [dynamics]\ntemperature = 0.5\n[grid]\naxes = [{{ from = 0, to = 1, cells = {cells}, boundary = \"{walls}\" }}]\n\
         [initial]\nkind = \"gaussian\"\nmean = [0.3]\nstd = [0.1]\n[time]\nat = [0, 0.1, 0.2]\n{more}"
    )
}

fn outcome(scenario: &str) -> (Option<i32>, Record, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.toml"), scenario).unwrap();
    let output = fpsolve(folder.path(), &["scenario", "s.toml", "-o", "r.h5"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &words(&output);
    (output.status.code(), read(&folder.path().join("r.h5")), said)
}

#[test]
fn between_absorbing_walls_the_spectrum_is_that_of_the_decay() {
    let more = "[analysis]\neigenpairs = 3\n[expect]\n\"spectrum/eigenvalues_real/0\" = { value = 4.934802, rtol = 1e-3 }\n\
                \"spectrum/eigenvalues_real/2\" = { value = 44.41322, rtol = 1e-3 }\n";
    let (code, record, said) = outcome(&line("absorbing", 100, "0", more));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(label(&record, "status"), "complete");
    assert!(said.contains("decays at the rate 4.9"), "{said}");
    let density = numbers(&record, "spectrum/quasi_stationary_density");
    assert!(
        (density.iter().sum::<f64>() / 100.0 - 1.0).abs() < 1e-12
            && (density[50] - std::f64::consts::FRAC_PI_2).abs() < 1e-3
    );
}

#[test]
fn a_density_that_the_grid_does_not_resolve_fails_a_verdict_unless_it_is_accepted() {
    let narrow = "1000*(x - 0.5)^2";
    for (cells, loss, why) in [
        (4, "(x - 0.5)^2", "x has 4 cells"),
        (20, narrow, "cells wide on x at t = 0.2; "),
        (8, "20000*(x - 0.56)^2", "not resolved: "),
    ] {
        let (code, record, said) = outcome(&line("reflecting", cells, loss, ""));
        assert_eq!((code, label(&record, "resolved")), (Some(3), "no".into()), "{said}");
        assert!(warnings(&record).contains("not resolved: ") && warnings(&record).contains(why), "{said}");
        let accepted = line("reflecting", cells, loss, "[fokker_planck]\nunresolved = \"accept\"\n");
        let (code, record, said) = outcome(&accepted);
        assert_eq!((code, label(&record, "resolved")), (Some(0), "no".into()), "{said}");
    }
    let (code, record, said) = outcome(&line("reflecting", 200, narrow, ""));
    assert_eq!((code, label(&record, "resolved")), (Some(0), "yes".into()), "{said}");
}

/// Panics while it computes, or only once its findings are to be written.
struct Panics(bool);

impl Analysis for Panics {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, fpsolve_solvers::Error> {
        let beyond = finished.problem.grid.len() + 1;
        assert!(self.0 || beyond == 0, "index {beyond} out of range");
        Ok(Some(Box::new(Panics(true))))
    }
}

impl Findings for Panics {
    fn add_to(&self, record: &mut Record, _: &Problem) {
        record.group_mut("outliers").set("half", Attribute::Integer(1));
        panic!("no such cell");
    }
}

/// Fails while it computes.
struct Fails;

impl Analysis for Fails {
    fn run(&self, finished: &Finished) -> Result<Option<Box<dyn Findings>>, fpsolve_solvers::Error> {
        Err(fpsolve_solvers::Error::invalid(format!("{} cells are too few", finished.problem.grid.len()), "take more"))
    }
}

/// A run of the scenario with `analysis` in the place of another one, from which a number is expected.
fn with_analysis(analysis: Arc<dyn Analysis>) -> fpsolve::run::Run {
    let more = "[analysis]\ncritical_points = true\n[expect]\n\"outliers/found\" = { value = 1, rtol = 1 }\n";
    let text = format!("{SCENARIO}\n{more}");
    let scenario = Scenario::parse(Source::from_text(Path::new("s.toml"), text)).unwrap();
    let mut prepared = scenario.problem().unwrap();
    let entry = *ANALYSES.iter().find(|entry| entry.name == "outliers").unwrap();
    prepared.analyses.push(Planned { entry, analysis });
    fpsolve::run::run(&prepared, &|| false, &|_| {}, &Reached::nothing_of(&scenario))
}

/// The other analyses, the densities and the status are as they were without it; what was expected of it fails.
#[test]
fn an_analysis_that_fails_or_panics_loses_only_itself() {
    let analyses: [(Arc<dyn Analysis>, &str); 3] = [
        (Arc::new(Fails), "480 cells are too few"),
        (Arc::new(Panics(false)), "index 481 out of range"),
        (Arc::new(Panics(true)), "no such cell"),
    ];
    for (analysis, said) in analyses {
        let done = with_analysis(analysis);
        assert_eq!(done.status, Status::Complete);
        assert!(done.record.group("landscape").is_some() && done.record.dataset("fokker_planck/density").is_some());
        let outliers = done.record.group("outliers").unwrap();
        assert!(label(&done.record, "outliers/failure").contains(said) && outliers.attributes.len() == 1);
        assert!(warnings(&done.record).contains(said), "{}", warnings(&done.record));
        assert!(done.verdicts.iter().any(|verdict| !verdict.passed));
    }
}
