//! Importance sampling is that of the solvers, finds wrong labels, and goes on bit for bit.

use burn_tensor::Device;
use fpsolve::reader::Source;
use fpsolve_networks::sampler::Drawing;
use fpsolve_networks::scenario::Scenario;
use fpsolve_networks::session::network;
use fpsolve_networks::train::{Curve, Event, RunState, Trainer, checkpoint};

use crate::{data, digits};

#[test]
fn the_probabilities_are_those_of_dynamics_importance() {
    // a model of the solvers whose losses at θ = 0 are given: (x − d)² with data d
    let wanted: Vec<f64> = (0..40).map(|i| 0.01 * f64::from(i * i)).collect();
    let points: Vec<String> = wanted.iter().map(|l| format!("{:?}", l.sqrt())).collect();
    for scale in ["\"mean-loss\"", "\"max-loss\"", "0.7"] {
        let text = format!(
            "[model]\nkind = \"sample-loss\"\nvariables = [\"x\"]\nsample_loss = \"(x - d)^2\"\ndata.points = {{ d = [{}] }}\n\
             [dynamics]\nlearning_rate = 0.01\nbatch_size = 2\nimportance = {{ c = 0.6, scale = {scale} }}\n\
             [grid]\naxes = [{{ from = -1, to = 1, cells = 8 }}]\n[initial]\nkind = \"point\"\nat = [0]\n[time]\nend = 1\n",
            points.join(", ")
        );
        let source = Source::from_text(std::path::Path::new("law.toml"), text);
        let scenario = fpsolve::scenario::Scenario::parse(source).unwrap();
        let importance = scenario.dynamics.importance.clone().unwrap().value;
        let prepared = scenario.problem().unwrap();
        let model = prepared.problem.model.clone();
        let model = model.shared_data().unwrap();
        let (mut theirs, mut losses) = (vec![0.0; 40], vec![0.0; 40]);
        model.sampling_probabilities(&[0.0], &mut theirs);
        model.sample_losses(&[0.0], &mut losses);
        let ours = Drawing::new(&importance.sampling, &losses).map_err(|f| f.report).unwrap().probabilities;
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a / b - 1.0).abs() < 1e-12, "{a} and {b}");
        }
    }
}

const LEARN: &str = "samples = 1000\ntest_samples = 500\nwrong_labels = 0.2\n[training]\nepochs = 24\nbatch_size = 32\n\
                     learning_rate = 0.03\nmomentum = 0.9\n[importance]\nc = [\"uniform\", 1.0]\n";

fn trained(scenario: &Scenario, rule: usize) -> RunState {
    let data = data(scenario);
    let network = network(scenario, &data).map_err(|f| f.report).unwrap();
    let trainer = Trainer { scenario, data: &data, network: &network, device: Device::flex(), keep_path: false };
    let mut run = trainer.start(rule, 1);
    assert!(trainer.advance(&mut run, &mut |_, _| ()).map_err(|f| f.report).unwrap());
    run
}

#[test]
fn wrong_labels_are_left_aside_and_found() {
    let scenario = digits("kind = \"cnn\"\nchannels = [8]\nhidden = 32", LEARN);
    let (uniform, sampled) = (trained(&scenario, 0), trained(&scenario, 1));
    let last = |run: &RunState, curve| *run.curve(curve).last().unwrap();
    let auc = [&uniform, &sampled].map(|run| last(run, Curve::Auc));
    assert!(auc[1] > 0.93 && auc[1] > auc[0] + 0.05, "{auc:?}");
    assert!(last(&sampled, Curve::Precision) > 0.85 && last(&sampled, Curve::Recall) > 0.6);
    let accuracy = [&uniform, &sampled].map(|run| last(run, Curve::TestAccuracy));
    assert!(accuracy[1] > accuracy[0] + 0.05, "{accuracy:?}");
    assert!((last(&uniform, Curve::EffectiveShare) - 1.0).abs() < 1e-12);
    assert!(last(&sampled, Curve::EffectiveShare) < 0.95);
}

#[test]
fn a_run_that_is_broken_off_and_gone_on_with_is_the_same_bit_for_bit() {
    let rest = "samples = 200\ntest_samples = 50\naugment = { pad = 1, flip = true }\n[training]\nepochs = 3\nbatch_size = 32\n\
                learning_rate = 0.03\nmomentum = 0.9\nweight_decay = 1e-3\n[importance]\nc = [0.8]\nuniform_epochs = 1\nrefresh = 5\nreweight = true\n";
    let scenario = digits("kind = \"resnet\"\ndepth = 8\nwidth = 4", rest);
    let data = data(&scenario);
    let network = network(&scenario, &data).map_err(|f| f.report).unwrap();
    let trainer =
        Trainer { scenario: &scenario, data: &data, network: &network, device: Device::flex(), keep_path: true };
    let (mut whole, folder) = (trainer.start(0, 1), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.checkpoint.npz");
    let mut write = |state: &RunState, event: Event| {
        if matches!(event, Event::Epoch { .. }) && state.epoch() == 2 {
            checkpoint::write(&path, "text", 2, &mut [state.clone()]).map_err(|f| f.report).unwrap();
        }
    };
    assert!(trainer.advance(&mut whole, &mut write).map_err(|f| f.report).unwrap());
    let (mut runs, threads) = checkpoint::read(&path, |text| text == "text").map_err(|f| f.report).unwrap();
    assert_eq!((runs.len(), threads, runs[0].epoch()), (1, 2, 2));
    assert!(trainer.advance(&mut runs[0], &mut |_, _| ()).map_err(|f| f.report).unwrap());
    // as bits, so that what is not a number compares too
    let bits = |run: &RunState| run.curves.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&runs[0]), bits(&whole));
    assert_eq!((&runs[0].theta, &runs[0].velocity, &runs[0].table), (&whole.theta, &whole.velocity, &whole.table));
    assert_eq!(
        (&runs[0].step_loss, &runs[0].path, &runs[0].kept_losses),
        (&whole.step_loss, &whole.path, &whole.kept_losses)
    );
    let other = checkpoint::read(&path, |text| text == "another text").map_err(|f| f.report.to_string()).unwrap_err();
    assert!(other.contains("another scenario"), "{other}");
    std::fs::write(&path, b"no zip").unwrap();
    assert!(checkpoint::read(&path, |text| text == "text").is_err());
}
