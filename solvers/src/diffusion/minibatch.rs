//! The noise of minibatches: D = covariance of the per-sample gradients, divisor m.

use super::matrix::Diffusion;
use crate::Error;
use crate::fault::{Fault, planted};
use crate::model::Model;
use crate::numerics::symmetric::packed_index;

/// D(θ) = (1/m) Σ g_s g_sᵀ − ∇L ∇Lᵀ, found together with ∇L in one pass over the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minibatch(());

impl Minibatch {
    /// The noise of the batches of a model.
    ///
    /// Errors: a model without samples.
    pub fn new(model: &dyn Model) -> Result<Self, Error> {
        let refusal = || {
            Error::invalid(
                "the noise of minibatches is the covariance of per-sample gradients, and the model has no samples",
                "give a model with data, or another noise",
            )
        };
        model.data().map(|_| Self(())).ok_or_else(refusal)
    }
}

impl Diffusion for Minibatch {
    fn diffusion(&self, model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        self.gradient_diffusion(model, points, &mut vec![0.0; points.len()], diffusion);
    }

    /// NaN for a model without samples, which is another one than the noise was made for.
    fn gradient_diffusion(&self, model: &dyn Model, points: &[f64], gradient: &mut [f64], diffusion: &mut [f64]) {
        match model.data() {
            Some(data) => {
                data.gradient_covariance(points, gradient, diffusion);
                if planted(Fault::SecondMoment) {
                    add_square(model.dimension(), gradient, diffusion);
                }
            }
            None => {
                model.gradient(points, gradient);
                diffusion.fill(f64::NAN);
            }
        }
    }
}

/// D + g gᵀ.
fn add_square(d: usize, gradient: &[f64], diffusion: &mut [f64]) {
    let n = gradient.len() / d;
    for (row, column) in (0..d).flat_map(|row| (row..d).map(move |column| (row, column))) {
        let c = packed_index(d, row, column);
        (0..n).for_each(|i| diffusion[c * n + i] += gradient[row * n + i] * gradient[column * n + i]);
    }
}
