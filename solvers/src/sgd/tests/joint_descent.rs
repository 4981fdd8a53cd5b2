//! Joint descent on amplitudes and slope against its linear theory and against the noise models of the projected regression.

use super::*;
use crate::model::tanh_regression::{Amplitudes, SampleGradient, TanhRegression};

/// Twelve points, two units at −1 and 1 with a shared slope.
fn regression(sample_gradient: SampleGradient) -> TanhRegression {
    let x: Vec<f64> = (0..12).map(|i| -2.0 + 4.0 * f64::from(i) / 11.0).collect();
    let y: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| 1.5 * (1.2 * (x - 0.2)).tanh() + 0.4 * (12.9898 * i as f64 + 0.7).sin())
        .collect();
    TanhRegression::new(&x, &y, &TanhRegression::units(&[-1.0, 1.0], &[0, 0]), Amplitudes::Projected, sample_gradient)
        .unwrap()
}

const MINIMUM: f64 = 0.6773511391852581;
/// D at the minimum with the per-sample gradients `total` and `envelope`, and the curvature of the projected loss.
const TOTAL: f64 = 0.0005182904768749374;
const ENVELOPE: f64 = 0.011445220391644147;
const CURVATURE: f64 = 0.09154327712534993;

fn variance(eta: f64, amplitude_rate: f64, steps: u64) -> (Sgd, f64) {
    let p = problem(quadratic(&[0.0; 12], 1.0), &[MINIMUM], eta, 4, Replacement::With, 2.0);
    let p = Problem { model: Arc::new(regression(SampleGradient::Total)), ..p };
    let options = SgdOptions { walkers: 8192, amplitude_rate: Some(amplitude_rate), ..SgdOptions::default() };
    let mut engine = Sgd::new(&p, options).unwrap();
    engine.advance(steps as f64 * eta, &|| false).unwrap();
    let variance = engine.snapshot().covariance[0];
    (engine, variance)
}

/// The stationary variance of w is that of the linearised joint chain with its multiplicative noise (g_i = g_i(0) + H_i z, the equation
/// of its second moments solved beforehand) within 4.5 standard errors, 7 % (false alarm 1e-5); and it tends to η D/(2BL'') with D = `total`, 22 times less than with `envelope`, as α gets faster.
#[test]
fn fast_amplitudes_make_the_noise_total() {
    let (mut force, mut noise, mut curvature) = ([0.0], [0.0], [0.0]);
    for (sample_gradient, expected) in [(SampleGradient::Total, TOTAL), (SampleGradient::Envelope, ENVELOPE)] {
        let model = regression(sample_gradient);
        model.gradient_covariance(&[MINIMUM], &mut force, &mut noise);
        model.hessian(&[MINIMUM], &mut curvature);
        assert!(force[0].abs() < 1e-9 && (noise[0] / expected - 1.0).abs() < 1e-6, "{force:?} {noise:?}");
        assert!((curvature[0] / CURVATURE - 1.0).abs() < 1e-6);
    }
    let mut excess = Vec::new();
    for (eta, rate, steps, exact) in [
        (0.02, 0.02, 1600, 2.773287429732073e-5),
        (0.02, 0.2, 1600, 1.8375696253660133e-5),
        (0.005, 0.05, 6400, 4.151737316115107e-6),
    ] {
        let (_, found) = variance(eta, rate, steps);
        assert!((found / exact - 1.0).abs() < 0.07, "η = {eta}, η_α = {rate}: {found} against {exact}");
        let limit = eta * TOTAL / (8.0 * CURVATURE);
        let envelope = eta * ENVELOPE / (8.0 * CURVATURE);
        excess.push(found / limit - 1.0);
        assert!(
            found < envelope / 10.0,
            "η = {eta}, η_α = {rate}: {found} is not far from that of `envelope`, {envelope}"
        );
    }
    assert!(excess[0] > 0.8 && excess[1] < 0.4 && excess[2] < 0.26, "{excess:?}");
}

/// The joint gradient is the derivative of the batch's loss in w and α (central differences), for any number of points.
#[test]
fn joint_gradient_is_the_derivative_of_the_batch_loss() {
    let model = regression(SampleGradient::Total);
    assert_eq!(model.projected().unwrap().parameters(), 2);
    let (x, batch) = (|i: u32| -2.0 + 4.0 * f64::from(i) / 11.0, [3u32, 11, 3]);
    let y = |i: u32| 1.5 * (1.2 * (x(i) - 0.2)).tanh() + 0.4 * (12.9898 * f64::from(i) + 0.7).sin();
    let loss = |w: f64, a: [f64; 2]| {
        let residual = |i: u32| a[0] * (w * (x(i) + 1.0)).tanh() + a[1] * (w * (x(i) - 1.0)).tanh() - y(i);
        batch.iter().map(|&i| residual(i).powi(2)).sum::<f64>() / 3.0
    };
    let (w, a, h) = (0.8, [0.7, -0.4], 1e-5);
    let (mut gradient, mut slope) = ([0.0; 3], [0.0; 6]);
    let spread = |v: f64| [v; 3];
    let values = [spread(a[0]), spread(a[1])].concat();
    let batches: Vec<u32> = batch.iter().flat_map(|&i| [i; 3]).collect();
    model.projected().unwrap().joint_gradient(&spread(w), &values, &batches, &mut gradient, &mut slope);
    let difference = |f: &dyn Fn(f64) -> f64| (f(h) - f(-h)) / (2.0 * h);
    assert!((gradient[2] - difference(&|e| loss(w + e, a))).abs() < 1e-8);
    assert!((slope[1] - difference(&|e| loss(w, [a[0] + e, a[1]]))).abs() < 1e-8);
    assert!((slope[5] - difference(&|e| loss(w, [a[0], a[1] + e]))).abs() < 1e-8);
}

#[test]
fn joint_descent_starts_at_the_projected_amplitudes_and_refuses_other_models() {
    let (engine, _) = variance(0.02, 0.2, 0);
    let block = &engine.ensemble.blocks()[0];
    let expected = regression(SampleGradient::Total).amplitudes_at(&[MINIMUM]);
    assert!((block.memory[0] - expected[0]).abs() < 1e-12 && (block.memory[BLOCK] - expected[1]).abs() < 1e-12);
    let p = problem(quadratic(&[0.0; 4], 1.0), &[0.0], 0.1, 1, Replacement::With, 2.0);
    let refused = |rate, optimizer: &str, p: &Problem| {
        let options = SgdOptions {
            walkers: 10,
            amplitude_rate: Some(rate),
            optimizer: optimizer.to_string(),
            ..SgdOptions::default()
        };
        Sgd::new(p, options).err().unwrap().to_string()
    };
    assert!(refused(0.1, "sgd", &p).contains("solves for"));
    let p = Problem { model: Arc::new(regression(SampleGradient::Total)), ..p };
    assert!(refused(0.0, "sgd", &p).contains("not positive"));
    assert!(refused(0.1, "svag", &p).contains("one batch"));
}

/// Amplitudes solved on the batch: the derivative of the batch's own least squares loss; on a batch of all samples the gradient of
/// the loss itself; zero where the batch determines no more than the amplitudes; over all batches of three another mean than ∇L.
#[test]
fn amplitudes_of_the_batch() {
    let model = regression(SampleGradient::Batch);
    let gradient = |w: f64, batch: &[u32]| {
        let mut gradient = [0.0];
        model.batch_gradient(&[w], batch, &mut gradient);
        gradient[0]
    };
    let of_all: Vec<u32> = (0..12).collect();
    let mut whole = [0.0];
    model.gradient(&[1.1], &mut whole);
    assert!((gradient(1.1, &of_all) / whole[0] - 1.0).abs() < 1e-10);
    assert!(gradient(1.1, &[3, 8]).abs() < 1e-12 && gradient(1.1, &[5, 5, 5]).abs() < 1e-12);
    let own_loss = |w: f64, batch: &[u32]| {
        let all = |i: u32| -2.0 + 4.0 * f64::from(i) / 11.0;
        let x: Vec<f64> = batch.iter().map(|&i| all(i)).collect();
        let y: Vec<f64> = batch
            .iter()
            .map(|&i| 1.5 * (1.2 * (all(i) - 0.2)).tanh() + 0.4 * (12.9898 * f64::from(i) + 0.7).sin())
            .collect();
        let units = TanhRegression::units(&[-1.0, 1.0], &[0, 0]);
        let model = TanhRegression::new(&x, &y, &units, Amplitudes::Projected, SampleGradient::Total).unwrap();
        let mut loss = [0.0];
        model.loss(&[w], &mut loss);
        loss[0]
    };
    let (batch, h) = ([0, 4, 7, 11], 1e-5);
    let difference = (own_loss(1.1 + h, &batch) - own_loss(1.1 - h, &batch)) / (2.0 * h);
    assert!((gradient(1.1, &batch) / difference - 1.0).abs() < 1e-6);
    let mut mean = 0.0;
    for code in 0..12u32.pow(3) {
        mean += gradient(1.1, &[code % 12, code / 12 % 12, code / 144]) / 1728.0;
    }
    assert!((mean / whole[0] - 1.0).abs() > 0.05, "biased: {mean} against {}", whole[0]);
}
