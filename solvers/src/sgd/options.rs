//! What a scenario says about descent step by step.

use super::joint::Joint;
use super::optimizer::{self, Optimizer};
use crate::error::{Error, Setting};
use crate::model::Model;

/// What a scenario says about the SGD engine.
#[derive(Debug, Clone, PartialEq)]
pub struct SgdOptions {
    /// Number of walkers N.
    pub walkers: usize,
    /// Name of an optimizer of [`optimizer::OPTIMIZERS`].
    pub optimizer: String,
    /// Its parameters by name; those left out have their defaults.
    pub parameters: Vec<(String, f64)>,
    /// Learning rate of the amplitudes in joint descent on them and θ; None: solved for at every θ.
    pub amplitude_rate: Option<f64>,
    /// Number of walkers whose positions are kept, at the output times and in between (see [`crate::ensemble::Trajectories`]).
    pub trajectories: usize,
}

impl SgdOptions {
    /// Whether joint descent, if asked for, is possible with this model. Errors: a rate that is not
    /// positive, a model that solves for nothing, an optimizer that takes no single batch.
    pub fn check_joint(&self, model: &dyn Model) -> Result<(), Error> {
        match self.amplitude_rate {
            Some(rate) => Joint::new(model, &*self.build()?, rate).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Whether a floor of the noise can be injected: only plain SGD says where it enters a step. Errors: a floor above 0 beside
    /// another optimizer.
    pub fn check_floor(&self, floor: f64) -> Result<(), Error> {
        if floor == 0.0 || self.optimizer == optimizer::OPTIMIZERS[0].name {
            return Ok(());
        }
        Err(Error::invalid(
            format!("the floor {floor} of the noise cannot be injected into the optimizer {}", self.optimizer),
            "take plain sgd, leave sgd out of the engines, or remove the floor",
        )
        .set_by(&[Setting::NoiseFloor, Setting::Optimizer]))
    }

    /// The optimizer of the options. Errors: no such optimizer or parameter, a value out of range.
    pub fn build(&self) -> Result<Box<dyn Optimizer>, Error> {
        Ok(optimizer::build(&self.optimizer, &self.parameters)?.0)
    }
}

impl Default for SgdOptions {
    fn default() -> Self {
        Self {
            walkers: 100_000,
            optimizer: optimizer::OPTIMIZERS[0].name.to_string(),
            parameters: Vec::new(),
            amplitude_rate: None,
            trajectories: 0,
        }
    }
}
