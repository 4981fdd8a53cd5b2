//! Joint descent on θ and the amplitudes α that a projected model solves for: α' = α − η_α ∂_α l, θ by the optimizer, both with the
//! gradients of the same batch at the same (α, θ).
//!
//! Where α is fast, η_α ≫ η with η_α times the curvature in α below 1, α follows α̂(θ) and what it lags behind turns the noise of θ into
//! that of l_i(θ) = r_i(θ)²: the per-sample gradient `total` of the projected model.

use std::sync::Arc;

use super::optimizer::plain::descend;
use super::optimizer::{Gradient, Optimizer};
use crate::ensemble::{BLOCK, Block};
use crate::error::{Error, Setting};
use crate::model::{Model, ProjectedModel};

/// The amplitudes' side of joint descent; they stand at the end of a block's memory.
pub(super) struct Joint {
    rate: f64,
    model: Arc<dyn ProjectedModel>,
}

impl Joint {
    /// Errors: a rate that is not positive, a model that solves for nothing, an optimizer that takes no single batch.
    pub fn new(model: &dyn Model, optimizer: &dyn Optimizer, rate: f64) -> Result<Self, Error> {
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(Error::invalid(
                format!("the rate of the amplitudes, {rate}, is not positive"),
                "write a positive number",
            )
            .set_by(&[Setting::AmplitudeRate]));
        }
        let model = model.projected().ok_or_else(|| {
            Error::invalid(
                "joint descent needs amplitudes that the model solves for",
                "have the amplitudes projected, do without importance sampling, or leave out the rate of the amplitudes",
            ).set_by(&[Setting::Amplitudes, Setting::Importance, Setting::AmplitudeRate])
        })?;
        if optimizer.gradient() != Gradient::Batch {
            return Err(Error::invalid(
                "joint descent takes one batch a step",
                "take the optimizer \"sgd\", or leave out the rate of the amplitudes",
            )
            .set_by(&[Setting::Optimizer, Setting::AmplitudeRate]));
        }
        Ok(Self { rate, model })
    }

    /// Learning rate η_α.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// α̂ on all data at the walkers of a block.
    pub fn start(&self, points: &[f64]) -> Vec<f64> {
        let mut values = vec![0.0; self.model.parameters() * BLOCK];
        self.model.solve(points, &mut values);
        values
    }

    /// The gradient in θ of a batch at the block's positions and amplitudes; the amplitudes take their step.
    pub fn gradient(&self, block: &mut Block, batch: &[u32], gradient: &mut [f64]) {
        let at = block.memory.len() - self.model.parameters() * BLOCK;
        let values = &mut block.memory[at..];
        let mut slope = vec![0.0; values.len()];
        self.model.joint_gradient(&block.points, values, batch, gradient, &mut slope);
        descend(self.rate, &slope, values);
    }
}
