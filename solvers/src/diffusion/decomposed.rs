//! The noise of minibatches averaged over the noise of the data, or chosen parts of it, as a diffusion matrix.

use super::matrix::Diffusion;
use crate::error::Error;
use crate::gradient_noise::decomposition::{Decomposition, Part, Weights};
use crate::model::Model;
use crate::model::data::Teacher;

/// D(θ) = E_ε of the minibatch covariance, or the sum of some of its parts; see [`crate::gradient_noise::decomposition`].
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposed {
    decomposition: Decomposition,
    parts: Vec<Part>,
}

impl Decomposed {
    /// The decomposition for a model whose data a teacher made; D is the sum of `parts`.
    ///
    /// # Errors
    /// As for [`Decomposition::of_teacher`]; no part.
    pub fn new(model: &dyn Model, teacher: &Teacher, parts: &[Part], weights: Weights) -> Result<Self, Error> {
        let decomposition = Decomposition::of_teacher(model, teacher, weights)?;
        if parts.is_empty() {
            return Err(Error::invalid("the decomposed noise has no parts", "name at least one part"));
        }
        Ok(Self { decomposition, parts: parts.to_vec() })
    }
}

impl Diffusion for Decomposed {
    fn diffusion(&self, model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        let values = self.decomposition.parts(model, points);
        diffusion.fill(0.0);
        for &part in &self.parts {
            diffusion.iter_mut().zip(&values[part as usize]).for_each(|(d, v)| *d += v);
        }
    }
}
