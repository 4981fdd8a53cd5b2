#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::dynamics::{GradientDynamics, Interpretation, check_dynamics};
use crate::model::{Model, SampleModel};
use crate::problem::dynamics::Dynamics;
use crate::problem::{Minibatch as Batches, Replacement};

/// COV-1: four samples with constant gradients (1,0), (0,2), (−1,1), (3,−1).
pub(crate) struct Constant;
const GRADIENTS: [[f64; 2]; 4] = [[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0], [3.0, -1.0]];

impl Model for Constant {
    fn dimension(&self) -> usize {
        2
    }
    fn loss(&self, _points: &[f64], loss: &mut [f64]) {
        loss.fill(0.0);
    }
    fn gradient(&self, points: &[f64], gradient: &mut [f64]) {
        self.gradient_covariance(points, gradient, &mut vec![0.0; 3 * points.len() / 2]);
    }
    fn data(&self) -> Option<&dyn SampleModel> {
        Some(self)
    }
    fn shared_data(self: Arc<Self>) -> Option<Arc<dyn SampleModel>> {
        Some(self)
    }
}

impl SampleModel for Constant {
    fn samples(&self) -> usize {
        4
    }
    fn sample_losses(&self, _: &[f64], _: &mut [f64]) {
        unimplemented!("the gradients are given")
    }
    fn sample_gradients(&self, points: &[f64], gradients: &mut [f64]) {
        let n = points.len() / 2;
        for k in 0..2 {
            (0..4).for_each(|s| gradients[(k * 4 + s) * n..(k * 4 + s + 1) * n].fill(GRADIENTS[s][k]));
        }
    }
    fn gradient_covariance(&self, points: &[f64], gradient: &mut [f64], covariance: &mut [f64]) {
        let n = points.len() / 2;
        let mean = |f: &dyn Fn(&[f64; 2]) -> f64| GRADIENTS.iter().map(f).sum::<f64>() / 4.0;
        let g = [mean(&|g| g[0]), mean(&|g| g[1])];
        for (c, (i, j)) in [(0, 0), (0, 1), (1, 1)].into_iter().enumerate() {
            covariance[c * n..(c + 1) * n].fill(mean(&|s| s[i] * s[j]) - g[i] * g[j]);
        }
        gradient[..n].fill(g[0]);
        gradient[n..].fill(g[1]);
    }
}

fn batch_covariance(with_replacement: bool) -> [f64; 3] {
    let pairs = (0..4).flat_map(|a| (0..4).map(move |b| (a, b))).filter(|(a, b)| with_replacement || a != b);
    let means: Vec<[f64; 2]> = pairs.map(|(a, b)| [0, 1].map(|k| 0.5 * (GRADIENTS[a][k] + GRADIENTS[b][k]))).collect();
    let mean = |f: &dyn Fn(&[f64; 2]) -> f64| means.iter().map(f).sum::<f64>() / means.len() as f64;
    let g = [mean(&|g| g[0]), mean(&|g| g[1])];
    [(0, 0), (0, 1), (1, 1)].map(|(i, j)| mean(&|s| s[i] * s[j]) - g[i] * g[j])
}

#[test]
fn batch_noise_is_twice_the_temperature_times_d() {
    let dynamics = GradientDynamics::new(Arc::new(Constant), Arc::new(Minibatch::new(&Constant).unwrap()));
    let (mut drift, mut diffusion) = ([0.0; 2], [0.0; 3]);
    dynamics.drift_diffusion(&[0.3, -1.0], &mut drift, &mut diffusion);
    assert_eq!(diffusion, [2.1875, -1.375, 1.25]);
    assert_eq!(drift, [-0.75, -0.5]);
    for (replacement, share) in [(Replacement::With, 2.0), (Replacement::Without, 3.0)] {
        let batches = Batches { learning_rate: 0.1, batch_size: 2, replacement };
        let covariance = batch_covariance(replacement == Replacement::With);
        for c in 0..3 {
            assert!((covariance[c] - diffusion[c] / share).abs() < 1e-15);
            // one step of length η: η² Cov ĝ = 2 T η D
            let step = 2.0 * batches.temperature(4) * 0.1 * diffusion[c];
            assert!((0.01 * covariance[c] - step).abs() < 1e-16);
        }
    }
}

/// D = S² with S = [[2 + sin x, 0.3 y], [0.3 y, 2 + x²/5]].
struct Rooted;

fn root(x: f64, y: f64) -> [[f64; 2]; 2] {
    [[2.0 + x.sin(), 0.3 * y], [0.3 * y, 2.0 + 0.2 * x * x]]
}

impl Diffusion for Rooted {
    fn diffusion(&self, _model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        let n = points.len() / 2;
        for p in 0..n {
            let s = root(points[p], points[n + p]);
            for (c, (i, j)) in [(0, 0), (0, 1), (1, 1)].into_iter().enumerate() {
                diffusion[c * n + p] = s[i][0] * s[0][j] + s[i][1] * s[1][j];
            }
        }
    }
}

#[test]
fn interpretations_become_ito_drifts() {
    let (x, y, t) = (0.7, -1.1, 0.25);
    let drift = |interpretation| {
        let dynamics = GradientDynamics::new(Arc::new(Constant), Arc::new(Rooted));
        let dynamics = dynamics.with_interpretation(interpretation, t, &[1.0; 2]);
        let (mut drift, mut diffusion) = ([0.0; 2], [0.0; 3]);
        dynamics.drift_diffusion(&[x, y], &mut drift, &mut diffusion);
        drift
    };
    let ito = drift(Interpretation::Ito);
    assert_eq!(ito, [-0.75, -0.5]);
    let s = root(x, y);
    let dx = [[x.cos(), 0.0], [0.0, 0.4 * x]];
    let dy = [[0.0, 0.3], [0.3, 0.0]];
    let middle = drift(Interpretation::Stratonovich);
    let end = drift(Interpretation::HaenggiKlimontovich);
    for i in 0..2 {
        // Σ_jk S_jk ∂_j S_ik
        let stratonovich: f64 = (0..2).map(|k| s[0][k] * dx[i][k] + s[1][k] * dy[i][k]).sum();
        assert!((middle[i] - ito[i] - t * stratonovich).abs() < 1e-10);
        // Σ_j ∂_j (S²)_ij
        let product = |a: [[f64; 2]; 2], b: [[f64; 2]; 2], j: usize| a[i][0] * b[0][j] + a[i][1] * b[1][j];
        let divergence = product(dx, s, 0) + product(s, dx, 0) + product(dy, s, 1) + product(s, dy, 1);
        assert!((end[i] - ito[i] - t * divergence).abs() < 1e-10);
    }
}

#[test]
fn stratonovich_in_one_dimension_is_half_of_the_end_point() {
    let model = crate::model::tanh_regression::TanhRegression::new(
        &[-1.0, 0.2, 0.9],
        &[0.3, 0.8, -0.4],
        &crate::model::tanh_regression::TanhRegression::units(&[0.1], &[0]),
        crate::model::tanh_regression::Amplitudes::Fixed(vec![0.8]),
        Default::default(),
    );
    let model: Arc<dyn Model> = Arc::new(model.unwrap());
    let drift = |interpretation| {
        let dynamics = GradientDynamics::new(model.clone(), Arc::new(Minibatch::new(&*model).unwrap())).with_floor(0.1);
        let (mut drift, mut diffusion) = ([0.0], [0.0]);
        dynamics.with_interpretation(interpretation, 0.5, &[1.0]).drift_diffusion(&[0.6], &mut drift, &mut diffusion);
        drift[0]
    };
    let ito = drift(Interpretation::Ito);
    let (middle, end) = (drift(Interpretation::Stratonovich) - ito, drift(Interpretation::HaenggiKlimontovich) - ito);
    assert!(end.abs() > 1e-3 && (end - 2.0 * middle).abs() < 1e-14, "{middle} {end}");
}

struct Given {
    diffusion: [f64; 3],
    bad: usize,
}

impl Diffusion for Given {
    fn diffusion(&self, _model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        let n = points.len() / 2;
        for p in 0..n {
            for c in 0..3 {
                diffusion[c * n + p] = if p == self.bad { self.diffusion[c] } else { [1.0, 0.0, 1.0][c] };
            }
        }
    }
}

#[test]
fn the_first_bad_point_is_named() {
    let check = |diffusion| {
        let dynamics = GradientDynamics::new(Arc::new(Constant), Arc::new(Given { diffusion, bad: 2 }));
        let points = [0.0, 1.0, 2.5, 3.0, 10.0, 11.0, 12.0, 13.0];
        check_dynamics(&dynamics, &points, &[1.0; 2], &["a".into(), "b".into()])
    };
    assert!(check([1.0, 2.0, 4.0]).is_ok()); // singular, not indefinite
    assert!(check([0.0, 0.0, 0.0]).is_ok());
    let indefinite = check([1.0, 2.0, 3.9]).unwrap_err().to_string();
    assert!(indefinite.contains("eigenvalue -2.") && indefinite.contains("a = 2.5, b = 12"), "{indefinite}");
    let infinite = check([1.0, f64::INFINITY, 3.9]).unwrap_err().to_string();
    assert!(infinite.contains("entry inf at a = 2.5, b = 12"), "{infinite}");
}
