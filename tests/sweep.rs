//! `fpsolve sweep` end to end: the table, going on after a kill, shards, failing cases, refusals.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{command, fpsolve, label, number, numbers, read, succeeds, text, words};
use fpsolve::record::{Record, Values};

/// A double well by the grid and by a few walkers.
const WELL: &str = "name = \"well\"\nseed = 3\nengines = [\"fokker-planck\", \"langevin\"]\n[model]\nkind = \"formula\"\nvariables = [\"x\"]\n\
    loss = \"(x^2 - 1)^2/4\"\n[dynamics]\ntemperature = 0.1\n[grid]\naxes = [{ from = -2.5, to = 2.5, cells = 120 }]\n[initial]\n\
    kind = \"point\"\nat = [-1.0]\n[time]\nend = 2.0\noutputs = 3\n[langevin]\nwalkers = 200\nstep = 0.05\n[analysis]\n\
    first_passage = [{ name = \"over\", from = [-1.0], target = \"x > 1\", walkers = 100 }]\n";

fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("well.toml"), text).unwrap();
    folder
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = fpsolve(folder, &[&["sweep", "well.toml"], arguments].concat());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    words(&output)
}

/// Exact mean times by quadrature, as those of the scenario escape.
#[test]
fn a_grid_of_cases_becomes_a_labelled_table() {
    let folder = folder(WELL);
    let arguments = [
        "sweep",
        "well.toml",
        "--engine",
        "fokker-planck",
        "--over",
        "dynamics.temperature=0.1,0.05",
        "--over",
        "grid.axes.0.cells=120,240,480",
        "--collect",
        "escape/over/from_value,stationary/mean/x,fokker_planck/mean/-1/x",
    ];
    let said = succeeds(folder.path(), &arguments);
    assert!(said.contains("well: 2 × 3 cases over dynamics.temperature and grid.axes.0.cells; 6 of 6 done"), "{said}");
    let record = read(&folder.path().join("well-sweep.h5"));
    let table = record.group("sweep").unwrap();
    let times = table.datasets.iter().find(|d| d.name == "escape_over_from_value").unwrap();
    assert_eq!((times.shape(), times.axes.join(" ")), (vec![2, 3], "dynamics_temperature grid_axes_0_cells".into()));
    assert_eq!(numbers(&record, "sweep/grid_axes_0_cells"), [120.0, 240.0, 480.0]);
    // the error of second order falls fourfold with each doubling
    let error = |k: usize| (numbers(&record, "sweep/escape_over_from_value")[k] / 66.268_626_364_917_9 - 1.0).abs();
    assert!(error(0) < 1e-3 && (error(0) / error(1) - 4.0).abs() < 0.2 && (error(1) / error(2) - 4.0).abs() < 0.2);
    assert!(numbers(&record, "sweep/status").iter().all(|status| *status == 0.0));
    // against 1/T, a line for each number of cells: between T = 0.1 and 0.05 by the exact times 66.2686 and 729.6707
    let slope = numbers(&record, "sweep/escape_over_from_value_slope");
    assert_eq!(label(&record, "sweep/slope_against"), "1/T");
    assert!(slope.len() == 3 && (slope[2] - (729.6707_f64 / 66.268_63).ln() / 10.0).abs() < 1e-4, "{slope:?}");
    assert!(folder.path().join("well-sweep.png").exists() && folder.path().join("well-sweep.svg").exists());
    assert_eq!(std::fs::read_dir(folder.path().join("well-sweep")).unwrap().count(), 6);
}

/// Records of the cases, killed and gone on with, sharded, in one go: one table.
#[test]
fn a_sweep_that_was_killed_gives_the_same_table() {
    let whole = folder(WELL);
    let arguments = [
        "sweep",
        "well.toml",
        "--quiet",
        "--over",
        "dynamics.temperature=0.08..0.16:4",
        "--over",
        "seed=1..4:4",
        "--collect",
        "langevin/mean/-1/x,escape/over/langevin_mean,escape/over/from_value",
    ];
    succeeds(whole.path(), &arguments);
    let table = read(&whole.path().join("well-sweep.h5"));
    assert!(numbers(&table, "sweep/escape_over_langevin_mean_se").iter().all(|se| *se > 0.0));
    let killed = folder(WELL);
    let (mut kills, start) = (0, Instant::now());
    for wait in [60, 120, 180] {
        let mut child = command(killed.path(), &arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kills > 0, "no run lived for 60 ms: {:?}", start.elapsed());
    succeeds(killed.path(), &arguments);
    assert_eq!(read(&killed.path().join("well-sweep.h5")), table);
    let parts = folder(WELL);
    for shard in ["1/3", "2/3", "3/3"] {
        succeeds(parts.path(), &[&arguments[..], &["--shard", shard, "--threads", "1"]].concat());
        assert!(!parts.path().join("well-sweep.h5").exists());
    }
    succeeds(parts.path(), &arguments);
    assert_eq!(read(&parts.path().join("well-sweep.h5")), table);
    // a key at the value that it has already: the same contents, the same records
    let records = |folder: &Path| std::fs::read_dir(folder.join("well-sweep")).unwrap().count();
    succeeds(parts.path(), &[&arguments[..], &["--over", "langevin.step=0.05"]].concat());
    assert_eq!(records(parts.path()), 16);
}

#[test]
fn cases_that_fail_are_kept_apart() {
    let folder = folder(&WELL.replace(
        "[initial]",
        "[sweep]\nover = { \"langevin.walkers\" = [50, 0, 100] }\ncollect = [\"langevin/mean/-1/x\"]\n[initial]",
    ));
    let output = fpsolve(folder.path(), &["sweep", "well.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout)
            .contains("langevin.walkers = 0: refused: `langevin.walkers` must be a whole number from 1"),
        "{}",
        text(&output.stdout)
    );
    let record = read(&folder.path().join("well-sweep.h5"));
    assert_eq!(numbers(&record, "sweep/status"), [0.0, 2.0, 0.0]);
    let means = numbers(&record, "sweep/langevin_mean_-1_x");
    assert!(means[0].is_finite() && means[1].is_nan() && means[2].is_finite());
    let remark = |record: &Record| match &record.dataset("sweep/remark").unwrap().values {
        Values::Text(rows) => rows.clone(),
        other => panic!("{other:?}"),
    };
    assert!(remark(&record)[1].contains("langevin.walkers") && remark(&record)[0].is_empty());
}

#[test]
fn keys_that_vary_together_are_one_dimension() {
    let folder = folder(WELL);
    succeeds(
        folder.path(),
        &[
            "sweep",
            "well.toml",
            "--engine",
            "langevin",
            "--zip",
            "langevin.step=0.1,0.05",
            "--zip",
            "langevin.scheme=euler-maruyama,weak2",
            "--collect",
            "langevin/mean/-1/x",
        ],
    );
    let record = read(&folder.path().join("well-sweep.h5"));
    assert_eq!(numbers(&record, "sweep/langevin_mean_-1_x").len(), 2);
    let schemes = record.dataset("sweep/langevin_scheme").unwrap();
    assert_eq!(schemes.axes, ["langevin_step"]);
    assert_eq!(schemes.values, Values::Text(vec!["euler-maruyama".into(), "weak2".into()]));
}

#[test]
fn what_is_no_sweep_is_refused_before_it_begins() {
    let folder = folder(WELL);
    let none = refused(folder.path(), &[]);
    assert!(none.contains("a sweep of nothing: no key varies") && none.contains("[sweep]"), "{none}");
    assert!(refused(folder.path(), &["--over", "seed=1,2"]).contains("collects nothing"));
    let key = refused(folder.path(), &["--over", "dynamics.temprature=1,2", "--collect", "stationary/mean/x"]);
    assert!(
        key.contains("no key `dynamics.temprature`") && key.contains("did you mean `dynamics.temperature`?"),
        "{key}"
    );
    let path = refused(folder.path(), &["--over", "seed=1,2", "--collect", "stationary/maen/x"]);
    assert!(
        path.contains("has no `stationary/maen/x`") && path.contains("did you mean `stationary/mean/x`?"),
        "{path}"
    );
    let all = refused(folder.path(), &["--over", "langevin.walkers=0,-1", "--collect", "langevin/mean/-1/x"]);
    assert!(all.contains("must be a whole number from 1"), "{all}");
    std::fs::write(folder.path().join("well-sweep.h5"), "mine").unwrap();
    let taken = refused(folder.path(), &["--over", "seed=1,2", "--collect", "stationary/mean/x"]);
    assert!(taken.contains("well-sweep.h5 exists already"), "{taken}");
}

/// At T = 0.01 the mean time is about 10¹¹; 100 walkers are followed to 40.
#[test]
fn walkers_that_would_never_arrive_are_not_followed() {
    let folder = folder(WELL);
    let output = fpsolve(
        folder.path(),
        &["sweep", "well.toml", "--over", "dynamics.temperature=0.2,0.01", "--collect", "escape/over/langevin_mean"],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("dynamics.temperature = 0.01: too large: no ensemble can sample escape \"over\""), "{said}");
    assert!(said.contains("splitting can: rare_event = [{ name = \"over\""), "{said}");
    let record = read(&folder.path().join("well-sweep.h5"));
    assert_eq!(numbers(&record, "sweep/status"), [0.0, 4.0]);
    assert!(number(&read(&first_record(folder.path())), "escape/over/langevin_mean") > 0.0);
}

fn first_record(folder: &Path) -> std::path::PathBuf {
    std::fs::read_dir(folder.join("well-sweep")).unwrap().next().unwrap().unwrap().path()
}
