//! The record of networks: `/network` with its runs, `/comparison/importance`, `/slice`.

use fpsolve::record::scales::{array, index_scale, name_scale, vector};
use fpsolve::record::{Attribute, Dataset, Group, Values};

use crate::data::DataSet;
use crate::network::Network;
use crate::scenario::{Importance, Rule, Scenario};
use crate::train::{Curve, RunState};
use fpsolve_solvers::model::LossScale;

/// Most dynamic outliers that are listed with their images.
const OUTLIERS: usize = 24;
/// Most parameters that a record keeps of each run.
pub const MOST_PARAMETERS: usize = 4_000_000;
/// Last epochs over which roughness is measured.
const LAST: usize = 10;

pub(crate) fn text(text: impl Into<String>) -> Attribute {
    Attribute::Text(text.into())
}

fn integers(name: &str, shape: &[usize], values: Vec<i64>, axes: &[&str], long_name: &str) -> Dataset {
    let values = ndarray::ArrayD::from_shape_vec(shape, values).expect("as many values as the shape asks for");
    Dataset::new(name, Values::Integer(values), axes, "1", long_name)
}

fn floats(name: &str, shape: &[usize], values: Vec<f64>, axes: &[&str], long_name: &str) -> Dataset {
    Dataset::float(name, array(shape, values), axes, "1", long_name)
}

/// Name of a run in the record: its c and its seed.
pub fn run_name(rule: &Rule, seed: u64) -> String {
    format!("{}_{seed}", rule.word())
}

/// `/network` without its runs.
pub fn network_group(scenario: &Scenario, network: &Network, data: &DataSet, device: &str, threads: usize) -> Group {
    let mut group = Group::new("network");
    let integer = |n: usize| Attribute::Integer(n as i64);
    group.set("kind", text(network.architecture.word()));
    group.set("title", text(network.architecture.title()));
    group.set("depth", integer(network.architecture.depth()));
    group.set("parameters", integer(network.len()));
    group.set("classes", integer(network.classes));
    group.set("data_name", text(&data.name));
    group.set("device", text(device));
    group.set("threads", integer(threads));
    group.set("epochs", integer(scenario.training.epochs));
    group.set("batch_size", integer(scenario.training.batch_size));
    group.set("seed", Attribute::Integer(scenario.seed as i64));
    group.set("low", Attribute::Float(scenario.importance.low));
    group.set("wrong_labels", integer(data.wrong().iter().filter(|&&wrong| wrong).count()));
    if let Some(visits) = network.architecture.published_visits() {
        group.set("published_visits", Attribute::Integer(visits as i64));
    }
    let m = data.train.len();
    let labels = |labels: &[u8]| labels.iter().map(|&label| i64::from(label)).collect();
    let wrong = data.wrong().into_iter().map(i64::from).collect();
    let rows = data.train.rows.iter().map(|&row| i64::from(row)).collect();
    group.datasets = vec![
        index_scale("sample", m, "number of the training image"),
        integers("label", &[m], labels(&data.train.labels), &["sample"], "label that is learnt"),
        integers("true_label", &[m], labels(&data.true_labels), &["sample"], "label in the file"),
        integers("wrong_label", &[m], wrong, &["sample"], "1 where the label was planted"),
        integers("index", &[m], rows, &["sample"], "row in the files"),
    ];
    let files: Vec<&str> =
        data.files.iter().map(|f| f.path.file_name().and_then(|n| n.to_str()).unwrap_or("?")).collect();
    group.datasets.push(name_scale("file", &files, "files that were read"));
    let sums = Values::Text(data.files.iter().map(|file| file.sha256.clone()).collect());
    group.datasets.push(Dataset::new("sha256", sums, &["file"], "1", "SHA-256 of the file"));
    let names: Vec<&str> = network.parameters.iter().map(|p| p.name.as_str()).collect();
    group.datasets.push(name_scale("parameter", &names, "parameters, in the order of theta"));
    let shape =
        |p: &crate::network::layers::Parameter| p.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let shapes = Values::Text(network.parameters.iter().map(shape).collect());
    group.datasets.push(Dataset::new("parameter_shape", shapes, &["parameter"], "1", "shape of the parameter"));
    group
}

/// `/network/run/C_SEED`.
pub fn run_group(scenario: &Scenario, data: &DataSet, run: &RunState) -> Group {
    let rule = &scenario.importance.rules[run.rule];
    let mut group = Group::new(run_name(rule, run.seed));
    group.set("c", text(rule.word()));
    group.set("title", text(rule.title()));
    group.set("scale", text(scale_word(&scenario.importance)));
    group.set("seed", Attribute::Integer(run.seed as i64));
    group.set("epochs_done", Attribute::Integer(run.epoch() as i64));
    group.set(
        "image_visits",
        Attribute::Integer((run.step * scenario.training.batch_size.min(data.train.len())) as i64),
    );
    let epochs = run.epoch();
    group.datasets.push(vector("epoch", (1..=epochs).map(|e| e as f64).collect(), "1", "epochs that are over"));
    for curve in Curve::ALL {
        let [name, long_name] = curve.name();
        group.datasets.push(floats(name, &[epochs], run.curve(curve), &["epoch"], long_name));
    }
    let steps = run.step_loss.len();
    group.datasets.push(index_scale("step", steps, "step of gradient descent"));
    let each = run.step_loss.iter().map(|&l| f64::from(l)).collect();
    group.datasets.push(floats("step_loss", &[steps], each, &["step"], "mean loss of the batch"));
    let m = data.train.len();
    group.datasets.push(index_scale("sample", m, "number of the training image"));
    let kept = run.kept_epochs.len();
    group.datasets.push(vector("kept_epoch", run.kept_epochs.clone(), "1", "epochs whose losses are kept"));
    let losses = run.kept_losses.iter().map(|&l| f64::from(l)).collect();
    group.datasets.push(floats("loss", &[kept, m], losses, &["kept_epoch", "sample"], "losses of the training images"));
    if run.probabilities.len() == m {
        let p = run.probabilities.clone();
        group.datasets.push(floats("probability", &[m], p, &["sample"], "p of each image after the last epoch"));
        let low = run.epochs_low.iter().map(|&n| n as i64).collect();
        group.datasets.push(integers("epochs_low", &[m], low, &["sample"], "epochs with p < low/m"));
        group.groups.push(outliers(scenario, data, run));
    }
    if run.theta.len() <= MOST_PARAMETERS {
        let mut last = Group::new(epochs.to_string());
        let d = run.theta.len();
        last.datasets.push(index_scale("value", d, "number of the value, parameter by parameter"));
        let theta = run.theta.iter().map(|&x| f64::from(x)).collect();
        last.datasets.push(floats("theta", &[d], theta, &["value"], "parameters"));
        group.group_mut("checkpoint").groups.push(last);
    }
    group
}

fn scale_word(importance: &Importance) -> String {
    match importance.scale {
        LossScale::MeanLoss => "mean-loss".into(),
        LossScale::MaxLoss => "max-loss".into(),
        LossScale::Constant(u) => fpsolve::text::exact(u),
    }
}

/// The samples with the largest losses, and their images.
fn outliers(scenario: &Scenario, data: &DataSet, run: &RunState) -> Group {
    let mut order: Vec<usize> = (0..run.fresh.len()).collect();
    order.sort_by(|&a, &b| run.fresh[b].total_cmp(&run.fresh[a]).then(a.cmp(&b)));
    order.truncate(OUTLIERS);
    let (n, m, [channels, rows, columns]) = (order.len(), data.train.len() as f64, data.train.shape);
    let of = |f: &dyn Fn(usize) -> f64| order.iter().map(|&i| f(i)).collect::<Vec<f64>>();
    let whole = |f: &dyn Fn(usize) -> f64| order.iter().map(|&i| f(i) as i64).collect::<Vec<i64>>();
    let axes = ["outlier"];
    let mut group = Group::new("outliers");
    let low = run.probabilities.iter().filter(|&&p| p < scenario.importance.low / m).count();
    group.set("count", Attribute::Integer(low as i64));
    for curve in [Curve::Auc, Curve::Precision, Curve::Recall] {
        if let Some(value) = run.curve(curve).last().filter(|value| value.is_finite()) {
            group.set(curve.name()[0], Attribute::Float(*value));
        }
    }
    let pixels = order.iter().flat_map(|&i| data.train.image(i)).map(|&x| i64::from(x)).collect();
    group.datasets = vec![
        index_scale("outlier", n, "samples by their loss, the largest first"),
        index_scale("channel", channels, "grey, or red, green, blue"),
        index_scale("row", rows, "row of pixels"),
        index_scale("column", columns, "column of pixels"),
        integers("sample", &[n], whole(&|i| i as f64), &axes, "number of the training image"),
        integers("label", &[n], whole(&|i| f64::from(data.train.labels[i])), &axes, "label that is learnt"),
        integers("true_label", &[n], whole(&|i| f64::from(data.true_labels[i])), &axes, "label in the file"),
        integers("predicted", &[n], whole(&|i| run.predicted[i]), &axes, "class that the network gives it"),
        integers("epochs_low", &[n], whole(&|i| run.epochs_low[i]), &axes, "epochs with p < low/m"),
        floats("loss", &[n], of(&|i| run.fresh[i]), &axes, "loss"),
        floats("probability_m", &[n], of(&|i| run.probabilities[i] * m), &axes, "p·m"),
        integers("image", &[n, channels, rows, columns], pixels, &["outlier", "channel", "row", "column"], "pixels"),
    ];
    group
}

/// `/comparison/importance`: ways of drawing × seeds. None before every run has an epoch.
pub fn comparison(scenario: &Scenario, runs: &[RunState]) -> Option<Group> {
    let (rules, seeds) = (&scenario.importance.rules, &scenario.seeds);
    let run = |rule: usize, seed: u64| runs.iter().find(|run| run.rule == rule && run.seed == seed);
    let complete = |run: &RunState| run.epoch() == scenario.training.epochs;
    let all: Vec<&RunState> =
        (0..rules.len()).flat_map(|rule| seeds.iter().filter_map(move |&seed| run(rule, seed))).collect();
    if all.len() < rules.len() * seeds.len() || !all.iter().all(|run| complete(run)) {
        return None;
    }
    let mut group = Group::new("importance");
    let words: Vec<String> = rules.iter().map(Rule::word).collect();
    group.datasets.push(name_scale("c", &words.iter().map(String::as_str).collect::<Vec<_>>(), "ways of drawing"));
    let scale: Vec<i64> = seeds.iter().map(|&seed| seed as i64).collect();
    group.datasets.push(integers("seed", &[seeds.len()], scale, &["seed"], "seeds"));
    let last = |curve: Curve| move |run: &RunState| run.curve(curve).last().copied().unwrap_or(f64::NAN);
    let best = |run: &RunState| run.curve(Curve::TestAccuracy).into_iter().fold(f64::NAN, f64::max);
    let rough = |curve: Curve| move |run: &RunState| roughness(&run.curve(curve));
    let mut add = |name: &str, f: &dyn Fn(&RunState) -> f64, long_name: &str| {
        let values: Vec<f64> = all.iter().map(|run| f(run)).collect();
        group.datasets.push(floats(name, &[rules.len(), seeds.len()], values.clone(), &["c", "seed"], long_name));
        values
    };
    let accuracy = add("last_accuracy", &last(Curve::TestAccuracy), "test accuracy after the last epoch");
    add("best_accuracy", &best, "test accuracy after the best epoch, which is chosen by the test images");
    add(
        "roughness",
        &rough(Curve::TestAccuracy),
        "standard deviation of the changes of test accuracy over the last epochs",
    );
    add(
        "roughness_sampled_loss",
        &rough(Curve::SampledLoss),
        "standard deviation of the changes of Σ p l over the last epochs",
    );
    add("auc", &last(Curve::Auc), "area under the curve: wrong labels found by their losses");
    add("precision", &last(Curve::Precision), "share of wrong labels among the dynamic outliers");
    add("recall", &last(Curve::Recall), "share of the wrong labels that are dynamic outliers");
    add("ess", &last(Curve::EffectiveShare), "effective sample size over the number of samples");
    let mean: Vec<f64> = accuracy.chunks(seeds.len()).map(|row| row.iter().sum::<f64>() / row.len() as f64).collect();
    let gain = mean.iter().map(|a| a - mean[0]).collect();
    let long_name = "mean test accuracy after the last epoch, less that of the first way of drawing";
    group.datasets.push(floats("gain", &[rules.len()], gain, &["c"], long_name));
    Some(group)
}

/// Standard deviation of the changes from epoch to epoch over the last ten epochs.
fn roughness(curve: &[f64]) -> f64 {
    let last = &curve[curve.len().saturating_sub(LAST + 1)..];
    let changes: Vec<f64> = last.windows(2).map(|w| w[1] - w[0]).collect();
    let n = changes.len() as f64;
    let mean = changes.iter().sum::<f64>() / n;
    (changes.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / n).sqrt()
}
