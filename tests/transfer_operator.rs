//! The engine `transfer-operator` end to end: the law of SGD beside exact recursions, and what it refuses.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use fpsolve::record::Record;
use fpsolve::record::lookup::lookup;
use fpsolve::run::{Reached, run};
use fpsolve::scenario::Scenario;

/// Four samples a (θ − c)²/2 with a = ½, 1, 3/2, 2 and c = 1, −1, ½, 0.
const QUADRATIC: &str = r#"
engines = ["transfer-operator"]
[model]
kind = "sample-loss"
variables = ["x"]
sample_loss = "a*(x - c)^2/2"
[model.data]
points = { a = [0.5, 1, 1.5, 2], c = [1, -1, 0.5, 0] }
[dynamics]
learning_rate = 0.25
batch_size = 2
[grid]
axes = [{ from = -2, to = 2, cells = 320 }]
[initial]
kind = "gaussian"
mean = [0.5]
std = [0.2]
[time]
at = [0, 0.25, 1]
"#;

fn scenario(text: &str) -> miette::Result<Scenario> {
    Scenario::parse(fpsolve::reader::Source::from_text(Path::new("law.toml"), text.to_string()))
}

fn record(text: &str) -> Record {
    let scenario = scenario(text).unwrap();
    let run = run(&scenario.problem().unwrap(), &|| false, &|_| (), &Reached::nothing_of(&scenario));
    assert!(run.failure.is_none(), "{:?}", run.failure);
    run.record
}

fn number(record: &Record, path: &str) -> f64 {
    lookup(record, path).unwrap()
}

/// The mean obeys E x' = (1 − η ⟨a⟩) E x + η ⟨a c⟩; moments at rest from the recursion of the first two.
#[test]
fn moments_of_a_quadratic_loss_follow_their_recursions() {
    let record = record(QUADRATIC);
    let (decay, push) = (1.0 - 0.25 * 1.25, 0.25 * 0.0625);
    let mut mean = 0.5;
    for k in 1..=4 {
        mean = decay * mean + push;
        if k == 1 || k == 4 {
            let found = number(&record, &format!("transfer_operator/mean/{}/x", if k == 1 { 1 } else { 2 }));
            assert!((found - mean).abs() < 1e-9, "after {k} steps {found}, exactly {mean}");
        }
    }
    let at_rest = number(&record, "transfer_operator/stationary_mean/x");
    let second = number(&record, "transfer_operator/stationary_covariance/x/x") + at_rest * at_rest;
    assert!((at_rest - 0.05).abs() < 1e-9, "{at_rest}");
    assert!((second - 0.0295754717).abs() < 1e-9, "{second}");
}

#[test]
fn two_points_of_noise_too_weak_for_the_barrier_leave_two_laws() {
    let text = |push: f64| {
        let text =
            QUADRATIC.replace("a*(x - c)^2/2", "(x^2 - 1)^2/4 + z*x").replace("batch_size = 2", "batch_size = 1");
        let points = format!("points = {{ z = [{push}, -{push}] }}");
        text.replace("points = { a = [0.5, 1, 1.5, 2], c = [1, -1, 0.5, 0] }", &points)
    };
    let weak = record(&text(0.3));
    assert_eq!(number(&weak, "transfer_operator/classes"), 2.0);
    let [left, right] = [0, 1].map(|k| number(&weak, &format!("transfer_operator/class_probability/{k}")));
    assert!((left + right - 1.0).abs() < 1e-12 && left > 0.001 && right > 0.9, "{left} {right}");
    assert_eq!(number(&record(&text(0.45)), "transfer_operator/classes"), 1.0);
}

#[test]
fn what_has_no_law_on_the_grid_is_refused_with_the_reason() {
    let refusal = |more: &[(&str, &str)]| {
        let text = more.iter().fold(QUADRATIC.to_string(), |text, (from, to)| text.replace(from, to));
        let prepared = scenario(&text).unwrap().problem().unwrap();
        let engine = fpsolve::engine::find("transfer-operator").unwrap();
        let error = (engine.work)(&prepared.options, &prepared.problem).err();
        error.or_else(|| (engine.build)(&prepared.options, &prepared.problem, &|| false).err()).unwrap().to_string()
    };
    let epochs = refusal(&[("batch_size = 2", "batch_size = 2\nreplacement = \"epoch\"")]);
    assert!(epochs.contains("no Markov chain"), "{epochs}");
    let plane = [
        ("variables = [\"x\"]", "variables = [\"x\", \"y\"]"),
        ("a*(x - c)^2/2", "a*((x - c)^2 + y^2 + c*y)/2"),
        ("cells = 320 }]", "cells = 64 }, { from = -2, to = 2, cells = 64 }]"),
        ("mean = [0.5]\nstd = [0.2]", "mean = [0.5, 0]\nstd = [0.2, 0.2]"),
    ];
    let and = |from: &'static str, to: &'static str| [&plane[..], &[(from, to)]].concat();
    let momentum = refusal(&and("[time]", "[sgd]\noptimizer = { kind = \"momentum\" }\n[time]"));
    assert!(momentum.contains("one axis only"), "{momentum}");
    let fitted = refusal(&and("[time]", "[transfer_operator]\nrows = \"fitted\"\n[time]"));
    assert!(fitted.contains("quasi-potential"), "{fitted}");
    let adam = refusal(&[("[time]", "[sgd]\noptimizer = { kind = \"adam\" }\n[time]")]);
    assert!(adam.contains("adam"), "{adam}");
    let coarse = refusal(&[("cells = 320", "cells = 12")]);
    assert!(coarse.contains("fewer than 0.55"), "{coarse}");
    let fine = refusal(&[("cells = 320", "cells = 65536")]);
    assert!(fine.contains("entries"), "{fine}");
}

/// With single draws the law is rough: the density converges slowly, and what is said of its error must follow.
#[test]
fn the_error_of_a_rough_density_is_right_within_a_factor_of_three() {
    let law = |cells: usize| {
        let text = QUADRATIC
            .replace("a*(x - c)^2/2", "(x^2 - 1)^2/4 + z*x")
            .replace(
                "points = { a = [0.5, 1, 1.5, 2], c = [1, -1, 0.5, 0] }",
                "points = { z = [2, -0.5, -0.5, -0.5, -0.5] }",
            )
            .replace("batch_size = 2", "batch_size = 1")
            .replace("from = -2, to = 2, cells = 320", &format!("from = -2.6, to = 2.4, cells = {cells}"))
            .replace("at = [0, 0.25, 1]", "at = [0, 5]");
        record(&text)
    };
    let (cells, finest) = (320, 5120);
    let (coarse, fine) = (law(cells), law(finest));
    for (what, said) in [("density", "error_grid"), ("stationary_density", "stationary_error_grid")] {
        let last = |record: &Record, n: usize| {
            let values = record.dataset(&format!("transfer_operator/{what}")).unwrap().as_float().unwrap().clone();
            let values: Vec<f64> = values.iter().copied().collect();
            values[values.len() - n..].iter().map(|density| density * 5.0 / n as f64).collect::<Vec<f64>>()
        };
        let truth: Vec<f64> = last(&fine, finest).chunks(finest / cells).map(|part| part.iter().sum()).collect();
        let error: f64 = last(&coarse, cells).iter().zip(&truth).map(|(a, b)| (a - b).abs()).sum();
        let ratio = number(&coarse, &format!("transfer_operator/{said}")) / error;
        assert!(error > 1e-3 && (1.0 / 3.0..3.0).contains(&ratio), "{what}: error {error}, said {ratio} times that");
    }
}
