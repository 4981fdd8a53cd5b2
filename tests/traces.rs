//! Models from traces: the shipped scenario against the law that its traces were made with, and what bad traces are told.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{label, number, numbers, warnings};
use fpsolve::reader::Source;
use fpsolve::run::{Reached, run};
use fpsolve::scenario::Scenario;
use ndarray::{Array0, ArrayD, IxDyn};
use ndarray_npy::NpzWriter;

const REST: &str = r#"
[dynamics]
learning_rate = 0.1
[grid]
axes = [{ from = -0.1, to = 0.1, cells = 40 }]
[initial]
kind = "uniform"
[time]
at = [0, 1]
"#;
const MODEL: &str = "[model]\nkind = \"traces\"\nfile = \"t.npz\"\nvariables = [\"x\"]\nlearning_rate = 0.1\n";

fn save(folder: &Path, name: &str, trace: &ArrayD<f64>, numbers: &[(&str, f64)]) {
    let mut file = NpzWriter::new(std::fs::File::create(folder.join("t.npz")).unwrap());
    file.add_array(name, trace).unwrap();
    numbers.iter().for_each(|(name, value)| file.add_array(*name, &Array0::from_elem((), *value)).unwrap());
    file.finish().unwrap();
}

fn scenario(folder: &Path, text: &str) -> miette::Result<Scenario> {
    Scenario::parse(Source::from_text(&folder.join("case.toml"), text.to_string()))
}

/// A linear law: x' = 0.9 x + 0.05 u, u of variance 1 (a sum of a sine's digits).
fn linear(walkers: usize, rows: usize) -> ArrayD<f64> {
    let mut seed = 1_u64;
    let mut uniform = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut trace = ArrayD::zeros(IxDyn(&[walkers, rows, 1]));
    for w in 0..walkers {
        let mut x = 0.0;
        for row in 0..rows {
            x = 0.9 * x + 0.05 * (0..4).map(|_| uniform()).sum::<f64>() * 3.0_f64.sqrt();
            trace[[w, row, 0]] = x;
        }
    }
    trace
}

#[test]
fn the_shipped_traces_give_back_the_law_that_made_them() {
    let scenario =
        Scenario::load(Path::new("scenarios/traces.toml"), &["engines=[\"fokker-planck\"]".to_string()]).unwrap();
    let run = run(&scenario.problem().unwrap(), &|| false, &|_| (), &Reached::nothing_of(&scenario));
    let record = run.record;
    assert!(run.verdicts.len() >= 3 && run.verdicts.iter().all(|verdict| verdict.passed), "{:?}", run.verdicts);
    assert_eq!(label(&record, "traces/nature"), "markov");
    let x = numbers(&record, "traces/x");
    // b = x − x³, D = 1.44 (1 + 0.49 x²): neighbouring nodes share their data, so that the means over them scatter by a third
    let scores = |name: &str, exact: &dyn Fn(f64) -> f64| {
        let found = numbers(&record, &format!("traces/{name}"));
        let bars = numbers(&record, &format!("traces/{name}_se"));
        let squares = x.iter().zip(found).zip(bars).map(|((x, f), se)| ((f - exact(*x)) / se).powi(2));
        (squares.sum::<f64>() / x.len() as f64).sqrt()
    };
    let [drift, noise] = [scores("drift", &|x| x - x.powi(3)), scores("diffusion", &|x| 1.44 * (1.0 + 0.49 * x * x))];
    assert!((0.5..1.5).contains(&drift) && (0.4..1.5).contains(&noise), "{drift} {noise}"); // measured 0.95, 0.76
    let histogram = numbers(&record, "traces/histogram/density");
    let width = (1.58 + 1.6) / 160.0;
    assert!((histogram.iter().sum::<f64>() * width - 1.0).abs() < 1e-9);
    let shown = fpsolve::summary::summary(&record);
    assert!(shown.contains("verdict: markov") && shown.contains("total variation of their histogram"), "{shown}");
}

#[test]
fn numbers_of_the_file_are_those_of_the_keys() {
    let folder = tempfile::tempdir().unwrap();
    let trace = linear(8, 2_000);
    let record = |model: &str| {
        let scenario = scenario(folder.path(), &format!("engines = [\"fokker-planck\"]\n{model}{REST}")).unwrap();
        run(&scenario.problem().unwrap(), &|| false, &|_| (), &Reached::nothing_of(&scenario)).record
    };
    save(folder.path(), "trace", &trace, &[("learning_rate", 0.1), ("batch_size", 4.0), ("stride", 1.0)]);
    let of_file = record(&MODEL.replace("learning_rate = 0.1\n", ""));
    save(folder.path(), "trace", &trace, &[]);
    let of_keys = record(&format!("{MODEL}batch_size = 4\nstride = 1\n"));
    let diffusion = |record| numbers(record, "traces/diffusion");
    assert_eq!(diffusion(&of_file), diffusion(&of_keys));
    // x' = x − η x + …: A = 0.05²/(2 η), D = 2 B A/η = 1
    let found = diffusion(&of_keys);
    assert!((found[found.len() / 2] - 1.0).abs() < 0.1, "{}", found[found.len() / 2]);
    let told = warnings(&of_keys);
    let of_rate = "traces: recorded with learning_rate = 0.1 and batch_size = 4, and the run has 0.1 and 1";
    assert!(told.matches("traces:").count() == 1 && told.contains(of_rate), "{told}");
    assert_eq!(number(&of_keys, "traces/batch_size"), 4.0);
}

#[test]
fn warnings_name_what_they_rest_on() {
    let folder = tempfile::tempdir().unwrap();
    let trace = linear(8, 2_000);
    let said = |model: &str, rest: &str| {
        let scenario = scenario(folder.path(), &format!("engines = [\"fokker-planck\"]\n{model}{rest}")).unwrap();
        warnings(&run(&scenario.problem().unwrap(), &|| false, &|_| (), &Reached::nothing_of(&scenario)).record)
    };
    save(folder.path(), "trace", &trace, &[]);
    let other = said(MODEL, &REST.replace("learning_rate = 0.1", "learning_rate = 0.05"));
    assert!(
        other.contains("recorded with learning_rate = 0.1 and batch_size = 1, and the run has 0.05 and 1"),
        "{other}"
    );
    let warmer = said(MODEL, &REST.replace("learning_rate = 0.1", "temperature = 0.1"));
    assert!(warmer.contains("recorded at the temperature η/(2B) = 0.05, and the run has 0.1"), "{warmer}");
    let mut file = NpzWriter::new(std::fs::File::create(folder.path().join("t.npz")).unwrap());
    file.add_array("trace", &trace).unwrap();
    let leaving = ArrayD::from_shape_fn(IxDyn(&[8, 2_000]), |i| 1e-3 * i[1] as f64);
    file.add_array("trace_distance", &leaving).unwrap();
    file.finish().unwrap();
    let leaving = said(MODEL, REST);
    assert!(leaving.contains("the distance from the plane changes by"), "{leaving}");
    assert!(!leaving.contains("the variance over"), "{leaving}");
}

#[test]
fn bad_traces_are_told_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let told = |model: &str, words: &[&str]| {
        let parsed = scenario(folder.path(), &format!("{model}{REST}"));
        let report = parsed.and_then(|scenario| scenario.problem().map(|_| ())).unwrap_err();
        let said = format!("{report}; {}", report.help().map(|help| help.to_string()).unwrap_or_default());
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    };
    let good = linear(4, 500);
    save(folder.path(), "trace", &linear(2, 20), &[]);
    told(MODEL, &["the traces are too short: 2 walkers with 20 rows each"]);
    save(folder.path(), "path", &good, &[]);
    told(MODEL, &["has no array `trace`", "the file has `path`"]);
    let mut hole = good.clone();
    hole[[1, 7, 0]] = f64::INFINITY;
    save(folder.path(), "trace", &hole, &[]);
    told(MODEL, &["`trace`[1, 7, 0] is inf"]);
    save(folder.path(), "trace", &good, &[("stride", 1.5)]);
    told(MODEL, &["`stride` of", "is 1.5"]);
    save(folder.path(), "trace", &good, &[]);
    told(&MODEL.replace("learning_rate = 0.1\n", ""), &["`learning_rate` is missing in [model]"]);
    told(&MODEL.replace("[\"x\"]", "[\"x\", \"y\"]"), &["`trace` of", "[4, 500, 1]", "[walkers, rows, 2]"]);
    told(&format!("engines = [\"sgd\"]\n{MODEL}"), &["needs a model with samples, and traces show what samples did"]);
    told(&format!("{MODEL}bandwidth = 3\n"), &["`model.bandwidth` is 3"]);
    told(&MODEL.replace("t.npz", "t.csv"), &["cannot read the data file"]);
    let apart =
        ArrayD::from_shape_fn(IxDyn(&[4, 500, 1]), |i| good[[i[0], i[1], 0]] + if i[0] < 2 { -5.0 } else { 5.0 });
    save(folder.path(), "trace", &apart, &[]);
    told(MODEL, &["the traces lie in 2 regions with holes between them", "traces that cross the holes"]);
}
