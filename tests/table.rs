//! Models from tables: against the scenario that the table was made of, in every engine; what bad tables are told.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{label, number, numbers, warnings};
use fpsolve::reader::Source;
use fpsolve::record::Record;
use fpsolve::run::{Reached, run};
use fpsolve::scenario::Scenario;
use ndarray::{Array1, Array2, Array3, ArrayD, Axis, IxDyn};
use ndarray_npy::NpzWriter;

/// Samples of `(tanh(x*u + y*v) - z)^2 + 0.05*(x^2 + y^2)`.
const U: [f64; 6] = [1.0, -0.5, 0.7, 1.3, -1.1, 0.2];
const V: [f64; 6] = [0.3, 1.2, -0.9, 0.5, 0.8, -1.0];
const Z: [f64; 6] = [0.8, -0.2, 0.5, 0.1, -0.7, 0.3];

const FORMULA: &str = r#"
kind = "sample-loss"
variables = ["x", "y"]
sample_loss = "(tanh(x*u + y*v) - z)^2 + 0.05*(x^2 + y^2)"
[model.data]
points = { u = [1.0, -0.5, 0.7, 1.3, -1.1, 0.2], v = [0.3, 1.2, -0.9, 0.5, 0.8, -1.0], z = [0.8, -0.2, 0.5, 0.1, -0.7, 0.3] }
"#;
const TABLE: &str = "kind = \"table\"\nfile = \"t.npz\"\nvariables = [\"x\", \"y\"]\n";

const REST: &str = r#"
[dynamics]
learning_rate = 0.2
batch_size = 2
[grid]
axes = [{ from = -3, to = 3, cells = 40 }, { from = -3, to = 3, cells = 40 }]
[initial]
kind = "gaussian"
mean = [-0.5, 0.5]
std = [0.3, 0.3]
[time]
at = [0, 1, 5]
[langevin]
walkers = 2000
[sgd]
walkers = 2000
"#;

const LINE: &str = r#"
[dynamics]
learning_rate = 0.2
batch_size = 2
[grid]
axes = [{ from = -3, to = 3, cells = 160 }]
[initial]
kind = "gaussian"
mean = [-0.5]
std = [0.3]
[time]
at = [0, 1, 5]
"#;

fn loss(s: usize, x: f64, y: f64) -> f64 {
    ((x * U[s] + y * V[s]).tanh() - Z[s]).powi(2) + 0.05 * (x * x + y * y)
}

fn gradient(s: usize, x: f64, y: f64) -> [f64; 2] {
    let h = (x * U[s] + y * V[s]).tanh();
    let slope = 2.0 * (h - Z[s]) * (1.0 - h * h);
    [slope * U[s] + 0.1 * x, slope * V[s] + 0.1 * y]
}

fn nodes(n: usize) -> Array1<f64> {
    Array1::linspace(-3.0, 3.0, n)
}

/// `losses` [m, n, n].
fn losses(n: usize) -> ArrayD<f64> {
    let at = nodes(n);
    ArrayD::from_shape_fn(IxDyn(&[6, n, n]), |i| loss(i[0], at[i[1]], at[i[2]]))
}

fn save(folder: &Path, arrays: &[(&str, &ArrayD<f64>)]) {
    let mut file = NpzWriter::new(std::fs::File::create(folder.join("t.npz")).unwrap());
    arrays.iter().for_each(|(name, array)| file.add_array(*name, *array).unwrap());
    file.finish().unwrap();
}

fn scenario(folder: &Path, text: &str) -> miette::Result<Scenario> {
    Scenario::parse(Source::from_text(&folder.join("case.toml"), text.to_string()))
}

fn record(folder: &Path, text: &str) -> Record {
    let scenario = scenario(folder, text).unwrap();
    let run = run(&scenario.problem().unwrap(), &|| false, &|_| (), &Reached::nothing_of(&scenario));
    assert!(run.failure.is_none(), "{:?}", run.failure);
    run.record
}

/// Largest total variation between the densities of two records over the output times.
fn distance(a: &Record, b: &Record, group: &str, volume: f64) -> f64 {
    let [a, b] = [a, b].map(|record| numbers(record, &format!("{group}/density")));
    let cells = a.len() / 3;
    let between = |(a, b): (&[f64], &[f64])| 0.5 * volume * a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>();
    a.chunks_exact(cells).zip(b.chunks_exact(cells)).map(between).fold(0.0, f64::max)
}

#[test]
fn a_table_of_41_nodes_is_the_scenario_that_it_was_made_of_in_every_engine() {
    let folder = tempfile::tempdir().unwrap();
    let at = nodes(41).into_dyn();
    save(folder.path(), &[("x", &at), ("y", &at), ("losses", &losses(41))]);
    let engines = "engines = [\"fokker-planck\", \"langevin\", \"gaussian-sgd\", \"sgd\", \"gradient-descent\"]\n";
    let [exact, table] =
        [FORMULA, TABLE].map(|model| record(folder.path(), &format!("{engines}[model]\n{model}{REST}")));
    let volume = (6.0_f64 / 40.0).powi(2);
    let found = distance(&exact, &table, "fokker_planck", volume);
    assert!(found < 1e-3, "Fokker-Planck: {found}"); // measured 2.3e-4
    for group in ["langevin", "gaussian_sgd", "sgd", "gradient_descent"] {
        // the same random numbers: walkers stay together but for the error of the table
        let [a, b] = [&exact, &table].map(|record| numbers(record, &format!("{group}/mean")));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 2e-3), "{group}: {a:?} {b:?}");
    }
    assert_eq!(label(&table, "problem/table/nodes"), "41 × 41");
    assert_eq!(number(&table, "problem/table/samples"), 6.0);
    let errors = ["error_gradient", "error_diffusion"].map(|name| number(&table, &format!("problem/table/{name}")));
    assert!(errors.iter().all(|error| *error > 1e-5 && *error < 0.01), "{errors:?}");
    assert!(number(&table, "problem/table/points") > 1e4 && !warnings(&table).contains("table:"));
}

#[test]
fn gradients_of_samples_and_drift_with_diffusion_are_the_same_problem() {
    let folder = tempfile::tempdir().unwrap();
    let (n, at) = (41, nodes(41));
    let gradients = ArrayD::from_shape_fn(IxDyn(&[6, 2, n, n]), |i| gradient(i[0], at[i[2]], at[i[3]])[i[1]]);
    let drift = -gradients.mean_axis(Axis(0)).unwrap();
    let off = &gradients + &drift;
    let entry = |i: &IxDyn| (0..6).map(|s| off[[s, i[0], i[2], i[3]]] * off[[s, i[1], i[2], i[3]]]).sum::<f64>() / 6.0;
    let diffusion = ArrayD::from_shape_fn(IxDyn(&[2, 2, n, n]), |i| entry(&i));
    let axis = at.into_dyn();
    let run =
        |model: &str, engines: &str| record(folder.path(), &format!("engines = [{engines}]\n[model]\n{model}{REST}"));
    let exact = run(FORMULA, "\"fokker-planck\"");
    let volume = (6.0_f64 / 40.0).powi(2);
    save(folder.path(), &[("x", &axis), ("y", &axis), ("gradients", &gradients)]);
    let found = distance(&exact, &run(TABLE, "\"fokker-planck\", \"sgd\""), "fokker_planck", volume);
    assert!(found < 1e-3, "gradients: {found}");
    save(folder.path(), &[("x", &axis), ("y", &axis), ("drift", &drift), ("diffusion", &diffusion)]);
    let found = distance(&exact, &run(TABLE, "\"fokker-planck\", \"langevin\""), "fokker_planck", volume);
    assert!(found < 1e-3, "drift and diffusion: {found}");
    let mean = losses(n).mean_axis(Axis(0)).unwrap();
    save(
        folder.path(),
        &[("x", &axis), ("y", &axis), ("loss", &mean), ("gradient", &-&drift), ("diffusion", &diffusion)],
    );
    let of_loss = run(TABLE, "\"fokker-planck\"");
    assert!(distance(&exact, &of_loss, "fokker_planck", volume) < 1e-3);
    assert!(number(&of_loss, "problem/table/difference_gradient") < 1e-3);
    let text = format!("engines = [\"sgd\"]\n[model]\n{TABLE}{REST}");
    let refused = scenario(folder.path(), &text).unwrap().problem().map(|_| ()).unwrap_err().to_string();
    let reason =
        "the engine \"sgd\" needs a model with samples, and this table has no `losses` or `gradients` of samples";
    assert_eq!(refused, reason);
}

#[test]
fn on_one_axis_the_transfer_operator_and_importance_sampling_run_on_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let at = nodes(41);
    let line = ArrayD::from_shape_fn(IxDyn(&[6, 41]), |i| loss(i[0], at[i[1]], 0.4));
    save(folder.path(), &[("x", &at.clone().into_dyn()), ("losses", &line)]);
    let formula = FORMULA
        .replace(", \"y\"]", "]")
        .replace("variables = [\"x\"]", "variables = [\"x\"]\nparameters = { y = 0.4 }");
    let table = TABLE.replace(", \"y\"]", "]");
    for (engines, dynamics, group) in [
        ("\"fokker-planck\", \"transfer-operator\"", "", "transfer_operator"),
        ("\"fokker-planck\"", "importance = { c = 1.0 }\n", "fokker_planck"),
    ] {
        let rest = LINE.replace("batch_size = 2\n", &format!("batch_size = 2\n{dynamics}"));
        let [exact, table] = [&formula, &table]
            .map(|model| record(folder.path(), &format!("engines = [{engines}]\n[model]\n{model}{rest}")));
        let found = distance(&exact, &table, group, 6.0 / 160.0);
        assert!(found < 1e-3, "{group} {dynamics}: {found}");
    }
}

/// What a scenario with these arrays is told.
fn refused(folder: &Path, model: &str, arrays: &[(&str, &ArrayD<f64>)]) -> String {
    save(folder, arrays);
    let parsed = scenario(folder, &format!("[model]\n{model}{REST}"));
    let report = parsed.and_then(|scenario| scenario.problem().map(|_| ())).unwrap_err();
    format!("{report}; {}", report.help().map(|help| help.to_string()).unwrap_or_default())
}

#[test]
fn bad_tables_are_told_by_the_names_of_their_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let (at, full) = (nodes(9).into_dyn(), losses(9));
    let told = |arrays: &[(&str, &ArrayD<f64>)], words: &[&str]| {
        let said = refused(folder.path(), TABLE, arrays);
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    };
    told(&[("x", &at), ("losses", &full)], &["has no array `y`", "the file has `x`, `losses`"]);
    told(&[("x", &at), ("y", &at)], &["has no array `losses`"]);
    told(&[("x", &at), ("y", &at), ("losess", &full)], &["has no array `losses`", "`losess`"]);
    let short = full.slice_axis(Axis(2), ndarray::Slice::from(0..8)).to_owned();
    let words = ["`losses` of", "has the shape [6, 9, 8]; with x (9) and y (9) it must be [m, 9, 9]"];
    told(&[("x", &at), ("y", &at), ("losses", &short)], &words);
    let one = full.slice_axis(Axis(0), ndarray::Slice::from(0..1)).to_owned();
    told(&[("x", &at), ("y", &at), ("losses", &one)], &["has one sample", "`loss` with a `diffusion`"]);
    let mut back = at.clone();
    back.swap(3, 4);
    told(&[("x", &at), ("y", &back), ("losses", &full)], &["the axis `y` does not increase", "node 4"]);
    let mut hole = full.clone();
    hole[[2, 3, 4]] = f64::NAN;
    told(&[("x", &at), ("y", &at), ("losses", &hole)], &["`losses`[2, 3, 4] is NaN"]);
    let few = Array1::linspace(-3.0, 3.0, 3).into_dyn();
    let tiny = Array3::<f64>::zeros((2, 3, 9)).into_dyn();
    told(&[("x", &few), ("y", &at), ("losses", &tiny)], &["the axis `x` has 3 nodes"]);
    let narrow = at.mapv(|x| x / 2.0);
    told(
        &[("x", &at), ("y", &narrow), ("losses", &full)],
        &["the grid has y from -3 to 3, and the table only from -1.5 to 1.5"],
    );
    let mean = full.mean_axis(Axis(0)).unwrap();
    let skew = ArrayD::from_shape_fn(IxDyn(&[2, 2, 9, 9]), |i| [[1.0, 0.5], [0.2, 1.0]][i[0]][i[1]]);
    told(
        &[("x", &at), ("y", &at), ("loss", &mean), ("diffusion", &skew)],
        &["`diffusion`[0, 1]", "is 0.5 and [1, 0] is 0.2"],
    );
    let negative = ArrayD::from_shape_fn(IxDyn(&[2, 2, 9, 9]), |i| [[1.0, 2.0], [2.0, 1.0]][i[0]][i[1]]);
    told(&[("x", &at), ("y", &at), ("loss", &mean), ("diffusion", &negative)], &["D has the eigenvalue -1"]);
    let matrix = Array2::<f64>::zeros((9, 9)).into_dyn();
    told(&[("x", &matrix), ("y", &at), ("losses", &full)], &["the axis `x` of", "has the shape [9, 9]"]);
}

#[test]
fn keys_of_tables_are_told_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let (at, full) = (nodes(9).into_dyn(), losses(9));
    let arrays = [("x", &at), ("y", &at), ("losses", &full)];
    let told = |model: &str| refused(folder.path(), model, &arrays);
    assert!(told("kind = \"table\"\nvariables = [\"x\", \"y\"]\n").contains("`file` is missing in [model]"));
    assert!(told(&TABLE.replace("t.npz", "t.txt")).contains("cannot read the data file"));
    assert!(told(&format!("{TABLE}group = \"a\"\n")).contains("an .npz has no groups"));
    assert!(told(&format!("{TABLE}[model.data]\npoints = {{ u = [1] }}\n")).contains("reads its own file"));
    assert!(told(&TABLE.replace("t.npz", "../t.npz")).contains("--set model.file=/PATH"));
    let text = format!("{}[noise]\nkind = \"table\"\n{REST}", format_args!("[model]\n{TABLE}"));
    let report = scenario(folder.path(), &text).unwrap_err();
    assert!(report.to_string().contains("needs a model whose table gives D"), "{report}");
}

#[test]
fn coarse_tables_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let at = nodes(9).into_dyn();
    save(folder.path(), &[("x", &at), ("y", &at), ("losses", &losses(9))]);
    let table = record(folder.path(), &format!("engines = [\"fokker-planck\"]\n[model]\n{TABLE}{REST}"));
    let said = warnings(&table);
    assert!(said.contains("table: interpolation errs by about") && said.contains("of the diffusion matrix"), "{said}");
    let full = losses(41);
    let at = nodes(41).into_dyn();
    let wrong = ArrayD::from_shape_fn(IxDyn(&[6, 2, 41, 41]), |i| i[0] as f64);
    save(folder.path(), &[("x", &at), ("y", &at), ("losses", &full), ("gradients", &wrong)]);
    let table = record(folder.path(), &format!("engines = [\"fokker-planck\"]\n[model]\n{TABLE}{REST}"));
    assert!(warnings(&table).contains("table: the slopes of the losses differ by"), "{}", warnings(&table));
    let identity = ArrayD::from_shape_fn(IxDyn(&[2, 2, 41, 41]), |i| f64::from(i[0] == i[1]));
    save(folder.path(), &[("x", &at), ("y", &at), ("losses", &full), ("diffusion", &identity)]);
    let table = record(folder.path(), &format!("engines = [\"fokker-planck\"]\n[model]\n{TABLE}{REST}"));
    assert!(warnings(&table).contains("table: the `diffusion` of the table differs by"), "{}", warnings(&table));
    // a loss that is not that of the gradients, nor a drift
    let gradients = ArrayD::from_shape_fn(IxDyn(&[6, 2, 41, 41]), |i| gradient(i[0], at[i[2]], at[i[3]])[i[1]]);
    let (mean, drift) = (full.mean_axis(Axis(0)).unwrap(), ArrayD::zeros(IxDyn(&[2, 41, 41])));
    for (besides, array) in [("loss", &(&mean * 2.0)), ("drift", &(drift + 1.0))] {
        save(folder.path(), &[("x", &at), ("y", &at), ("gradients", &gradients), (besides, array)]);
        let table = record(folder.path(), &format!("engines = [\"fokker-planck\"]\n[model]\n{TABLE}{REST}"));
        assert!(warnings(&table).contains("table: the slopes of the losses differ by"), "{}", warnings(&table));
    }
}

/// Total variation of the stationary density of |x| from a table of so many nodes, the number that is told, and the warnings.
fn kinked(nodes: usize, temperature: f64) -> (f64, f64, String) {
    let folder = tempfile::tempdir().unwrap();
    let at = Array1::linspace(-2.0, 2.0, nodes).into_dyn();
    save(folder.path(), &[("x", &at), ("loss", &at.mapv(f64::abs))]);
    let text = format!(
        "engines = [\"fokker-planck\"]\n[model]\nkind = \"table\"\nfile = \"t.npz\"\nvariables = [\"x\"]\n[dynamics]\n\
         temperature = {temperature}\n[grid]\naxes = [{{ from = -2, to = 2, cells = 800 }}]\n[initial]\nkind = \"uniform\"\n[time]\nat = [0, 1]\n"
    );
    let found = record(folder.path(), &text);
    let width = 4.0 / 800.0;
    let exact = |cell: usize| {
        let [a, b] = [cell, cell + 1].map(|edge| (-2.0 + width * edge as f64).abs());
        ((-a.min(b) / temperature).exp() - (-a.max(b) / temperature).exp()) / 2.0 / (1.0 - (-2.0 / temperature).exp())
    };
    let density = numbers(&found, "stationary/density");
    let off = density.iter().enumerate().map(|(cell, p)| (p * width - exact(cell)).abs()).sum::<f64>() / 2.0;
    (off, number(&found, "problem/table/error_density"), warnings(&found))
}

#[test]
fn what_interpolation_does_to_the_density_is_told_in_units_of_the_temperature() {
    // a kink between two nodes, .068 apart at T = .02: the drift errs by less than a twentieth
    let (off, told, said) = kinked(60, 0.02);
    assert!(off > 0.1 && (off / 4.0..4.0 * off).contains(&told), "{off} {told}");
    assert!(said.contains("table: interpolation may put the stationary density off by about"), "{said}");
    let (off, told, said) = kinked(60, 1.0);
    assert!(off < 0.01 && told < 0.01 && !said.contains("stationary density off"), "{off} {told} {said}");
}

#[test]
fn a_box_that_is_found_ends_with_the_table_and_sgd_without_samples_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = Array1::linspace(-2.0, 2.0, 21).into_dyn();
    save(folder.path(), &[("x", &at), ("loss", &at.mapv(|x| 0.5 * x * x))]);
    let text = |grid: &str, more: &str| {
        format!(
            "[model]\nkind = \"table\"\nfile = \"t.npz\"\nvariables = [\"x\"]\n[dynamics]\nlearning_rate = 0.4\nbatch_size = 1\n[grid]\n{grid}\n\
             [initial]\nkind = \"gaussian\"\nmean = [0.0]\nstd = [0.1]\n[time]\nat = [0, 1]\n{more}"
        )
    };
    let auto = "bounds = \"auto\"\ncells = [100]";
    let prepared = scenario(folder.path(), &text(auto, "")).unwrap().problem().unwrap();
    let axis = &prepared.problem.grid.axes()[0];
    assert_eq!([axis.lower(), axis.upper()], [-2.0, 2.0]);
    assert!(prepared.notes.iter().any(|note| note.contains("the table only from -2 to 2: the grid ends there")));
    // points beyond the table that the search of the box asked for are no fault of the run
    let parsed = scenario(folder.path(), &text(auto, "")).unwrap();
    let found = run(&prepared, &|| false, &|_| (), &Reached::nothing_of(&parsed));
    assert!(found.verdicts.iter().all(|verdict| verdict.name != "table"), "{:?}", found.verdicts);
    let written = "axes = [{ from = -2, to = 2, cells = 100 }]";
    let notes = |more: &str| scenario(folder.path(), &text(written, more)).unwrap().problem().unwrap().notes;
    assert!(notes("[sgd]\nwalkers = 100\n").iter().any(|note| note.contains("the engine \"sgd\" does not run")));
    assert!(notes("").is_empty(), "{:?}", notes(""));
}

#[test]
fn a_group_of_an_hdf5_file_is_a_table_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = hdf5::File::create(folder.path().join("t.h5")).unwrap();
    let group = file.create_group("slice").unwrap().create_group("minima").unwrap();
    for (name, values) in [("x", nodes(9).into_dyn()), ("y", nodes(9).into_dyn()), ("losses", losses(9))] {
        group.new_dataset_builder().with_data(&values).create(name).unwrap();
    }
    file.close().unwrap();
    let text = |group: &str| format!("[model]\n{}{group}{REST}", TABLE.replace("t.npz", "t.h5"));
    let found = scenario(folder.path(), &text("group = \"slice/minima\"\n")).unwrap().problem().unwrap();
    assert_eq!(found.model.sample_count(), 6);
    let refused = scenario(folder.path(), &text("group = \"slice/maxima\"\n")).unwrap_err().to_string();
    assert!(refused.contains("there is no maxima of slice/maxima; there are minima"), "{refused}");
    let refused = scenario(folder.path(), &text("")).unwrap_err().to_string();
    assert!(refused.contains("has no array `x`"), "{refused}");
}

#[test]
fn large_arrays_are_read_block_by_block() {
    let folder = tempfile::tempdir().unwrap();
    let (samples, n) = (1_300, 2_048);
    let at = Array1::linspace(-3.0, 3.0, n);
    let losses = Array2::from_shape_fn((samples, n), |(s, i)| 0.5 * (at[i] - (s % 7) as f64).powi(2));
    for compressed in [false, true] {
        let file = hdf5::File::create(folder.path().join("t.h5")).unwrap();
        file.new_dataset_builder().with_data(&at).create("x").unwrap();
        let builder = file.new_dataset_builder();
        let builder = if compressed { builder.chunk((100, 500)).deflate(1) } else { builder };
        builder.with_data(&losses).create("losses").unwrap();
        file.close().unwrap();
        let text = format!("[model]\n{}{LINE}", TABLE.replace(", \"y\"]", "]").replace("t.npz", "t.h5"));
        let model = scenario(folder.path(), &text).unwrap().problem().unwrap().model;
        let mut found = vec![0.0; samples];
        model.data().unwrap().sample_losses(&[at[5]], &mut found);
        assert!((0..samples).all(|s| (found[s] - losses[[s, 5]]).abs() < 1e-9), "{compressed}");
    }
}

/// A table of x with `losses` as netCDF packs them, and attributes of that variable.
fn packed<T: hdf5::H5Type>(folder: &Path, stored: &Array2<T>, attributes: &[(&str, f64)], unsigned: bool) {
    let file = hdf5::File::create(folder.join("t.nc")).unwrap();
    file.new_dataset_builder().with_data(&Array1::linspace(-3.0, 3.0, 9)).create("x").unwrap();
    let losses = file.new_dataset_builder().with_data(stored).create("losses").unwrap();
    for (name, value) in attributes {
        losses.new_attr_builder().with_data(&[*value]).create(*name).unwrap();
    }
    if unsigned {
        let word: hdf5::types::VarLenUnicode = "true".parse().unwrap();
        losses.new_attr::<hdf5::types::VarLenUnicode>().create("_Unsigned").unwrap().write_scalar(&word).unwrap();
    }
    file.close().unwrap();
}

#[test]
fn packed_variables_of_netcdf_are_unpacked_and_missing_ones_told() {
    let folder = tempfile::tempdir().unwrap();
    let exact = |s: usize, i: usize| 0.5 * ((-3.0 + 0.75 * i as f64) - [1.0, -1.0][s]).powi(2);
    let problem = || {
        scenario(folder.path(), &format!("[model]\n{}{LINE}", TABLE.replace(", \"y\"]", "]").replace("t.npz", "t.nc")))
    };
    let largest_error = || {
        let model = problem().unwrap().problem().unwrap().model;
        let mut losses = [0.0; 18];
        let nodes: Vec<f64> = (0..9).map(|i| -3.0 + 0.75 * f64::from(i)).collect();
        model.data().unwrap().sample_losses(&nodes, &mut losses);
        (0..18).map(|k| (losses[k] - exact(k / 9, k % 9)).abs()).fold(0.0, f64::max)
    };
    let scaled = Array2::from_shape_fn((2, 9), |(s, i)| ((exact(s, i) - 10.0) / 0.001).round() as i16);
    packed(folder.path(), &scaled, &[("scale_factor", 0.001), ("add_offset", 10.0), ("_FillValue", -32767.0)], false);
    assert!(largest_error() < 6e-4);
    // 0 … 255 in signed bytes, 255 missing
    let bytes = Array2::from_shape_fn((2, 9), |(s, i)| (exact(s, i) / 0.04).round() as u8 as i8);
    packed(folder.path(), &bytes, &[("scale_factor", 0.04), ("_FillValue", -1.0)], true);
    assert!(largest_error() < 0.021);
    for name in ["_FillValue", "missing_value"] {
        let holed = Array2::from_shape_fn((2, 9), |(s, i)| if (s, i) == (1, 4) { 9999.0 } else { exact(s, i) });
        packed(folder.path(), &holed, &[(name, 9999.0)], false);
        let refused = problem().unwrap_err().to_string();
        assert!(refused.contains("`losses`[1, 4] is NaN"), "{refused}");
    }
    packed(folder.path(), &scaled.mapv(f64::from), &[], false);
    let file = hdf5::File::append(folder.path().join("t.nc")).unwrap();
    let word: hdf5::types::VarLenUnicode = "much".parse().unwrap();
    let losses = file.dataset("losses").unwrap();
    losses.new_attr::<hdf5::types::VarLenUnicode>().create("scale_factor").unwrap().write_scalar(&word).unwrap();
    drop(losses);
    file.close().unwrap();
    assert!(problem().unwrap_err().to_string().contains("the attribute scale_factor of losses is no number"));
}

#[test]
fn dimensions_without_coordinates_are_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let file = hdf5::File::create(folder.path().join("t.nc")).unwrap();
    let axis = file.new_dataset_builder().with_data(&Array1::<f64>::zeros(9)).create("x").unwrap();
    let name: hdf5::types::FixedAscii<64> =
        hdf5::types::FixedAscii::from_ascii("This is a netCDF dimension but not a netCDF variable.         9").unwrap();
    axis.new_attr::<hdf5::types::FixedAscii<64>>().create("NAME").unwrap().write_scalar(&name).unwrap();
    file.new_dataset_builder().with_data(&Array2::<f64>::zeros((2, 9))).create("losses").unwrap();
    drop(axis);
    file.close().unwrap();
    let text = format!("[model]\n{}{LINE}", TABLE.replace(", \"y\"]", "]").replace("t.npz", "t.nc"));
    let refused = scenario(folder.path(), &text).unwrap_err().to_string();
    assert!(refused.contains("the dimension `x` of") && refused.contains("has no coordinates"), "{refused}");
}

#[test]
fn arrays_that_contradict_or_are_nearly_named_are_refused_and_others_noted() {
    let folder = tempfile::tempdir().unwrap();
    let (at, full) = (nodes(9).into_dyn(), losses(9));
    let mean = full.mean_axis(Axis(0)).unwrap();
    let identity = ArrayD::from_shape_fn(IxDyn(&[2, 2, 9, 9]), |i| f64::from(i[0] == i[1]));
    let told = |arrays: &[(&str, &ArrayD<f64>)], words: &[&str]| {
        let all = [&[("x", &at), ("y", &at)], arrays].concat();
        let said = refused(folder.path(), TABLE, &all);
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    };
    told(&[("losses", &full), ("loss", &(&mean + 1.0))], &["`loss` of", "the mean of `losses` is", "x = -3, y = -3"]);
    told(&[("loss", &mean), ("difusion", &identity)], &["`difusion` of", "rename it: to diffusion"]);
    told(&[("losses", &full), ("gradients_", &full)], &["`gradients_` of", "rename it"]);
    save(folder.path(), &[("x", &at), ("y", &at), ("losses", &full), ("loss", &mean), ("accuracy", &mean)]);
    let text = format!("[model]\n{TABLE}{REST}");
    let prepared = scenario(folder.path(), &text).unwrap().problem().unwrap();
    assert!(prepared.notes.iter().any(|note| note.contains("not read of t.npz: `accuracy`")));
    let said = scenario(folder.path(), &format!("[model]\n{}{LINE}", TABLE.replace("[\"x\", \"y\"]", "[\"losses\"]")));
    assert!(said.unwrap_err().to_string().contains("a variable of a table cannot be called `losses`"));
}

#[test]
fn walkers_that_leave_the_table_fail_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let at = Array1::linspace(-1.0, 1.0, 9).into_dyn();
    let line = ArrayD::from_shape_fn(IxDyn(&[2, 9]), |i| 0.5 * (at[i[1]] - [2.0_f64, -2.0][i[0]]).powi(2));
    save(folder.path(), &[("x", &at), ("losses", &line)]);
    let rest = LINE.replace("-3, to = 3", "-1, to = 1");
    let table = TABLE.replace(", \"y\"]", "]");
    let scenario =
        scenario(folder.path(), &format!("engines = [\"sgd\"]\n[model]\n{table}{rest}[sgd]\nwalkers = 500\n")).unwrap();
    let run = run(&scenario.problem().unwrap(), &|| false, &|_| (), &Reached::nothing_of(&scenario));
    let verdict = run.verdicts.iter().find(|verdict| verdict.name == "table").unwrap();
    assert!(!verdict.passed && verdict.value > 0.01 && verdict.why.contains("lay beyond the table"), "{}", verdict.why);
    assert_eq!(
        number(&run.record, "problem/table/points_beyond"),
        verdict.value * number(&run.record, "problem/table/points")
    );
}
