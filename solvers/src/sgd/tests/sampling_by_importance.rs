//! Importance sampling in the engine against the noise model that the other engines take, by enumeration of all batches.

use super::*;
use crate::formula::{Symbols, parse};
use crate::model::data::Data;
use crate::model::sample_loss::SampleLossModel;
use crate::model::{ImportanceSampled, LossScale};

const TARGETS: [f64; 4] = [-1.0, 0.5, 2.0, 0.2];

/// l = ½ (w − y)² and a cubic in a second variable, seen through importance sampling.
fn sampled(scale: LossScale, reweight: bool) -> Arc<dyn SampleModel> {
    let data = Data::new(vec![("y".into(), TARGETS.to_vec())]).unwrap();
    let symbols = Symbols::new(&["w", "v"]).with_columns(&["y"]);
    let model = SampleLossModel::new(2, &parse("(w - y)^2/2 + y*v^3/3 + 1", &symbols).unwrap(), &data).unwrap();
    Arc::new(ImportanceSampled::new(Arc::new(model), scale, 0.6, reweight).unwrap())
}

const AT: [f64; 2] = [0.4, 0.8];

fn from_model(model: Arc<dyn Model>) -> Problem {
    Problem {
        model,
        ..problem(
            Regression { x: vec![[1.0; 2]; 4], y: vec![0.0; 4], d: 2, scale: 1.0 },
            &AT,
            0.1,
            2,
            Replacement::With,
            50.0,
        )
    }
}

/// Mean and covariance of ĝ over all 16 batches of two, weighted with their probabilities.
fn enumerated(model: &dyn SampleModel) -> ([f64; 2], [f64; 3]) {
    let mut p = [0.0; 4];
    model.sampling_probabilities(&AT, &mut p);
    let (mut mean, mut second) = ([0.0; 2], [0.0; 3]);
    for a in 0..4 {
        for b in 0..4 {
            let mut g = [0.0; 2];
            model.batch_gradient(&AT, &[a as u32, b as u32], &mut g);
            let weight = p[a] * p[b];
            (0..2).for_each(|k| mean[k] += weight * g[k]);
            for (c, (i, j)) in [(0, 0), (0, 1), (1, 1)].into_iter().enumerate() {
                second[c] += weight * g[i] * g[j];
            }
        }
    }
    let product = [mean[0] * mean[0], mean[0] * mean[1], mean[1] * mean[1]];
    (mean, std::array::from_fn(|c| second[c] - product[c]))
}

/// Drift and D of the noise model are the mean and B times the covariance of the enumerated batches; one step of the engine has
/// them within 4.5 standard errors (false alarm 2e-4 in all thirty), and uniform sampling would be more than 20 away.
#[test]
fn engine_and_noise_model_agree_with_all_batches() {
    for reweight in [false, true] {
        for scale in [LossScale::Constant(1.5), LossScale::MeanLoss, LossScale::MaxLoss] {
            let model = sampled(scale, reweight);
            let (mean, covariance) = enumerated(&*model);
            let (mut force, mut noise) = ([0.0; 2], [0.0; 3]);
            model.gradient_covariance(&AT, &mut force, &mut noise);
            for k in 0..2 {
                assert!((force[k] - mean[k]).abs() < 1e-14);
            }
            for c in 0..3 {
                assert!((noise[c] / 2.0 - covariance[c]).abs() < 1e-14 * noise[0].max(noise[2]));
            }
            let engine = run(&from_model(model), 100_000, 1);
            let seen = engine.snapshot();
            for k in 0..2 {
                let z = (seen.mean[k] - (AT[k] - 0.1 * mean[k])) / seen.mean_se[k];
                assert!(z.abs() < 4.5, "{scale:?}, reweighted {reweight}, mean {k}: z = {z}");
                let uniform = [AT[0] - 0.425, 0.425 * AT[1] * AT[1]][k];
                let z = (seen.mean[k] - (AT[k] - 0.1 * uniform)) / seen.mean_se[k];
                assert!(reweight || z.abs() > 20.0, "{scale:?}, mean {k}: as uniform sampling, z = {z}");
            }
            for (c, (i, j)) in [(0, 0), (0, 1), (1, 1)].into_iter().enumerate() {
                let z = z_of_covariance(&engine, c, i, j, 0.01 * covariance[c]);
                assert!(z.abs() < 4.5, "{scale:?}, reweighted {reweight}, covariance {c}: z = {z}");
            }
        }
    }
}

/// Draws have the probabilities of the model (χ² with 3 degrees of freedom below 25.9, false alarm 1e-5).
#[test]
fn draws_have_the_probabilities_of_the_model() {
    let model = sampled(LossScale::MeanLoss, false);
    let minibatch = Minibatch { learning_rate: 0.1, batch_size: 3, replacement: Replacement::With };
    let sampling = sampling::build(&minibatch, &model).unwrap();
    let mut stream = crate::numerics::random::LaneStream::new(5, "importance", 0);
    let points: Vec<f64> = AT.iter().flat_map(|&x| [x; BLOCK]).collect();
    let (mut batch, mut counts) = (vec![0; 3 * BLOCK], [0.0; 4]);
    for step in 0..100 {
        sampling.draw(&mut stream, &mut Vec::new(), &points, step, &mut batch);
        batch.iter().for_each(|&s| counts[s as usize] += 1.0);
    }
    let mut p = [0.0; 4];
    model.sampling_probabilities(&AT, &mut p);
    let n = 300.0 * BLOCK as f64;
    let statistic: f64 = (0..4).map(|s| (counts[s] - n * p[s]).powi(2) / (n * p[s])).sum();
    assert!(statistic < 25.9, "{statistic}");
    let uniform: f64 = (0..4).map(|s| (counts[s] - n / 4.0).powi(2) / (n / 4.0)).sum();
    assert!(uniform > 1000.0, "{uniform}");
    for replacement in [Replacement::Without, Replacement::Epoch] {
        assert!(sampling::build(&Minibatch { replacement, ..minibatch }, &model).is_err());
    }
}
