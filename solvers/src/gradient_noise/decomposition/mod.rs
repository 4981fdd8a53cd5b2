//! The noise of minibatches decomposed, for squared losses l_s = κ (y_s − h_s)² and data y = μ + ε, Var ε = σ².
//!
//! D depends on the data: with r the residuals and a_k = −∂_k r, g = −2κ r a. Its mean over ε is split into
//!
//! ```text
//! exploration     (4κ²/m)  Σ r r a aᵀ            of the data without noise, y = μ: what the model misses
//! mean-gradient  −(4κ²/m²) (Σ r a)(Σ r a)ᵀ       of the data without noise: minus the square of the mean gradient
//! intrinsic       E_ε[D] − the two               what the noise of the data adds
//! ```
//!
//! Predictions h(θ) that do not depend on the data give, with Δ = μ − h and φ = ∇h, for any law of ε,
//!
//! ```text
//! E_ε[D] = (4κ²/m) { σ²(1 − 1/m) Σ φφᵀ  +  Σ Δ²φφᵀ  −  (1/m)(Σ Δφ)(Σ Δφ)ᵀ }
//!                        intrinsic         exploration       mean-gradient
//! ```
//!
//! Projected amplitudes α̂ = Φ⁺y follow the data; r and a are then linear in y, D is a quartic polynomial of it, and the mean
//! over Gaussian ε is exact by the theorem of Isserlis (1918).
//!
//! At a *trained* θ̂(ε), a least-squares fit of the same data, the residuals are smaller: the intrinsic weight becomes
//! σ²(1 − h_ss) per sample with the leverages h_ss of all fitted parameters, Δ its part orthogonal to them, and the mean
//! gradient vanishes. Exact for a linear model, else of first order in ε.
//!
//! Without a teacher, μ is unknown but y is there. The mean over ε of a polynomial is e^{σ²∇²/2}, so e^{−σ²∇²/2} of D at y is an
//! unbiased *estimate* of D at μ: the same formulas with −σ² around y. The estimates add up to the D of these data exactly.

use super::residual_moments::Moments;
use crate::error::{Error, Setting};
use crate::model::data::Teacher;
use crate::model::{Model, Regression};
use crate::numerics::symmetric::packed_len;

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

impl Part {
    /// All parts with their names in records, in the order of [`Decomposition::parts`].
    pub const ALL: [(Part, &'static str); 3] =
        [(Self::Intrinsic, "intrinsic"), (Self::Exploration, "exploration"), (Self::MeanGradient, "mean_gradient")];
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

/// The decomposition of the noise of a regression.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    targets: Vec<f64>, // μ of a teacher: h* and the shift of an outlier; y where it is an estimate
    variance: f64,
    estimated: bool,
    weights: Weights,
}

impl Decomposition {
    /// The decomposition of E_ε D for data whose teacher is known.
    ///
    /// # Errors
    /// A model that is no regression ([`Model::regression`]) of the teacher's column `y`; a teacher of other data.
    pub fn of_teacher(model: &dyn Model, teacher: &Teacher, weights: Weights) -> Result<Self, Error> {
        let regression = regression(model)?;
        let samples = regression.targets().len();
        if teacher.truth.len() != samples {
            return Err(Error::invalid(
                format!("the teacher has {} samples, the model {samples}", teacher.truth.len()),
                "use the data of the teacher",
            ));
        }
        if regression.target() != "y" {
            return Err(Error::invalid(
                format!("the model fits the column `{}`, but the noise of the teacher is in `y`", regression.target()),
                "write the sample loss as a square of y minus a prediction, for example (y - tanh(w*x))^2",
            ));
        }
        Ok(Self { targets: teacher.mean(), variance: teacher.noise_std.powi(2), estimated: false, weights })
    }

    /// Estimates of the parts of D on these data, for noise of the given variance σ².
    ///
    /// # Errors
    /// A model that is no regression; a variance that is negative or not finite.
    pub fn estimated(model: &dyn Model, variance: f64, weights: Weights) -> Result<Self, Error> {
        let regression = regression(model)?;
        if !(variance >= 0.0 && variance.is_finite()) {
            return Err(Error::invalid(format!("the noise of the data has the variance {variance}"), "give σ² ≥ 0"));
        }
        Ok(Self { targets: regression.targets().to_vec(), variance, estimated: true, weights })
    }

    /// The variance of the noise that the residuals at a best fit show: m L/(κ (m − p)) with p fitted numbers.
    ///
    /// # Errors
    /// A model that is no regression, or one with as many parameters as samples.
    pub fn residual_variance(model: &dyn Model, loss: f64) -> Result<f64, Error> {
        let regression = regression(model)?;
        let m = regression.targets().len();
        match m.checked_sub(regression.parameters()).filter(|&free| free > 0) {
            Some(free) => Ok(m as f64 * loss / (regression.weight() * free as f64)),
            None => Err(Error::invalid(
                format!(
                    "{} parameters fit {m} samples: no residual is left to estimate noise",
                    regression.parameters()
                ),
                "give more samples than parameters",
            )),
        }
    }

    /// σ² of the data's noise.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// Whether these are estimates (no teacher).
    pub fn is_estimate(&self) -> bool {
        self.estimated
    }

    /// Whether θ counts as fitted to these data.
    pub fn weights(&self) -> Weights {
        self.weights
    }

    /// Intrinsic, exploration and mean-gradient part at n points (packed × n each). The model must be the one given at first; NaN
    /// for one that is no regression.
    pub fn parts(&self, model: &dyn Model, points: &[f64]) -> [Vec<f64>; 3] {
        let d = model.dimension();
        let n = points.len() / d;
        let mut out = [0; 3].map(|_| vec![f64::NAN; packed_len(d) * n]);
        let Some(regression) = model.regression() else { return out };
        let m = regression.targets().len();
        let (mut values, mut jacobian) = (vec![0.0; m * n], vec![0.0; d * m * n]);
        let fixed = regression.predictions(points, &mut values, &mut jacobian);
        for p in 0..n {
            let theta: Vec<f64> = (0..d).map(|k| points[k * n + p]).collect();
            let moments = match (fixed, regression.projection(&theta)) {
                (false, Some(projection)) => Moments::projected(&self.targets, &projection),
                _ => {
                    let misfit = (0..m).map(|s| self.targets[s] - values[s * n + p]).collect();
                    Moments::fixed(misfit, (0..d * m).map(|row| jacobian[row * n + p]).collect())
                }
            };
            let scale = regression.weight().powi(2);
            for (to, from) in out.iter_mut().zip(self.split(moments)) {
                from.iter().enumerate().for_each(|(c, v)| to[c * n + p] = scale * v);
            }
        }
        out
    }

    /// The three parts (packed, κ = 1) at one point.
    fn split(&self, moments: Moments) -> [Vec<f64>; 3] {
        let v = self.variance;
        if self.weights == Weights::Trained {
            let (exploration, intrinsic, mean) = moments.trained(v);
            let bias = if self.estimated { &intrinsic } else { &vec![0.0; intrinsic.len()] };
            let exploration = exploration.iter().zip(bias).map(|(e, i)| e - i).collect();
            return [intrinsic, exploration, mean.iter().map(|g| -g).collect()];
        }
        let (square, mean) = moments.noise_free();
        let (square_more, mean_more) = moments.added(if self.estimated { -v } else { v });
        let zip = |a: &[f64], b: &[f64], f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
        };
        match self.estimated {
            false => {
                let intrinsic = zip(&square_more, &mean_more, &|s, g| s - g);
                [intrinsic, square, mean.iter().map(|g| -g).collect()]
            }
            true => {
                let intrinsic = zip(&square_more, &mean_more, &|s, g| g - s);
                [intrinsic, zip(&square, &square_more, &|a, b| a + b), zip(&mean, &mean_more, &|a, b| -a - b)]
            }
        }
    }
}

fn regression(model: &dyn Model) -> Result<&dyn Regression, Error> {
    model.regression().ok_or_else(|| {
        Error::invalid(
            "the noise cannot be taken apart: the losses of this model are not squares of a residual",
            "use a tanh regression, or write the loss of a sample as a square with a data column, for example (y - tanh(w*x))^2",
        ).set_by(&[Setting::Model])
    })
}

#[cfg(test)]
mod tests;
