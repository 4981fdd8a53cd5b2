//! Where probability leaves at absorbing walls: weights for the inner products, and the quasi-stationary density.

use crate::Error;
use crate::engine::{Interrupt, Spectrum};
use crate::fokker_planck::integrator::system::System;
use crate::fokker_planck::quasi_stationary::slowest_decay;

/// Weights of the inner product, Σ = 1: those that make the generator symmetric where there are any (exits do not matter), else the
/// quasi-stationary law. Errors: cells that have no way out, no convergence, [`Error::Interrupted`].
pub fn weights(system: &System, interrupt: Interrupt) -> Result<Vec<f64>, Error> {
    if let Some(log) = system.symmetric() {
        let top = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut pi: Vec<f64> = log.iter().map(|l| (l - top).exp()).collect();
        let sum: f64 = pi.iter().sum();
        pi.iter_mut().for_each(|p| *p /= sum);
        return Ok(pi);
    }
    let solver = system.linear().factor(0.0, 1.0, interrupt)?;
    let mut nu = vec![1.0 / system.generator().cells() as f64; system.generator().cells()];
    slowest_decay(solver.as_ref(), &mut nu, interrupt)?;
    Ok(nu)
}

/// Scales the first pair of vectors so that the left one, the quasi-stationary law, has mass 1; ⟨u, v⟩ stays 1.
pub fn first_left_of_mass_1(mut modes: Spectrum) -> Spectrum {
    if let (Some(left), Some(right)) = (modes.left.first_mut(), modes.right.first_mut()) {
        let mass: f64 = left.iter().sum();
        left.iter_mut().for_each(|v| *v /= mass);
        right.iter_mut().for_each(|u| *u *= mass);
    }
    modes
}
