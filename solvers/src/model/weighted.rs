//! A loss in which one sample has another weight: how much of it does a minimum need?
//!
//! ```text
//! L(θ; c) = (1/m) [Σ_{s≠i} l_s + c l_i] = L − (1 − c) l_i/m
//! ```
//!
//! With projected amplitudes, which the weight moves too, the weighted least squares follow from the plain ones by a rank-one downdate:
//! with the residual r = r_i, the leverage h = (QQᵀ)_ii and s = 1 − c
//!
//! ```text
//! L(θ; c) = L − (κ/m) s r²/(1 − s h),     α̂(c) = Φ⁺ (y − e_i s r/(1 − s h)),     c = 0: the sample is out.
//! ```
//!
//! Reference: R. Cook 1977, Detection of influential observation in linear regression, doi:10.1080/00401706.1977.10489493.

use std::sync::Arc;

use super::regression::Projection;
use super::{Model, SampleModel};
use crate::error::Error;
use crate::numerics::vector::dot;

/// The model; see the module for the formulas.
#[derive(Clone)]
pub struct WeightedSample {
    model: Arc<dyn SampleModel>,
    sample: usize,
    weight: f64,
}

impl WeightedSample {
    /// The model in which sample number `sample` has the weight c = `weight` and all others 1.
    ///
    /// # Errors
    /// A model without samples or without their losses, a sample that it has not, a weight that is not finite.
    pub fn new(model: Arc<dyn Model>, sample: usize, weight: f64) -> Result<Self, Error> {
        let help = "give a model with data whose losses are known";
        let model = model
            .shared_data()
            .ok_or_else(|| Error::invalid("the weight of a sample of a model without samples", help))?;
        if !model.has_losses() {
            return Err(Error::invalid("the weight of a sample whose loss is not known, its gradient alone", help));
        }
        if sample >= model.samples() {
            let what = format!("sample {sample} of {} samples", model.samples());
            return Err(Error::invalid(what, format!("samples count from 0 to {}", model.samples() - 1)));
        }
        if !weight.is_finite() {
            return Err(Error::invalid(format!("the weight {weight} of a sample"), "give a finite number"));
        }
        Ok(Self { model, sample, weight })
    }

    /// Whether amplitudes are solved for.
    fn projection(&self, theta: &[f64]) -> Option<(Projection, f64)> {
        let regression = self.model.regression()?;
        Some((regression.projection(theta)?, regression.weight()))
    }

    /// The fitted function at other inputs, with its amplitudes fitted to the weighted samples; None where there is none.
    pub fn fitted(&self, theta: &[f64], inputs: &[f64]) -> Option<Vec<f64>> {
        let regression = self.model.regression()?;
        let mut targets = regression.targets().to_vec();
        if let Some(projection) = regression.projection(theta) {
            let one = Influence::of(&projection, &targets, self.sample);
            let s = 1.0 - self.weight;
            targets[self.sample] -= s * one.residual / (1.0 - s * one.leverage);
        }
        regression.fitted_to(theta, &targets, inputs)
    }
}

/// Residual r_i and leverage h_i of one sample with their derivatives ∂_k.
struct Influence {
    residual: f64,
    leverage: f64,
    residual_slope: Vec<f64>,
    leverage_slope: Vec<f64>,
}

impl Influence {
    fn of(projection: &Projection, y: &[f64], i: usize) -> Self {
        let (m, u) = (projection.samples, projection.basis.len() / projection.samples);
        let leverage = (0..u).map(|a| projection.basis[a * m + i].powi(2)).sum();
        let alpha: Vec<f64> = projection.inverse.chunks_exact(m).map(|g| dot(g, y)).collect();
        let (mut residual_slope, mut leverage_slope) = (Vec::new(), Vec::new());
        for derivative in &projection.derivatives {
            let (mut r, mut h) = (0.0, 0.0);
            let moved = |(_, column): &(usize, &[f64])| column.iter().any(|x| *x != 0.0); // units of other slopes stay
            for (a, column) in derivative.chunks_exact(m).enumerate().filter(moved) {
                let mut w = column.to_vec();
                projection.remove(&mut w); // a column of W_k = (I − QQᵀ) F_k
                let g = projection.inverse[a * m + i];
                r -= w[i] * alpha[a] + g * dot(&w, y);
                h += 2.0 * w[i] * g;
            }
            residual_slope.push(r);
            leverage_slope.push(h);
        }
        Self { residual: projection.residual(y)[i], leverage, residual_slope, leverage_slope }
    }
}

/// ∇l_s at one θ for every sample (row s: d numbers), what ∂_c ∇L is m times of at weight 1: with projected amplitudes of their total
/// derivative, whatever gradient the model declares.
pub fn pulls(model: &dyn SampleModel, theta: &[f64]) -> Vec<Vec<f64>> {
    let (d, m) = (theta.len(), model.samples());
    if let Some((regression, projection)) = model.regression().and_then(|r| Some((r, r.projection(theta)?))) {
        let y = regression.targets();
        let pull = |s: usize| {
            let one = Influence::of(&projection, y, s);
            one.residual_slope.iter().map(|slope| 2.0 * regression.weight() * one.residual * slope).collect()
        };
        return (0..m).map(pull).collect();
    }
    let mut all = vec![0.0; d * m];
    model.sample_gradients(theta, &mut all);
    (0..m).map(|s| (0..d).map(|k| all[k * m + s]).collect()).collect()
}

impl Model for WeightedSample {
    fn dimension(&self) -> usize {
        self.model.dimension()
    }

    fn loss(&self, points: &[f64], loss: &mut [f64]) {
        let (d, m, s) = (self.dimension(), self.model.samples(), 1.0 - self.weight);
        let n = points.len() / d;
        self.model.loss(points, loss);
        if s == 0.0 {
            return;
        }
        for (i, loss) in loss.iter_mut().enumerate() {
            let theta: Vec<f64> = (0..d).map(|k| points[k * n + i]).collect();
            *loss -= match self.projection(&theta) {
                Some((projection, kappa)) => {
                    let y = self.model.regression().map_or(&[][..], |r| r.targets());
                    let one = Influence::of(&projection, y, self.sample);
                    kappa * s * one.residual.powi(2) / (1.0 - s * one.leverage) / m as f64
                }
                None => {
                    let mut all = vec![0.0; m];
                    self.model.sample_losses(&theta, &mut all);
                    s * all[self.sample] / m as f64
                }
            };
        }
    }

    fn gradient(&self, points: &[f64], gradient: &mut [f64]) {
        let (d, m, s) = (self.dimension(), self.model.samples(), 1.0 - self.weight);
        let n = points.len() / d;
        self.model.gradient(points, gradient);
        if s == 0.0 {
            return;
        }
        for i in 0..n {
            let theta: Vec<f64> = (0..d).map(|k| points[k * n + i]).collect();
            let less: Vec<f64> = match self.projection(&theta) {
                Some((projection, kappa)) => {
                    let y = self.model.regression().map_or(&[][..], |r| r.targets());
                    let one = Influence::of(&projection, y, self.sample);
                    let q = s * one.residual / (1.0 - s * one.leverage);
                    let slopes = one.residual_slope.iter().zip(&one.leverage_slope);
                    slopes.map(|(r, h)| kappa * (2.0 * q * r + q * q * h)).collect()
                }
                None => {
                    let mut own = vec![0.0; d];
                    self.model.batch_gradient(&theta, &[self.sample as u32], &mut own);
                    own.iter().map(|g| s * g).collect()
                }
            };
            (0..d).for_each(|k| gradient[k * n + i] -= less[k] / m as f64);
        }
    }
}
