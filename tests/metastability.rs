//! Basins end to end: rates between them, transitions, relaxation, and what ways of drawing samples do to them.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use fpsolve::figure::plot_one;
use fpsolve::record::Record;
use fpsolve::record::lookup::lookup;
use fpsolve::run::{Reached, run};
use fpsolve::scenario::Scenario;
use fpsolve::summary::summary;

/// Two wells at ±1, four samples that push by ±½ and ±¾.
const WELLS: &str = r#"
seed = 3
engines = ["fokker-planck", "transfer-operator"]
[model]
kind = "sample-loss"
variables = ["x"]
sample_loss = "(x^2 - 1)^2/4 + z*x"
[model.data]
points = { z = [0.5, -0.5, 0.75, -0.75] }
[dynamics]
learning_rate = 0.2
batch_size = 1
[grid]
axes = [{ from = -2, to = 2, cells = 320 }]
[initial]
kind = "gaussian"
mean = [-1.0]
std = [0.1]
[time]
at = [0, 20, 100, 1000, 4000]
[transfer_operator]
rows = "fitted"
[analysis]
eigenpairs = 3
escape_rates = true
relaxation = { mixing = [0.45, 0.3] }
reactions = [{ name = "over", from = "x < -0.9", to = "x > 0.9" }]
"#;

fn record(text: &str) -> Record {
    let scenario =
        Scenario::parse(fpsolve::reader::Source::from_text(Path::new("wells.toml"), text.to_string())).unwrap();
    let run = run(&scenario.problem().unwrap(), &|| false, &|_| (), &Reached::nothing_of(&scenario));
    assert!(run.failure.is_none(), "{:?}", run.failure);
    run.record
}

fn refusal(text: &str) -> String {
    let scenario = Scenario::parse(fpsolve::reader::Source::from_text(Path::new("wells.toml"), text.to_string()));
    let report = scenario.and_then(|scenario| scenario.problem().map(|_| ())).unwrap_err();
    format!("{report:?}")
}

fn number(record: &Record, path: &str) -> f64 {
    lookup(record, path).unwrap_or_else(|why| panic!("{path}: {why}"))
}

#[test]
fn rates_weights_transitions_and_modes_of_two_wells_agree() {
    let record = record(WELLS);
    for engine in ["fokker_planck", "transfer_operator"] {
        let of = |what: &str| number(&record, &format!("escape_rates/{engine}_{what}"));
        let [there, back] = [of("time/0/1"), of("time/1/0")];
        assert!((there / back - 1.0).abs() < 1e-6 && there > 50.0, "{engine}: {there} {back}");
        assert!((of("weight/0") - 0.5).abs() < 1e-6 && (of("occupancy/0") - 0.5).abs() < 1e-6);
        // 1/τ₁₂ + 1/τ₂₁ is the slowest mode, up to what the wells take themselves
        let sum = 1.0 / there + 1.0 / back;
        assert!((of("slowest") / sum - 1.0).abs() < 1e-9, "{engine}");
        assert!((of("spectrum") / sum - 1.0).abs() < 0.1, "{engine}: {} {sum}", of("spectrum"));
    }
    let kramers = number(&record, "escape_rates/kramers_time/0/1");
    let exact = number(&record, "escape_rates/fokker_planck_time/0/1");
    assert!((kramers / exact - 1.0).abs() < 0.3, "{kramers} {exact}");
    // rates there and back of the transitions are nearer to it: they do not count the way inside a well
    for (own, rate) in
        [("", "spectrum/eigenvalues_real/1"), ("transfer_operator_", "transfer_operator/eigenvalues_real/1")]
    {
        let of = |what: &str| number(&record, &format!("reactions/over/{own}{what}"));
        assert!((of("relaxation") / number(&record, rate) - 1.0).abs() < 0.03, "{own}: {}", of("relaxation"));
        assert!((of("share") - 0.5).abs() < 1e-6 && of("residual") < 1e-6, "{own}: {} {}", of("share"), of("residual"));
        assert!((of("flux") - 0.5 * of("rate")).abs() < 1e-9 * of("flux") && of("flux_error") < 0.02 * of("flux"));
        let [half, twice] = [160, 159].map(|k| number(&record, &format!("reactions/over/{own}committor/{k}")));
        assert!((half + twice - 1.0).abs() < 1e-6, "{own}: {half} {twice}");
    }
    // from the left well the right one fills as the slowest mode decays
    let slow = number(&record, "relaxation/relaxation_time/0");
    assert!((slow * number(&record, "spectrum/eigenvalues_real/1") - 1.0).abs() < 1e-9);
    for engine in ["fokker_planck", "transfer_operator"] {
        let of = |what: &str| number(&record, &format!("relaxation/{engine}_{what}"));
        let mixed = [of("mixing_time/0"), of("mixing_time/1")];
        assert!(mixed[0] > 0.0 && mixed[1] > mixed[0], "{mixed:?}");
        let [first, last] = [of("occupancy/0/1"), of("occupancy/4/1")];
        assert!(first < 1e-3 && last > 0.25 && (of("occupancy_at_rest/1") - 0.5).abs() < 1e-6, "{first} {last}");
    }
    // pictures of all of it
    let folder = tempfile::tempdir().unwrap();
    for name in ["escape-rates", "relaxation", "currents"] {
        let files = plot_one(&record, name, &folder.path().join(name)).unwrap();
        assert!(
            files.len() == 2 && files.iter().all(|file| file.metadata().unwrap().len() > 5_000),
            "{name}: {files:?}"
        );
    }
    let said = summary(&record);
    for words in [
        "escape between 2 basins",
        "0 to 1: mean time fokker-planck",
        "weights of the basins",
        "transitions per unit time",
        "relaxation of",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(said.lines().all(|line| line.chars().count() <= 100), "{said}");
}

#[test]
fn walkers_take_the_times_of_the_grid() {
    let text = WELLS
        .replace("[\"fokker-planck\", \"transfer-operator\"]", "[\"fokker-planck\", \"sgd\", \"langevin\"]")
        .replace("escape_rates = true", "escape_rates = { walkers = 400 }")
        .replace("learning_rate = 0.2", "learning_rate = 0.4")
        .replace(
            "[transfer_operator]\nrows = \"fitted\"",
            "[sgd]\nwalkers = 100\n[langevin]\nwalkers = 100\nstep = 0.05",
        );
    let record = record(&text);
    let of = |what: &str| number(&record, &format!("escape_rates/{what}"));
    for pair in ["0/1", "1/0"] {
        let [exact, found, bar] =
            ["fokker_planck_time", "langevin_time", "langevin_time_error"].map(|w| of(&format!("{w}/{pair}")));
        // five standard errors: falsely once in a million
        assert!((found - exact).abs() < 5.0 * bar && bar < 0.2 * exact, "{found} ± {bar} for {exact}");
        assert!(of(&format!("sgd_time/{pair}")) > 0.0);
    }
    assert!((of("langevin_weight/0") - 0.5).abs() < 5.0 * of("langevin_weight_error/0"));
}

#[test]
fn ways_of_drawing_are_held_against_each_other() {
    let schemes = "[analysis.sampling_schemes]\nfrom = [-1.0]\ntarget = \"x > 0.9\"\nschemes = [{ name = \"plain\", scheme = \"uniform\" }, \
                   { name = \"soft\", c = 1.0, scale = 2.0 }, { name = \"norm\", scheme = \"gradient-norm\", reweight = true }]\n";
    let (start, _) = WELLS.split_once("[analysis]").unwrap();
    let plain = format!(
        "{start}[analysis]\nfirst_passage = [{{ name = \"out\", from = [-1.0], target = \"x > 0.9\", walkers = 1 }}]\n{schemes}"
    );
    let record = record(&plain);
    let of = |what: &str| number(&record, &format!("sampling_schemes/{what}"));
    // the first is the run itself
    for (engine, time) in [("fokker_planck", "from_value"), ("transfer_operator", "transfer_operator_from_value")] {
        let own = number(&record, &format!("escape/out/{time}"));
        assert!((of(&format!("{engine}_time/0")) / own - 1.0).abs() < 1e-9, "{engine}");
    }
    assert!((of("effective_sample_size/0") - 4.0).abs() < 1e-9 && of("bias/0") < 1e-12 && of("bias/1") > 1e-3);
    // reweighted by the norms: no bias, and the least noise
    assert!(of("bias/2") == 0.0 && (of("trace/2") / of("trace_bound/2") - 1.0).abs() < 1e-9);
    assert!(of("trace/2") < of("trace/0") && of("fokker_planck_time/2") > of("fokker_planck_time/0"));
    assert!(summary(&record).contains("sampling schemes: mean time from (-1) to x > 0.9"));
}

#[test]
fn what_cannot_be_asked_is_refused_with_the_reason() {
    let with = |from: &str, to: &str| refusal(&WELLS.replace(from, to));
    assert!(with("from = \"x < -0.9\"", "from = \"x > 0.8\"").contains("overlap"));
    assert!(with("to = \"x > 0.9\"", "to = \"x > 9\"").contains("covers no cell"));
    assert!(with("from = \"x < -0.9\"", "from = \"x\"").contains("is not a condition"));
    assert!(with("(x^2 - 1)^2/4 + z*x", "x^2/2 + z*x").contains("two minima"));
    assert!(with("mixing = [0.45, 0.3]", "mixing = [1.5]").contains("between 0 and 1"));
    let importance = |text: &str| with("batch_size = 1", &format!("batch_size = 1\nimportance = {{ {text} }}"));
    assert!(importance("scheme = \"soft-mix\", c = 1.0").contains("soft-min"));
    assert!(importance("scheme = \"power\"").contains("exponent"));
    assert!(importance("c = 1.0, exponent = 2").contains("does not belong to this scheme"));
    assert!(importance("scheme = \"gradient-norm\", uniform = 1.5").contains("between 0 and 1"));
    assert!(importance("scheme = \"uniform\", clip = 0").contains("clip"));
}

/// B05 (D = 1 + x²) and B17 against quadrature by another program, with the leading error of the grid taken off.
#[test]
fn times_between_minima_have_the_digits_of_quadrature() {
    let wells = "[model]\nkind = \"formula\"\nvariables = [\"x\"]\nloss = \"(x^2 - 1)^2/4\"\n[noise]\nkind = \"formula\"\n\
                 diffusion = [[\"1 + x^2\"]]\n[grid]\naxes = [{ from = -3, to = 3, cells = 800 }]\n[initial]\nkind = \"uniform\"\n";
    let slope = "[model]\nkind = \"tanh-regression\"\nvariables = [\"w\"]\ncenters = [-1.5, -0.9, -0.2]\nslopes = \"shared\"\n[model.data]\n\
                 points = { x = [-2.25, -1.75, -1.25, -0.75, -0.25, 0.25, 0.75, 1.25, 1.75, 2.25], y = [3.5, 3.22, 1.69, -0.9, -2.43, \
                 -5.54, -3.61, -3.63, -3.67, -3.65] }\n[grid]\naxes = [{ from = 0.1, to = 12, cells = 1600 }]\n[initial]\nkind = \"uniform\"\n";
    let cases = [
        (wells, 0.1, 31.112361955829, 1e-6, 0.5),
        (slope, 0.1, 507.075404673, 5e-5, 0.0),
        (slope, 2.0, 169.017143707, 1e-6, 3.467e-5),
    ];
    for (problem, temperature, time, close, weight) in cases {
        let rest =
            format!("[dynamics]\ntemperature = {temperature}\n[time]\nat = [0, 1]\n[analysis]\nescape_rates = true\n");
        let record = record(&format!("engines = [\"fokker-planck\"]\n{problem}{rest}"));
        let of = |what: &str| number(&record, &format!("escape_rates/fokker_planck_{what}"));
        let (found, error) = (of("time_extrapolated/0/1"), of("time_error/0/1"));
        assert!((found / time - 1.0).abs() < close, "{found} {time}");
        assert!((of("time/0/1") - time).abs() < 3.0 * error, "{} ± {error} for {time}", of("time/0/1"));
        assert!((of("occupancy/0") - weight).abs() < 1e-3 * weight + 1e-40, "{}", of("occupancy/0"));
    }
}

/// Two valleys in the plane with a full D(θ) that is no multiple of the identity: WKB over the saddle against the grid.
#[test]
fn the_law_of_eyring_takes_any_noise_in_the_plane() {
    let record = record(
        "engines = [\"fokker-planck\"]\n[model]\nkind = \"formula\"\nvariables = [\"x\", \"y\"]\nloss = \"(x^2 - 1)^2/4 + y^2 + x*y/2\"\n\
         [noise]\nkind = \"formula\"\ndiffusion = [[\"1 + x/4\", \"0.3\"], [\"0.3\", \"1.2\"]]\n[dynamics]\ntemperature = 0.05\n[grid]\n\
         axes = [{ from = -2, to = 2, cells = 48 }, { from = -1.5, to = 1.5, cells = 36 }]\n[initial]\nkind = \"uniform\"\n[time]\nat = [0, 1]\n\
         [fokker_planck]\nunresolved = \"accept\"\ndiscretisation = \"edges\"\n[analysis]\nescape_rates = true\n",
    );
    let of = |what: &str| number(&record, &format!("escape_rates/{what}"));
    for pair in ["0/1", "1/0"] {
        let [grid, law] = ["fokker_planck_time", "eyring_time"].map(|name| of(&format!("{name}/{pair}")));
        // of the order of T over the barrier
        assert!((law / grid - 1.0).abs() < 0.3 && grid > 100.0, "{pair}: {law} {grid}");
    }
}
