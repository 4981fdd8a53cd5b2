//! Losses L(θ; c) with a parameter c.

use std::sync::Arc;

use crate::error::Error;
use crate::model::{Model, WeightedSample};

/// A loss with a parameter.
pub trait Family: Send + Sync {
    /// The loss at c. Errors: there is none for this value.
    fn at(&self, value: f64) -> Result<Arc<dyn Model>, Error>;

    /// The fitted function at one θ and c for these inputs; None where there is none.
    fn fitted(&self, value: f64, theta: &[f64], inputs: &[f64]) -> Option<Vec<f64>> {
        self.at(value).ok()?.regression()?.fitted(theta, inputs)
    }
}

/// c is the weight of one sample: 1 as all others, 0 without it.
#[derive(Clone)]
pub struct SampleWeight {
    /// The model with all its samples.
    pub model: Arc<dyn Model>,
    /// The sample, from 0.
    pub sample: usize,
}

impl Family for SampleWeight {
    fn at(&self, value: f64) -> Result<Arc<dyn Model>, Error> {
        Ok(Arc::new(WeightedSample::new(Arc::clone(&self.model), self.sample, value)?))
    }

    fn fitted(&self, value: f64, theta: &[f64], inputs: &[f64]) -> Option<Vec<f64>> {
        WeightedSample::new(Arc::clone(&self.model), self.sample, value).ok()?.fitted(theta, inputs)
    }
}
