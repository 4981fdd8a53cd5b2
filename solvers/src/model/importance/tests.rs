#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::tanh_regression::{Amplitudes, SampleGradient, TanhRegression};

fn genesis() -> Arc<dyn SampleModel> {
    let x: Vec<f64> = (0..10).map(|i| -2.25 + 0.5 * i as f64).collect();
    let y = [3.5, 3.22, 1.69, -0.9, -2.43, -5.54, -3.61, -3.63, -3.67, -3.65];
    let units = TanhRegression::units(&[-1.5, -0.9, -0.2], &[0, 0, 0]);
    Arc::new(TanhRegression::new(&x, &y, &units, Amplitudes::Projected, SampleGradient::Total).unwrap())
}

/// The same samples with amplitudes that are given.
fn fixed() -> Arc<dyn SampleModel> {
    let x: Vec<f64> = (0..10).map(|i| -2.25 + 0.5 * i as f64).collect();
    let y = [3.5, 3.22, 1.69, -0.9, -2.43, -5.54, -3.61, -3.63, -3.67, -3.65];
    let units = TanhRegression::units(&[-1.5, -0.9, -0.2], &[0, 0, 0]);
    let amplitudes = Amplitudes::Fixed(vec![-1.2, -2.5, 0.4]);
    Arc::new(TanhRegression::new(&x, &y, &units, amplitudes, SampleGradient::Total).unwrap())
}

fn sampled(tau: f64, reweight: bool) -> ImportanceSampled {
    ImportanceSampled::new(genesis(), LossScale::Constant(1.0), tau, reweight).unwrap()
}

fn close(a: f64, b: f64, digits: f64) {
    assert!((a / b - 1.0).abs() < digits, "{a} against {b}");
}

#[test]
fn the_reference_table_is_reproduced() {
    // IS-1 at w = 1: τ, L_τ, F, biased D, unbiased D, effective sample size
    let table: [[f64; 6]; 3] = [
        [0.1, 0.0452651421318, -0.00278183817915, 0.00703476182242, 4.7465354872e10, 7.590475817],
        [1.0, 0.178546772861, -0.0109636466973, 0.0577096087082, 5.48020374586, 8.912530812],
        [5.0, 0.296599053509, 0.104520719903, 0.320165708921, 0.769426606671, 9.837745175],
    ];
    for [tau, soft, force, biased, unbiased, size] in table {
        let (mut l, mut g, mut d) = ([0.0], [0.0], [0.0]);
        let model = sampled(tau, false);
        model.loss(&[1.0], &mut l);
        model.gradient_covariance(&[1.0], &mut g, &mut d);
        close(l[0], soft, 5e-12);
        close(g[0], force, 5e-12);
        close(d[0], biased, 5e-12);
        close(model.effective_sample_size(&[1.0])[0], size, 2e-10);
        let model = sampled(tau, true);
        model.gradient_covariance(&[1.0], &mut g, &mut d);
        close(g[0], 0.185569230673, 5e-12);
        close(d[0], unbiased, 2e-11);
    }
    let (mut l, mut g, mut d) = ([0.0], [0.0], [0.0]);
    let uniform = sampled(1e13, false);
    uniform.loss(&[1.0], &mut l);
    uniform.gradient_covariance(&[1.0], &mut g, &mut d);
    close(l[0], 0.349022255725, 2e-12);
    close(g[0], 0.185569230673, 2e-12);
    close(d[0], 0.480108991863, 2e-12);
}

#[test]
fn the_soft_min_loss_loses_a_minimum() {
    for (tau, expected) in
        [(0.5, vec![3.4796]), (1.0, vec![3.5760]), (2.0, vec![0.8247, 3.9919]), (20.0, vec![0.7189, 4.6694])]
    {
        let points: Vec<f64> = (0..2381).map(|i| 0.1 + 0.005 * i as f64).collect();
        let mut loss = vec![0.0; points.len()];
        sampled(tau, false).loss(&points, &mut loss);
        let minima: Vec<f64> = (1..points.len() - 1)
            .filter(|&i| loss[i] < loss[i - 1] && loss[i] <= loss[i + 1])
            .map(|i| points[i])
            .collect();
        assert_eq!(minima.len(), expected.len(), "τ = {tau}: {minima:?}");
        for (found, expected) in minima.iter().zip(expected) {
            assert!((found - expected).abs() < 0.003, "τ = {tau}: {found}");
        }
    }
}

#[test]
fn the_biased_mean_is_the_gradient_of_the_soft_min_loss() {
    let model = sampled(1.3, false);
    let (w, h) = (0.9, 1e-3);
    let points = [w - 2.0 * h, w - h, w + h, w + 2.0 * h];
    let (mut loss, mut g) = ([0.0; 4], [0.0]);
    model.loss(&points, &mut loss);
    model.gradient(&[w], &mut g);
    close((loss[0] - 8.0 * loss[1] + 8.0 * loss[2] - loss[3]) / (12.0 * h), g[0], 1e-8);
}

#[test]
fn batches_have_the_declared_mean_and_covariance() {
    for reweight in [false, true] {
        for scale in [LossScale::Constant(0.7), LossScale::MeanLoss, LossScale::MaxLoss] {
            let model = ImportanceSampled::new(genesis(), scale, 1.5, reweight).unwrap();
            let (mut p, mut g, mut d) = ([0.0; 10], [0.0], [0.0]);
            model.probabilities(&[1.2], &mut p);
            close(p.iter().sum::<f64>(), 1.0, 1e-14);
            model.gradient_covariance(&[1.2], &mut g, &mut d);
            // batches of two, independent draws: all hundred pairs
            let (mut mean, mut square) = (0.0, 0.0);
            for a in 0..10 {
                for b in 0..10 {
                    let mut batch = [0.0];
                    model.batch_gradient(&[1.2], &[a as u32, b as u32], &mut batch);
                    mean += p[a] * p[b] * batch[0];
                    square += p[a] * p[b] * batch[0] * batch[0];
                }
            }
            close(mean, g[0], 1e-11);
            close(square - mean * mean, d[0] / 2.0, 1e-10);
        }
    }
}

#[test]
fn outliers_are_those_above_the_soft_min_loss() {
    let (tau, level) = (2.0, 0.5_f64);
    let model = sampled(tau, false);
    let (mut losses, mut soft, mut outliers) = ([0.0; 10], [0.0], [0.0; 10]);
    model.sample_losses(&[4.758], &mut losses);
    model.loss(&[4.758], &mut soft);
    model.outliers(&[4.758], level, &mut outliers);
    for s in 0..10 {
        assert_eq!(outliers[s] == 1.0, losses[s] > soft[0] + tau * (1.0 / level).ln());
    }
    assert_eq!(outliers, [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    assert!(ImportanceSampled::new(genesis(), LossScale::MeanLoss, 0.0, false).is_err());
    assert!(ImportanceSampled::new(genesis(), LossScale::Constant(-1.0), 1.0, false).is_err());
}

/// Mean time from w = 0.7116 to `to` by the quadrature τ = ∫ e^ψ ∫ e^{−ψ}/(T D), ψ' = F/(T D), reflecting at 0.1.
fn passage_time(model: &dyn SampleModel, temperature: f64, to: f64) -> f64 {
    let n = 20_001;
    let h = (to - 0.1) / (n - 1) as f64;
    let points: Vec<f64> = (0..n).map(|i| 0.1 + h * i as f64).collect();
    let (mut force, mut noise) = (vec![0.0; n], vec![0.0; n]);
    model.gradient_covariance(&points, &mut force, &mut noise);
    let (mut psi, mut inner, mut total) = (0.0, 0.0, 0.0);
    for i in 1..n {
        let slope = |i: usize| force[i] / (temperature * noise[i]);
        let next = psi + 0.5 * h * (slope(i - 1) + slope(i));
        let weight = |i: usize, psi: f64| (-psi).exp() / (temperature * noise[i]);
        let before = psi.exp() * inner;
        inner += 0.5 * h * (weight(i - 1, psi) + weight(i, next));
        psi = next;
        if points[i] > 0.7115671623104967 {
            total += 0.5 * h * (before + psi.exp() * inner);
        }
    }
    total
}

/// B17: from one minimum to the other in 507.075 (T = 0.1) and 2826.9 (T = 0.05) with uniform sampling. At T = 0.025 the time to 0.02
/// before the good minimum falls by three orders of magnitude while τ falls to 1, and grows again below: samples that are
/// not drawn make no noise.
#[test]
fn the_time_to_the_good_minimum_falls_with_the_barrier() {
    let plain = genesis();
    for (temperature, expected) in [(0.1, 507.075404673), (0.05, 2826.94500099)] {
        close(passage_time(&*plain, temperature, 4.758392164878343), expected, 2e-3);
    }
    let table =
        [(20.0, 4.67, 314_234.0), (5.0, 4.42, 11_850.0), (2.0, 3.994, 802.2), (1.0, 3.578, 688.6), (0.5, 3.48, 935.8)];
    close(passage_time(&*plain, 0.025, 4.739), 1_266_329.0, 2e-2);
    for (tau, minimum, expected) in table {
        close(passage_time(&sampled(tau, false), 0.025, minimum - 0.02), expected, 2e-2);
    }
}

fn scheme(scheme: Scheme, uniform: f64, reweight: bool) -> ImportanceSampled {
    ImportanceSampled::by(genesis(), Sampling { uniform, ..Sampling::of(scheme, reweight) }).unwrap()
}

const UNIT: LossScale = LossScale::Constant(1.0);
const SCHEMES: [(Scheme, f64); 6] = [
    (Scheme::Uniform, 0.0),
    (Scheme::SoftMin { scale: UNIT, smoothing: 1.0 }, 0.0),
    (Scheme::SoftMax { scale: UNIT, smoothing: 1.0 }, 0.0),
    (Scheme::Power { exponent: 0.5 }, 0.0),
    (Scheme::GradientNorm, 0.0),
    (Scheme::GradientNorm, 0.5),
];

#[test]
fn all_schemes_have_the_moments_of_the_reference_table() {
    // B17 at w = 1: effective samples, biased F and D, reweighted D
    let table = [
        [10.0, 0.185569230673, 0.480108991863, 0.480108991863],
        [8.912530812, -0.010963646697, 0.057709608708, 5.480203745859],
        [2.959477959, 1.231066923665, 1.308567257735, 0.078489011555],
        [3.615186440, 0.942047044439, 1.394489454429, 0.093833295849],
        [1.754438968, 1.634317103023, 1.081531543066, 0.055837828461],
        [4.597792156, 0.909943166848, 1.305537866874, 0.099214974003],
    ];
    for ((law, uniform), [size, force, biased, unbiased]) in SCHEMES.into_iter().zip(table) {
        let (mut g, mut d) = ([0.0], [0.0]);
        let model = scheme(law, uniform, false);
        model.gradient_covariance(&[1.0], &mut g, &mut d);
        assert!((model.effective_sample_size(&[1.0])[0] - size).abs() < 6e-10, "{law:?}");
        assert!((g[0] - force).abs() < 6e-13 && (d[0] - biased).abs() < 6e-13, "{law:?}: {g:?} {d:?}");
        let [bias, bound] = model.bias_and_bound(&[1.0]);
        assert!((bias[0] - (force - 0.185569230673).abs()).abs() < 2e-12 && (bound[0] - 0.055837828461).abs() < 6e-13);
        let model = scheme(law, uniform, true);
        model.gradient_covariance(&[1.0], &mut g, &mut d);
        assert!((g[0] - 0.185569230673).abs() < 6e-13 && (d[0] - unbiased).abs() < 6e-13, "{law:?}: {g:?} {d:?}");
        assert_eq!(model.bias_and_bound(&[1.0])[0], [0.0]);
    }
    for (clip, force, noise) in [(0.5, 0.011513615241, 0.037403179833), (1.0, 0.061513615241, 0.108751818308)] {
        let clipped = Sampling { clip: Some(clip), ..Sampling::of(Scheme::Uniform, false) };
        let (mut g, mut d) = ([0.0], [0.0]);
        let model = ImportanceSampled::by(genesis(), clipped).unwrap();
        model.gradient_covariance(&[1.0], &mut g, &mut d);
        assert!((g[0] - force).abs() < 6e-13 && (d[0] - noise).abs() < 6e-13, "{clip}: {g:?} {d:?}");
        assert!(!model.has_loss());
    }
    for (law, value) in [(SCHEMES[1].0, 0.178546772861), (SCHEMES[2].0, 0.847765828726)] {
        let mut loss = [0.0];
        scheme(law, 0.0, false).loss(&[1.0], &mut loss);
        assert!((loss[0] - value).abs() < 6e-13, "{loss:?}");
    }
}

/// tr D ≥ (mean ‖g‖)² − ‖∇L‖² for every p (Cauchy & Schwarz), with equality for p ∝ ‖g‖ alone; two parameters.
#[test]
fn no_reweighted_scheme_has_less_noise_than_the_norms_of_the_gradients() {
    let x: Vec<f64> = (0..10).map(|i| -2.25 + 0.5 * i as f64).collect();
    let y = [3.5, 3.22, 1.69, -0.9, -2.43, -5.54, -3.61, -3.63, -3.67, -3.65];
    let units = TanhRegression::units(&[-1.5, -0.9, -0.2], &[0, 1, 1]);
    let model: Arc<dyn SampleModel> =
        Arc::new(TanhRegression::new(&x, &y, &units, Amplitudes::Projected, SampleGradient::Total).unwrap());
    let points: Vec<f64> = vec![0.5, 1.0, 2.0, 4.5, 0.7, 3.0, 1.1, 5.0];
    let n = points.len() / 2;
    for (law, uniform) in SCHEMES {
        let sampled = ImportanceSampled::by(Arc::clone(&model) as _, Sampling { uniform, ..Sampling::of(law, true) });
        let sampled = sampled.unwrap();
        let (mut g, mut d) = (vec![0.0; 2 * n], vec![0.0; 3 * n]);
        sampled.gradient_covariance(&points, &mut g, &mut d);
        let [bias, bound] = sampled.bias_and_bound(&points);
        for i in 0..n {
            let trace = d[i] + d[2 * n + i];
            assert!(
                bias[i] == 0.0 && bound[i] > 0.0 && trace >= bound[i] * (1.0 - 1e-10),
                "{law:?}: {trace} {}",
                bound[i]
            );
            let least = law == Scheme::GradientNorm && uniform == 0.0;
            assert_eq!((trace / bound[i] - 1.0).abs() < 1e-9, least, "{law:?}: {trace} beside {}", bound[i]);
        }
    }
}

#[test]
fn batches_of_every_scheme_have_the_declared_mean_and_covariance() {
    for (inner, reweight) in [(genesis(), false), (genesis(), true), (fixed(), false), (fixed(), true)] {
        for (k, (law, uniform)) in SCHEMES.into_iter().enumerate() {
            let clip = (k % 2 == 1).then_some(0.8);
            let sampling = Sampling { uniform, clip, ..Sampling::of(law, reweight) };
            let model = ImportanceSampled::by(Arc::clone(&inner) as _, sampling).unwrap();
            let (mut p, mut g, mut d, mut each) = ([0.0; 10], [0.0], [0.0], [0.0; 10]);
            model.sampling_probabilities(&[1.2], &mut p);
            close(p.iter().sum::<f64>(), 1.0, 1e-14);
            model.gradient_covariance(&[1.2], &mut g, &mut d);
            model.sample_gradients(&[1.2], &mut each);
            let (mut mean, mut square) = (0.0, 0.0);
            for a in 0..10 {
                let mut batch = [0.0];
                model.batch_gradient(&[1.2], &[a as u32], &mut batch);
                assert!(
                    (batch[0] - each[a]).abs() < 1e-12 * (1.0 + each[a].abs()),
                    "{law:?} {reweight}: {batch:?} {each:?}"
                );
                mean += p[a] * batch[0];
                square += p[a] * batch[0] * batch[0];
            }
            close(mean, g[0], 1e-11);
            close(square - mean * mean, d[0], 1e-10);
        }
    }
}

#[test]
fn losses_that_vanish_and_gradients_that_vanish_leave_probabilities() {
    let sampling = |scheme| Sampling::of(scheme, true);
    let (losses, gradients) = ([0.0, 1.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]);
    let mut p = [0.0; 4];
    for (law, expected) in [
        (Scheme::Power { exponent: 1.0 }, [0.0, 1.0, 0.0, 0.0]),
        (Scheme::Power { exponent: -1.0 }, [1.0 / 3.0, 0.0, 1.0 / 3.0, 1.0 / 3.0]),
        (Scheme::GradientNorm, [0.0, 1.0, 0.0, 0.0]),
    ] {
        sampling(law).weigh(&losses, &gradients, &mut [1.0], &mut p);
        assert!(p.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-300), "{law:?}: {p:?}");
        sampling(law).weigh(&[0.0; 4], &[0.0; 4], &mut [1.0], &mut p);
        assert_eq!(p, [0.25; 4]);
    }
    for bad in [
        Sampling { uniform: 1.5, ..sampling(Scheme::Uniform) },
        Sampling { clip: Some(0.0), ..sampling(Scheme::Uniform) },
        sampling(Scheme::Power { exponent: f64::NAN }),
        sampling(Scheme::SoftMax { scale: LossScale::MeanLoss, smoothing: -1.0 }),
    ] {
        assert!(ImportanceSampled::by(genesis(), bad).is_err());
    }
}

/// Accumulated weights are in proportion to the probabilities, at as many points as are drawn for at once and at others.
#[test]
fn cumulative_weights_have_the_probabilities_of_every_scheme() {
    for n in [LANES, 5] {
        let points: Vec<f64> = (0..n).map(|i| 0.3 + 0.15 * i as f64).collect();
        for ((law, _), uniform) in SCHEMES.into_iter().flat_map(|scheme| [(scheme, 0.0), (scheme, 0.3)]) {
            let model = ImportanceSampled::by(fixed(), Sampling { uniform, ..Sampling::of(law, false) }).unwrap();
            let (mut p, mut sums) = (vec![0.0; 10 * n], vec![0.0; 10 * n]);
            model.probabilities(&points, &mut p);
            model.cumulative_weights(&points, &mut sums);
            for i in 0..n {
                let total = sums[9 * n + i];
                for s in 0..10 {
                    let before = if s > 0 { sums[(s - 1) * n + i] } else { 0.0 };
                    let drawn = (sums[s * n + i] - before) / total;
                    assert!((drawn - p[s * n + i]).abs() < 1e-14, "{law:?}, ε = {uniform}: {drawn} {}", p[s * n + i]);
                }
            }
        }
    }
}
