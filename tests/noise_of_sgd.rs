//! The built program on what the noise of SGD is: comparison rows, fields, reach, optimizers, importance sampling.

#![allow(clippy::unwrap_used)]

mod common;

use common::{last, number, numbers, read, succeeds, warnings};
use fpsolve::record::Record;
use fpsolve::summary::summary;

const SMALL: &str = r#"
schema = 1
seed = 11
ENGINES

[model]
kind = "sample-loss"
variables = ["w"]
sample_loss = "(w - v)^2/2"

[model.data]
points = { v = [-2, 0.5, 0.5, 0.5, 0.5] }

[dynamics]
learning_rate = 0.25
batch_size = 1
DYNAMICS

[grid]
axes = [{ from = -4, to = 4, cells = 80 }]

[initial]
kind = "gaussian"
mean = [0.3]
std = [0.1]

[time]
at = [0, 1, 20]

[langevin]
walkers = 2000
step = 0.05

[sgd]
walkers = 20000
OPTIMIZER
"#;

/// Runs the scenario and gives back its record.
fn record(engines: &str, dynamics: &str, optimizer: &str) -> Record {
    let folder = tempfile::tempdir().unwrap();
    let text = SMALL.replace("ENGINES", engines).replace("DYNAMICS", dynamics).replace("OPTIMIZER", optimizer);
    std::fs::write(folder.path().join("small.toml"), text).unwrap();
    succeeds(folder.path(), &["scenario", "small.toml"]);
    read(&folder.path().join("small.h5"))
}

/// The three rows: skewed samples make SGD another law than Gaussian SGD, whose step of 0.25 is told from the SDE too.
#[test]
fn three_rows_say_what_separates_sgd_from_the_sde() {
    let record = record(r#"engines = ["fokker-planck", "gaussian-sgd", "sgd", "gradient-descent"]"#, "", "");
    let text = summary(&record);
    for line in [
        "what separates SGD from the SDE (total variation at t = 20)",
        "altogether, sgd against fokker-planck",
        "the length of the step, gaussian-sgd against fokker-planck",
        "noise that is not normal, sgd against gaussian-sgd",
    ] {
        assert!(text.contains(line), "no \"{line}\" in\n{text}");
    }
    let distance = |pair: &str| last(&record, &format!("comparison/{pair}/total_variation"));
    let upper = last(&record, "comparison/gaussian_sgd_vs_sgd/total_variation_noise_upper");
    assert!(distance("gaussian_sgd_vs_sgd") > 5.0 * upper && distance("fokker_planck_vs_sgd") > 5.0 * upper);
    assert!(distance("fokker_planck_vs_gaussian_sgd") < distance("gaussian_sgd_vs_sgd"));
    // gradient descent is in the record and not compared
    assert!((last(&record, "gradient_descent/mean")).abs() < 1e-6);
    let comparison = record.group("comparison").unwrap();
    assert!(comparison.groups.iter().all(|pair| !pair.name.contains("gradient_descent")));
    assert!(
        warnings(&record)
            .contains("gradient-descent: not compared with the other engines: gradient descent has no noise")
    );
    // one gradient: v with mean 0, variance 1, third moment −1.5, fourth 3.25 (of w − v: the skewness changes its sign)
    let field = |name: &str| numbers(&record, &format!("problem/{name}"));
    assert!(field("batch_skewness").iter().all(|x| (x - 1.5).abs() < 1e-12));
    assert!(field("batch_excess_kurtosis").iter().all(|x| (x - 0.25).abs() < 1e-12));
    // SGD stays between the samples; the normal law of the SDE does not
    assert!((field("sgd_reach_lower")[0] + 2.0).abs() < 0.2 && (field("sgd_reach_upper")[0] - 0.5).abs() < 0.2);
    let beyond = number(&record, "problem/beyond_sgd_reach");
    assert!(
        beyond > 0.02 && beyond < 0.2 && warnings(&record).contains("that tail belongs to the SDE alone"),
        "{beyond}"
    );
}

/// Momentum gives the SDE its effective rate; Adam has no diffusion in w and is not compared.
#[test]
fn optimizers_say_what_they_can_be_compared_with() {
    let ball = record("", "", r#"optimizer = { kind = "momentum", mu = 0.75 }"#);
    assert!((number(&ball, "temperature") - 0.5).abs() < 1e-15 && (number(&ball, "sgd/step") - 1.0).abs() < 1e-15);
    assert!(warnings(&ball).contains("effective rate 4 η; one of its steps lasts 1"));
    assert!(ball.group("comparison/fokker_planck_vs_sgd").is_some());
    assert!((number(&ball, "sgd/effective_learning_rate") - 1.0).abs() < 1e-15);
    let adam = record("", "", r#"optimizer = { kind = "adam" }"#);
    assert!(adam.group("comparison/fokker_planck_vs_langevin").is_some());
    assert!(adam.group("comparison/fokker_planck_vs_sgd").is_none());
    assert!(
        warnings(&adam).contains("sgd: not compared with the other engines: adam divides by the size of the gradients")
    );
    assert!(summary(&adam).contains("adam, beta1 = 0.9, beta2 = 0.999"));
}

/// Importance sampling runs in all engines, records its effective sample size and warns where it collapses.
#[test]
fn importance_sampling_warns_where_it_collapses() {
    let mild = record("", r#"importance = { c = 1.0, scale = "max-loss" }"#, "");
    assert!(mild.group("comparison/langevin_vs_sgd").is_some() && !warnings(&mild).contains("collapses"));
    let sizes = numbers(&mild, "problem/effective_sample_size");
    assert!(sizes.iter().all(|size| *size > 2.0 && *size <= 5.0 + 1e-12));
    let sharp = record("", "importance = { c = 0.1, scale = 1.0 }", "");
    let said = warnings(&sharp);
    assert!(said.contains("dynamics.importance: the sampling collapses") && said.contains("take a larger c"), "{said}");
}
