//! Gradient descent with a noise, as drift and diffusion in the Itô sense.

use std::sync::Arc;

use super::interpretation::Interpretation;
use crate::diffusion::Diffusion;
use crate::model::Model;
use crate::numerics::symmetric::packed_index;
use crate::problem::dynamics::Dynamics;

/// dθ = −∇L dt + √(2T) S ⋆ dW with S Sᵀ = D(θ) + floor·I, converted to Itô.
#[derive(Clone)]
pub struct GradientDynamics {
    model: Arc<dyn Model>,
    noise: Arc<dyn Diffusion>,
    floor: f64,
    interpretation: Interpretation,
    temperature: f64,
    lengths: Vec<f64>,
}

impl GradientDynamics {
    /// The Itô dynamics of a model (drift −∇L, or the model's drift) and a noise.
    pub fn new(model: Arc<dyn Model>, noise: Arc<dyn Diffusion>) -> Self {
        let lengths = vec![1.0; model.dimension()];
        Self { model, noise, floor: 0.0, interpretation: Interpretation::Ito, temperature: 0.0, lengths }
    }

    /// Adds floor·I to D.
    pub fn with_floor(mut self, floor: f64) -> Self {
        self.floor = floor;
        self
    }

    /// Reads the noise in another sense; the conversion to Itô needs the temperature T, and where D has no derivatives of its
    /// own the lengths (d) on which differences are based (see [`crate::problem::dynamics::lengths`]).
    pub fn with_interpretation(mut self, interpretation: Interpretation, temperature: f64, lengths: &[f64]) -> Self {
        self.interpretation = interpretation;
        self.temperature = temperature;
        self.lengths = lengths.to_vec();
        self
    }
}

/// D + floor·I, as a noise of its own, so that the conversion sees the floor too.
struct Floored<'a> {
    noise: &'a dyn Diffusion,
    floor: f64,
}

impl Diffusion for Floored<'_> {
    fn diffusion(&self, model: &dyn Model, points: &[f64], diffusion: &mut [f64]) {
        self.noise.diffusion(model, points, diffusion);
        add_floor(model.dimension(), self.floor, diffusion);
    }

    fn divergence(&self, model: &dyn Model, points: &[f64], lengths: &[f64], divergence: &mut [f64]) {
        self.noise.divergence(model, points, lengths, divergence);
    }

    fn derivatives(&self, model: &dyn Model, points: &[f64], lengths: &[f64]) -> Vec<f64> {
        self.noise.derivatives(model, points, lengths)
    }
}

fn add_floor(d: usize, floor: f64, diffusion: &mut [f64]) {
    let n = diffusion.len() / (d * (d + 1) / 2);
    if floor != 0.0 {
        for k in 0..d {
            let c = packed_index(d, k, k);
            diffusion[c * n..(c + 1) * n].iter_mut().for_each(|x| *x += floor);
        }
    }
}

impl Dynamics for GradientDynamics {
    fn dimension(&self) -> usize {
        self.model.dimension()
    }

    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        self.noise.gradient_diffusion(&*self.model, points, drift, diffusion);
        drift.iter_mut().for_each(|g| *g = -*g);
        add_floor(self.dimension(), self.floor, diffusion);
        let floored = Floored { noise: &*self.noise, floor: self.floor };
        self.interpretation.convert(&floored, &*self.model, points, &self.lengths, self.temperature, drift);
    }

    fn floor(&self) -> f64 {
        self.floor
    }

    fn potential(&self, points: &[f64], potential: &mut [f64], rest: &mut [f64]) -> bool {
        if !self.model.has_loss() {
            return false;
        }
        self.model.loss(points, potential);
        rest.fill(0.0);
        let floored = Floored { noise: &*self.noise, floor: self.floor };
        self.interpretation.convert(&floored, &*self.model, points, &self.lengths, self.temperature, rest);
        true
    }

    fn potential_cost(&self) -> usize {
        self.model.sample_count().max(1)
    }

    fn diffusion_divergence(&self, points: &[f64], lengths: &[f64], divergence: &mut [f64]) {
        self.noise.divergence(&*self.model, points, lengths, divergence);
    }
}
