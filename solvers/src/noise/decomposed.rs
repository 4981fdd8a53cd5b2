//! The noise of minibatches taken apart, for squared losses and data whose teacher is known.
//!
//! With l_i = (y_i − h_i)², y_i = h*_i + ε_i, Var ε_i = σ², Δ_i = h*_i − h_i and φ_i = ∇h_i, at a θ that does not depend on ε:
//!
//! ```text
//! E_ε[D] = (4/m) { σ²(1 − 1/m) Σ φφᵀ  +  Σ Δ²φφᵀ  −  (1/m)(Σ Δφ)(Σ Δφ)ᵀ }
//!                      intrinsic         exploration       mean-gradient
//! ```
//!
//! At a trained θ̂(ε) (a least-squares fit of the same data) the residuals are smaller: the intrinsic weight becomes σ²(1 − h_ii)
//! per sample with the leverages h_ii of the Jacobian, Δ its part orthogonal to the Jacobian, and the last term vanishes.

use super::Diffusion;
use crate::error::Error;
use crate::model::Model;
use crate::model::data::Teacher;
use crate::symmetric::{eigen, packed_len};

/// One of the three parts of the noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Noise of the data: σ².
    Intrinsic,
    /// Misfit of the model: Δ².
    Exploration,
    /// Minus the square of the mean gradient: negative semidefinite.
    MeanGradient,
}

/// Whether θ depends on the noise of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weights {
    /// θ is fixed independently of ε.
    #[default]
    Fixed,
    /// θ was fitted to these data (the formulas hold to first order around such a fit; d < m).
    Trained,
}

/// D(θ) = E_ε of the minibatch covariance, or the sum of some of its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposed {
    mean: Vec<f64>, // of y_i: h*_i and the shift of an outlier
    noise_std: f64,
    parts: Vec<Part>,
    weights: Weights,
}

impl Decomposed {
    /// The decomposition for a model whose data a teacher made; D is the sum of `parts`.
    ///
    /// # Errors
    /// A model without predictions h_i (no squared loss, or amplitudes that follow the data); a teacher of other data; no part.
    pub fn new(model: &dyn Model, teacher: &Teacher, parts: &[Part], weights: Weights) -> Result<Self, Error> {
        let (d, m) = (model.dimension(), model.samples());
        if teacher.truth.len() != m {
            return Err(Error::invalid(
                format!("the teacher has {} samples, the model {m}", teacher.truth.len()),
                "use the data of the teacher",
            ));
        }
        if !model.predictions(&vec![0.0; d], &mut vec![0.0; m], &mut vec![0.0; d * m]) {
            return Err(Error::invalid(
                "the noise cannot be decomposed: the model has no predictions of its own for the samples",
                "use tanh-regression with fixed amplitudes, or the noise kind \"minibatch\"",
            ));
        }
        if parts.is_empty() {
            return Err(Error::invalid("the decomposed noise has no parts", "name at least one part"));
        }
        Ok(Self { mean: teacher.mean(), noise_std: teacher.noise_std, parts: parts.to_vec(), weights })
    }

    /// One part at n points (packed × n); the three add up to E_ε[D].
    pub fn part(&self, part: Part, model: &dyn Model, points: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        self.add(&[part], model, points, out);
    }

    fn add(&self, parts: &[Part], model: &dyn Model, points: &[f64], out: &mut [f64]) {
        let (d, m) = (model.dimension(), model.samples());
        let n = points.len() / d;
        let (mut values, mut jacobian) = (vec![0.0; m * n], vec![0.0; d * m * n]);
        model.predictions(points, &mut values, &mut jacobian);
        for p in 0..n {
            let misfit: Vec<f64> = (0..m).map(|s| self.mean[s] - values[s * n + p]).collect();
            let slopes: Vec<f64> = (0..d * m).map(|row| jacobian[row * n + p]).collect();
            let [intrinsic, exploration, mean_gradient] = split(d, &misfit, &slopes, self.noise_std, self.weights);
            for part in parts {
                let values = match part {
                    Part::Intrinsic => &intrinsic,
                    Part::Exploration => &exploration,
                    Part::MeanGradient => &mean_gradient,
                };
                for (c, value) in values.iter().enumerate() {
                    out[c * n + p] += value;
                }
            }
        }
    }
}

impl Diffusion for Decomposed {
    fn diffusion(&self, model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        diffusion.fill(0.0);
        self.add(&self.parts, model, points, diffusion);
    }
}

/// The three parts (packed) at one point: misfit Δ_s, slopes ∂_k h_s at `[k·m + s]`. Any d for fixed weights.
fn split(d: usize, misfit: &[f64], slopes: &[f64], noise_std: f64, weights: Weights) -> [Vec<f64>; 3] {
    let m = misfit.len();
    let variance = noise_std * noise_std;
    let share = 4.0 / m as f64;
    let mut misfit = misfit.to_vec();
    let mut noise = vec![variance * (1.0 - 1.0 / m as f64); m];
    if weights == Weights::Trained {
        let leverage = project(d, slopes, &mut misfit);
        noise = leverage.iter().map(|h| variance * (1.0 - h)).collect();
    }
    let row = |k: usize| &slopes[k * m..(k + 1) * m];
    let means: Vec<f64> = (0..d).map(|k| row(k).iter().zip(&misfit).map(|(f, e)| f * e).sum()).collect();
    let mut out = [const { Vec::new() }; 3];
    for k in 0..d {
        for l in k..d {
            let (mut intrinsic, mut exploration) = (0.0, 0.0);
            for s in 0..m {
                let product = row(k)[s] * row(l)[s];
                intrinsic += noise[s] * product;
                exploration += misfit[s] * misfit[s] * product;
            }
            out[0].push(share * intrinsic);
            out[1].push(share * exploration);
            out[2].push(-share / m as f64 * means[k] * means[l]);
        }
    }
    out
}

/// Leverages of the m×d Jacobian; makes `misfit` orthogonal to it. Directions below 10⁻¹² of the largest are left out.
fn project(d: usize, slopes: &[f64], misfit: &mut [f64]) -> Vec<f64> {
    let m = misfit.len();
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let mut gram = Vec::with_capacity(packed_len(d));
    for k in 0..d {
        for l in k..d {
            gram.push(dot(&slopes[k * m..(k + 1) * m], &slopes[l * m..(l + 1) * m]));
        }
    }
    let (values, vectors) = eigen(d, &gram);
    let mut leverage = vec![0.0; m];
    for a in (0..d).filter(|&a| values[a] > 1e-12 * values[d - 1]) {
        let direction: Vec<f64> =
            (0..m).map(|s| (0..d).map(|k| vectors[k][a] * slopes[k * m + s]).sum::<f64>() / values[a].sqrt()).collect();
        let part = dot(&direction, misfit);
        for s in 0..m {
            leverage[s] += direction[s] * direction[s];
            misfit[s] -= part * direction[s];
        }
    }
    leverage
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::data::{Data, even_inputs};
    use crate::model::tanh_regression::{Amplitudes, TanhRegression};
    use crate::noise::Minibatch;

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
        let parts = split(4, &misfit, &slopes, 0.35, Weights::Fixed);
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

    fn model(data: &Data) -> TanhRegression {
        let units = TanhRegression::units(&[-0.5, 0.6], &[0, 1]);
        let (x, y) = (data.column("x").unwrap(), data.column("y").unwrap());
        TanhRegression::new(x, y, &units, Amplitudes::Fixed(vec![0.8, -0.2]), Default::default()).unwrap()
    }

    #[test]
    fn parts_add_up_to_the_mean_over_the_noise() {
        let x = even_inputs(-2.0, 2.0, 7);
        let truth: Vec<f64> = x.iter().map(|x| (1.1 * x).sin()).collect();
        let (points, repeats) = ([1.3, 0.4, 0.7, 2.0], 4000); // two points
        let (mut mean, mut square) = ([0.0; 6], [0.0; 6]);
        let mut expected = [0.0; 6];
        for seed in 0..repeats {
            let data = Data::from_teacher(x.clone(), truth.clone(), 0.35, &[(3, 1.5)], seed).unwrap();
            let model = model(&data);
            let mut diffusion = [0.0; 6];
            Minibatch.diffusion(&model, &points, &mut diffusion);
            for c in 0..6 {
                mean[c] += diffusion[c] / repeats as f64;
                square[c] += diffusion[c] * diffusion[c] / repeats as f64;
            }
            if seed == 0 {
                let parts = [Part::Intrinsic, Part::Exploration, Part::MeanGradient];
                let noise = Decomposed::new(&model, data.teacher().unwrap(), &parts, Weights::Fixed).unwrap();
                noise.diffusion(&model, &points, &mut expected);
                let mut sum = [0.0; 6];
                for part in parts {
                    let mut values = [0.0; 6];
                    noise.part(part, &model, &points, &mut values);
                    (0..6).for_each(|c| sum[c] += values[c]);
                }
                (0..6).for_each(|c| assert!((sum[c] - expected[c]).abs() < 1e-14));
            }
        }
        for c in 0..6 {
            // six comparisons at four standard errors: false alarms 4e-4; an error of 1/m in a part is seen with power > 0.99
            let error = ((square[c] - mean[c] * mean[c]) / repeats as f64).sqrt();
            assert!((mean[c] - expected[c]).abs() < 4.0 * error, "{c}: {} {} {error}", mean[c], expected[c]);
            assert!(error < 0.02 * expected[0].max(expected[1]));
        }
    }

    #[test]
    fn a_trained_point_has_smaller_residuals() {
        // linear model: h = θφ with one slope; trained exactly, E[ê_i²] = σ²(1 − h_ii)
        let slopes = [0.5, -1.0, 2.0, 0.3];
        let length: f64 = slopes.iter().map(|f| f * f).sum();
        let misfit = slopes.map(|f| 0.7 * f); // a multiple of the Jacobian: fitted away
        let [intrinsic, exploration, mean_gradient] = split(1, &misfit, &slopes, 0.2, Weights::Trained);
        let expected: f64 = slopes.iter().map(|f| 0.04 * (1.0 - f * f / length) * f * f).sum();
        assert!((intrinsic[0] - expected).abs() < 1e-15);
        assert!(exploration[0].abs() < 1e-30 && mean_gradient[0].abs() < 1e-30);
    }

    #[test]
    fn models_without_predictions_are_refused() {
        let x = even_inputs(-2.0, 2.0, 7);
        let data = Data::from_teacher(x.clone(), x.clone(), 0.1, &[], 1).unwrap();
        let units = TanhRegression::units(&[-0.5, 0.6], &[0, 1]);
        let y = data.column("y").unwrap();
        let projected = TanhRegression::new(&x, y, &units, Amplitudes::Projected, Default::default()).unwrap();
        let teacher = data.teacher().unwrap();
        let error = Decomposed::new(&projected, teacher, &[Part::Intrinsic], Weights::Fixed).unwrap_err();
        assert!(error.help().unwrap().contains("fixed amplitudes"));
        assert!(Decomposed::new(&model(&data), teacher, &[], Weights::Fixed).is_err());
    }
}
