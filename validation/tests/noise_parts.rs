//! The noise taken apart, against data drawn again and again from the teacher's law.
//!
//! Every test compares means over N data sets with the formula at z standard errors; seeds are fixed. Under the hypothesis
//! that the formula holds, a mean is normal to good accuracy (N ≥ 4000), so a test of k numbers fails by chance with
//! probability k·P(|z| > 4.5) = k·6.8e-6. The power is stated where the test is.
#![allow(clippy::unwrap_used)]

use fpsolve_solvers::diffusion::{Diffusion, Minibatch};
use fpsolve_solvers::gradient_noise::{Decomposition, Weights};
use fpsolve_solvers::model::Model;
use fpsolve_solvers::model::data::{Data, Teacher, even_inputs};
use fpsolve_solvers::model::tanh_regression::{Amplitudes, SampleGradient, TanhRegression};

const Z: f64 = 4.5;
const CENTERS: [f64; 2] = [-0.5, 0.6];

struct Law {
    x: Vec<f64>,
    truth: Vec<f64>,
    noise_std: f64,
}

impl Law {
    fn new(samples: usize, noise_std: f64, truth: impl Fn(f64) -> f64) -> Self {
        let x = even_inputs(-2.0, 2.0, samples);
        Self { truth: x.iter().map(|&x| truth(x)).collect(), x, noise_std }
    }

    fn data(&self, seed: u64) -> Data {
        Data::from_teacher(self.x.clone(), self.truth.clone(), self.noise_std, &[(3, 0.8)], seed).unwrap()
    }

    fn teacher(&self) -> Teacher {
        self.data(0).teacher().unwrap().clone()
    }
}

fn model(data: &Data, groups: &[usize], amplitudes: &Amplitudes, gradient: SampleGradient) -> TanhRegression {
    let units = TanhRegression::units(&CENTERS, groups);
    let (x, y) = (data.column("x").unwrap(), data.column("y").unwrap());
    TanhRegression::new(x, y, &units, amplitudes.clone(), gradient).unwrap()
}

fn covariance(model: &dyn Model, theta: &[f64]) -> Vec<f64> {
    let mut packed = vec![0.0; theta.len() * (theta.len() + 1) / 2];
    Minibatch::new(model).unwrap().diffusion(model, theta, &mut packed);
    packed
}

fn sum(decomposition: &Decomposition, model: &dyn Model, theta: &[f64]) -> Vec<f64> {
    let parts = decomposition.parts(model, theta);
    (0..parts[0].len()).map(|c| parts[0][c] + parts[1][c] + parts[2][c]).collect()
}

/// Means and standard errors of the rows that `draw` gives for the seeds 1 to n.
fn means(n: u64, mut draw: impl FnMut(u64) -> Vec<f64>) -> Vec<(f64, f64)> {
    let rows: Vec<Vec<f64>> = (1..=n).map(&mut draw).collect();
    let count = n as f64;
    let column = |c: usize| {
        let mean = rows.iter().map(|r| r[c]).sum::<f64>() / count;
        let square = rows.iter().map(|r| (r[c] - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, (square / count).sqrt())
    };
    (0..rows[0].len()).map(column).collect()
}

#[test]
fn drawn_data_have_the_mean_noise_at_fixed_weights() {
    // 27 numbers: fails by chance with probability 1.9e-4. Power: the intrinsic part without its factor 1 − 1/m is off by
    // 8 to 60 standard errors; the formula for predictions that do not follow the data, used for projected amplitudes, by more.
    let fixed = Amplitudes::Fixed(vec![0.8, -0.4]);
    let cases = [
        (&fixed, SampleGradient::Total),
        (&Amplitudes::Projected, SampleGradient::Total),
        (&Amplitudes::Projected, SampleGradient::Envelope),
    ];
    let law = Law::new(7, 0.35, |x| (1.1 * x).sin());
    for (k, (amplitudes, gradient)) in cases.into_iter().enumerate() {
        for theta in [[1.3, 0.7], [0.4, 2.0], [2.5, 1.1]] {
            let found =
                means(20_000, |seed| covariance(&model(&law.data(seed), &[0, 1], amplitudes, gradient), &theta));
            let any = model(&law.data(0), &[0, 1], amplitudes, gradient);
            let decomposition = Decomposition::of_teacher(&any, &law.teacher(), Weights::Fixed).unwrap();
            let intrinsic = decomposition.parts(&any, &theta)[0].clone();
            for (c, ((mean, error), expected)) in found.iter().zip(sum(&decomposition, &any, &theta)).enumerate() {
                assert!((mean - expected).abs() < Z * error, "case {k}, {theta:?}, {c}: {mean} {expected} ± {error}");
                if c == 0 {
                    // what the 1/m is worth, in standard errors
                    assert!(intrinsic[c] / 6.0 > (Z + 2.33) * error, "no power: {} {error}", intrinsic[c] / 6.0);
                }
            }
        }
    }
}

/// The minimum near `theta` by Newton's method.
fn fit(model: &dyn Model, theta: f64) -> f64 {
    let mut w = [theta];
    for _ in 0..30 {
        let (mut g, mut h) = ([0.0], [0.0]);
        model.gradient(&w, &mut g);
        model.hessian(&w, &mut h);
        let step = g[0] / h[0];
        w[0] -= step;
        if step.abs() < 1e-12 {
            return w[0];
        }
    }
    panic!("no minimum near {theta}")
}

#[test]
fn drawn_data_have_the_mean_noise_at_trained_weights() {
    // A teacher in the model, little noise: the formula of first order is off by about σ² = 1e-4 relative, far below the
    // standard errors of 1 %. Three numbers: fails by chance with probability 2e-5. Power: the formula for fixed weights is off
    // by more than 4.5 + 2.33 standard errors, so that it would be refuted with probability above 0.99.
    let truth = |x: f64| 0.8 * (1.4 * (x + 0.5)).tanh() - 0.4 * (1.4 * (x - 0.6)).tanh();
    let mut law = Law::new(9, 0.01, truth);
    let fixed = Amplitudes::Fixed(vec![0.8, -0.4]);
    let cases = [
        (&fixed, SampleGradient::Total),
        (&Amplitudes::Projected, SampleGradient::Total),
        (&Amplitudes::Projected, SampleGradient::Envelope),
    ];
    for (k, (amplitudes, gradient)) in cases.into_iter().enumerate() {
        law.noise_std = 0.01;
        let plain = |seed| {
            let data = Data::from_teacher(law.x.clone(), law.truth.clone(), law.noise_std, &[], seed).unwrap();
            model(&data, &[0, 0], amplitudes, gradient)
        };
        let found = means(8000, |seed| {
            let model = plain(seed);
            covariance(&model, &[fit(&model, 1.4)])
        });
        let (mean, error) = found[0];
        let any = plain(0);
        let teacher = Teacher { truth: law.truth.clone(), shift: vec![0.0; 9], noise_std: law.noise_std };
        let at = |weights| sum(&Decomposition::of_teacher(&any, &teacher, weights).unwrap(), &any, &[1.4])[0];
        let (trained, fixed) = (at(Weights::Trained), at(Weights::Fixed));
        assert!((mean - trained).abs() < Z * error, "case {k}: {mean} {trained} ± {error}");
        assert!((fixed - trained).abs() > (Z + 2.33) * error, "case {k}: no power, {fixed} {trained} ± {error}");
    }
}

#[test]
fn residuals_estimate_the_noise_without_bias() {
    // m L/(m − p) at the best fit of a model that holds the teacher; one number at 4.5 standard errors. Power: with m in the place
    // of m − p it is off by 3/9, more than 30 standard errors.
    let truth = |x: f64| 0.8 * (1.4 * (x + 0.5)).tanh() - 0.4 * (1.4 * (x - 0.6)).tanh();
    let law = Law::new(9, 0.01, truth);
    let found = means(4000, |seed| {
        let data = Data::from_teacher(law.x.clone(), law.truth.clone(), law.noise_std, &[], seed).unwrap();
        let model = model(&data, &[0, 0], &Amplitudes::Projected, SampleGradient::Total);
        let mut loss = [0.0];
        model.loss(&[fit(&model, 1.4)], &mut loss);
        vec![Decomposition::residual_variance(&model, loss[0]).unwrap()]
    });
    let (mean, error) = found[0];
    assert!((mean - 1e-4).abs() < Z * error, "{mean} ± {error}");
    assert!(1e-4 / 3.0 > 30.0 * error, "{error}");
}
