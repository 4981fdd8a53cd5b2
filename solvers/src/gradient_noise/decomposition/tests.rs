#![allow(clippy::unwrap_used)]

use super::*;
use crate::diffusion::{Decomposed, Diffusion, Minibatch};
use crate::formula::{Symbols, parse};
use crate::model::data::{Data, even_inputs};
use crate::model::sample_loss::SampleLossModel;
use crate::model::tanh_regression::{Amplitudes, SampleGradient, TanhRegression, Unit};

/// The parts at one point (packed), of data without weights.
fn split(misfit: &[f64], slopes: &[f64], noise_std: f64, weights: Weights) -> [Vec<f64>; 3] {
    let variance = noise_std * noise_std;
    let decomposition = Decomposition { targets: Vec::new(), variance, estimated: false, weights };
    decomposition.split(Moments::fixed(misfit.to_vec(), slopes.to_vec()))
}

#[test]
fn two_units_have_the_reference_decomposition() {
    // DEC-1: four parameters (a₁, w₁, a₂, w₂), seven samples, σ = 0.35, B = 3
    let x = even_inputs(-2.0, 2.0, 7);
    let h = |t: [f64; 4], x: f64| t[0] * (t[1] * (x + 0.5)).tanh() + t[2] * (t[3] * (x - 0.6)).tanh();
    let (teacher, theta) = ([1.2, 0.9, -0.7, 1.8], [0.8, 1.3, -0.2, 0.7]);
    let misfit: Vec<f64> = x.iter().map(|&x| h(teacher, x) - h(theta, x)).collect();
    let mut slopes = vec![0.0; 28];
    for (s, &x) in x.iter().enumerate() {
        for (unit, b) in [(0, -0.5), (1, 0.6)] {
            let (a, w) = (theta[2 * unit], theta[2 * unit + 1]);
            let t = (w * (x - b)).tanh();
            slopes[2 * unit * 7 + s] = t;
            slopes[(2 * unit + 1) * 7 + s] = a * (x - b) * (1.0 - t * t);
        }
    }
    let parts = split(&misfit, &slopes, 0.35, Weights::Fixed);
    let diagonals = [
        [0.094217392799153, 0.0037445172086136, 0.062390005959083, 0.001295845968838],
        [0.062156783544907, 0.0067049051364116, 0.072170452113169, 0.0018338809609179],
        [-0.0088461902384683, -3.2266520808902e-5, -0.050175018050073, -0.0011702252443661],
    ];
    let total = [0.14752798610559, 0.010417155824216, 0.084385440022178, 0.0019595016853898];
    for (k, c) in [0, 4, 7, 9].into_iter().enumerate() {
        for part in 0..3 {
            let value = parts[part][c] / 3.0;
            assert!((value / diagonals[part][k] - 1.0).abs() < 2e-13, "part {part}, {k}: {value}");
        }
        let sum: f64 = parts.iter().map(|p| p[c] / 3.0).sum();
        assert!((sum / total[k] - 1.0).abs() < 2e-13);
    }
    // covariance of ∇L over the noise of the data: 4σ²/m² Σ φφᵀ
    assert!((parts[0][0] / (1.0 - 1.0 / 7.0) / 7.0 / 0.047108696399576 - 1.0).abs() < 1e-13);
}

#[test]
fn a_trained_point_has_smaller_residuals() {
    // linear model: h = θφ with one slope; trained exactly, E[ê_i²] = σ²(1 − h_ii)
    let slopes = [0.5, -1.0, 2.0, 0.3];
    let length: f64 = slopes.iter().map(|f| f * f).sum();
    let misfit = slopes.map(|f| 0.7 * f); // a multiple of the Jacobian: fitted away
    let [intrinsic, exploration, mean_gradient] = split(&misfit, &slopes, 0.2, Weights::Trained);
    let expected: f64 = slopes.iter().map(|f| 0.04 * (1.0 - f * f / length) * f * f).sum();
    assert!((intrinsic[0] - expected).abs() < 1e-15);
    assert!(exploration[0].abs() < 1e-30 && mean_gradient[0].abs() < 1e-30);
}

/// Inputs, mean of the targets, and data with the targets μ + ε.
struct Case {
    x: Vec<f64>,
    truth: Vec<f64>,
}

impl Case {
    fn new(m: usize) -> Self {
        let x = even_inputs(-2.0, 2.0, m);
        let truth = x.iter().map(|x| (1.1 * x).sin() + 0.2 * x * x).collect();
        Self { x, truth }
    }

    fn data(&self, noise: &[f64], noise_std: f64) -> Data {
        let shifts: Vec<(usize, f64)> = noise.iter().copied().enumerate().collect();
        // the shifts are the noise, so that the teacher's own is switched off
        let data = Data::from_teacher(self.x.clone(), self.truth.clone(), 0.0, &shifts, 1).unwrap();
        assert!(noise_std >= 0.0);
        data
    }

    fn teacher(&self, noise_std: f64) -> Teacher {
        Teacher { truth: self.truth.clone(), shift: vec![0.0; self.x.len()], noise_std }
    }
}

/// Mean over all m-fold products of a discrete law of the noise (values, weights) of unit variance, times `noise_std`.
fn enumerate(m: usize, law: &[(f64, f64)], noise_std: f64, mut f: impl FnMut(f64, &[f64])) {
    let mut noise = vec![0.0; m];
    for pattern in 0..law.len().pow(m as u32) {
        let (mut rest, mut weight) = (pattern, 1.0);
        for e in &mut noise {
            let (value, w) = law[rest % law.len()];
            (*e, weight, rest) = (noise_std * value, weight * w, rest / law.len());
        }
        f(weight, &noise);
    }
}

const COIN: [(f64, f64); 2] = [(-1.0, 0.5), (1.0, 0.5)];
/// Gauss–Hermite: the moments of a normal law up to the fifth.
const GAUSS: [(f64, f64); 3] =
    [(-1.732_050_807_568_877_2, 1.0 / 6.0), (0.0, 2.0 / 3.0), (1.732_050_807_568_877_2, 1.0 / 6.0)];

type Build = fn(&Data) -> Box<dyn Model>;

fn fixed(data: &Data) -> Box<dyn Model> {
    let units = TanhRegression::units(&[-0.5, 0.6], &[0, 1]);
    tanh(data, &units, Amplitudes::Fixed(vec![0.8, -0.2]), SampleGradient::Total)
}

fn tanh(data: &Data, units: &[Unit], amplitudes: Amplitudes, gradient: SampleGradient) -> Box<dyn Model> {
    let (x, y) = (data.column("x").unwrap(), data.column("y").unwrap());
    Box::new(TanhRegression::new(x, y, units, amplitudes, gradient).unwrap())
}

fn projected(data: &Data, gradient: SampleGradient) -> Box<dyn Model> {
    tanh(data, &TanhRegression::units(&[-0.5, 0.6, 0.1], &[0, 1, 1]), Amplitudes::Projected, gradient)
}

fn total(data: &Data) -> Box<dyn Model> {
    projected(data, SampleGradient::Total)
}

fn envelope(data: &Data) -> Box<dyn Model> {
    projected(data, SampleGradient::Envelope)
}

fn formula(data: &Data) -> Box<dyn Model> {
    let symbols = Symbols::new(&["a", "b"]).with_columns(data.names());
    let loss = parse("2*(0.5*exp(-a*x^2) + b*x - y/2)^2", &symbols).unwrap(); // κ = ½
    Box::new(SampleLossModel::new(2, &loss, data).unwrap())
}

const POINTS: [f64; 4] = [1.3, 0.4, 0.7, 2.0]; // two points of two variables

fn covariance(model: &dyn Model, points: &[f64]) -> Vec<f64> {
    let mut diffusion = vec![0.0; 3 * points.len() / 2];
    Minibatch::new(model).unwrap().diffusion(model, points, &mut diffusion);
    diffusion
}

/// Largest difference, relative to the largest expected number.
fn apart(found: &[f64], expected: &[f64]) -> f64 {
    let size = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max) / size
}

#[test]
fn parts_are_the_means_over_every_noise() {
    let cases: [(Build, &[(f64, f64)]); 4] = [(fixed, &COIN), (formula, &COIN), (total, &GAUSS), (envelope, &GAUSS)];
    let case = Case::new(6);
    let (m, noise_std) = (6, 0.4);
    for (k, (build, law)) in cases.into_iter().enumerate() {
        let mut mean = vec![0.0; 6];
        enumerate(m, law, noise_std, |weight, noise| {
            let d = covariance(&*build(&case.data(noise, 0.0)), &POINTS);
            mean.iter_mut().zip(d).for_each(|(mean, d)| *mean += weight * d);
        });
        let clean = build(&case.data(&[0.0; 6], 0.0));
        let decomposition = Decomposition::of_teacher(&*clean, &case.teacher(noise_std), Weights::Fixed).unwrap();
        let [intrinsic, exploration, mean_gradient] = decomposition.parts(&*clean, &POINTS);
        let sum: Vec<f64> = (0..6).map(|c| intrinsic[c] + exploration[c] + mean_gradient[c]).collect();
        assert!(apart(&sum, &mean) < 1e-12, "{k}: {sum:?} {mean:?}");
        // the last two are D without noise; the last is minus the square of the gradient
        let bare: Vec<f64> = (0..6).map(|c| exploration[c] + mean_gradient[c]).collect();
        assert!(apart(&bare, &covariance(&*clean, &POINTS)) < 1e-12, "{k}");
        let mut g = [0.0; 4];
        clean.gradient(&POINTS, &mut g);
        let squares = [g[0] * g[0], g[1] * g[1], g[0] * g[2], g[1] * g[3], g[2] * g[2], g[3] * g[3]];
        assert!(apart(&mean_gradient.iter().map(|v| -v).collect::<Vec<_>>(), &squares) < 1e-12, "{k}");
        assert!(intrinsic[0] > 0.05 * exploration[0], "{k}: noise too small to be seen");
    }
}

#[test]
fn estimates_add_up_and_are_unbiased() {
    let cases: [(Build, &[(f64, f64)]); 4] = [(fixed, &COIN), (formula, &COIN), (total, &GAUSS), (envelope, &GAUSS)];
    let case = Case::new(6);
    for (k, (build, law)) in cases.into_iter().enumerate() {
        let clean = build(&case.data(&[0.0; 6], 0.0));
        let decomposition = Decomposition::of_teacher(&*clean, &case.teacher(0.4), Weights::Fixed).unwrap();
        let truth = decomposition.parts(&*clean, &POINTS);
        let mut means = [0; 3].map(|_| vec![0.0; 6]);
        enumerate(6, law, 0.4, |weight, noise| {
            let model = build(&case.data(noise, 0.0));
            let estimate = Decomposition::estimated(&*model, 0.16, Weights::Fixed).unwrap();
            let parts = estimate.parts(&*model, &POINTS);
            let sum: Vec<f64> = (0..6).map(|c| parts[0][c] + parts[1][c] + parts[2][c]).collect();
            assert!(apart(&sum, &covariance(&*model, &POINTS)) < 1e-11, "{k}");
            for (mean, part) in means.iter_mut().zip(parts) {
                mean.iter_mut().zip(part).for_each(|(mean, v)| *mean += weight * v);
            }
        });
        for (mean, truth) in means.iter().zip(truth) {
            assert!(apart(mean, &truth) < 1e-11, "{k}: {mean:?} {truth:?}");
        }
    }
}

#[test]
fn a_linear_fit_has_the_trained_noise_exactly() {
    // l = (y − a sin 2x − b x²)²: the best (a, b) is linear in y
    let build = |data: &Data| {
        let symbols = Symbols::new(&["a", "b"]).with_columns(data.names());
        let loss = parse("(y - a*sin(2*x) - b*x^2)^2", &symbols).unwrap();
        SampleLossModel::new(2, &loss, data).unwrap()
    };
    let case = Case::new(6);
    let fit = |data: &Data| {
        let rows: Vec<[f64; 2]> = case.x.iter().map(|x| [(2.0 * x).sin(), x * x]).collect();
        let y = data.column("y").unwrap();
        let sum = |f: &dyn Fn(usize) -> f64| (0..6).map(f).sum::<f64>();
        let (aa, ab, bb) =
            (sum(&|s| rows[s][0].powi(2)), sum(&|s| rows[s][0] * rows[s][1]), sum(&|s| rows[s][1].powi(2)));
        let (ay, by) = (sum(&|s| rows[s][0] * y[s]), sum(&|s| rows[s][1] * y[s]));
        let determinant = aa * bb - ab * ab;
        [(bb * ay - ab * by) / determinant, (aa * by - ab * ay) / determinant]
    };
    let mut mean = vec![0.0; 3];
    enumerate(6, &COIN, 0.4, |weight, noise| {
        let data = case.data(noise, 0.0);
        let d = covariance(&build(&data), &fit(&data));
        mean.iter_mut().zip(d).for_each(|(mean, d)| *mean += weight * d);
    });
    let clean = case.data(&[0.0; 6], 0.0);
    let model = build(&clean);
    let at = |weights| {
        let decomposition = Decomposition::of_teacher(&model, &case.teacher(0.4), weights).unwrap();
        let parts = decomposition.parts(&model, &fit(&clean));
        (0..3).map(|c| parts[0][c] + parts[1][c] + parts[2][c]).collect::<Vec<f64>>()
    };
    assert!(apart(&at(Weights::Trained), &mean) < 1e-12, "{:?} {mean:?}", at(Weights::Trained));
    let false_here = apart(&at(Weights::Fixed), &mean);
    assert!(false_here > 0.01, "the formula for fixed weights is false at a fit: {false_here}");
}

#[test]
fn chosen_parts_are_the_diffusion() {
    let case = Case::new(7);
    let model = total(&case.data(&[0.0; 7], 0.0));
    let teacher = case.teacher(0.3);
    let parts = Decomposition::of_teacher(&*model, &teacher, Weights::Fixed).unwrap().parts(&*model, &POINTS);
    for (chosen, expected) in [
        (vec![Part::Intrinsic], parts[0].clone()),
        (vec![Part::Exploration, Part::MeanGradient], (0..6).map(|c| parts[1][c] + parts[2][c]).collect()),
    ] {
        let mut diffusion = vec![0.0; 6];
        Decomposed::new(&*model, &teacher, &chosen, Weights::Fixed).unwrap().diffusion(
            &*model,
            &POINTS,
            &mut diffusion,
        );
        assert_eq!(diffusion, expected);
    }
    assert!(Decomposed::new(&*model, &teacher, &[], Weights::Fixed).is_err());
}

#[test]
fn lost_rank_changes_nothing() {
    // two units with the same centre: the second is left out, everything is as with one
    let case = Case::new(7);
    let data = case.data(&[0.1, -0.3, 0.2, 0.0, 0.4, -0.1, 0.2], 0.0);
    let build = |centers: &[f64]| {
        let units = TanhRegression::units(centers, &vec![0; centers.len()]);
        tanh(&data, &units, Amplitudes::Projected, SampleGradient::Total)
    };
    let (twice, once) = (build(&[-0.5, 0.4, 0.4]), build(&[-0.5, 0.4]));
    let parts = |model: &dyn Model| {
        Decomposition::of_teacher(model, &case.teacher(0.3), Weights::Fixed).unwrap().parts(model, &[1.3])
    };
    for (a, b) in parts(&*twice).iter().zip(parts(&*once)) {
        assert!(apart(a, &b) < 1e-11, "{a:?} {b:?}");
    }
}

#[test]
fn residuals_show_the_noise() {
    let case = Case::new(40);
    let linear = |data: &Data| {
        let symbols = Symbols::new(&["a"]).with_columns(data.names());
        SampleLossModel::new(1, &parse("(y - a*x)^2/2", &symbols).unwrap(), data).unwrap()
    };
    let data = case.data(&[0.0; 40], 0.0);
    let model = linear(&data);
    // m L/(κ(m − p)): L = ½ Σ e²/m, so Σ e²/39
    let variance = Decomposition::residual_variance(&model, 0.3).unwrap();
    assert!((variance - 40.0 * 0.3 / 0.5 / 39.0).abs() < 1e-15);
    let few = Data::new(vec![("x".into(), vec![1.0]), ("y".into(), vec![2.0])]).unwrap();
    assert!(Decomposition::residual_variance(&linear(&few), 0.3).unwrap_err().to_string().contains("no residual"));
    assert!(Decomposition::estimated(&model, f64::NAN, Weights::Fixed).is_err());
}

#[test]
fn models_that_are_no_regression_are_refused() {
    let case = Case::new(5);
    let data = case.data(&[0.0; 5], 0.0);
    let refused = |text: &str| {
        let symbols = Symbols::new(&["a"]).with_columns(data.names());
        let model = SampleLossModel::new(1, &parse(text, &symbols).unwrap(), &data).unwrap();
        Decomposition::of_teacher(&model, &case.teacher(0.1), Weights::Fixed).unwrap_err().to_string()
    };
    assert!(refused("log(cosh(y - a*x))").contains("not squares of a residual"));
    assert!(refused("(x - a)^2").contains("fits the column `x`"));
}
